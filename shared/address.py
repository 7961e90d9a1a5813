"""IP addresses as text: one canonical form, and the ranges that belong to nobody.

Formats are those of `ipaddress`: no leading zeros, no ports, no ranges. Scope identifiers ("%eth0") are refused, and an
IPv4 address mapped into IPv6 (::ffff:192.0.2.1) is the IPv4 address.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

MAX_CHARS: Final = 45
"""Length of the longest address: eight groups whose last two are written as an IPv4 address."""

_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
ipv4_match: Final = re.compile(rf"({_OCTET})\.{_OCTET}\.{_OCTET}\.{_OCTET}", re.ASCII).fullmatch
"""Match a whole IPv4 address; group 1 is its first octet."""

# IANA special-purpose registries (RFC 6890 and successors), read on 2026-11-01. What the registries call globally
# reachable but is a service rather than a place (AS112, AMT, 6to4 relays) is listed too: its country means nothing.
_SPECIAL_IPV4: Final = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),  # carrier-grade NAT
    IPv4Network("127.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.0.0.0/24"),  # protocol assignments
    IPv4Network("192.0.2.0/24"),  # documentation
    IPv4Network("192.31.196.0/24"),  # AS112
    IPv4Network("192.52.193.0/24"),  # AMT
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("192.168.0.0/16"),
    IPv4Network("192.175.48.0/24"),  # AS112
    IPv4Network("198.18.0.0/15"),  # benchmarks
    IPv4Network("198.51.100.0/24"),  # documentation
    IPv4Network("203.0.113.0/24"),  # documentation
    IPv4Network("224.0.0.0/4"),
    IPv4Network("240.0.0.0/4"),
)
_UNICAST_IPV6: Final = IPv6Network("2000::/3")
"""What is outside is special, or not given to anybody."""
_SPECIAL_IPV6: Final = (
    IPv6Network("2001::/23"),  # protocol assignments, Teredo and ORCHID among them
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("2620:4f:8000::/48"),  # AS112
    IPv6Network("3fff::/20"),  # documentation
)


def _by_first_octet() -> dict[int, tuple[IPv4Network, ...]]:
    index: dict[int, tuple[IPv4Network, ...]] = {}
    for network in _SPECIAL_IPV4:
        for octet in range(network.network_address.packed[0], network.broadcast_address.packed[0] + 1):
            index[octet] = (*index.get(octet, ()), network)
    return index


_SPECIAL_IPV4_BY_FIRST_OCTET: Final = _by_first_octet()
SPECIAL_FIRST_OCTETS: Final = frozenset(str(octet) for octet in _SPECIAL_IPV4_BY_FIRST_OCTET)
"""First octets of IPv4 addresses that may be special; with any other one an address is plain."""


def parse(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a text names, mapped ones unwrapped, or None if it names none."""
    if len(text) > MAX_CHARS or "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def canonical(text: str) -> str:
    """Return the canonical text of an address (lower case, shortest form, mapped ones unwrapped), "" if it is none."""
    if ipv4_match(text):
        return text
    address = parse(text)
    return "" if address is None else str(address)


def is_special(address: IPv4Address | IPv6Address) -> bool:
    """Say whether an address is special-purpose: private, loopback, documentation, multicast, ..."""
    if isinstance(address, IPv4Address):
        return any(address in network for network in _SPECIAL_IPV4_BY_FIRST_OCTET.get(address.packed[0], ()))
    return address not in _UNICAST_IPV6 or any(address in network for network in _SPECIAL_IPV6)


def parse_network(text: str) -> IPv4Network | IPv6Network:
    """Return the network that "10.0.0.0/8", "2001:db8::/32" or a single address names; ValueError if it names none.

    Bits behind the prefix are ignored: "10.1.2.3/8" is 10.0.0.0/8. A network of mapped addresses is the IPv4 one.
    """
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - 96))
    return network
