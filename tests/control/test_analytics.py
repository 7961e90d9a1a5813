"""Whatever is asked of clicks, and however it is read, the answer is what counting them one by one gives."""

import csv
import io
import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import delete

from control.clicks import listing
from control.clicks.listing import MAX_LOOKED
from control.clicks.models import ClickRow
from control.clicks.schemas import ListedClick
from control.clicks.shapes import BLOCK_DAYS
from control.ingest.closing import ask_for, close_days
from control.insight.analytics.cover import cover, split
from control.insight.analytics.export import csv_line
from control.insight.analytics.periods import Range, cut, midnight, quarter_at
from control.insight.analytics.question import ask
from control.insight.analytics.reading import Sessions
from control.pagination import Page
from control.parts import Parts
from shared.events import KINDS, ClickEvent
from tests.control.api import Api, Client, errors_of
from tests.control.clicks import Clicks, Ingester, batch

HOUR_MS = 3_600_000
FIRST = datetime(2026, 10, 20, tzinfo=UTC)
"""The first of the test's clicks; five weeks, over the end of summer time in Europe."""


class Fixture:
    """An offer with a month of clicks, known one by one."""

    def __init__(self, api: Api, client: Client, parts: Parts) -> None:
        self.api, self.client, self.parts = api, client, parts
        self.ingester = Ingester(parts.clicks_db)
        self.offer = api.offer()
        self.partners = {slug: api.partner(slug)["id"] for slug in ("anna", "ben")}
        api.made("/coupons", {"code": "SAVE10", "offer_id": self.offer["id"], "partner_id": self.partners["ben"]})
        self.events = list(self._events(random.Random(7)))
        for number, start in enumerate(range(0, len(self.events), 400)):
            self.run(self.ingester.record, batch(number + 1, self.events[start : start + 400]))

    def run(self, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        return self.client.portal.call(partial(function, *given, **named))

    def close(self, *shifts: int) -> None:
        """Close the days of UTC and of these shifts."""
        now = round((FIRST + timedelta(days=37)).timestamp() * 1000)
        for shift in shifts:
            self.run(ask_for, self.parts.clicks_db, shift, now)
        self.run(close_days, self.parts.clicks_db, now)

    def _events(self, rng: random.Random) -> Iterable[ClickEvent]:
        clicks, seen = Clicks(), set()
        for number in range(1_500):
            time_ms = round(FIRST.timestamp() * 1000) + rng.randrange(35 * 24 * HOUR_MS)
            kind = rng.choices(KINDS, [80, 5, 10, 5])[0]
            country, device = rng.choice(["US", "US", "DE", "BR"]), rng.choice(["mobile", "desktop"])
            event = clicks.event(
                offer=self.offer["id"] if number % 10 else "o_other",
                time_ms=time_ms,
                kind=kind,
                country=country,
                device=device,
                os="ios" if device == "mobile" else rng.choice(["windows", "macos"]),
                browser=rng.choice(["Safari", "Chrome"]),
                rule="r_us" if country == "US" else rng.choice(["fallback", "r_gone"]),
                via=rng.choice(["", "", "Anna", "ben", "zoe"]),
                coupon=rng.choice(["", "", "save10", "NOBODYS"]),
                link=rng.choice(["", "l_one"]),
                sub1=rng.choice(["", "news letter", "=1+1", "é"]),
                sub2=rng.choice(["", "x"]),
                referrer=rng.choice(["", "example.com"]),
                visitor=f"{rng.randrange(400):016x}",
            )
            seen.add(event.click_id)
            yield event

    def ask(self, **params: Any) -> Any:
        given = {"from": "2026-10-20", "to": "2026-11-30", **params}
        return self.api.got(f"/offers/{self.offer['id']}/analytics", params=given)

    def key(self, event: ClickEvent, name: str) -> str:
        """What an event's key is, worked out here."""
        if name == "partner":
            owner = self.partners.get(event.via.lower()) or (self.partners["ben"] if event.coupon == "save10" else None)
            return owner or ("unattributed" if event.via or event.coupon else "")
        value = str(getattr(event, name))
        return value.lower() if name in ("via", "coupon") else value

    def chosen(self, filters: dict[str, list[str]]) -> list[ClickEvent]:
        return [
            event
            for event in self.events
            if event.offer == self.offer["id"]
            and all(self.key(event, name) in values for name, values in filters.items())
        ]


@pytest.fixture
def month(api: Api, client: Client, parts: Parts) -> Fixture:
    return Fixture(api, client, parts)


def people(events: Iterable[ClickEvent]) -> list[ClickEvent]:
    return [event for event in events if event.kind == "person"]


KEYS = ["rule", "country", "device", "os", "browser", "partner", "via", "link", "coupon", "sub1", "sub2", "referrer"]
FILTERS: list[dict[str, list[str]]] = [
    {},
    {"country": ["US", "BR"]},
    {"rule": ["fallback"], "device": ["mobile"]},
    {"via": ["ANNA"]},
    {"sub1": ["news letter"]},
    {"sub1": ["é"], "country": ["DE"]},
    {"coupon": ["Save10"], "os": ["macos"]},
]


def test_any_grouping_sums_to_the_same_totals_and_to_the_clicks(month: Fixture) -> None:
    for closed in (False, True):
        if closed:
            month.close(22)
        for filters in FILTERS:
            folded = {name: [v.lower() if name in ("via", "coupon") else v for v in vs] for name, vs in filters.items()}
            events = people(month.chosen(folded))
            for key in KEYS:
                found = month.ask(group_by=key, tz="Asia/Kolkata", **filters)
                groups = {group["key"]: group["clicks"] for group in found["groups"] if group["clicks"]}
                assert groups == Counter(month.key(event, key) for event in events), (closed, key, filters)
                assert found["totals"]["clicks"] == len(events)
                for measure in ("clicks", "uniques", "bots", "duplicates", "prefetches"):
                    assert sum(group[measure] for group in found["groups"]) == found["totals"][measure]
                    assert sum(point[measure] for point in found["series"]) == found["totals"][measure]
                charted = sum(sum(point["groups"].values()) for point in found["series"])
                assert charted == len(events)


LISTED = [
    *FILTERS,
    {"kind": ["bot", "prefetch"]},
    {"link": [""]},
    {"partner": ["unattributed"], "country": ["US"]},
    {"partner": ["anna", "ben"]},
]


def test_single_clicks_are_those_counted_newest_first_page_by_page(month: Fixture) -> None:
    path = f"/offers/{month.offer['id']}/clicks"
    for filters in LISTED:
        wanted = {**filters, "partner": [month.partners.get(value, value) for value in filters.get("partner", [])]}
        given = {"from": "2026-10-20", "to": "2026-11-30", **wanted, "limit": 100}
        pages = [month.api.got(path, params=given)]
        while pages[-1]["next_cursor"]:
            pages.append(month.api.got(path, params={**given, "cursor": pages[-1]["next_cursor"]}))
        folded = {
            name: [v.lower() if name in ("via", "coupon") else v for v in vs] for name, vs in wanted.items() if vs
        }
        events = sorted(month.chosen(folded), key=lambda event: (event.time_ms, event.click_id), reverse=True)
        assert [click["id"] for page in pages for click in page["items"]] == [event.click_id for event in events]
        assert [len(page["items"]) for page in pages[:-1]] == [100] * (len(pages) - 1)


def test_a_page_of_single_clicks_looks_through_so_many_and_goes_on_where_it_ended(month: Fixture) -> None:
    start = round(FIRST.timestamp() * 1000)
    clicks = Clicks()
    rare = clicks.event(offer="o_busy", click_id="rare", time_ms=start, country="BR")
    common = [
        clicks.event(offer="o_busy", click_id=f"busy{n:06d}", time_ms=start + 1 + n // 3) for n in range(MAX_LOOKED)
    ]
    month.run(month.ingester.record, batch(900, [rare, *common]))
    asked = ask(
        "o_busy",
        begin="2026-10-20",
        end=None,
        interval="day",
        tz="UTC",
        group_by=None,
        filters={"country": ["BR"]},
        now=FIRST,
    )

    async def page(cursor: str | None) -> Page[ListedClick]:
        async with month.parts.clicks_db.read() as clicks, month.parts.db.read() as config:
            return await listing.page(Sessions(clicks, config), asked, cursor, 50)

    first = month.run(page, None)
    assert (first.items, first.next_cursor) == ([], f"{start + 1}.busy000000")
    second = month.run(page, first.next_cursor)
    assert ([click.id for click in second.items], second.next_cursor) == (["rare"], None)


@pytest.mark.parametrize("cursor", ["x", "12", "12.", ".x", "99999999999999999999.x", "\u0661.x"])
def test_a_cursor_of_nobodys_is_refused(api: Api, cursor: str) -> None:
    refused = api.get(f"/offers/{api.offer()['id']}/clicks", params={"cursor": cursor})
    assert errors_of(refused) == [("cursor", "invalid_cursor")]


def test_an_offer_without_clicks_lists_none(api: Api) -> None:
    assert api.got(f"/offers/{api.offer()['id']}/clicks") == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Europe/Berlin"])
@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
def test_buckets_are_those_of_the_time_zone(month: Fixture, zone: str, interval: str) -> None:
    local = ZoneInfo(zone)

    def bucket(event: ClickEvent) -> datetime:
        at = datetime.fromtimestamp(event.time_ms / 1000, local)
        if interval == "hour":
            return at.astimezone(UTC) - timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
        day = at.date()
        if interval == "week":
            day -= timedelta(days=day.weekday())
        if interval == "month":
            day = day.replace(day=1)
        first = datetime(2026, 10, 24, tzinfo=local) if interval == "hour" else datetime(2026, 10, 20, tzinfo=local)
        return max(midnight(day, local), first).astimezone(UTC)

    span = {"from": "2026-10-24", "to": "2026-10-27"} if interval == "hour" else {}
    for closed in (False, True):
        if closed:
            month.close(*{-quarter_at(midnight(day.date(), local)) % 96 for day in (FIRST, FIRST + timedelta(days=20))})
        found = month.ask(interval=interval, tz=zone, group_by="rule", **span)
        start, end = (datetime.fromisoformat(found[name]) for name in ("start", "end"))
        events = [
            event
            for event in people(month.chosen({}))
            if start <= datetime.fromtimestamp(event.time_ms / 1000, UTC) < end
        ]
        counted = {datetime.fromisoformat(p["start"]): p["clicks"] for p in found["series"] if p["clicks"]}
        assert counted == Counter(bucket(event) for event in events)
        assert all(sum(point["groups"].values()) == point["clicks"] for point in found["series"])


def test_kinds_are_groups_of_their_own(month: Fixture) -> None:
    found = month.ask(group_by="kind")
    kinds = Counter(event.kind for event in month.chosen({}))
    names = {"person": "clicks", "duplicate": "duplicates", "bot": "bots", "prefetch": "prefetches"}
    assert {group["key"]: group[names[group["key"]]] for group in found["groups"]} == kinds
    assert found["totals"]["bots"] == kinds["bot"]
    only_bots = month.ask(kind="bot")
    assert (only_bots["totals"]["clicks"], only_bots["totals"]["bots"]) == (0, kinds["bot"])


def test_a_partner_created_later_gets_what_was_theirs(month: Fixture) -> None:
    before = {group["key"]: group["clicks"] for group in month.ask(group_by="partner")["groups"]}
    zoe = month.api.partner("zoe")
    after = {group["key"]: group["clicks"] for group in month.ask(group_by="partner")["groups"]}
    assert after[zoe["id"]] > 0
    assert after[zoe["id"]] + after["unattributed"] + after[month.partners["ben"]] == (
        before["unattributed"] + before[month.partners["ben"]]
    )
    filtered = month.ask(partner=zoe["id"], group_by="country")
    assert filtered["totals"]["clicks"] == after[zoe["id"]] == sum(p["clicks"] for p in filtered["series"])


def test_a_code_created_later_gets_the_clicks_that_carried_it(month: Fixture) -> None:
    anna = month.partners["anna"]
    before = {group["key"]: group["clicks"] for group in month.ask(group_by="partner")["groups"]}
    code = {"code": "NobodyS", "offer_id": month.offer["id"], "partner_id": anna}
    month.api.made("/coupons", code)
    after = {group["key"]: group["clicks"] for group in month.ask(group_by="partner")["groups"]}

    theirs = [event for event in people(month.chosen({"coupon": ["nobodys"]})) if event.via in ("", "zoe")]
    assert theirs
    assert after[anna] == before[anna] + len(theirs)
    assert after["unattributed"] == before["unattributed"] - len(theirs)


def test_small_groups_are_one_group_and_nothing_is_lost(month: Fixture) -> None:
    found = month.ask(group_by="country", limit=1)
    assert [group["key"] for group in found["groups"]] == ["US", "\u2026"]
    assert sum(group["clicks"] for group in found["groups"]) == found["totals"]["clicks"]


def test_the_period_before_is_compared(month: Fixture) -> None:
    found = month.ask(**{"from": "2026-11-03", "to": "2026-11-09", "compare": "previous", "group_by": "country"})
    before = month.ask(**{"from": "2026-10-27", "to": "2026-11-02", "group_by": "country"})
    assert found["previous"]["totals"] == before["totals"]
    earlier = {group["key"]: group["clicks"] for group in before["groups"]}
    assert {group["key"]: group["previous"]["clicks"] for group in found["groups"]} == earlier


def test_combinations_that_rollups_lack_come_from_clicks(month: Fixture) -> None:
    assert month.ask(group_by="sub1", sub2="x")["source"] == "clicks"
    assert month.ask(group_by="country", device="mobile")["source"] == "rollups"


def test_closed_days_are_counted_without_reading_clicks_until_a_late_one_opens_them(month: Fixture) -> None:
    given = {"group_by": "sub1", "sub2": "x", "tz": "Asia/Kolkata"}
    month.close()
    expected = month.ask(**given)
    late = Clicks().event(offer=month.offer["id"], sub1="late", sub2="x", time_ms=round(FIRST.timestamp() * 1000))

    async def forget_rows() -> None:
        async with month.parts.clicks_db.write() as session:
            await session.execute(delete(ClickRow))

    month.run(forget_rows)
    assert month.ask(**given) == expected
    month.run(month.ingester.record, batch(99, [late]))
    reopened = month.ask(**given, **{"from": "2026-10-20", "to": "2026-10-20"})

    assert [group["key"] for group in reopened["groups"]] == ["late"]


@pytest.mark.parametrize("filters", [{"sub2": ["x"]}, {"sub1": ["é"], "link": ["l_one"]}], ids=["one", "two"])
@pytest.mark.parametrize("closed", [False, True], ids=["by rows", "by columns"])
def test_what_rollups_lack_is_filtered_by_partner_and_kind_too(
    month: Fixture, filters: dict[str, list[str]], closed: bool
) -> None:
    if closed:
        month.close()
    for partner in (*month.partners.values(), "unattributed", ""):
        wanted = month.chosen({**filters, "partner": [partner]})
        found = month.ask(**filters, partner=partner, group_by="country", tz="Asia/Kolkata")
        assert found["source"] == "clicks"
        groups = {group["key"]: group["clicks"] for group in found["groups"] if group["clicks"]}
        assert groups == Counter(event.country for event in people(wanted))
        bots = month.ask(**filters, partner=partner, group_by="partner", kind="bot", interval="week")
        assert bots["totals"]["bots"] == sum(event.kind == "bot" for event in wanted)
        assert sum(point["bots"] for point in bots["series"]) == bots["totals"]["bots"]


@pytest.mark.parametrize("value", ["\0", "\ufffd", "'; DROP TABLE clicks --", "%", "\U0001f600", "x" * 300], ids=ascii)
def test_any_text_can_be_asked_for(month: Fixture, value: str) -> None:
    for key in ("sub1", "via", "country", "partner", "rule"):
        for group_by in ("sub2", "rule"):
            assert month.ask(**{key: value, "group_by": group_by})["totals"]["clicks"] == 0


def test_an_offer_without_clicks_has_empty_charts(api: Api) -> None:
    offer = api.offer("quiet")
    found = api.got(f"/offers/{offer['id']}/analytics", params={"group_by": "rule"})
    assert found["totals"]["clicks"] == 0
    assert found["groups"] == []
    assert len(found["series"]) == 30


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"from": "soon"}, "from"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "to"),
        ({"from": "2001-01-01", "to": "2026-01-01"}, "from"),
        ({"from": "2026-01-01", "to": "2026-11-01", "interval": "hour"}, "interval"),
        ({"interval": "minute"}, "interval"),
        ({"tz": "Mars/Olympus"}, "tz"),
        ({"tz": "../../etc/passwd"}, "tz"),
        ({"group_by": "shoe size"}, "group_by"),
        ({"kind": "robot"}, "kind"),
        ({"to": "9999-12-31"}, "to"),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_refused_by_name(api: Api, params: dict[str, str], path: str) -> None:
    offer = api.offer()
    response = api.get(f"/offers/{offer['id']}/analytics", params=params)
    assert response.status_code == 422
    assert path in [error["path"] for error in response.json()["errors"]]


