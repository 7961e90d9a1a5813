"""Batches become rows once each, whatever order and however often they come, and every rollup sums to the same."""

import contextlib
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from control.clicks.models import ColumnRow
from control.clicks.shapes import MEASURES, OVERFLOW, QUARTER_MS, SHAPES
from control.coupons.models import fold
from control.ingest import columns
from control.ingest.batches import MalformedBatch, UnknownSchema, read_batch
from control.ingest.closing import ask_for, close_days
from control.ingest.decoding import Reader
from control.ingest.retention import forget
from control.ingest.rollups import roll_up
from control.insight.analytics.columns import Column
from shared.events import KINDS, ClickEvent, decode_event, encode_event
from tests.control.clicks import NOON_MS, Clicks, Ingester, batch, ingesting

DAY_MS = 96 * QUARTER_MS
SUMS = ", ".join(f"SUM({measure})" for measure in MEASURES)


def test_a_batch_is_recorded_once_however_often_it_comes(database_url: str) -> None:
    async def claim(ingester: Ingester) -> None:
        first = batch(1, [Clicks().event(), Clicks().event(click_id="other")])
        assert (await ingester.record(first)).events == 2
        again = await ingester.record(first)
        assert (again.events, again.repeated, again.done) == (0, 1, {"boot1": 1})
        twice = await ingester.record(batch(2, [Clicks().event(click_id="third")]), batch(2, [Clicks().event()]))
        assert (twice.events, twice.repeated) == (1, 1)
        assert await ingester.one("SELECT COUNT(*) FROM clicks") == 3
        assert await ingester.one("SELECT SUM(clicks) FROM click_quarters WHERE shape = 0") == 3
        assert await ingester.one("SELECT recorded FROM click_boots") == 3

    ingesting(database_url, claim)


@pytest.mark.parametrize("order", [[1, 2, 3, 4], [4, 3, 2, 1], [2, 1, 4, 3], [2, 2, 4, 1, 3, 1]], ids=str)
def test_done_is_the_highest_batch_up_to_which_all_are_there(database_url: str, order: list[int]) -> None:
    async def claim(ingester: Ingester) -> None:
        clicks = Clicks()
        events = {number: clicks.event() for number in order}
        there: set[int] = set()
        for number in order:
            recorded = await ingester.record(batch(number, [events[number]]))
            there.add(number)
            expected = next(done for done in range(6) if done + 1 not in there)
            assert recorded.done == {"boot1": expected}
        assert await ingester.one("SELECT COUNT(*) FROM clicks") == 4
        assert await ingester.one("SELECT COUNT(*) FROM click_seen") == 0

    ingesting(database_url, claim)


def test_what_an_edge_let_go_of_and_sql_lost_since_is_not_waited_for(database_url: str) -> None:
    async def claim(ingester: Ingester) -> None:
        clicks = Clicks()
        await ingester.record(batch(1, [clicks.event()], produced=1))
        later = [clicks.event(), clicks.event()]

        recorded = await ingester.record(batch(6, later, produced=9, dropped={"full": 1}, kept_from=6))

        assert recorded.done == {"boot1": 6}
        assert await ingester.one("SELECT COUNT(*) FROM clicks") == 3
        [(produced, in_sql, dropped)] = await ingester.rows("SELECT produced, recorded, dropped FROM click_boots")
        lost = json.loads(dropped) if isinstance(dropped, str) else dropped
        assert (produced, in_sql, lost) == (9, 3, {"full": 1, "forgotten by SQL": 5})
        again = await ingester.record(batch(6, later, produced=9, kept_from=6))
        assert (again.events, again.repeated) == (0, 1)
        onward = await ingester.record(batch(7, [clicks.event()], produced=10, dropped={"full": 1}, kept_from=7))
        assert onward.done == {"boot1": 7}

    ingesting(database_url, claim)


def test_what_was_only_on_its_way_is_not_forgotten_in_the_end(database_url: str) -> None:
    async def claim(ingester: Ingester) -> None:
        clicks = Clicks()
        await ingester.record(batch(6, [clicks.event()], produced=9, kept_from=6))
        await ingester.record(batch(7, [clicks.event(), clicks.event()], produced=9, kept_from=6))
        await ingester.record(batch(8, [clicks.event()], produced=9, kept_from=6))
        [(dropped,)] = await ingester.rows("SELECT dropped FROM click_boots")
        assert (json.loads(dropped) if isinstance(dropped, str) else dropped) == {"forgotten by SQL": 5}

    ingesting(database_url, claim)


