"""Behind proxies of ours the visitor's address is told; in front of them it is claimed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.address import parse
from shared.client_ip import TrustedProxies, client_ip, truncate_address

PROXIES = TrustedProxies.parse("10.0.0.0/8, 192.0.2.7, 2001:db8:aa::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "expected"),
    [
        pytest.param("203.0.113.9", "", "203.0.113.9", id="no proxy"),
        pytest.param("203.0.113.9", "8.8.8.8", "203.0.113.9", id="a stranger's header counts for nothing"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="a proxy without a header"),
        pytest.param("10.0.0.1", "8.8.8.8", "8.8.8.8", id="one proxy"),
        pytest.param("192.0.2.7", "8.8.8.8", "8.8.8.8", id="a proxy named by its address"),
        pytest.param("192.0.2.8", "8.8.8.8", "192.0.2.8", id="its neighbour is none"),
        pytest.param("2001:db8:aa::1", "8.8.8.8", "8.8.8.8", id="a proxy on IPv6"),
        pytest.param("::ffff:10.0.0.1", "8.8.8.8", "8.8.8.8", id="a proxy on a dual-stack socket"),
        pytest.param("10.0.0.1", "8.8.8.8, 10.0.0.2", "8.8.8.8", id="two proxies"),
        pytest.param(
            "10.0.0.1", "1.1.1.1, 8.8.8.8, 10.0.0.2", "8.8.8.8", id="what stands left of the visitor is claimed"
        ),
        pytest.param("10.0.0.1", "8.8.8.8,10.0.0.2,", "10.0.0.1", id="an empty entry ends the trust"),
        pytest.param("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3", id="proxies only: the left-most"),
        pytest.param("10.0.0.1", "8.8.8.8, unknown", "10.0.0.1", id="nothing beyond an unknown hop"),
        pytest.param("10.0.0.1", "8.8.8.8, _hidden, 10.0.0.2", "10.0.0.2", id="nor beyond a hidden one"),
        pytest.param("10.0.0.1", "  8.8.8.8\t", "8.8.8.8", id="white space"),
        pytest.param("10.0.0.1", "8.8.8.8:4711", "8.8.8.8", id="a port"),
        pytest.param("10.0.0.1", "[2A00:1450::1]:443", "2a00:1450::1", id="IPv6 with a port"),
        pytest.param("10.0.0.1", "[2a00:1450::1]", "2a00:1450::1", id="IPv6 in brackets"),
        pytest.param("10.0.0.1", "2A00:1450:0::1", "2a00:1450::1", id="IPv6 is made canonical"),
        pytest.param("10.0.0.1", "::ffff:8.8.8.8", "8.8.8.8", id="a mapped address"),
        pytest.param("10.0.0.1", "8.8.8.8:", "10.0.0.1", id="a colon without a port"),
        pytest.param("10.0.0.1", "8.8.8.8:http", "10.0.0.1", id="a port of letters"),
        pytest.param("10.0.0.1", "[2a00::1", "10.0.0.1", id="an open bracket"),
        pytest.param("10.0.0.1", "[2a00::1]443", "10.0.0.1", id="a port without a colon"),
        pytest.param("10.0.0.1", "fe80::1%eth0", "10.0.0.1", id="a scope"),
        pytest.param("10.0.0.1", "08.8.8.8", "10.0.0.1", id="a leading zero"),
        pytest.param("10.0.0.1", '"8.8.8.8"', "10.0.0.1", id="quotes"),
        pytest.param("unix:", "8.8.8.8", "", id="a peer without an address"),
        pytest.param("", "8.8.8.8", "", id="no peer"),
    ],
)
def test_client_ip(peer: str, forwarded_for: str, expected: str) -> None:
    assert client_ip(peer, forwarded_for, PROXIES) == expected


def test_without_trusted_proxies_the_peer_is_the_visitor() -> None:
    assert client_ip("10.0.0.1", "8.8.8.8", TrustedProxies.parse("")) == "10.0.0.1"


@given(st.text(alphabet="0123456789abcdef.:,[]% _-", max_size=80))
def test_a_visitor_cannot_choose_an_address(claimed: str) -> None:
    assert client_ip("10.0.0.1", f"{claimed}, 198.51.100.7", PROXIES) == "198.51.100.7"
    assert client_ip("198.51.100.7", claimed, PROXIES) == "198.51.100.7"


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_header_has_an_answer_that_is_an_address_or_empty(peer: str, forwarded_for: str) -> None:
    assert (found := client_ip(peer, forwarded_for, PROXIES)) == "" or parse(found) is not None
    assert parse(client_ip("10.0.0.1", forwarded_for, PROXIES)) is not None


class TestTrustedProxies:
    def test_takes_a_text_or_a_list(self) -> None:
        for proxies in (TrustedProxies.parse("10.0.0.0/8 ::1"), TrustedProxies.parse(["10.0.0.0/8", "::1"])):
            assert "10.1.2.3" in proxies
            assert "::1" in proxies
            assert "0:0:0:0:0:0:0:1" in proxies
            assert "11.0.0.1" not in proxies
            assert "nonsense" not in proxies

    def test_ignores_host_bits(self) -> None:
        assert "10.9.9.9" in TrustedProxies.parse("10.1.2.3/8")

    def test_a_mapped_network_is_the_ipv4_one(self) -> None:
        assert "10.9.9.9" in TrustedProxies.parse("::ffff:10.0.0.0/104")

    def test_is_false_when_empty(self) -> None:
        assert not TrustedProxies.parse(" , ")
        assert TrustedProxies.parse("::1")

    @pytest.mark.parametrize("entry", ["10.0.0.0/33", "*", "localhost", "10.0.0.0-10.0.0.9", "10.0.0", "::/129"])
    def test_names_what_is_no_proxy(self, entry: str) -> None:
        with pytest.raises(ValueError, match="is no trusted proxy: give an IP address or a CIDR") as refusal:
            TrustedProxies.parse(f"127.0.0.1, {entry}")

        assert f'"{entry}"' in str(refusal.value)

    def test_remembers_a_bounded_number_of_verdicts(self) -> None:
        proxies = TrustedProxies.parse("10.0.0.0/8")

        for n in range(20_000):
            assert f"10.0.{n >> 8}.{n & 255}" in proxies
        assert "x" * 10_000 not in proxies

        assert len(proxies._verdicts) <= 8192


@pytest.mark.parametrize(
    ("address", "network"),
    [
        pytest.param("192.0.2.77", "192.0.2.0", id="IPv4 to 24 bits"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1::", id="IPv6 to 48 bits"),
        pytest.param("2001:db8::7", "2001:db8::", id="shortened IPv6"),
        pytest.param("::ffff:192.0.2.77", "192.0.2.0", id="mapped"),
        pytest.param("::1", "::", id="loopback"),
        pytest.param("fe80::1%eth0", "", id="scope"),
        pytest.param("192.0.2.77:80", "", id="port"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_truncate_address(address: str, network: str) -> None:
    assert truncate_address(address) == network