def test_an_export_agrees_with_the_answer(month: Fixture) -> None:
    given = {"group_by": "sub1", "interval": "week", "tz": "Asia/Kolkata", "from": "2026-10-20", "to": "2026-11-30"}
    answer = month.ask(**given)
    path = f"/offers/{month.offer['id']}/analytics/export"
    table = month.api.get(path, params=given).text
    lines = month.api.get(path, params={**given, "format": "jsonl"}).text

    read = list(csv.DictReader(io.StringIO(table, newline="")))
    objects = [orjson.loads(line) for line in lines.splitlines()]

    assert [{**row, "key": row["key"].removeprefix("'"), "label": row["label"].removeprefix("'")} for row in read] == [
        {name: str(value) for name, value in row.items()} for row in objects
    ]
    sums: Counter[str] = Counter()
    for row in objects:
        sums[row["key"]] += row["clicks"]
    assert sums == {group["key"]: group["clicks"] for group in answer["groups"]}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\0x"], ids=repr)
def test_a_formula_in_an_export_is_a_text(text: str) -> None:
    [[cell, number]] = csv.reader(io.StringIO(csv_line([text, -1]).decode(), newline=""))
    assert (cell, number) == (f"'{text}", "-1")


def test_the_fallback_watch_names_the_largest_segments(month: Fixture) -> None:
    found = month.api.got(
        f"/offers/{month.offer['id']}/fallback-watch", params={"from": "2026-10-20", "to": "2026-11-30"}
    )
    fallen = people(month.chosen({"rule": ["fallback"]}))
    assert (found["clicks"], found["fallback"]) == (len(people(month.chosen({}))), len(fallen))
    segments = {(segment["country"], segment["device"]): segment["clicks"] for segment in found["segments"]}
    assert segments == Counter((event.country, event.device) for event in fallen)
    assert found["segments"][0]["when"] == {
        "country": [found["segments"][0]["country"]],
        "device": [found["segments"][0]["device"]],
    }


