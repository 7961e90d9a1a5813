"""Who clicks: addresses, countries, agents, referrers and hashes, and what is remembered of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clicks.visitors import MAX_AGENTS_READ_PER_TURN, Caller, Headers, Visitors, referrer_host, utc_day
from tests import builders
from tests.edge.roads import NOW_MS, PROXY, SALTS, STRANGER, Edge

DAY_MS = 86_400_000


def new(country_header: str | None = None) -> Visitors:
    """Visitors at the beginning of a turn."""
    visitors = Edge(country_header=country_header).visitors
    visitors.turn(NOW_MS, SALTS)
    return visitors


def headers(**fields: str) -> Headers:
    """Headers by name, hyphens spelt as underscores."""
    return {name.replace("_", "-").encode(): value.encode("latin-1") for name, value in fields.items()}


def event_of(visitors: Visitors, address: str, **fields: str) -> tuple[bytes, bytes]:
    """The visitor's half of an event."""
    sender = visitors.sender_of(headers(**fields), "_", trusted=True)
    assert sender is not None
    caller = visitors.caller_of(sender, PROXY, address.encode())
    return caller.who, caller.whence


def caller(visitors: Visitors, peer: str, forwarded: bytes = b"") -> Caller:
    """A visitor at an address, who sends nothing else."""
    sender = visitors.sender_of({}, "_", trusted=True)
    assert sender is not None
    return visitors.caller_of(sender, peer, forwarded)


class TestAddresses:
    """Where a request comes from."""

    @pytest.mark.parametrize(
        ("peer", "forwarded", "text", "country"),
        [
            (STRANGER, b"", STRANGER, "ZZ"),
            (builders.US_ADDRESS, b"", builders.US_ADDRESS, "US"),
            (PROXY, b"81.2.69.142", "81.2.69.142", "GB"),
            (PROXY, b"8.8.8.8, 81.2.69.142, 10.3.2.1", "81.2.69.142", "GB"),
            (PROXY, b"nonsense", PROXY, "ZZ"),
            ("", b"", "", "ZZ"),
        ],
        ids=["stranger", "peer with a country", "one hop", "our own hops", "nonsense", "unix socket"],
    )
    def test_address_and_country(self, peer: str, forwarded: bytes, text: str, country: str) -> None:
        found = caller(new(), peer, forwarded)

        assert (found.address, found.country) == (text, country)

    def test_who_comes_again_is_not_looked_up_again(self) -> None:
        visitors = new()

        caller(visitors, PROXY, b"8.8.8.8")  # at the first sight nobody is remembered

        assert caller(visitors, PROXY, b"8.8.8.8") is caller(visitors, PROXY, b"8.8.8.8")

    def test_nonsense_behind_two_proxies_names_each_proxy_and_not_the_first(self) -> None:
        visitors = new()

        assert [caller(visitors, peer, b"?").address for peer in ("10.0.0.1", "10.0.0.2")] == ["10.0.0.1", "10.0.0.2"]

    def test_a_new_country_database_is_asked_at_once(self) -> None:
        visitors = new()
        assert [caller(visitors, PROXY, b"8.8.8.8").country for _ in range(3)] == ["US"] * 3
        visitors.use_countries(lambda _: "CA")

        assert caller(visitors, PROXY, b"8.8.8.8").country == "CA"

    def test_remembered_visitors_are_bounded(self) -> None:
        visitors = new()
        for number in range(50_000):
            for _ in range(2):
                caller(visitors, PROXY, b"%d.%d.%d.1" % (number >> 16 & 255, number >> 8 & 255, number & 255))
        for _ in range(2):
            assert caller(visitors, PROXY, b"8.8.8.8," * 5000 + b"8.8.8.8").address == "8.8.8.8"

        assert 16_384 < len(visitors.callers) <= 2 * 16_384
        assert max(len(key) for key, _ in visitors.callers.young) <= 512

    def test_who_comes_once_leaves_nothing_behind(self) -> None:
        visitors = new()
        for number in range(20_000):
            caller(visitors, PROXY, b"8.%d.%d.1" % (number >> 8 & 255, number & 255))

        assert len(visitors.callers) < 200


