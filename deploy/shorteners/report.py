"""What a move does, or would do, as lines to read: first what cannot be imported, last the sum."""

from collections.abc import Iterator
from typing import Final

from deploy.changes import lines_of
from deploy.shorteners.document import TAGS
from deploy.shorteners.moving import Move

_ONE_BY_ONE: Final = ("rules", "rules that match nobody", "limits of visits", "beginnings")
"""What changes where visitors go: told of each short URL."""


def lines(move: Move, *, planned: bool) -> Iterator[str]:
    """Yield the report of a plan or of what was done."""
    for fault in move.faults:
        yield f"! entry {fault.number} ({fault.short_url}): {fault.why}"
    for url in move.urls:
        for left in url.left:
            if left.what in _ONE_BY_ONE:
                yield f"- entry {url.number} ({url}): {left.detail}"
    result = {
        "planned": planned,
        "created": move.created,
        "updated": move.updated,
        "unchanged": move.unchanged,
        "changes": move.changes,
    }
    yield from lines_of(result)
    yield from _sums(move)


def _sums(move: Move) -> Iterator[str]:
    kinds = [left.what for url in move.urls for left in url.left]
    for what in dict.fromkeys(kinds):
        yield f"Left behind: {what} of {kinds.count(what)}."
    tagged = sum(bool(url.tags) for url in move.urls)
    if tagged:
        yield f"Tags of {tagged} become {TAGS}, by which clicks can be grouped."
    yield f"{len(move.urls)} short URLs can be imported, {len(move.faults)} cannot."