def test_one_click_is_explained_by_the_revision_it_saw(api: Api, client: Client, parts: Parts) -> None:
    offer = api.offer()
    rule = {"name": "Phones", "when": {"country": ["US"], "device": ["mobile"]}, "destination_url": "https://a.test/x"}
    saved = api.save(offer["id"], [rule]).json()
    rule_id = saved["rules"][0]["id"]
    event = Clicks().event(offer=offer["id"], revision=saved["revision"], rule=rule_id, via="mara", sub1="a b")
    client.portal.call(Ingester(parts.clicks_db).record, batch(1, [event]))
    api.save(offer["id"], [])

    found = api.got(f"/clicks/{event.click_id}")

    assert (found["rule_id"], found["rule_name"]) == (rule_id, "Phones")
    assert found["destination_url"] == "https://a.test/x"
    assert found["explanation"][0]["outcome"] == "matched"
    assert (found["sub1"], found["partner_id"], found["unique"]) == ("a b", None, True)
    mara = api.partner("mara")
    assert api.got(f"/clicks/{event.click_id}")["partner_id"] == mara["id"]
    assert api.get("/clicks/nowhere").status_code == 404


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe"])
@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
def test_buckets_and_days_cover_a_range_once(zone: str, interval: str) -> None:
    local = ZoneInfo(zone)
    rng = random.Random(3)
    for _ in range(50):
        first = quarter_at(FIRST) + rng.randrange(10_000)
        span = Range(first, first + rng.randrange(1, 5_000))
        period = cut(span, interval, local)
        for parts in (period.buckets, [Range(day.first, day.after) for day in period.days]):
            assert [q for part in parts for q in range(*part)] == list(range(*span))


