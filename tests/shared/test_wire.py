"""What control writes is what the edge reads, and nothing else is read at all."""

import json
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import wire
from shared.domains import compile_domains, compile_salts, decode_domains, decode_salts
from shared.events import ClickEvent, MalformedEvent, decode_event, encode_event
from shared.key import Key
from shared.table import RefusedTable
from shared.wire import Announcement, Head, Lease, Malformed, Nack, Version

COUNTS = st.integers(min_value=0, max_value=2**53)
LINE_TEXT = st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"]), max_size=30)


def test_names_in_redis() -> None:
    assert wire.redis_key(wire.pointer_key(Key("_", "saas"))) == "{t0}k:_/saas"
    assert wire.redis_key(wire.table_key("o_1")) == "{t0}o:o_1"
    assert (wire.HEAD, wire.LOG, wire.CHANNEL) == ("{t0}head", "{t0}log", "{t0}inv")


@given(COUNTS, COUNTS, st.sampled_from(["loading", "ready"]))
def test_head_round_trip(epoch: int, sequence: int, state: str) -> None:
    head = Head(epoch, sequence, "ab", state)

    assert wire.decode_head(wire.encode_head(head)) == head


@given(COUNTS, st.text(max_size=20), st.none() | st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=3))
def test_value_round_trip(sequence: int, key: str, content: dict[str, int] | None) -> None:
    body = None if content is None else orjson.dumps(content)
    value = wire.decode_value(wire.encode_value(Version(3, sequence), key, body), key)

    assert (value.version, value.body) == (Version(3, sequence), content)


def test_a_value_under_another_key_is_refused() -> None:
    with pytest.raises(Malformed, match="another key"):
        wire.decode_value(wire.encode_value(Version(1, 1), "o:1", b"{}"), "o:2")


def test_an_announcement_carries_values_only_while_they_are_small() -> None:
    small = Announcement(1, 4, 5, ("o:1", "k:_/a"), (b"{}", b"null"), "four", "five")
    large = Announcement(1, 4, 5, ("o:1",), (b'"%s"' % (b"x" * wire.MAX_INLINE_BYTES),))

    assert wire.decode_announcement(wire.encode_announcement(small)) == small
    assert wire.decode_announcement(wire.encode_announcement(large)).values is None


def test_lease_round_trip() -> None:
    nacks = (Nack("o:1", 39, "schema 2"),)
    lease = Lease(
        "h", 1, 2, "boot", 1, 3, 40, "synced", 5, nacks, "10.0.0.5:8080", 1_780_000_000, 7_410, 640, 61 << 20, 3, 2
    )

    assert wire.decode_lease(wire.encode_lease(lease)) == lease


def test_a_lease_may_say_more_or_less_than_this_reader_knows() -> None:
    lease = Lease("h", 1, 2, "boot", 1, 3, 40, "synced", 5)
    fields = orjson.loads(wire.encode_lease(lease))
    later = ("address", "geo_built_at", "per_second", "p99_us", "memory_bytes")
    before_addresses = {name: value for name, value in fields.items() if name not in later}

    assert wire.decode_lease(orjson.dumps(fields | {"mood": "fine"})) == lease
    assert wire.decode_lease(orjson.dumps(before_addresses)) == lease


@pytest.mark.parametrize(
    "decode", [wire.decode_head, lambda raw: wire.decode_value(raw, "k"), wire.decode_announcement, wire.decode_lease]
)
@given(
    raw=st.binary(max_size=60)
    | st.dictionaries(st.text(max_size=6), st.integers(), max_size=3).map(lambda fields: json.dumps(fields).encode())
)
def test_any_bytes_are_read_or_malformed(decode: Callable[[bytes], object], raw: bytes) -> None:
    try:
        decode(raw)
    except Malformed:
        return


def test_the_chain_tells_transactions_apart() -> None:
    base = wire.chain_hash("", 1, [("a", b"1"), ("b", None)])

    others = [
        wire.chain_hash("x", 1, [("a", b"1"), ("b", None)]),
        wire.chain_hash("", 2, [("a", b"1"), ("b", None)]),
        wire.chain_hash("", 1, [("b", None), ("a", b"1")]),
        wire.chain_hash("", 1, [("a", b"1"), ("b", b"")]),
        wire.chain_hash("", 1, [("a", b"1b\n-1\n")]),
    ]
    assert base not in others
    assert len(set(others)) == len(others)


def test_domains_and_salts_round_trip() -> None:
    domains = {"_": "https://x.co/", "go.brand.com": None}
    salts = {"2026-11-22": "00" * 16}

    assert decode_domains(orjson.loads(compile_domains(domains))) == domains
    assert decode_salts(orjson.loads(compile_salts(salts))) == {"2026-11-22": bytes(16)}


def test_a_paused_host_has_a_namespace_of_its_own_and_where_its_visitors_go() -> None:
    roots = {"_": None, "a.com": "https://a.com/", "b.com": None}

    decoded = decode_domains(orjson.loads(compile_domains(roots, {"a.com": "https://safe.com/", "b.com": None})))

    assert decoded == {"_": None, "!a.com": "https://safe.com/", "!b.com": None}


def test_pausing_is_written_so_that_an_edge_that_does_not_know_it_refuses_it() -> None:
    assert orjson.loads(compile_domains({"_": None}, {"a.com": None}))["schema"] == 2
    assert orjson.loads(compile_domains({"_": None}, {}))["schema"] == 1
    for body in ({"schema": 2, "domains": {}}, {"schema": 3, "domains": {}, "paused": {}}):
        with pytest.raises(RefusedTable):
            decode_domains(body)
    with pytest.raises(RefusedTable):
        decode_domains({"schema": 2, "domains": {}, "paused": {"a.com": "https://ü.co/"}})


@pytest.mark.parametrize("url", ["https://x.co/\r\nSet-Cookie: a", 5, "https://ü.co/"])
def test_a_root_url_that_cannot_be_sent_is_refused(url: object) -> None:
    with pytest.raises(RefusedTable):
        decode_domains({"schema": 1, "domains": {"_": url}})


EVENTS = st.builds(
    ClickEvent,
    **dict.fromkeys(ClickEvent._fields, LINE_TEXT)
    | {"time_ms": COUNTS, "revision": COUNTS, "kind": st.sampled_from(["person", "duplicate", "bot", "prefetch"])},
)


@given(EVENTS)
def test_event_round_trip(event: ClickEvent) -> None:
    assert decode_event(encode_event(event)) == event


@given(st.binary(max_size=200))
def test_any_line_is_a_click_or_malformed(line: bytes) -> None:
    with pytest.raises(MalformedEvent):
        decode_event(line)


@pytest.mark.parametrize("changed", [{"acked": "40"}, {"nacks": [1]}, {"nacks": None}, {"address": 5}, {"host": None}])
def test_a_lease_of_other_types_is_malformed(changed: dict[str, object]) -> None:
    lease = Lease("h", 1, 2, "boot", 1, 3, 40, "synced", 5)

    with pytest.raises(Malformed):
        wire.decode_lease(orjson.dumps(orjson.loads(wire.encode_lease(lease)) | changed))
