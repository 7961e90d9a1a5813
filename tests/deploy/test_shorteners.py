"""What other shorteners export, and what of it Turnout can have."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.api import ApiError
from deploy.refusal import Refusal
from deploy.shorteners import kutt, moving, report, shlink
from deploy.shorteners.document import document, offer_slug
from deploy.shorteners.reading import entries_in
from deploy.shorteners.shorturl import CannotMove, ShortUrl
from shared.key import is_slug

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER, EARLIER = (NOW + timedelta(days=1)).isoformat(), (NOW - timedelta(days=1)).isoformat()


def shlink_entry(code: str = "spring", **fields: Any) -> dict[str, Any]:
    return {"shortCode": code, "longUrl": f"https://yourbrand.com/{code.lower()}"} | fields


def kutt_entry(address: str = "spring", **fields: Any) -> dict[str, Any]:
    return {"address": address, "target": "https://yourbrand.com"} | fields


def from_shlink(**fields: Any) -> ShortUrl:
    return shlink.short_url(1, shlink_entry(**fields), NOW)


def from_kutt(**fields: Any) -> ShortUrl:
    return kutt.short_url(1, kutt_entry(**fields), NOW)


def rule(*conditions: tuple[str, str], **fields: Any) -> dict[str, Any]:
    """Return a redirect rule as Shlink's API gives it."""
    tests = [{"type": kind, "matchKey": None, "matchValue": value} for kind, value in conditions]
    return {"longUrl": "https://yourbrand.com/rule", "priority": 1, "conditions": tests} | fields


class TestSlugs:
    @pytest.mark.parametrize("code", ["abc12", "aBc12", "9-lives", "a_b", "x" * 64])
    def test_a_short_code_becomes_the_slug_that_it_is_in_small_letters(self, code: str) -> None:
        assert from_shlink(code=code).slug == code.lower()

    @pytest.mark.parametrize("code", ["a/b", "-x", "_x", "x" * 65, "ü", "a b", "a.b", "K\u212aelvin"])
    def test_a_short_code_that_is_no_slug_cannot_move(self, code: str) -> None:
        with pytest.raises(CannotMove, match="cannot be a slug here"):
            from_shlink(code=code)

    def test_two_that_differ_in_case_alone_are_told_apart_by_nobody(self) -> None:
        move = moving.read("shlink", [shlink_entry("abc"), shlink_entry("aBc")], NOW)

        assert [url.number for url in move.urls] == [1]
        assert [(fault.number, "entry 1 again" in fault.why) for fault in move.faults] == [(2, True)]

    def test_the_same_code_may_be_on_two_domains(self) -> None:
        move = moving.read("shlink", [shlink_entry("a"), shlink_entry("a", domain="go.example.com")], NOW)

        assert [str(url) for url in move.urls] == ["/a", "go.example.com/a"]
        assert move.faults == []