def test_a_cover_reads_every_quarter_once() -> None:
    rng = random.Random(5)
    for _ in range(300):
        span = Range(a := rng.randrange(2_000), a + rng.randrange(1, 6_000))
        shift = rng.randrange(96)
        blocks = {day for day in range(0, 96, BLOCK_DAYS) if rng.random() < 0.5}
        closed = {(shift, 1): {day for day in range(96) if rng.random() < 0.8}, (shift, BLOCK_DAYS): blocks}
        parts = cover(span, shift, closed)
        assert {first for first, _ in parts.blocks} <= blocks
        days = [day for first, after in parts.days for day in range(first, after)]
        assert set(days) <= closed[shift, 1]
        days += [day for first, after in parts.blocks for day in range(first, after)]
        read = [q for day in days for q in range(day * 96 - shift, day * 96 + 96 - shift)]
        read += [q for part in parts.quarters for q in range(*part)]
        assert sorted(read) == list(range(*span))


def test_days_that_are_not_closed_are_read_in_few_stretches() -> None:
    period = cut(Range(quarter_at(FIRST), quarter_at(FIRST) + 96 * 30), "day", ZoneInfo("Asia/Kolkata"))
    whole, stretches = split(period.days, {(22, 1): {day.day for day in period.days[5:9]}})
    assert sum(map(len, whole.values())) == 4
    assert len(stretches) == 4