def test_a_transaction_that_fails_leaves_nothing_and_can_be_repeated(database_url: str) -> None:
    class Failing(Exception):
        pass

    async def claim(ingester: Ingester) -> None:
        save = ingester.recorder._cells.save

        async def fail(*given: Any) -> None:
            await save(*given)
            raise Failing

        ingester.recorder._cells.save = fail  # type: ignore[assignment,method-assign]
        whole = batch(1, [Clicks().event(via="anna")])
        with pytest.raises(Failing):
            await ingester.record(whole)
        for table in ("clicks", "click_boots", "click_cells", "click_quarters", "click_visitors", "click_texts"):
            assert await ingester.one(f"SELECT COUNT(*) FROM {table}") == 0
        ingester.recorder._cells.save = save  # type: ignore[method-assign]
        assert (await ingester.record(whole)).events == 1
        assert await ingester.one("SELECT COUNT(*) FROM click_cells") == len(SHAPES)

    ingesting(database_url, claim)


def test_two_ingesters_agree_on_the_numbers_of_texts_and_cells(database_url: str) -> None:
    async def claim(one: Ingester) -> None:
        two, clicks = Ingester(one.db), Clicks()
        for number, (ingester, country) in enumerate([(one, "US"), (two, "DE"), (one, "FR"), (two, "US"), (one, "DE")]):
            await ingester.record(batch(number + 1, [clicks.event(country=country)]))
        counted = await one.rows(
            "SELECT v1, SUM(clicks) FROM click_quarters q JOIN click_cells c ON c.id = q.cell "
            "WHERE c.shape = 2 GROUP BY v1 ORDER BY v1"
        )
        assert counted == [("DE", 2), ("FR", 1), ("US", 2)]
        texts = (
            "SELECT t.text, COUNT(*) FROM clicks c JOIN click_texts t ON t.id = c.country GROUP BY t.text ORDER BY 1"
        )
        assert await one.rows(texts) == counted

    ingesting(database_url, claim)