class TestFields:
    @pytest.mark.parametrize(
        ("entry", "fault"),
        [
            ({}, "shortCode: field required"),
            ({"shortCode": "a"}, "longUrl: field required"),
            (shlink_entry(longUrl=None), "longUrl: input should be a valid string"),
            (shlink_entry(meta={"validUntil": "soon"}), "meta.validUntil"),
            (shlink_entry(tags="spring"), "tags: input should be a valid list"),
            ([], "the entry: input should be"),
            (7, "the entry: input should be"),
        ],
        ids=["nothing", "no target", "null", "no time", "no list", "a list", "a number"],
    )
    def test_an_entry_that_is_none_is_told_with_the_field_at_fault(self, entry: Any, fault: str) -> None:
        (found,) = moving.read("shlink", [entry], NOW).faults

        assert found.why.startswith(fault)

    @pytest.mark.parametrize("forward", [True, False])
    def test_shlink_says_itself_whether_queries_pass(self, forward: bool) -> None:
        assert from_shlink(forwardQuery=forward).pass_query is forward

    def test_kutt_passes_no_queries(self) -> None:
        assert from_kutt().pass_query is False

    def test_an_end_stays_an_end(self) -> None:
        assert from_shlink(meta={"validUntil": LATER}).expires_at == NOW + timedelta(days=1)
        assert from_kutt(expire_in="2026-11-23 12:00:00").expires_at == NOW + timedelta(days=1)

    @pytest.mark.parametrize(
        ("meta", "enabled"),
        [
            ({}, True),
            ({"validSince": EARLIER}, True),
            ({"validSince": LATER}, False),
            ({"maxVisits": 11}, True),
            ({"maxVisits": 10}, False),
        ],
        ids=["always", "has begun", "begins later", "has visits left", "is used up"],
    )
    def test_what_does_not_redirect_now_is_switched_off(self, meta: dict[str, Any], enabled: bool) -> None:
        assert from_shlink(meta=meta, visitsSummary={"total": 10}).enabled is enabled

    def test_a_banned_link_is_switched_off(self) -> None:
        assert from_kutt(banned=True).enabled is False

    def test_a_link_with_a_password_is_not_opened_to_everybody(self) -> None:
        with pytest.raises(CannotMove, match="password"):
            from_kutt(password=True)

    @pytest.mark.parametrize("visits", [{"visitsSummary": {"total": 3}}, {"visitsCount": 3}], ids=["now", "before 3.0"])
    def test_visits_stay_behind_and_are_counted(self, visits: dict[str, Any]) -> None:
        assert [(left.what, left.detail) for left in from_shlink(**visits).left] == [("visits", "3 visits")]

    @pytest.mark.parametrize(
        ("title", "name"),
        [("Spring\nsale", "Springsale"), ("  ", "https://yourbrand.com/spring"), ("x" * 300, "x" * 200)],
        ids=["of one line", "blank", "long"],
    )
    def test_a_title_becomes_a_name(self, title: str, name: str) -> None:
        assert from_shlink(title=title).name == name


class TestRules:
    @pytest.mark.parametrize(
        ("conditions", "when"),
        [
            ([("device", "ios")], {"os": ["ios"]}),
            ([("device", "Android")], {"os": ["android"]}),
            ([("device", "desktop")], {"device": ["desktop"]}),
            ([("device", "mobile")], {"device": ["mobile", "tablet"]}),
            ([("geolocation-country-code", "us")], {"country": ["US"]}),
            ([("device", "ios"), ("geolocation-country-code", "US")], {"os": ["ios"], "country": ["US"]}),
            ([("device", "mobile"), ("device", "ios")], {"device": ["mobile", "tablet"], "os": ["ios"]}),
            ([("device", "ios"), ("after-date", EARLIER)], {"os": ["ios"]}),
        ],
        ids=str,
    )
    def test_a_rule_holds_for_the_same_visitors(
        self, conditions: list[tuple[str, str]], when: Mapping[str, Sequence[str]]
    ) -> None:
        (found,) = from_shlink(redirectRules=[rule(*conditions)]).rules

        assert found.when == when

    @pytest.mark.parametrize(
        "condition",
        [
            ("language", "de"),
            ("query-param", "x"),
            ("ip-address", "10.0.0.0/8"),
            ("geolocation-city-name", "Berlin"),
            ("browser", "firefox"),
            ("device", "toaster"),
            ("before-date", LATER),
            ("after-date", LATER),
            ("after-date", "whenever"),
            ("invented-later", ""),
        ],
        ids=lambda it: f"{it[0]} {it[1]}",
    )
    def test_a_rule_that_turnout_cannot_have_stays_behind_and_is_told(self, condition: tuple[str, str]) -> None:
        found = from_shlink(redirectRules=[rule(condition, ("device", "ios")), rule(("device", "ios"))])

        assert [it.name for it in found.rules] == ["Shlink rule 2"]
        assert [left.what for left in found.left] == ["rules"]

    @pytest.mark.parametrize(
        "conditions",
        [[], [("before-date", EARLIER)], [("device", "ios"), ("device", "android")]],
        ids=["no conditions", "over", "contradiction"],
    )
    def test_a_rule_that_matches_nobody_does_not_match_everybody_here(self, conditions: list[tuple[str, str]]) -> None:
        found = from_shlink(redirectRules=[rule(*conditions)])

        assert found.rules == ()
        assert [left.what for left in found.left] == ["rules that match nobody"]

    def test_rules_come_in_the_order_of_their_priority(self) -> None:
        second = rule(("device", "ios"), priority=2, longUrl="https://yourbrand.com/2")
        first = rule(("device", "ios"), priority=1, longUrl="https://yourbrand.com/1")

        found = from_shlink(redirectRules={"defaultLongUrl": "x", "redirectRules": [second, first]}).rules

        assert [it.destination_url[-1] for it in found] == ["1", "2"]

    def test_long_urls_of_devices_are_rules(self) -> None:
        found = from_shlink(
            deviceLongUrls={"ios": "https://a.example", "android": None, "desktop": "https://b.example"}
        )

        assert [(it.when, it.destination_url) for it in found.rules] == [
            ({"os": ["ios"]}, "https://a.example"),
            ({"device": ["desktop"]}, "https://b.example"),
        ]

    def test_rules_that_are_not_in_the_file_are_missed(self) -> None:
        with pytest.raises(CannotMove, match="not in the file"):
            from_shlink(hasRedirectRules=True)


