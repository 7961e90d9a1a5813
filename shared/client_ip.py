"""Which address a visitor comes from, behind any number of proxies of ours.

X-Forwarded-For is a list that every proxy appends to and that its first author, the visitor, may invent. So it is read
from the right, only where the peer is a proxy of ours, and only as far as proxies of ours have written it.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from typing import Final

from shared import address as addresses

_MAX_VERDICTS: Final = 8192
"""Addresses whose verdict is remembered, about 1 MB; then all are forgotten, which is cheaper than an LRU."""

_Verdict = tuple[str, bool]
"""Canonical address ("" if the text names none) and whether it is a trusted proxy."""


class TrustedProxies:
    """The proxies whose headers are believed. Immutable but for a bounded memory of verdicts; build it with `parse`."""

    __slots__ = ("_addresses", "_ipv4", "_networks", "_verdicts")

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network] = ()) -> None:
        networks = tuple(networks)
        self._addresses = frozenset(str(n.network_address) for n in networks if n.prefixlen == n.max_prefixlen)
        self._networks = tuple(n for n in networks if n.prefixlen < n.max_prefixlen)
        self._ipv4 = tuple((int(n.netmask), int(n.network_address)) for n in self._networks if n.version == 4)
        self._verdicts: dict[str, _Verdict] = {}

    @classmethod
    def parse(cls, cidrs: str | Iterable[str]) -> "TrustedProxies":
        """Return the proxies named by CIDRs and single addresses, a list or one text with commas or spaces between.

        Raises ValueError, naming the entry at fault, for anything else; host bits behind the prefix are ignored.
        """
        entries = cidrs.replace(",", " ").split() if isinstance(cidrs, str) else [entry.strip() for entry in cidrs]
        return cls(_network(entry) for entry in entries)

    def __contains__(self, address: str) -> bool:
        return self.verdict(address)[1]

    def __bool__(self) -> bool:
        return bool(self._addresses or self._networks)

    def verdict(self, text: str) -> _Verdict:
        """Return the canonical form of an address ("" if `text` is none) and whether it is a trusted proxy."""
        known = self._verdicts.get(text)
        if known is None:
            if len(self._verdicts) >= _MAX_VERDICTS:
                self._verdicts.clear()
            known = self._judge(text)
            if known[1] and len(text) <= addresses.MAX_CHARS:  # proxies come again, visitors hardly ever
                self._verdicts[text] = known
        return known

    def _judge(self, text: str) -> _Verdict:
        if addresses.ipv4_match(text):  # nearly all; `ipaddress` takes four times as long to say the same
            return text, text in self._addresses or self._holds_ipv4(text)
        address = addresses.parse(text)
        if address is None:
            return "", False
        canonical = str(address)
        return canonical, canonical in self._addresses or any(address in network for network in self._networks)

    def _holds_ipv4(self, text: str) -> bool:
        if not self._ipv4:
            return False
        a, b, c, d = text.split(".")
        number = int(a) << 24 | int(b) << 16 | int(c) << 8 | int(d)
        return True in [number & mask == network for mask, network in self._ipv4]  # any() would take twice as long


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        return addresses.parse_network(entry)
    except ValueError:
        raise ValueError(f'"{entry}" is no trusted proxy: give an IP address or a CIDR such as 10.0.0.0/8') from None


def client_ip(peer: str, forwarded_for: str, trusted: TrustedProxies) -> str:
    """Return the visitor's address in canonical text.

    peer: address of the connection. forwarded_for: X-Forwarded-For, several headers joined by commas in their order, ""
    where absent; it counts only where the peer is trusted. The answer is the right-most entry that is no trusted proxy;
    if all are, the left-most; if an entry is no address, the last one right of it, because who stands left of it may
    have been invented. Entries may carry a port ("192.0.2.1:80", "[2001:db8::1]:443"). A peer that is no address (a
    Unix socket) is trusted by no list and comes back as "".
    """
    client, is_proxy = trusted.verdict(peer)
    if is_proxy and addresses.ipv4_match(forwarded_for):  # one entry, nearly always: right-most and left-most at once
        return forwarded_for
    end = len(forwarded_for)
    while is_proxy and end > 0:
        start = forwarded_for.rfind(",", 0, end)
        entry, is_proxy = trusted.verdict(_without_port(forwarded_for[start + 1 : end].strip(" \t")))
        client = entry or client
        end = start
    return client


def _without_port(entry: str) -> str:
    if entry.startswith("["):
        address, bracket, port = entry[1:].partition("]")
        return address if bracket and (not port or _is_port(port)) else ""
    if entry.count(":") == 1:
        address, _, _ = entry.partition(":")
        return address if _is_port(entry[len(address) :]) and addresses.ipv4_match(address) else ""
    return entry


def _is_port(text: str) -> bool:
    return text[:1] == ":" and 2 <= len(text) <= 6 and text[1:].isascii() and text[1:].isdigit()


def truncate_address(address: str) -> str:
    """Return the network of a canonical address, "192.0.2.0" (/24) or "2001:db8:1::" (/48), "" for what is none."""
    if ":" not in address:  # as canonical as `client_ip` returns it, this is IPv4
        network, dot, _ = address.rpartition(".")
        return network + ".0" if dot else ""
    parsed = addresses.parse(address)
    if parsed is None:
        return ""
    if isinstance(parsed, IPv6Address):
        return str(IPv6Address(int(parsed) >> 80 << 80))
    return truncate_address(str(parsed))
