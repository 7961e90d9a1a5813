"""Bytes that a released control wrote are still read: one file a schema, never edited once released."""

import json
from pathlib import Path

import pytest

from shared import wire
from shared.canary import decode_for
from shared.decision import decide
from shared.domains import decode_domains, decode_salts
from shared.events import decode_event
from shared.pointer import NO_SUBS, Pointer, decode_pointer
from shared.table import SCHEMA
from shared.visitor import Visitor

FILES = sorted((Path(__file__).parent / "recorded").glob("schema_*.json"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def recorded(request: pytest.FixtureRequest) -> dict[str, bytes]:
    lines: dict[str, str] = json.loads(request.param.read_text())
    return {name: line.encode() for name, line in lines.items()}


def test_every_schema_that_is_promised_has_a_recording() -> None:
    assert [path.stem for path in FILES][-2:] == [f"schema_{n}" for n in (SCHEMA - 1, SCHEMA) if n > 0]


def test_a_recorded_table_decides(recorded: dict[str, bytes]) -> None:
    value = wire.decode_value(recorded["table"], "o:o_1")
    decision = decide(decode_for("edge-1/0", value.body), Visitor("US", "mobile", "ios"))

    assert value.version == (2, 41)
    assert decision is not None
    assert decision.rule == "r_app"


def test_a_recorded_canary_is_picked_by_the_workers_that_picked_it_then() -> None:
    lines: dict[str, str] = json.loads((FILES[0].parent / "schema_2.json").read_text())
    body = wire.decode_value(lines["table"].encode(), "o:o_1").body

    assert {worker: decode_for(worker, body).revision for worker in ("edge-1/0", "edge-2/0")} == {
        "edge-1/0": 18,
        "edge-2/0": 17,
    }


def test_a_recorded_pointer_presets_what_it_did(recorded: dict[str, bytes]) -> None:
    pointer = decode_pointer(wire.decode_value(recorded["pointer"], "k:_/jane").body)

    subs = ("a", *NO_SUBS[1:])
    assert pointer == Pointer("o_1", "l_1", "jane", "SAVE10", subs, expires_at=1795305600000)
    assert wire.decode_value(recorded["tombstone"], "k:_/gone").body is None


def test_recorded_head_announcement_domains_and_salts_are_read(recorded: dict[str, bytes]) -> None:
    assert wire.decode_head(recorded["head"]).version == (2, 41)
    assert wire.decode_announcement(recorded["announcement"]).keys == ("o:o_1",)
    assert (
        decode_domains(wire.decode_value(recorded["domains"], "domains").body)["go.brand.com"] == "https://brand.com/"
    )
    assert decode_domains(wire.decode_value(recorded["domains_paused"], "domains").body) == {
        "_": None,
        "!go.brand.com": "https://brand.com/sorry",
    }
    assert decode_salts(wire.decode_value(recorded["salts"], "salts").body) == {"2026-11-22": bytes(range(16))}


def test_a_recorded_event_is_counted(recorded: dict[str, bytes]) -> None:
    event = decode_event(recorded["event"])

    assert (event.rule, event.via, event.sub1, event.revision) == ("r_app", "jane", "a b", 18)
