"""What the click path counts: plain integers, added to without a call, read when somebody asks for metrics."""

from edge.clicks.waits import Waits
from shared.events import KINDS


class Counters:
    """Counts of one worker since it started.

    `clicks` has a place per kind in `shared.events.KINDS`. `responses` counts by status those that are no click:
    errors, answers to HEAD, domain roots; redirects to HEAD and from domain roots are under 302 or 307 there.
    """

    __slots__ = (
        "agents_deferred",
        "agents_read",
        "clicks",
        "connections",
        "countries_read",
        "heads_read",
        "pipelines_yielded",
        "plain",
        "responses",
        "timeouts",
        "waits",
    )

    def __init__(self) -> None:
        self.clicks = [0] * len(KINDS)
        self.responses: dict[int, int] = {}
        self.heads_read = 0
        """Heads that had to be read header by header; the others were known."""
        self.agents_read = 0
        self.agents_deferred = 0
        """Requests put off to the next turn of the loop, because this one had read enough new User-Agents."""
        self.countries_read = 0
        self.plain = 0
        """Requests handed to the Starlette app."""
        self.connections = 0
        """Connections open now."""
        self.timeouts = 0
        """Connections closed for a head that did not come, or a peer that did not read."""
        self.pipelines_yielded = 0
        self.waits = Waits()

    def answered(self, status: int) -> None:
        """Count a response that is no click."""
        self.responses[status] = self.responses.get(status, 0) + 1

    @property
    def redirects(self) -> int:
        """Clicks of all kinds: what must be recorded, on the way or counted as dropped."""
        return sum(self.clicks)