def test_a_unique_is_a_visitors_first_click_on_an_offer_that_utc_day(database_url: str) -> None:
    async def claim(ingester: Ingester) -> None:
        clicks = Clicks()
        same = {"visitor": "00000000000000aa"}
        events = [
            (clicks.event(**same, kind="bot"), 0),
            (clicks.event(**same), 1),
            (clicks.event(**same), 0),
            (clicks.event(**same, offer="o_other"), 1),
            (clicks.event(**same, time_ms=NOON_MS + DAY_MS // 2), 1),
            (clicks.event(visitor="ffffffffffffffff"), 1),
            (clicks.event(visitor=""), 0),
        ]
        for number, (event, _) in enumerate(events):
            await ingester.record(batch(number + 1, [event]))
        await ingester.record(batch(99, [clicks.event(**same), clicks.event(**same)]))
        firsts = dict(await ingester.rows("SELECT click_id, first FROM clicks WHERE click_id <= 'click000007'"))
        assert firsts == {event.click_id: first for event, first in events}
        assert await ingester.one("SELECT SUM(uniques) FROM click_quarters WHERE shape = 0") == 4

    ingesting(database_url, claim)


def test_what_is_no_click_is_a_dead_letter_and_its_neighbours_count(database_url: str) -> None:
    async def claim(ingester: Ingester) -> None:
        good = Clicks().event()
        bad = [
            b"",
            b"not\ta\tclick",
            encode_event(good._replace(kind="robot")),
            encode_event(good).replace(b"\t%d\t" % NOON_MS, b"\tsoon\t"),
            encode_event(good._replace(visitor="not hexadecimal")),
            encode_event(good._replace(slug="x" * 5_000)),
        ]
        recorded = await ingester.record(batch(1, [good, *bad], produced=7))
        assert (recorded.events, recorded.dead) == (1, 6)
        assert await ingester.rows("SELECT recorded, malformed, produced FROM click_boots") == [(1, 6, 7)]
        reasons = await ingester.rows("SELECT reason FROM click_dead_letters ORDER BY id")
        assert all(reason for (reason,) in reasons)

    ingesting(database_url, claim)


def test_a_batch_that_sql_refuses_is_buried_and_known(database_url: str) -> None:
    async def claim(ingester: Ingester) -> None:
        poison = batch(1, [Clicks().event()])
        assert (await ingester.recorder.bury(poison, "refused", NOON_MS)).done == {"boot1": 1}
        assert (await ingester.record(poison)).repeated == 1
        assert await ingester.rows("SELECT recorded, malformed FROM click_boots") == [(0, 1)]

    ingesting(database_url, claim)


def test_counts_of_a_boot_only_grow(database_url: str) -> None:
    async def claim(ingester: Ingester) -> None:
        clicks = Clicks()
        await ingester.record(batch(2, [clicks.event()], produced=9, dropped={"quota": 3}))
        await ingester.record(batch(1, [clicks.event()], produced=4, dropped={"io_error": 1}))
        [(produced, dropped)] = await ingester.rows("SELECT produced, dropped FROM click_boots")
        assert produced == 9
        assert dropped in ({"quota": 3, "io_error": 1}, '{"quota": 3, "io_error": 1}', '{"io_error": 1, "quota": 3}')

    ingesting(database_url, claim)


def test_a_full_shape_counts_what_is_new_as_overflow(database_url: str) -> None:
    async def claim(ingester: Ingester) -> None:
        clicks = Clicks()
        await ingester.record(batch(1, [clicks.event(sub1=f"id {number}") for number in range(10)]))
        await ingester.record(batch(2, [clicks.event(sub1=f"id {number}") for number in range(20)]))
        found = dict(
            await ingester.rows(
                "SELECT v1, SUM(clicks) FROM click_quarters q JOIN click_cells c ON c.id = q.cell "
                "WHERE c.shape = 7 GROUP BY v1"
            )
        )
        assert sum(found.values()) == 30
        assert found[OVERFLOW] == 18
        assert len(found) == 7
        assert await ingester.one("SELECT COUNT(*) FROM clicks WHERE sub1 = 'id 19'") == 1

    ingesting(database_url, claim, max_cells=6)


def test_texts_are_decoded_once_and_codes_compared_without_case(database_url: str) -> None:
    async def claim(ingester: Ingester) -> None:
        clicks = Clicks()
        lines = [
            encode_event(clicks.event(coupon=code, via=via)) for code, via in [("SAVE10", "Anna"), ("save10 ", "anna")]
        ]
        lines[0] = lines[0].replace(b"\tSAVE10\t", b"\t%53AVE10\t")
        await ingester.record(batch(1, lines))
        cells = await ingester.rows(
            "SELECT v2, v3, SUM(clicks) FROM click_quarters q JOIN click_cells c ON c.id = q.cell "
            "WHERE c.shape = 5 GROUP BY v2, v3"
        )
        assert cells == [("anna", "save10", 2)]
        raw = await ingester.rows("SELECT via, coupon FROM clicks ORDER BY click_id")
        assert raw == [("Anna", "SAVE10"), ("anna", "save10 ")]

    ingesting(database_url, claim)


def test_a_day_is_closed_once_it_is_over_and_opened_by_a_late_click(database_url: str) -> None:
    async def claim(ingester: Ingester) -> None:
        clicks = Clicks()
        await ask_for(ingester.db, 22, NOON_MS)
        await ingester.record(batch(1, [clicks.event(), clicks.event(kind="bot")]))
        assert await close_days(ingester.db, NOON_MS) == 0
        assert await close_days(ingester.db, NOON_MS + DAY_MS) == 2
        days = (
            f"SELECT shift, {SUMS} FROM click_days d JOIN click_cells c ON c.id = d.cell "
            "WHERE c.shape = 4 GROUP BY shift ORDER BY shift"
        )
        assert await ingester.rows(days) == [(0, 1, 1, 1, 0, 0), (22, 1, 1, 1, 0, 0)]
        await ingester.record(batch(2, [clicks.event()]))
        assert await ingester.one("SELECT COUNT(*) FROM click_closed_days") == 0
        assert await close_days(ingester.db, NOON_MS + DAY_MS) == 2
        assert await ingester.rows(days) == [(0, 2, 2, 1, 0, 0), (22, 2, 2, 1, 0, 0)]

    ingesting(database_url, claim)


def test_clicks_of_a_closed_day_are_written_by_columns_a_block_after_the_other(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "BLOCK_CLICKS", 3)

    async def claim(ingester: Ingester) -> None:
        clicks = Clicks()
        events = [
            clicks.event(time_ms=NOON_MS + number * QUARTER_MS // 2, sub1=f"s{number % 2}") for number in range(7)
        ]
        await ingester.record(batch(1, [*events, clicks.event(offer="o_other")]))
        await close_days(ingester.db, NOON_MS + DAY_MS)
        offer = await ingester.one("SELECT id FROM click_texts WHERE text = 'o_saas'")
        query = select(ColumnRow.clicks, ColumnRow.texts, ColumnRow.codes).order_by(ColumnRow.block)
        async with ingester.db.read() as session:
            rows = (await session.execute(query.where(ColumnRow.offer == offer, ColumnRow.name == "sub1"))).all()
        assert [number for number, _, _ in rows] == [3, 3, 1]
        said = []
        for number, texts, codes in rows:
            column = Column.read(texts, codes, number)
            said += [column.texts[code] for code in column.codes]
        assert said == [event.sub1 for event in events]

    ingesting(database_url, claim)


def test_raw_clicks_are_forgotten_and_rollups_kept(database_url: str) -> None:
    async def claim(ingester: Ingester) -> None:
        clicks = Clicks()
        old = [clicks.event(time_ms=NOON_MS - 40 * DAY_MS + hour * 3_600_000) for hour in range(5)]
        await ingester.record(batch(1, [*old, clicks.event()]))
        await close_days(ingester.db, NOON_MS + DAY_MS)
        assert await forget(ingester.db, NOON_MS, retention_days=30) == 5
        assert await ingester.rows("SELECT DISTINCT day FROM click_columns") == [(NOON_MS // DAY_MS,)]
        assert await ingester.one("SELECT COUNT(*) FROM clicks") == 1
        assert await ingester.one("SELECT SUM(clicks) FROM click_quarters WHERE shape = 0") == 6

    ingesting(database_url, claim)


_TEXT = st.sampled_from(["", "a", "b c", "é", "A", "x" * 200])
EVENTS = st.builds(
    ClickEvent,
    click_id=st.from_regex(r"[a-z0-9]{1,26}", fullmatch=True),
    time_ms=st.integers(NOON_MS, NOON_MS + 3 * QUARTER_MS),
    domain=st.just("_"),
    slug=st.sampled_from(["saas", "x7"]),
    offer=st.sampled_from(["o_one", "o_two"]),
    link=st.sampled_from(["", "l_one"]),
    revision=st.integers(0, 5),
    rule=st.sampled_from(["r_one", "r_two", "fallback", "off", "inactive"]),
    country=st.sampled_from(["US", "DE", "ZZ"]),
    device=st.sampled_from(["mobile", "desktop"]),
    os=st.sampled_from(["ios", "windows"]),
    browser=st.sampled_from(["Safari", "Chrome"]),
    kind=st.sampled_from(KINDS),
    via=_TEXT,
    coupon=_TEXT,
    sub1=_TEXT,
    sub2=_TEXT,
    sub3=_TEXT,
    sub4=_TEXT,
    sub5=_TEXT,
    referrer=st.sampled_from(["", "example.com"]),
    ip=st.just("203.0.113.0"),
    visitor=st.sampled_from(["", "00000000000000aa", "ffffffffffffffff"]),
)


@given(st.lists(EVENTS, max_size=60), st.randoms())
@settings(max_examples=150)
def test_every_shape_sums_to_the_same_totals(events: list[ClickEvent], random: st.randoms) -> None:  # type: ignore[valid-type]
    clicks, refused = Reader().read(map(encode_event, events))
    firsts = [click.visit.kind == 0 and random.random() < 0.5 for click in clicks]  # type: ignore[attr-defined]

    rollup = roll_up(clicks, firsts)

    assert not refused
    kinds = Counter((event.offer, event.time_ms // QUARTER_MS, event.kind) for event in events)
    uniques = Counter((e.offer, e.time_ms // QUARTER_MS) for e, first in zip(events, firsts, strict=True) if first)
    for shape in SHAPES:
        sums: Counter[tuple[str, int, str]] = Counter()
        for (offer, number, quarter, values), measures in rollup.items():
            if number == shape.number:
                assert len(values) == len(shape.dimensions)
                assert min(measures) >= 0
                for measure, count in zip(MEASURES, measures, strict=True):
                    sums[offer, quarter, measure] += count
        names = {"person": "clicks", "duplicate": "duplicates", "bot": "bots", "prefetch": "prefetches"}
        expected = Counter({(offer, quarter, names[kind]): n for (offer, quarter, kind), n in kinds.items()})
        expected.update({(offer, quarter, "uniques"): n for (offer, quarter), n in uniques.items()})
        assert +sums == +expected


def test_of_clicks_alike_each_counts() -> None:
    clicks = Clicks()
    alike, _ = Reader().read([encode_event(clicks.event()) for _ in range(3)])

    rollup = roll_up(alike, [True, True, False])

    assert {tuple(sums) for sums in rollup.values()} == {(3, 2, 0, 0, 0)}


@given(st.lists(EVENTS, max_size=20))
def test_lines_are_read_as_the_shared_decoder_reads_them(events: list[ClickEvent]) -> None:
    lines = [encode_event(event) for event in events]

    clicks, _ = Reader().read(lines)

    for click, decoded in zip(clicks, map(decode_event, lines), strict=True):
        link, visit = click.link, click.visit
        visitor = "" if click.visitor is None else f"{click.visitor % 2**64:016x}"
        assert decoded == ClickEvent(
            *(click.click_id, click.time_ms, link.domain, link.slug, link.offer, link.link, click.revision),
            *(visit.rule, visit.country, visit.device, visit.os, visit.browser, KINDS[visit.kind]),
            *(visit.via, visit.coupon, *visit.subs, visit.referrer, click.ip, visitor),
        )
        assert (visit.folded_via, visit.folded_coupon) == (fold(decoded.via), fold(decoded.coupon))


@pytest.mark.parametrize("count", [1, 9, 10, 22, 24])
def test_a_line_with_another_number_of_fields_is_refused_and_says_so(count: int) -> None:
    fields = [*encode_event(Clicks().event()).split(b"\t"), b"more"]

    clicks, [refused] = Reader().read([b"\t".join(fields[:count])])

    assert not clicks
    assert refused.reason == f"{count} fields, not 23"


ENTRY = {
    b"boot": b"boot1",
    b"batch": b"7",
    b"host": b"edge-1",
    b"slot": b"0",
    b"schema": b"1",
    b"events": b"a\nb",
    b"counts": b'{"produced":5,"dropped":{"quota":1}}',
}


def test_an_entry_is_a_batch() -> None:
    found = read_batch(b"1-0", ENTRY)

    assert (found.number, found.lines, found.produced, found.dropped) == (7, [b"a", b"b"], 5, {"quota": 1})


@pytest.mark.parametrize("name", sorted(ENTRY), ids=bytes.decode)
def test_an_entry_that_lacks_a_field_is_refused(name: bytes) -> None:
    with pytest.raises(MalformedBatch):
        read_batch(b"1-0", {field: value for field, value in ENTRY.items() if field != name})


@pytest.mark.parametrize("value", [b"\xff\xfe", b"1" * 300], ids=["binary", "long"])
@pytest.mark.parametrize("name", sorted(ENTRY.keys() - {b"events"}), ids=bytes.decode)
def test_an_entry_with_a_field_that_cannot_be_is_refused(name: bytes, value: bytes) -> None:
    with pytest.raises((MalformedBatch, UnknownSchema)):
        read_batch(b"1-0", ENTRY | {name: value})


def test_events_of_a_later_schema_wait() -> None:
    with pytest.raises(UnknownSchema):
        read_batch(b"1-0", ENTRY | {b"schema": b"2"})


@given(st.dictionaries(st.sampled_from(sorted(ENTRY)), st.binary(max_size=40)))
def test_any_entry_is_a_batch_or_refused(fields: dict[bytes, bytes]) -> None:
    with contextlib.suppress(MalformedBatch, UnknownSchema):
        Reader().read(read_batch(b"1-0", ENTRY | fields).lines)
