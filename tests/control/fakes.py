"""Control without Redis: edges that say what a test wants them to say."""

from redis.exceptions import ConnectionError as NoRedis

from control.publishing.acks import Propagation
from control.publishing.fleet import Fleet
from control.publishing.latency import Latency
from control.publishing.outbox import Appended
from control.publishing.publisher import PublisherStatus


class FakeLive:
    """Counts how often it was told to publish; how far publishes got is always `answer`."""

    def __init__(self) -> None:
        self.published = 0
        self.waited: list[tuple[int, float]] = []
        self.edges: Fleet = ()
        self.reachable = True
        self.answer = Propagation(live=3, of=3, unknown=0, refused=(), ms=41, complete=True)

    async def start(self) -> None:
        """Nothing runs behind."""

    async def stop(self) -> None:
        """Nothing to end."""

    async def publish(self, appended: Appended | None = None) -> None:
        """Count."""
        self.published += 1

    async def propagation(self, sequence: int) -> Propagation:
        """Answer for any sequence."""
        assert sequence > 0
        return self.answer

    async def wait_live(self, sequence: int, timeout_s: float) -> Propagation:
        """Answer at once, remembering how long the caller would have waited."""
        self.waited.append((sequence, timeout_s))
        return self.answer

    async def fleet(self) -> Fleet:
        """The edges of the test, as long as Redis can be reached."""
        if not self.reachable:
            raise NoRedis("refused")
        return self.edges

    def latency(self) -> Latency:
        """Nothing has been measured."""
        return Latency()

    def recent(self) -> list[tuple[int, int]]:
        """Nothing has been measured."""
        return []

    def status(self) -> PublisherStatus:
        """All is well."""
        return PublisherStatus(1, 1, 1, 0, 0.0, False, 0, "")
