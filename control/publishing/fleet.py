"""Which edges there are and what each runs, from the leases in Redis. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from shared.wire import TAG, Head, Lease, Malformed, Version, decode_lease

_PREFIX = f"{TAG}edge:"
_REMEMBERED: Final = 8192
"""Leases that are read once: while an edit is on its way all are looked at every few ms, and few have changed."""


class EdgeState(StrEnum):
    """What is known of one edge and one sequence."""

    LIVE = "live"  # every worker has it
    PENDING = "pending"  # heard from, not there yet
    REFUSED = "refused"  # a worker would not serve it and says why
    UNKNOWN = "unknown"  # a lease has lapsed: it may serve something older


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one edge did not take one key."""

    edge: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Edge:
    """One host: the leases of its workers that hold, and the slots whose leases have lapsed."""

    host: str
    leases: tuple[Lease, ...]
    lapsed: tuple[int, ...] = ()

    @property
    def workers(self) -> int:
        """How many workers it runs, as its youngest says; 0 when none is heard."""
        return max(self.leases, key=lambda lease: lease.started_at).workers if self.leases else 0

    @property
    def heard(self) -> tuple[Lease, ...]:
        """Leases of the slots that it runs now; a start with fewer workers leaves others behind for a while."""
        workers = self.workers
        return tuple(lease for lease in self.leases if lease.slot < workers)

    @property
    def geo_built_at(self) -> int | None:
        """When the oldest of its workers' country databases was built, in seconds since 1970; None where none says."""
        return min((lease.geo_built_at for lease in self.heard if lease.geo_built_at), default=None)

    def refusals(self, version: Version) -> list[Refusal]:
        """Return what its workers refused of the transaction `version`, each key once."""
        mine = [lease for lease in self.heard if lease.epoch == version.epoch]
        nacks = [nack for lease in mine for nack in lease.nacks if nack.sequence == version.sequence]
        return list(dict.fromkeys(Refusal(self.host, nack.key, nack.reason) for nack in nacks))

    def state(self, version: Version) -> EdgeState:
        """Return how the edge stands to `version`."""
        heard = self.heard
        if not heard or self.lapsed:
            return EdgeState.UNKNOWN
        if self.refusals(version):
            return EdgeState.REFUSED
        has_it = all(lease.epoch == version.epoch and lease.acked >= version.sequence for lease in heard)
        return EdgeState.LIVE if has_it and len(heard) == self.workers else EdgeState.PENDING


Fleet = tuple[Edge, ...]


class Leases(NamedTuple):
    """Every lease ever written by its name, what it holds, None where it has lapsed; and the head of that moment."""

    head: Head | None
    by_name: Mapping[str, bytes | None]


def fleet_of(leases: Leases) -> Fleet:
    """Return the edges behind `leases`, by host.

    A lease that this version cannot read counts as lapsed: nothing can be said of that worker. One that has more than
    Redis has is of a past that was taken back, and counts as having nothing of what is published now.
    """
    held: dict[str, list[Lease]] = defaultdict(list)
    silent: dict[str, list[int]] = defaultdict(list)
    for name, raw in leases.by_name.items():
        place = place_of(name)
        if place is None:
            continue
        host, slot = place
        lease = lease_in(raw)
        if lease is None:
            silent[host].append(slot)
        elif leases.head is not None and _acked(lease) > leases.head.version:
            held[host].append(replace(lease, acked=0))
        else:
            held[host].append(lease)
    return tuple(_edge(host, held[host], silent[host]) for host in sorted({*held, *silent}))


def newest_ack(leases: Leases) -> Version:
    """Return the highest version that any worker has acknowledged, (0, 0) where none is heard."""
    heard = [lease for raw in leases.by_name.values() if (lease := lease_in(raw)) is not None]
    return max(map(_acked, heard), default=Version(0, 0))


def newest_fork(leases: Leases) -> int:
    """Return the newest epoch in which a worker has found another history than its own, 0 where none has."""
    heard = [lease for raw in leases.by_name.values() if (lease := lease_in(raw)) is not None]
    return max((lease.forked for lease in heard), default=0)


def _acked(lease: Lease) -> Version:
    return Version(lease.epoch, lease.acked)


def place_of(name: str) -> tuple[str, int] | None:
    """Return host and slot of a lease's name, None where it is none."""
    host, _, slot = name.removeprefix(_PREFIX).rpartition("/")
    return (host, int(slot)) if name.startswith(_PREFIX) and host and slot.isdecimal() else None


@lru_cache(_REMEMBERED)
def lease_in(raw: bytes | None) -> Lease | None:
    """Return the lease that Redis holds, None where it has lapsed or is not one that this version can read."""
    if raw is None:
        return None
    try:
        lease = decode_lease(raw)
    except Malformed:
        return None
    counts = (lease.slot, lease.workers, lease.epoch, lease.acked, lease.started_at)
    return lease if all(type(count) is int for count in counts) else None


def _edge(host: str, leases: Iterable[Lease], silent: Iterable[int]) -> Edge:
    """Return the edge; slots beyond those it runs now are left over from before, not lapsed."""
    edge = Edge(host, tuple(sorted(leases, key=lambda lease: lease.slot)))
    lapsed = sorted(slot for slot in silent if not edge.leases or slot < edge.workers)
    return Edge(host, edge.leases, tuple(lapsed))
