"""Pages of the log on their way to the head: kept until they reach it, then applied in one step."""

from collections.abc import Callable
from typing import Final

from edge.rules.floors import NEVER
from edge.rules.replies import Page
from shared.wire import Announcement, Head, Version

MAX_STAGED_BYTES: Final = 16 * 1024 * 1024
"""More than this is not caught up with but read again: memory stays bounded however long the silence was."""


Keep = Callable[[str, bytes | None], bool]


class CatchUp:
    """What the pages read so far say; `reached` is their end, `values` the newest of each key that matters."""

    def __init__(self) -> None:
        self.reached = NEVER
        self.values: dict[str, bytes | None] = {}
        self._bytes = 0

    @property
    def under_way(self) -> bool:
        """Whether pages wait for others."""
        return bool(self.reached.epoch)

    def reset(self) -> None:
        """Forget all pages."""
        self.reached = NEVER
        self.values = {}
        self._bytes = 0

    def extend(self, page: Page, head: Head, heard: Version, keep: Keep) -> list[Announcement] | None:
        """Add a page; return its news, or None where the log no longer tells all that changed after `heard`."""
        if self.reached < heard:
            self.reset()
            self.reached = heard
        news = page.after(self.reached)
        if news is None or (not news and head.version > self.reached):
            return None
        for key in page.values:  # what an earlier page said of them no longer holds
            self.values.pop(key, None)
        kept = {key: raw for key, raw in page.values.items() if keep(key, raw)}
        self._bytes += sum(len(raw) for raw in kept.values() if raw)
        self.values |= kept
        if news:
            self.reached = Version(news[-1].epoch, news[-1].sequence)
        return None if self._bytes > MAX_STAGED_BYTES else news
