"""Thousands of random interleavings; each prints its seed when it fails, and replays from it."""

import os
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from tests.simulation.world import KEYS, World

RUNS = int(os.environ.get("TURNOUT_SIMULATION_RUNS", "10000"))
STEPS = 45
SHARDS = 10
WARM = 0.3
"""How many begin with a worker that has caught up: some things happen only to one that has something to lose."""

SOMETIMES = (
    "answered absent",
    "both went back",
    "canary's new side",
    "canary's stable side",
    "catching_up",
    "cold",
    "corrupted",
    "flushed",
    "fork seen",
    "held replies",
    "loading",
    "log trimmed",
    "message lost",
    "nacked",
    "pages staged",
    "question failed",
    "recalled",
    "redis went back",
    "replica lagged",
    "restarted",
    "revalidating",
    "rolled back seen",
    "served",
    "sql went back",
    "stale",
    "synced",
)
"""What must have happened at least once in every shard: a simulation that never gets there proves nothing."""


def step(world: World, random: Random) -> None:
    """Let one thing happen; what is common in life is common here."""
    choices: tuple[tuple[int, Callable[[], None]], ...] = (
        (20, lambda: world.click(random.choice(KEYS))),
        (14, world.execute),
        (6, lambda: world.execute(random.randrange(9))),
        (14, world.arrive),
        (6, lambda: world.arrive(random.randrange(9))),
        (10, world.commit),
        (16, world.publish),
        (12, world.deliver),
        (2, lambda: world.deliver(place=random.randrange(9), keep=random.random() < 0.5)),
        (2, world.lose),
        (6, world.poll),
        (4, world.tick),
        (3, world.connect),
        (1, world.disconnect),
        (3, world.fail),
        (2, world.keep),
        (1, lambda: world.restart(killed=random.random() < 0.7)),
        (1, world.flush),
        (2, world.back_up),
        (2, world.roll_back),
        (2, world.lag),
        (2, lambda: world.execute(random.randrange(9), lagging=True)),
        (1, world.trim),
        (1, world.corrupt),
        (1, world.restore_sql),
        (2, world.restore_both),
    )
    random.choices([do for _, do in choices], [weight for weight, _ in choices])[0]()


def run(seed: int) -> Counter[str]:
    """Run one interleaving, from a cold worker or one in full swing to everything healed; return what was reached."""
    random = Random(seed)
    world = World(random, max_links=random.choice((1, 3, 9)), max_floors=random.choice((1, 4, 50)))
    world.connect()
    if random.random() < WARM:
        world.warm_up()
    for _ in range(STEPS):
        step(world, random)
    world.heal()
    return world.seen


@pytest.mark.parametrize("shard", range(SHARDS))
def test_whatever_happens_in_between_the_worker_keeps_its_promises(shard: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(shard, RUNS, SHARDS):
        try:
            seen += run(seed)
        except AssertionError as exc:
            raise AssertionError(
                f"seed {seed}: {exc}; replay with tests.simulation.test_interleavings.run({seed})"
            ) from exc

    assert [state for state in SOMETIMES if not seen[state]] == []