class TestDocument:
    @pytest.mark.parametrize("domain", [None, "go.example.com", "x" * 60 + ".example.com"])
    @pytest.mark.parametrize("code", ["a", "x" * 64])
    def test_an_offers_slug_is_a_slug(self, code: str, domain: str | None) -> None:
        assert is_slug(offer_slug("shlink", from_shlink(code=code, domain=domain)))

    def test_offers_of_one_code_on_several_domains_differ(self) -> None:
        urls = [from_shlink(domain=domain) for domain in (None, "a.example", "b.example")]

        assert len({offer_slug("shlink", url) for url in urls}) == 3

    def test_visitors_get_what_the_old_shortener_gave_them(self) -> None:
        (offer,) = document("shlink", [from_shlink()])["offers"]

        assert offer["append_click_id"] is False

    def test_without_rules_an_offer_keeps_those_that_it_was_given_since(self) -> None:
        (offer,) = document("shlink", [from_shlink()])["offers"]

        assert "smart_link" not in offer

    def test_what_is_switched_off_does_not_answer_under_its_offers_slug_either(self) -> None:
        (offer,) = document("kutt", [from_kutt(banned=True)])["offers"]

        assert offer["status"] == "paused"


class FakeControl:
    """Control that refuses some paths of a document, once it has been told which."""

    def __init__(self, *refused: str, **there: Sequence[Mapping[str, Any]]) -> None:
        self.refused = refused
        self.there = there
        self.applied: list[Any] = []

    def send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        if method == "GET":
            return json.dumps(self.there).encode()
        wanted = json.loads(body or b"")
        errors = [
            {"path": f"{kind}.{place}.{name}", "code": "bad", "message": "No."}
            for kind in ("domains", "offers", "links")
            for place, it in enumerate(wanted[kind])
            for name, value in it.items()
            if value in self.refused
        ]
        if errors:
            raise ApiError(422, "invalid", "no", errors)
        if path.endswith("plan=false"):
            self.applied.append(wanted)
        created = len(wanted["offers"]) * 2
        return json.dumps({"created": created, "updated": 0, "unchanged": 0, "changes": []}).encode()


def planned(control: FakeControl, *entries: Any) -> moving.Move:
    return moving.Mover(control, "shlink").plan(moving.read("shlink", entries, NOW))


