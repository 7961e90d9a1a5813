"""The pure parts of publishing: batches, where Redis stands, which edges have what, salts, compiled changes."""

from datetime import UTC, datetime

import orjson
import pytest

from control.publishing.compile import offer_changes
from control.publishing.fleet import EdgeState, Leases, Refusal, fleet_of
from control.publishing.journal import MAX_BATCH_BYTES, MAX_BATCH_KEYS, Size, batch_length
from control.publishing.outbox import LineagePoint
from control.publishing.salts import salts_at
from control.publishing.standing import Standing, head_in, standing
from shared.wire import Head, Lease, Nack, Version, encode_lease, lease_key
from tests.builders import offer

ONE = Size(1, 100)
V = Version(3, 10)


@pytest.mark.parametrize(
    ("sizes", "length"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([ONE] * 3, 3, id="all that fits"),
        pytest.param([ONE] * 600, MAX_BATCH_KEYS, id="500 keys"),
        pytest.param([Size(300, 1), Size(200, 1), Size(1, 1)], 2, id="exactly 500 keys"),
        pytest.param([Size(300, 1), Size(201, 1)], 1, id="a transaction is never cut"),
        pytest.param([Size(4_000, 1), ONE], 1, id="a larger one goes alone"),
        pytest.param([Size(1, MAX_BATCH_BYTES), ONE], 1, id="1 MiB"),
        pytest.param([Size(1, 4 * MAX_BATCH_BYTES)], 1, id="never less than one"),
    ],
)
def test_a_batch_is_whole_transactions_up_to_its_bounds(sizes: list[Size], length: int) -> None:
    assert batch_length(sizes) == length


@pytest.mark.parametrize(
    ("head", "hash_at_head", "expected"),
    [
        pytest.param(None, None, Standing.MISSING, id="flushed"),
        pytest.param(Head(3, 10, "ten"), "ten", Standing.FITS, id="up to date"),
        pytest.param(Head(3, 7, "seven"), "seven", Standing.FITS, id="behind at a known point"),
        pytest.param(Head(3, 7, "seven", "loading"), "seven", Standing.FITS, id="loading"),
        pytest.param(Head(3, 7, "other"), "seven", Standing.FORKED, id="same number, other history"),
        pytest.param(Head(3, 7, "seven"), None, Standing.TOO_FAR_BEHIND, id="behind what SQL keeps"),
        pytest.param(Head(3, 11, "eleven"), None, Standing.AHEAD, id="SQL lost transactions"),
        pytest.param(Head(4, 10, "ten"), "ten", Standing.OTHER_EPOCH, id="a later lineage"),
        pytest.param(Head(2, 10, "ten"), "ten", Standing.OTHER_EPOCH, id="an earlier lineage"),
    ],
)
def test_only_a_known_point_of_this_lineage_is_carried_on(
    head: Head | None, hash_at_head: str | None, expected: Standing
) -> None:
    assert standing(head, LineagePoint(3, 10, "ten"), hash_at_head) is expected


@pytest.mark.parametrize(
    ("newest_ack", "expected"),
    [
        pytest.param(Version(3, 10), Standing.FITS, id="edges have what SQL has"),
        pytest.param(Version(2, 99), Standing.FITS, id="an edge of an older lineage"),
        pytest.param(Version(3, 11), Standing.OUTRUN, id="an edge has a later transaction"),
        pytest.param(Version(4, 1), Standing.OUTRUN, id="an edge has a later lineage"),
    ],
)
def test_what_edges_have_and_sql_has_not_shows_that_both_went_back(newest_ack: Version, expected: Standing) -> None:
    assert standing(Head(3, 10, "ten"), LineagePoint(3, 10, "ten"), "ten", newest_ack) is expected


@pytest.mark.parametrize(
    ("newest_fork", "expected"),
    [
        pytest.param(0, Standing.FITS, id="edges have one history"),
        pytest.param(2, Standing.FITS, id="another in an older lineage"),
        pytest.param(3, Standing.SPLIT, id="another in this lineage"),
    ],
)
def test_an_edge_with_another_history_needs_a_new_lineage(newest_fork: int, expected: Standing) -> None:
    point = LineagePoint(3, 10, "ten")
    assert standing(Head(3, 10, "ten"), point, "ten", Version(3, 10), newest_fork) is expected


@pytest.mark.parametrize("raw", [None, b"", b"nonsense", b'{"epoch":1}', b"\xff"])
def test_a_head_that_cannot_be_read_is_missing(raw: bytes | None) -> None:
    assert head_in(raw) is None


def lease(host: str = "a", slot: int = 0, workers: int = 1, **changes: object) -> tuple[str, bytes]:
    fields: dict[str, object] = {
        "boot": f"{host}{slot}",
        "schema": 1,
        "epoch": V.epoch,
        "acked": V.sequence,
        "state": "synced",
        "started_at": 1,
    }
    value = Lease(host=host, slot=slot, workers=workers, **{**fields, **changes})  # type: ignore[arg-type]
    return lease_key(host, slot), encode_lease(value)


def lapsed(host: str, slot: int = 0) -> tuple[str, None]:
    return lease_key(host, slot), None


NACK = Nack("o:1", V.sequence, "kind weather is not known here")


