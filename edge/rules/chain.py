"""Which history was heard: the chain's hash at two versions, which everything that comes later must fit.

Sequences say how far a history goes, and not which one it is. SQL and Redis may both be put back to an older backup and
go on from there: to a worker that was cut off meanwhile the new history then looks like a continuation of the one it
has. Every transaction names the hash before and after it; so where it says otherwise than what was heard, it is none.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from edge.rules.floors import NEVER
from shared.wire import Announcement, Head, Version


class Link(NamedTuple):
    """The hash after everything up to a version; "" where it is not known, which fits everything."""

    version: Version
    hash: str


UNKNOWN: Final = Link(NEVER, "")


class Chain:
    """Hashes at what was heard, and at the newest that is known of: a snapshot is newer in parts, a log is read on."""

    def __init__(self) -> None:
        self.heard = UNKNOWN
        self.newest = UNKNOWN

    def moved(self, heard: Link) -> None:
        """Note up to where everything was heard."""
        self.heard = heard
        if heard.version >= self.newest.version:
            self.newest = heard

    def heard_of(self, link: Link) -> None:
        """Note a transaction that is known of, and has not taken effect."""
        self.newest = max(self.newest, link)

    def restored(self, heard: Link, newest: Link) -> None:
        """Begin with a snapshot of which nothing is older than `heard`, or newer than `newest`."""
        self.heard, self.newest = heard, max(heard, newest)

    def fits(self, version: Version, digest: str) -> bool:
        """Tell whether a history with this hash at `version` can be the one that was heard."""
        known = (link.hash for link in (self.heard, self.newest) if link.version == version)
        return not digest or all(hash_ in ("", digest) for hash_ in known)

    def leads_to(self, head: Head) -> bool:
        """Tell whether a head can be of the history that was heard."""
        return self.fits(head.version, head.hash)

    def goes_on(self, entries: Iterable[Announcement]) -> bool:
        """Tell whether transactions can be of the history that was heard."""
        return all(
            self.fits(Version(entry.epoch, entry.previous), entry.before)
            and self.fits(Version(entry.epoch, entry.sequence), entry.hash)
            for entry in entries
        )
