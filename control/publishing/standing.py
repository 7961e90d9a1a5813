"""How Redis relates to SQL: at a known point of its chain, to be carried on, or elsewhere, to be rebuilt. Pure."""

from enum import StrEnum
from typing import Final

from control.publishing.outbox import LineagePoint
from shared.wire import Head, Malformed, Version, decode_head


class Standing(StrEnum):
    """What a head means to the publisher; only FITS can be carried on, everything else needs a rebuild."""

    FITS = "fits"
    MISSING = "missing"  # flushed, empty, or not a head at all
    OTHER_EPOCH = "other_epoch"  # SQL was restored, Redis was rolled back behind a rebuild, or a rebuild broke off
    AHEAD = "ahead"  # SQL lost transactions that Redis has
    FORKED = "forked"  # same number, other history: one of the two went back and moved on
    TOO_FAR_BEHIND = "too_far_behind"  # SQL no longer keeps the transactions that Redis lacks
    OUTRUN = "outrun"  # SQL and Redis agree, and an edge has more: both went back to the same point
    SPLIT = "split"  # as OUTRUN, and both have moved on since: an edge has another history of the same numbers


NEVER: Final = Version(0, 0)


def standing(
    head: Head | None,
    lineage: LineagePoint,
    hash_at_head: str | None,
    newest_ack: Version = NEVER,
    newest_fork: int = 0,
) -> Standing:
    """Return how `head` relates to `lineage`; `hash_at_head` is SQL's at the head's sequence, None if not kept.

    `newest_ack` is the highest that any edge had acknowledged before the lineage was read, `newest_fork` the highest
    epoch in which an edge had another history.
    """
    if head is None:
        return Standing.MISSING
    if head.epoch != lineage.epoch:
        return Standing.OTHER_EPOCH
    if head.sequence > lineage.sequence:
        return Standing.AHEAD
    if hash_at_head is None:
        return Standing.TOO_FAR_BEHIND
    if hash_at_head != head.hash:
        return Standing.FORKED
    return _at_edges(lineage, newest_ack, newest_fork)


def _at_edges(lineage: LineagePoint, newest_ack: Version, newest_fork: int) -> Standing:
    """Return how SQL and Redis, which agree, relate to what edges have."""
    if newest_fork >= lineage.epoch > 0:
        return Standing.SPLIT
    return Standing.OUTRUN if newest_ack > Version(lineage.epoch, lineage.sequence) else Standing.FITS


def head_in(raw: bytes | None) -> Head | None:
    """Return the head that Redis holds; what cannot be read counts as missing, and so is rebuilt."""
    if raw is None:
        return None
    try:
        return decode_head(raw)
    except Malformed:
        return None