def test_a_draft_is_replayed_on_recent_clicks(month: Fixture) -> None:
    phones = {"name": "Phones", "when": {"device": ["mobile"]}, "destination_url": "https://a.test/phones"}
    saved = month.api.save(month.offer["id"], [phones]).json()
    americans = {"name": "US", "when": {"country": ["US"]}, "destination_url": "https://a.test/us"}
    draft = {"enabled": True, "rules": [americans, *saved["rules"]]}

    found = month.api.post(f"/offers/{month.offer['id']}/smart-link/preview", {"draft": draft, "clicks": 500})

    assert found.status_code == 200, found.text
    answer = found.json()
    latest = sorted(people(month.chosen({})), key=lambda event: -event.time_ms)[:500]
    phone_id = saved["rules"][0]["id"]
    moved = Counter(phone_id if event.device == "mobile" else "fallback" for event in latest if event.country == "US")
    assert (answer["clicks"], answer["moved"]) == (500, moved.total())
    assert {move["from_rule_id"]: move["clicks"] for move in answer["moves"]} == moved
    assert {move["to_name"] for move in answer["moves"]} == {"US"}
    assert sum(rule["before"] for rule in answer["rules"]) == sum(rule["after"] for rule in answer["rules"]) == 500


def test_a_value_beyond_what_rollups_hold_is_counted_from_clicks(api: Api, client: Client, parts: Parts) -> None:
    offer, clicks = api.offer(), Clicks()
    events = [clicks.event(offer=offer["id"], sub1=f"id {number % 30}") for number in range(90)]
    client.portal.call(Ingester(parts.clicks_db, max_cells=10).record, batch(1, events))
    given = {"from": "2026-11-20", "to": "2026-11-22"}

    by_sub = api.got(f"/offers/{offer['id']}/analytics", params={**given, "group_by": "sub1"})
    one = api.got(f"/offers/{offer['id']}/analytics", params={**given, "sub1": "id 29"})

    assert by_sub["totals"]["clicks"] == 90
    assert {group["label"] for group in by_sub["groups"]} > {"Other"}
    assert (one["source"], one["totals"]["clicks"]) == ("clicks", 3)
