"""What Redis answered, as values: a head, published bytes, pages of the log. Parsing refuses nothing loudly.

A head that cannot be read counts as none, and a log entry that cannot be read ends the page before it: both then look
like the loss they are, which the state machine knows how to live with.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shared import wire
from shared.wire import Announcement, Head, Malformed, Version


class Miss(NamedTuple):
    """One link read atomically: head, its pointer, and the table of the offer that the pointer names."""

    head: Head | None
    pointer: bytes | None
    table: bytes | None


class Reading(NamedTuple):
    """Some keys read atomically with the head; None where nothing is stored."""

    head: Head | None
    values: Mapping[str, bytes | None]


class Page(NamedTuple):
    """Entries of the log after a sequence, the head, and the present values of all keys that the entries name.

    `values` also holds the tables of the offers that named pointers point at.
    """

    head: Head | None
    entries: tuple[Announcement, ...]
    values: Mapping[str, bytes | None]

    def after(self, version: Version) -> list[Announcement] | None:
        """Return the entries after `version` where they follow it without a gap, else None."""
        following: list[Announcement] = []
        expected = version.sequence
        for entry in self.entries:
            if entry.sequence <= version.sequence and entry.epoch == version.epoch:
                continue
            if entry.epoch != version.epoch or entry.previous != expected:
                return None
            following.append(entry)
            expected = entry.sequence
        return following


def read_head(raw: bytes | None) -> Head | None:
    """Return the head, None where there is none or it cannot be read."""
    try:
        return None if raw is None else wire.decode_head(raw)
    except Malformed:
        return None


def parse_misses(reply: Sequence[Any]) -> list[Miss]:
    """Return the reply of the script `MISSES`, one for each pointer asked for."""
    head, pointers, places, tables = reply
    found = read_head(head)
    tables = [None, *tables]
    return [Miss(found, pointer, tables[place]) for pointer, place in zip(pointers, places, strict=True)]


def parse_reading(keys: Sequence[str], reply: Sequence[Any]) -> Reading:
    """Return the reply of the script `READ` for `keys`."""
    return Reading(read_head(reply[0]), dict(zip(keys, reply[1:], strict=True)))


def parse_page(reply: Sequence[Any]) -> Page:
    """Return the reply of the script `PAGE`."""
    head, raw_entries, names, values = reply
    entries: list[Announcement] = []
    for raw in raw_entries:
        try:
            entries.append(wire.decode_announcement(raw))
        except Malformed:
            break
    by_key = {_text(name): value for name, value in zip(names, values, strict=True)}
    return Page(read_head(head), tuple(entries), by_key)


def _text(name: bytes | str) -> str:
    return name if isinstance(name, str) else name.decode("utf-8", "replace")