class TestSenders:
    """What the headers of a request say."""

    @pytest.mark.parametrize(
        ("fields", "kind"),
        [
            ({"user_agent": builders.CHROME}, "person"),
            ({"user_agent": builders.GOOGLEBOT}, "bot"),
            ({"user_agent": builders.CHROME, "sec_purpose": "prefetch;prerender"}, "prefetch"),
            ({"user_agent": builders.CHROME, "purpose": "prefetch"}, "prefetch"),
            ({"user_agent": builders.GOOGLEBOT, "purpose": "prefetch"}, "bot"),
        ],
        ids=["person", "bot", "sec-purpose", "purpose", "a bot that prefetches"],
    )
    def test_kind_of_click(self, fields: dict[str, str], kind: str) -> None:
        assert event_of(new(), "8.8.8.8", **fields)[0].split(b"\t")[4] == kind.encode()

    @pytest.mark.parametrize(
        ("header", "trusted", "country"),
        [("fr", True, b"FR"), ("UK", True, b"GB"), ("XX", True, b"ZZ"), ("T1", True, b"ZZ"), ("fr", False, b"US")],
    )
    def test_a_trusted_proxys_country_header_wins(self, header: str, trusted: bool, country: bytes) -> None:
        visitors = new("CF-IPCountry")
        sender = visitors.sender_of(headers(cf_ipcountry=header), "_", trusted=trusted)
        assert sender is not None

        assert visitors.caller_of(sender, "8.8.8.8").who.startswith(country + b"\t")

    def test_client_hints_tell_devices_apart(self) -> None:
        visitors = new()
        plain = event_of(visitors, "8.8.8.8", user_agent=builders.CHROME)
        hinted = event_of(
            visitors, "8.8.8.8", user_agent=builders.CHROME, sec_ch_ua_mobile="?1", sec_ch_ua_platform='"Android"'
        )

        assert plain[0].split(b"\t")[1:3] == [b"desktop", b"windows"]
        assert hinted[0].split(b"\t")[1:3] == [b"mobile", b"android"]

    def test_only_so_many_new_agents_are_read_in_a_turn(self) -> None:
        visitors = new()
        read = [visitors.sender_of(headers(user_agent=f"a/{number}"), "_", trusted=True) for number in range(100)]
        assert [sender is not None for sender in read] == [number < MAX_AGENTS_READ_PER_TURN for number in range(100)]
        assert visitors.sender_of(headers(user_agent="a/1"), "_", trusted=True) is not None, "known ones cost nothing"

        visitors.turn(NOW_MS, SALTS)
        assert visitors.sender_of(headers(user_agent="a/99"), "_", trusted=True) is not None

    def test_visitors_whom_no_rule_can_tell_apart_are_one_group(self) -> None:
        visitors = new()
        groups = {
            visitors.caller_of(sender, PROXY, address).group
            for address in (b"8.8.8.8", b"8.8.8.8, 10.9.9.9")
            for agent in ("Chrome/128", "Chrome/127")
            if (
                sender := visitors.sender_of(
                    headers(user_agent=builders.CHROME.replace("Chrome/128", agent)), "_", trusted=True
                )
            )
        }

        assert groups == {"US\tdesktop\twindows"}


class TestReferrers:
    """The host of a Referer, and nothing else of it."""

    @pytest.mark.parametrize(
        ("referer", "host"),
        [
            (b"https://News.Example.com/a?b#c", b"news.example.com"),
            (b"http://news.example.com:8080", b"news.example.com"),
            (b"https://user:secret@news.example.com/", b"news.example.com"),
            (b"https://[2001:DB8::1]:443/", b"[2001:db8::1]"),
            (b"https://xn--bcher-kva.example/", b"xn--bcher-kva.example"),
            (b"android-app://com.google.android.gm/", b""),
            (b"https://evil\tx/", b""),
            (b"https://b\xc3\xbccher.example/", b""),
            (b"https:///path", b""),
            (b"https://" + b"a" * 255 + b"/", b"a" * 255),
            (b"https://" + b"a" * 256 + b"/", b""),
            (b"about:blank", b""),
            (b"", b""),
        ],
    )
    def test_referrer_host(self, referer: bytes, host: bytes) -> None:
        assert referrer_host(referer) == host

    @given(st.binary(max_size=300))
    def test_nothing_that_could_break_a_line_comes_through(self, referer: bytes) -> None:
        host = referrer_host(b"https://" + referer)

        assert b"\t" not in host
        assert b"\n" not in host
        assert len(host) <= 255


class TestHashes:
    """One visitor has one hash for a UTC day, on every worker."""

    @staticmethod
    def hash_of(visitors: Visitors, address: str = "8.8.8.8", agent: str = "a") -> bytes:
        """The visitor hash of an event."""
        return event_of(visitors, address, user_agent=agent)[1].split(b"\t")[2]

    def test_workers_agree(self) -> None:
        assert self.hash_of(new()) == self.hash_of(new())
        assert len(self.hash_of(new())) == 16

    def test_address_and_agent_tell_visitors_apart(self) -> None:
        visitors = new()

        assert (
            len({self.hash_of(visitors, address, agent) for address in ("8.8.8.8", "8.8.8.9") for agent in "ab"}) == 4
        )

    def test_it_changes_with_the_day_and_with_the_salt(self) -> None:
        salts = {**SALTS, "2026-11-19": b"t" * 16}
        visitors = new()
        today = self.hash_of(visitors)
        visitors.turn(NOW_MS + DAY_MS, salts)
        tomorrow = self.hash_of(visitors)
        visitors.turn(NOW_MS, {"2026-11-18": b"u" * 16})
        other_salt = self.hash_of(visitors)
        visitors.turn(NOW_MS, SALTS)

        assert len({today, tomorrow, other_salt}) == 3
        assert self.hash_of(visitors) == today

    def test_without_a_salt_there_is_none(self) -> None:
        visitors = new()
        visitors.turn(NOW_MS, {})

        assert self.hash_of(visitors) == b""

    def test_only_the_truncated_address_is_told(self) -> None:
        assert event_of(new(), "81.2.69.142")[1].split(b"\t")[1] == b"81.2.69.0"
        assert event_of(new(), "2001:db8:1:2::3")[1].split(b"\t")[1] == b"2001:db8:1::"

    def test_days_are_utc(self) -> None:
        assert utc_day(NOW_MS) == "2026-11-18"
        assert utc_day(0) == "1970-01-01"
