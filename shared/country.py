"""The country of an address, of a database record and of a trusted proxy's header: a code of `shared.countries`.

A database is only asked for addresses that can be somewhere: files of several vendors give private and documentation
addresses a country. Whatever a database answers, raises or lacks, a visitor gets an answer: `ZZ` when nothing is known.
"""

import re
from collections.abc import Callable
from typing import Final

from shared.address import MAX_CHARS, SPECIAL_FIRST_OCTETS, ipv4_match, is_special, parse
from shared.countries import CODES, UNKNOWN, normalise

__all__ = [
    "UNKNOWN",
    "Lookup",
    "check_database",
    "country_at",
    "country_from_header",
    "country_of",
    "country_of_record",
]

Lookup = Callable[[str], object]
"""`maxminddb.Reader.get` or alike: address -> record, None for none; it may raise what it likes."""

# An IPv6 address in 2000::/3 whose first groups show that it is not special; group 1 matches where it is shortened.
_plain_ipv6_match: Final = re.compile(
    r"(?!2001:(?::|0{0,2}[0-9a-fA-F]{1,2}:|0?1[0-9a-fA-F]{2}:|0?[dD][bB]8:)|2002:|2620:0{0,2}4[fF]:|3[fF]{3}:)"
    r"[23][0-9a-fA-F]{3}(?::[0-9a-fA-F]{1,4})*(?:(::)(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4})*)?)?"
).fullmatch


def country_of(address: str, lookup: Lookup) -> str:
    """Return the country of an address as text; `ZZ` when it is no address, special-purpose or not in the database.

    IPv4 addresses mapped into IPv6 are looked up as what they map. Never raises; `lookup` is not asked in vain.
    """
    if match := ipv4_match(address):
        if match[1] not in SPECIAL_FIRST_OCTETS:
            return country_at(address, lookup)
    elif _is_plain_ipv6(address):
        return country_at(address, lookup)
    parsed = parse(address)
    if parsed is None or is_special(parsed):
        return UNKNOWN
    return country_at(str(parsed), lookup)


def _is_plain_ipv6(address: str) -> bool:
    if len(address) > MAX_CHARS:
        return False
    match = _plain_ipv6_match(address)
    if match is None:
        return False
    colons = address.count(":")
    return colons == 7 if match[1] is None else colons <= 7 + address.endswith("::")


def country_at(address: str, lookup: Lookup) -> str:
    """Return the country of an address that is known not to be special-purpose, `ZZ` where it is not in the database.

    Never raises.
    """
    try:
        return country_of_record(lookup(address))
    except Exception:  # a corrupt file raises what it likes, and some only at certain addresses
        return UNKNOWN


def country_of_record(record: object) -> str:
    """Return the country of a database record in any common schema, `ZZ` if it has none.

    Read are `country_code` (DB-IP Lite, ipinfo), `country.iso_code` (MaxMind, DB-IP), `country` as a code, and a bare
    string. The country of registration or of a military base's owner is not where the visitor is, and is not read.
    """
    if isinstance(record, dict):
        code = record.get("country_code")
        if type(code) is str and code in CODES:  # the default database ends here
            return code
        if code is None:
            code = record.get("country")
            if isinstance(code, dict):
                code = code.get("iso_code")
        return _known(code)
    return _known(record)


def country_from_header(value: str) -> str:
    """Return the country in a trusted proxy's header; `ZZ` for Cloudflare's XX (unknown) and T1 (Tor), and for junk."""
    return _known(value[:16].strip())


def _known(code: object) -> str:
    if not isinstance(code, str):
        return UNKNOWN
    if code in CODES:
        return code
    if len(code) != 2 or not code.isascii():
        return UNKNOWN
    return normalise(code) or UNKNOWN


KNOWN_ADDRESSES: Final = {
    "8.8.8.8": "US",
    "216.160.83.56": "US",
    "81.2.69.160": "GB",
    "89.160.20.112": "SE",
    "175.16.199.1": "CN",
    "133.11.0.1": "JP",
    "143.107.0.1": "BR",
    "141.30.0.1": "DE",
    "2001:4860:4860::8888": "US",
}
"""Addresses to try a database with and where they have been for many years."""

_MANY_NODES: Final = 100_000
"""Search-tree nodes from which on a database covers the world: the smallest country database has some 300,000."""


def check_database(lookup: Lookup, node_count: int = 0) -> list[str]:
    """Return why a new database should not be put to use, one sentence each; empty when nothing speaks against it.

    node_count: size of its search tree (from its metadata), 0 if unknown. A small file may hold none of the addresses
    tried; a large one that knows none, one without countries, or one mostly wrong is a broken file or the wrong one.
    """
    records, failures = _try_out(lookup)
    strange = [
        f"the record of {address} is of type {type(record).__name__}, neither a map nor a string"
        for address, record in records.items()
        if not isinstance(record, dict | str)
    ]
    return failures + strange + _doubts(records, node_count)


def _try_out(lookup: Lookup) -> tuple[dict[str, object], list[str]]:
    records: dict[str, object] = {}
    failures: list[str] = []
    for address in KNOWN_ADDRESSES:
        try:
            record = lookup(address)
        except Exception as error:  # whatever a broken file raises
            only_ipv4 = ":" in address and type(error) is ValueError
            if not only_ipv4:
                failures.append(f"looking up {address} fails: {error}")
        else:
            if record is not None:
                records[address] = record
    return records, failures


def _doubts(records: dict[str, object], node_count: int) -> list[str]:
    if not records:
        return ["none of the well-known addresses is in it"] if node_count >= _MANY_NODES else []
    answers = {address: country_of_record(record) for address, record in records.items()}
    placed = {address: country for address, country in answers.items() if country != UNKNOWN}
    if not placed:
        return ["its records name no country: is it a database of another kind?"]
    wrong = [f"{a} in {c}, not {KNOWN_ADDRESSES[a]}" for a, c in placed.items() if c != KNOWN_ADDRESSES[a]]
    return ["most well-known addresses are misplaced: " + "; ".join(wrong)] if 2 * len(wrong) > len(placed) else []
