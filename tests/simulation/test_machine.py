"""The same world driven by Hypothesis, which shrinks what it breaks to the few steps that matter."""

from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.simulation.world import KEYS, World

PLACES = st.integers(0, 8)


class Machine(RuleBasedStateMachine):
    """Every rule is one thing that happens; `World` checks the invariants after each."""

    world: World

    @initialize(seed=st.integers(0, 2**32), max_links=st.sampled_from((1, 3, 9)), max_floors=st.sampled_from((1, 4)))
    def start(self, seed: int, max_links: int, max_floors: int) -> None:
        self.world = World(Random(seed), max_links=max_links, max_floors=max_floors)
        self.world.connect()

    @rule(key=st.sampled_from(KEYS))
    def click(self, key: object) -> None:
        self.world.click(key)  # type: ignore[arg-type]

    @rule()
    def commit(self) -> None:
        self.world.commit()

    @rule()
    def publish(self) -> None:
        self.world.publish()

    @precondition(lambda self: self.world.inbox)
    @rule(place=PLACES, keep=st.booleans())
    def deliver(self, place: int, keep: bool) -> None:
        self.world.deliver(place=place, keep=keep)

    @precondition(lambda self: self.world.inbox)
    @rule()
    def lose(self) -> None:
        self.world.lose()

    @precondition(lambda self: self.world.errands)
    @rule(place=PLACES, lagging=st.booleans())
    def execute(self, place: int, lagging: bool) -> None:
        self.world.execute(place, lagging=lagging)

    @precondition(lambda self: self.world.replies)
    @rule(place=PLACES)
    def arrive(self, place: int) -> None:
        self.world.arrive(place)

    @precondition(lambda self: self.world.errands)
    @rule(place=PLACES)
    def fail(self, place: int) -> None:
        self.world.fail(place)

    @rule()
    def poll(self) -> None:
        self.world.poll()

    @rule()
    def tick(self) -> None:
        self.world.tick()

    @rule()
    def connect(self) -> None:
        self.world.connect()

    @rule()
    def disconnect(self) -> None:
        self.world.disconnect()

    @rule(killed=st.booleans())
    def restart(self, killed: bool) -> None:
        self.world.restart(killed=killed)

    @rule()
    def keep(self) -> None:
        self.world.keep()

    @rule(
        fault=st.sampled_from(
            ("flush", "back_up", "roll_back", "lag", "trim", "corrupt", "restore_sql", "restore_both")
        )
    )
    def go_wrong(self, fault: str) -> None:
        getattr(self.world, fault)()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.heal()


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=200,
    stateful_step_count=60,
    suppress_health_check=[HealthCheck.filter_too_much],
    print_blob=True,
)
