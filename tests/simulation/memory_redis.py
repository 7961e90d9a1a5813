"""A model of the rules Redis: what the scripts of `edge.scripts` answer, and the ways a real one goes wrong."""

from copy import deepcopy
from dataclasses import dataclass, field

import orjson

from edge.rules.replies import Miss, Page, Reading, parse_page, parse_reading, read_head
from shared import wire
from shared.key import Key
from shared.wire import Head, Version
from tests.simulation.control import Step


@dataclass
class MemoryRedis:
    """`sent` are messages published so far; `log` is sequence -> entry."""

    head_raw: bytes | None = None
    values: dict[str, bytes] = field(default_factory=dict)
    log: dict[int, bytes] = field(default_factory=dict)
    sent: list[bytes] = field(default_factory=list)
    page_entries: int = 2

    # Control's side

    def read_head(self) -> bytes | None:
        return self.head_raw

    def stored(self, key: str) -> bytes | None:
        return self.values.get(key)

    def write(self, step: Step) -> None:
        self.values.update(step.values)
        self.log.update(step.entries)
        self.head_raw = step.head
        self.sent += step.messages

    def clear_log(self) -> None:
        self.log = {}

    # The edge's side

    def head(self) -> Head | None:
        return read_head(self.head_raw)

    def miss(self, key: Key) -> Miss:
        pointer = self.values.get(wire.pointer_key(key))
        offer = _offer_of(pointer)
        return Miss(self.head(), pointer, self.values.get(wire.table_key(offer)) if offer else None)

    def read(self, keys: tuple[str, ...]) -> Reading:
        return parse_reading(keys, [self.head_raw, *map(self.values.get, keys)])

    def page(self, after: Version) -> Page:
        head = self.head()
        if head is None or head.epoch != after.epoch:
            return parse_page((self.head_raw, [], [], []))
        entries = [raw for sequence, raw in sorted(self.log.items()) if sequence > after.sequence][: self.page_entries]
        names: dict[str, bytes | None] = {}
        for raw in entries:
            for key in wire.decode_announcement(raw).keys:
                names[key] = self.values.get(key)
                offer = _offer_of(names[key]) if key.startswith("k:") else None
                if offer:
                    names[wire.table_key(offer)] = self.values.get(wire.table_key(offer))
        return parse_page((self.head_raw, entries, [name.encode() for name in names], list(names.values())))

    # The ways it goes wrong

    def copy(self) -> "MemoryRedis":
        """A replica that lags from now on, or a backup."""
        return deepcopy(self)

    def flush(self) -> None:
        self.head_raw, self.values, self.log = None, {}, {}

    def go_back_to(self, backup: "MemoryRedis") -> None:
        self.head_raw, self.values, self.log = backup.head_raw, dict(backup.values), dict(backup.log)

    def trim(self, kept: int) -> None:
        self.log = dict(sorted(self.log.items())[len(self.log) - kept :] if kept else [])


def _offer_of(raw: bytes | None) -> str | None:
    try:
        body = orjson.loads(raw or b"")["body"]
        return str(body["offer"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