@pytest.mark.parametrize(
    ("leases", "expected"),
    [
        pytest.param([lease()], EdgeState.LIVE, id="acked"),
        pytest.param([lease(acked=11)], EdgeState.LIVE, id="acked something later"),
        pytest.param([lease(acked=9)], EdgeState.PENDING, id="acked something earlier"),
        pytest.param([lease(epoch=2, acked=99)], EdgeState.PENDING, id="acked in an earlier lineage"),
        pytest.param([lease(slot=0, workers=2), lease(slot=1, workers=2)], EdgeState.LIVE, id="both workers"),
        pytest.param([lease(slot=0, workers=2), lease(slot=1, workers=2, acked=9)], EdgeState.PENDING, id="one lags"),
        pytest.param([lease(slot=0, workers=2)], EdgeState.PENDING, id="one has not begun"),
        pytest.param([lease(slot=0, workers=2), lapsed("a", 1)], EdgeState.UNKNOWN, id="one has lapsed"),
        pytest.param([lapsed("a")], EdgeState.UNKNOWN, id="lapsed"),
        pytest.param([(lease_key("a", 0), b"{}")], EdgeState.UNKNOWN, id="a lease of another version"),
        pytest.param([lease(), lapsed("a", 3)], EdgeState.LIVE, id="a slot it no longer runs has lapsed"),
        pytest.param([lease(nacks=(NACK,))], EdgeState.REFUSED, id="refused"),
        pytest.param([lease(nacks=(Nack("o:1", 9, "old"),))], EdgeState.LIVE, id="refused something earlier"),
        pytest.param([lease(epoch=2, nacks=(NACK,))], EdgeState.PENDING, id="refused in an earlier lineage"),
        pytest.param(
            [lease(slot=0, started_at=9), lease(slot=1, workers=2, acked=1)],
            EdgeState.LIVE,
            id="restarted with fewer workers",
        ),
    ],
)
def test_an_edge_is_live_when_all_its_workers_are(leases: list[tuple[str, bytes | None]], expected: EdgeState) -> None:
    (edge,) = fleet_of(Leases(None, dict(leases)))

    assert edge.state(V) is expected


def test_an_edge_that_has_more_than_redis_has_nothing_of_what_is_published_now() -> None:
    (edge,) = fleet_of(Leases(Head(V.epoch, V.sequence, ""), dict([lease(acked=V.sequence + 1)])))

    assert edge.state(V) is EdgeState.PENDING


def test_a_refusal_names_the_edge_the_key_and_the_reason_once() -> None:
    (edge,) = fleet_of(Leases(None, dict([lease(slot=slot, workers=2, nacks=(NACK,)) for slot in (0, 1)])))

    assert edge.refusals(V) == [Refusal("a", "o:1", "kind weather is not known here")]


def test_edges_are_told_apart_by_host_even_where_hosts_hold_slashes_and_ports() -> None:
    leases = dict([lease("10.0.0.1:8080"), lease("rack/2"), ("{t0}edges", None), ("{t0}edge:x/y", None)])
    fleet = fleet_of(Leases(None, leases))

    assert [edge.host for edge in fleet] == ["10.0.0.1:8080", "rack/2"]


def test_a_lease_with_text_for_a_count_says_nothing() -> None:
    (edge,) = fleet_of(Leases(None, dict([lease(epoch="3")])))

    assert edge.state(V) is EdgeState.UNKNOWN


def test_a_lease_that_stays_the_same_is_read_once() -> None:
    (first,), (again,) = (fleet_of(Leases(None, dict([lease()]))) for _ in range(2))
    (later,) = fleet_of(Leases(None, dict([lease(acked=V.sequence + 1)])))

    assert first.leases[0] is again.leases[0]
    assert later.leases[0].acked == V.sequence + 1


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_salts_are_for_today_and_tomorrow() -> None:
    assert list(salts_at(NOON, {})) == ["2026-11-22", "2026-11-23"]


def test_salts_that_exist_are_kept_and_all_differ() -> None:
    first = salts_at(NOON, {})
    later = salts_at(NOON.replace(day=23), first)

    assert later["2026-11-23"] == first["2026-11-23"]
    assert len({*first.values(), *later.values()}) == 3
    assert all(len(bytes.fromhex(salt)) == 16 for salt in later.values())


def test_yesterdays_salt_is_gone_after_ten_minutes() -> None:
    salts = salts_at(NOON, {})

    midnight = datetime(2026, 11, 23, 0, 9, tzinfo=UTC)
    assert "2026-11-22" in salts_at(midnight, salts)
    assert "2026-11-22" not in salts_at(midnight.replace(minute=11), salts)


def test_an_offer_is_published_with_its_slug_everywhere_it_is_reached() -> None:
    changes = {
        change.key: change.body and orjson.loads(change.body)
        for change in offer_changes(offer("saas"), ["go.example.com"], left=["old.example.com", "go.example.com"])
    }

    assert set(changes) == {"o:o_saas", "k:_/saas", "k:go.example.com/saas", "k:old.example.com/saas"}
    assert changes["k:_/saas"] == changes["k:go.example.com/saas"] == {"schema": 1, "offer": "o_saas"}
    assert changes["k:old.example.com/saas"] is None
