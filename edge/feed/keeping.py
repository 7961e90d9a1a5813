"""Keeps the hot set on disk: reads the snapshot at start, asks it when Redis does not answer, writes new ones.

Encoding happens in slices between clicks, writing in a thread. A bad or missing file costs nothing but its links: it is
ignored, loudly, and replaced.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final

import orjson

from edge.feed.snapshot import BadSnapshot, Snapshot, SnapshotWriter
from edge.feed.withdrawals import MAX_KEYS, Withdrawals
from edge.rules.cache import Entry
from edge.rules.chain import Link
from edge.rules.effects import Withdraw
from edge.rules.floors import NEVER
from edge.rules.published import PINNED, Refused, link_of, read_pointer, read_value
from edge.rules.sync import Sync
from shared import wire
from shared.key import Key

EVERY_S: Final = 60.0
CHAIN: Final = "chain"
"""Record of the chain's hashes at the header's versions, and the journal's of that at a deletion; a release that knows
nothing of it passes it over."""

_SLICE: Final = 64
"""Links encoded or decoded between two clicks: a third of a millisecond."""

_BREATH_S: Final = 0.002

log = logging.getLogger("edge.keeping")


class Keeper:
    """One worker's snapshot and its journal of withdrawals. `wall_ms` is the time of day, for the file's age alone."""

    def __init__(self, path: Path, sync: Sync, wall_ms: Callable[[], int]) -> None:
        self._path = path
        self._sync = sync
        self._wall_ms = wall_ms
        self._snapshot: Snapshot | None = None
        self._withdrawals = Withdrawals(path.with_name(f"{path.name}.withdrawn"))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="snapshot")
        self._kept: object = None
        self._wanted = asyncio.Event()

    def open(self, now_s: float) -> None:
        """Start from the snapshot, if there is a good one: pinned values now, links by `recall_all`."""
        snapshot = None
        try:
            snapshot = Snapshot(self._path)
            pinned = {key: snapshot.get(key) for key in PINNED}
            age_s = max(0.0, (self._wall_ms() - snapshot.header.written_at_ms) / 1000)
            known = {key: raw for key, raw in pinned.items() if raw is not None}
            if not self._sync.restore(*_ends_of(snapshot), now_s - age_s, known):
                raise BadSnapshot("its domains or salts are not understood")
        except FileNotFoundError:
            log.info("no snapshot yet", extra={"path": str(self._path)})
        except (BadSnapshot, Refused, OSError) as exc:
            log.error("the snapshot is ignored", extra={"path": str(self._path), "error": str(exc)})
            if snapshot is not None:
                snapshot.close()
        else:
            self._snapshot = snapshot
            for key, version in self._withdrawals.items():
                name, _, digest = key.partition(" ")
                if name == CHAIN:
                    self._sync.knew(Link(version, digest))
                else:
                    self._sync.floors.raise_key(key, version)
            log.info("starting from a snapshot", extra={"links": snapshot.header.records, "age_s": round(age_s)})

    async def recall_all(self) -> None:
        """Take the snapshot's links into memory, in slices between clicks."""
        snapshot = self._snapshot
        records = iter(snapshot) if snapshot else iter(())
        while slice_ := list(islice(records, _SLICE)):
            for key, _ in slice_:
                link = link_of(key)
                if link is not None and snapshot is self._snapshot:
                    self.recall(link)
            await asyncio.sleep(_BREATH_S)

    def recall(self, link: Key) -> Entry | None:
        """Return what the snapshot has of a link, None where it has nothing that may still be served."""
        snapshot = self._snapshot
        held = self._sync.holdings.cache.peek(link)
        if snapshot is None or held is not None:
            return held
        pointer = snapshot.get(wire.pointer_key(link))
        offer = _offer_in(link, pointer) if pointer else None
        table = snapshot.get(wire.table_key(offer)) if offer else None
        if pointer is None or table is None:
            return None
        return self._sync.recall(link, pointer, table, snapshot.header.version)

    def withdraw(self, withdrawal: Withdraw) -> None:
        """Take care that no later process serves what was deleted; blocks for one small write."""
        try:
            if not withdrawal.keys or len(self._withdrawals) > MAX_KEYS:
                self._drop()
            else:
                chain = (f"{CHAIN} {withdrawal.hash}",) if withdrawal.hash else ()
                self._withdrawals.add((*withdrawal.keys, *chain), withdrawal.version)
        except OSError as exc:
            log.error("a deletion could not be noted, dropping the snapshot", extra={"error": str(exc)})
            self._path.unlink(missing_ok=True)

    async def run(self) -> None:
        """Keep a snapshot every minute in which something changed, and soon after the old one was dropped."""
        while True:
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._wanted.wait()
                await asyncio.sleep(1.0)
            except TimeoutError:
                pass
            self._wanted.clear()
            await self.keep()

    async def keep(self, breath_s: float = _BREATH_S) -> None:
        """Write a snapshot of what is held now, unless nothing changed; a disk that fails is logged, and tried later.

        `breath_s` is the pause between slices, for clicks.
        """
        state = (self._sync.acked, len(self._sync.holdings.cache), self._sync.holdings.stored)
        if state == self._kept or self._sync.acked == NEVER:
            return
        try:
            await self._write(breath_s)
            self._kept = state
        except (OSError, BadSnapshot) as exc:
            log.error("the snapshot could not be written", extra={"path": str(self._path), "error": str(exc)})

    def close(self) -> None:
        """Let go of file and thread."""
        self._thread.shutdown(wait=True)
        if self._snapshot is not None:
            self._snapshot.close()
            self._snapshot = None

    async def _write(self, breath_s: float) -> None:
        (version, digest), loop = self._sync.held_from, asyncio.get_running_loop()
        writer = await loop.run_in_executor(self._thread, SnapshotWriter, self._path, version, self._wall_ms())
        with writer:
            records = self._records()
            while slice_ := list(islice(records, _SLICE)):
                await loop.run_in_executor(self._thread, writer.add, slice_)
                await asyncio.sleep(breath_s)
            newest, newest_digest = self._sync.held_to
            await loop.run_in_executor(self._thread, writer.add, [(CHAIN, orjson.dumps([digest, newest_digest]))])
            await loop.run_in_executor(self._thread, writer.commit, newest)
        snapshot = await loop.run_in_executor(self._thread, Snapshot, self._path)
        before, self._snapshot = self._snapshot, snapshot
        if before is not None:
            before.close()
        self._sync.kept(version)
        self._withdrawals.prune(version)

    def _records(self) -> Iterator[tuple[str, bytes]]:
        """Yield what is held as it was published, each offer's table once; what is held may change on the way.

        What serves only because its successor was refused is left out: the next process may understand that one.
        """
        holdings = self._sync.holdings
        yield from list(holdings.pinned())
        offers: set[str] = set()
        for link in list(holdings.cache):
            entry = holdings.cache.peek(link)
            if entry is None or self._sync.is_refused(entry):
                continue
            if entry.home.offer not in offers:
                offers.add(entry.home.offer)
                yield wire.table_key(entry.home.offer), entry.home.raw
            yield wire.pointer_key(link), holdings.publish(entry)

    def _drop(self) -> None:
        """Remove the snapshot: it is of a data set of which nobody knows what was deleted since."""
        self._path.unlink(missing_ok=True)
        self._wanted.set()


def _ends_of(snapshot: Snapshot) -> tuple[Link, Link]:
    """Return of what a snapshot has nothing older, and nothing newer; one of an older release says no hashes."""
    raw, header = snapshot.get(CHAIN), snapshot.header
    first, last = orjson.loads(raw) if raw else ("", "")
    return Link(header.version, first), Link(header.newest, last)


def _offer_in(link: Key, pointer: bytes) -> str | None:
    """Return the offer that a kept pointer names, None where it cannot be read."""
    try:
        return read_pointer(read_value(wire.pointer_key(link), pointer)).offer
    except Refused:
        return None