class TestMoving:
    def test_what_control_refuses_is_told_of_its_entry_and_the_others_go_on(self) -> None:
        bad = shlink_entry("b", longUrl="javascript:x", title="B")

        move = planned(FakeControl("javascript:x"), shlink_entry("a"), bad, shlink_entry("c"))

        assert [url.slug for url in move.urls] == ["a", "c"]
        assert [(fault.number, fault.why) for fault in move.faults] == [(2, "destination_url: No.")]

    def test_a_refused_domain_is_told_of_every_entry_on_it(self) -> None:
        entries = [
            shlink_entry(code, domain=domain) for code, domain in (("a", "b_d"), ("b", "ok.example"), ("c", "b_d"))
        ]

        move = planned(FakeControl("b_d"), *entries)

        assert [fault.number for fault in move.faults] == [1, 3]

    def test_a_refusal_of_something_else_is_no_fault_of_an_entry(self) -> None:
        class Refusing(FakeControl):
            def send(self, method: str, path: str, body: bytes | None = None) -> bytes:
                if method == "GET":
                    return super().send(method, path, body)
                raise ApiError(422, "invalid", "no", [{"path": "turnout", "code": "x", "message": "Too new."}])

        with pytest.raises(Refusal, match="turnout: Too new"):
            planned(Refusing(), shlink_entry())

    def test_a_link_of_somebody_elses_is_not_led_elsewhere(self) -> None:
        control = FakeControl(links=[{"slug": "spring", "offer": "other"}])

        (fault,) = planned(control, shlink_entry("spring")).faults

        assert fault.why == "there is a link /spring already, to the offer other"

    def test_a_link_that_was_imported_before_may_be_again(self) -> None:
        control = FakeControl(links=[{"slug": "spring", "offer": "shlink-spring"}])

        assert planned(control, shlink_entry("spring")).faults == []

    def test_a_domain_that_is_there_is_left_as_it_is(self) -> None:
        control = FakeControl(domains=[{"host": "a.example", "root_url": "https://brand.example"}])
        mover = moving.Mover(control, "shlink")

        entries = [shlink_entry("x", domain="a.example"), shlink_entry("x", domain="b.example")]
        mover.apply(mover.plan(moving.read("shlink", entries, NOW)))

        assert [it["domains"] for it in control.applied] == [[{"host": "b.example"}]]

    def test_only_what_was_planned_is_imported_and_in_parts(self) -> None:
        control = FakeControl("javascript:x")
        good = [shlink_entry(f"a{number}") for number in range(moving.AT_ONCE + 1)]

        bad = shlink_entry("bad", longUrl="javascript:x")

        done = moving.Mover(control, "shlink").apply(planned(control, *good, bad))

        assert [len(it["links"]) for it in control.applied] == [moving.AT_ONCE, 1]
        assert done.created == 2 * len(good)

    def test_the_report_names_what_changes_where_visitors_go(self) -> None:
        entry = shlink_entry(redirectRules=[rule(("language", "de"))], tags=["a"], visitsCount=5)

        told = "\n".join(report.lines(planned(FakeControl(), entry, shlink_entry("a/b")), planned=True))

        assert (
            "- entry 1 (/spring): rule 1 to https://yourbrand.com/rule: Turnout has no condition on language de" in told
        )
        assert "! entry 2" in told
        assert "Left behind: visits of 1." in told
        assert "Tags of 1 become sub1" in told
        assert told.endswith("1 short URLs can be imported, 1 cannot.")


class TestReading:
    @pytest.mark.parametrize(
        "text",
        [
            '{"shortUrls": {"data": [{"a": 1}, {"a": 2}], "pagination": {}}}',
            '{"data": [{"a": 1}, {"a": 2}], "total": 2}',
            '[{"a": 1}, {"a": 2}]',
            '[{"data": [{"a": 1}]}, {"data": [{"a": 2}]}]',
            '{"a": 1}\n\n{"a": 2}\n',
            '{"data": [{"a": 1}]}\n{"data": [{"a": 2}]}',
            '\ufeff[{"a": 1}, {"a": 2}]',
        ],
        ids=["Shlink's page", "Kutt's page", "list", "pages", "lines", "a page a line", "byte order mark"],
    )
    def test_pages_lists_and_lines_are_all_read(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "links.json"
        file.write_text(text)

        assert entries_in(file) == [{"a": 1}, {"a": 2}]

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"address,target\n", "is not JSON"),
            (b"", "is not JSON"),
            (b'{"a": 1}\n{"a": \n', "nor is line 2 of it"),
            (b"7", "holds ints"),
            (b"\xff\xfe", "is not UTF-8"),
            (b"[" * 100_000, "is not JSON"),
        ],
        ids=["CSV", "empty", "a broken line", "a number", "no text", "too deep"],
    )
    def test_a_file_that_is_none_is_refused_with_a_sentence(self, tmp_path: Path, content: bytes, why: str) -> None:
        file = tmp_path / "links.json"
        file.write_bytes(content)

        with pytest.raises(Refusal, match=why):
            entries_in(file)
