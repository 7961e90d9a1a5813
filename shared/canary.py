"""A canary: two tables of one offer under one key, the new one for a share of the workers, the stable one for the rest.

It is published as schema 2 of a table while it runs; every other table stays schema 1, byte for byte. A worker picks
its side by its name once, when it takes the value up: a click is decided as ever, and needs to know nothing of it.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from shared.rules import Offer
from shared.table import (
    OLDEST_SCHEMA,
    PLAIN_SCHEMA,
    SCHEMA,
    RefusedTable,
    Table,
    compile_offer,
    decode_table,
    text_field,
    typed_field,
)

SHARES: Final = range(1, 100)
"""Percent of the workers; with none or all of them there is nothing to compare."""


class Split(NamedTuple):
    """Who gets the new side: about `share` percent of all workers, which ones is drawn by `salt`."""

    share: int
    salt: str

    def picks(self, worker: str) -> bool:
        """Tell whether `worker` (`wire.worker_name`) serves the new side. A larger share only adds workers."""
        digest = hashlib.blake2b(f"{self.salt} {worker}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) * 100 >> 64 < self.share


class Canary(NamedTuple):
    """One offer as its workers are to serve it: `new` those that `split` picks, `stable` the others."""

    new: Offer
    stable: Offer
    split: Split


def compile_canary(canary: Canary) -> bytes:
    """Return the body of a canary: both tables as they are without one. Raises ValueError where one is too large."""
    new, stable, split = canary
    fields = (SCHEMA, split.share, orjson.dumps(split.salt), compile_offer(new), compile_offer(stable))
    return b'{"schema":%d,"share":%d,"salt":%s,"new":%s,"stable":%s}' % fields


def is_canary(body: bytes) -> bool:
    """Tell whether a compiled body is a canary's, by its spelling."""
    return body.startswith(b'{"schema":%d,' % SCHEMA)


def decode_for(worker: str, body: object) -> Table:
    """Return the table that `worker` serves by a body as JSON gave it, with or without a canary. Raises RefusedTable.

    Only the worker's own side is read: what is wrong with the new one is refused by those that it was for, and the
    others go on.
    """
    if not isinstance(body, Mapping):
        raise RefusedTable("a table is an object")
    schema = body.get("schema")
    if not isinstance(schema, int) or not OLDEST_SCHEMA <= schema <= SCHEMA:
        raise RefusedTable(f"schema {str(schema)[:20]} is not understood here ({OLDEST_SCHEMA} to {SCHEMA} are)")
    if schema <= PLAIN_SCHEMA:
        return decode_table(body)
    return decode_table(body.get("new" if _split(body).picks(worker) else "stable"))


def _split(body: Mapping[str, Any]) -> Split:
    split = Split(typed_field(body, "share", int), text_field(body, "salt"))
    if split.share not in SHARES:
        raise RefusedTable(f"a share of {split.share} percent leaves one side without workers")
    return split
