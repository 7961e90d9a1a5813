"""What the state machine asks its runner to do."""

from typing import NamedTuple

from edge.rules.cache import Absent, Entry
from shared.key import Key
from shared.wire import Version


class Fetch(NamedTuple):
    """Read a link (script MISSES) and answer with `fetched` or `fetch_failed`; one is under way per key."""

    key: Key


class ReadLog(NamedTuple):
    """Read the log after a version (script PAGE) and answer with `paged` or `page_failed`; one is under way."""

    after: Version


class Reread(NamedTuple):
    """Read some keys (script READ) and answer with `reread` or `reread_failed`; one is under way."""

    keys: tuple[str, ...]


class Answer(NamedTuple):
    """Tell all who wait for `key`; None: Redis could not vouch for anything."""

    key: Key
    found: Entry | Absent | None


class Withdraw(NamedTuple):
    """What the snapshot on disk says of `keys` before `version` must not be served again; no keys: all of it.

    `hash` is the chain's at `version`, "" where it is not known.
    """

    version: Version
    keys: tuple[str, ...]
    hash: str = ""


class Ack(NamedTuple):
    """Nothing older than `version` is served any more, and what was withdrawn before this effect is off the disk."""

    version: Version


Effect = Fetch | ReadLog | Reread | Answer | Withdraw | Ack
