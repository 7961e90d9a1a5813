"""Who clicks: address, country, device and what an event says of a visitor, each worked out once and remembered.

Three values, from what the most requests share to what the fewest do:

    Agent    what User-Agent and client hints say          (shared.device)
    Sender   one set of headers: agent, kind of click, referrer, the domain asked, country header
    Caller   one address with one sender: the visitor that rules see, and what an event says of it

A caller is remembered at the second sight: most visitors come once, and to keep each costs more than to read some anew.
Addresses have no memory of their own: hardly any comes again with other headers.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from edge.clicks.counters import Counters
from edge.clicks.recent import Recent, SecondSight
from shared.address import SPECIAL_FIRST_OCTETS, ipv4_match
from shared.client_ip import TrustedProxies, client_ip, truncate_address
from shared.conditions import KINDS as CONDITION_KINDS
from shared.country import country_at, country_from_header, country_of
from shared.device import MAX_CHARS, Agent, ClientHints, classify
from shared.domains import PAUSED
from shared.events import KINDS as CLICK_KINDS
from shared.key import DEFAULT_DOMAIN, normalise_host
from shared.visitor import Visitor, click_kind

Headers = Mapping[bytes, bytes]
"""Lower-case name -> value; of a name sent twice the first, but X-Forwarded-For joined by commas."""

MAX_AGENTS_READ_PER_TURN: Final = 32
"""New User-Agents read in one turn of the event loop; at some 20 to 50 us each, the others wait for the next one."""

MAX_REFERRER_CHARS: Final = 255
MAX_SENDER_CHARS: Final = 2048
"""Headers up to this length together are remembered."""
MAX_FORWARDED_BYTES: Final = 512
"""X-Forwarded-For up to this length is remembered; a longer one is read each time."""

_AGENTS, _SENDERS, _CALLERS = 4096, 4096, 16_384

_AGENT_HEADERS: Final = (b"user-agent", b"sec-ch-ua-mobile", b"sec-ch-ua-platform", b"sec-ch-ua-form-factors")
_SENDER_HEADERS: Final = (*_AGENT_HEADERS, b"sec-purpose", b"purpose", b"referer")

_REFERRER: Final = re.compile(
    rb"https?://(?:[^/?#@\\]*@)?([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d*)?(?=[/?#]|\Z)"
)
_DAY_MS: Final = 86_400_000


class Sender:
    """What the headers of a request say, whatever it asks for; all requests with the same headers share it.

    `country` is the trusted proxy's, "" without one. `kind` is a place in `shared.events.KINDS`. `visitor` is who
    sends, from a country not known here, and `group` all of that which rules can test.
    """

    __slots__ = ("country", "domain", "event", "group", "kind", "referrer", "user_agent", "visitor")

    def __init__(
        self, domain: str, agent: Agent, user_agent: bytes, *, kind: str, referrer: bytes, country: str
    ) -> None:
        self.domain = domain
        self.user_agent = user_agent
        self.kind = CLICK_KINDS.index(kind)
        self.referrer = referrer
        self.country = country
        self.visitor = Visitor("", agent.device, agent.os, agent.browser, agent.bot)
        self.group = "\t".join([getattr(self.visitor, kind) for kind in CONDITION_KINDS])
        self.event = self.event_as(kind)

    def event_as(self, kind: str) -> bytes:
        """Return device, OS, browser and kind as an event has them, from the tab before to the tab after."""
        who = self.visitor
        browser = who.browser.translate(_NO_SEPARATORS)
        return f"\t{who.device}\t{who.os}\t{browser}\t{kind}\t".encode("utf-8", "replace")


_NO_SEPARATORS: Final = dict.fromkeys(range(32), " ")


class Caller:
    """An address with a sender. `group` is equal for all whom no rule can tell apart.

    `address` is canonical or "". `who` and `whence` are the fields of the event left and right of the presets.
    """

    __slots__ = ("address", "country", "group", "kind", "sender", "whence", "who")

    def __init__(self, address: str, country: str, sender: Sender, visitor_hash: str) -> None:
        self.address = address
        self.country = country
        self.sender = sender
        self.kind = sender.kind
        self.group = country + sender.group
        self.who = country.encode() + sender.event
        self.whence = sender.referrer + f"\t{truncate_address(address)}\t{visitor_hash}".encode()

    @property
    def visitor(self) -> Visitor:
        """Who clicks, as rules see it."""
        who = self.sender.visitor
        return Visitor(self.country, who.device, who.os, who.browser, who.bot)

    def who_as(self, kind: str) -> bytes:
        """Return `who` for a click of another kind."""
        return self.country.encode() + self.sender.event_as(kind)


class Visitors:
    """Reads visitors from headers and addresses, and remembers a bounded number of each. One event loop owns it.

    names: the User-Agent resolver. lookup: the country database. `turn` must be called once per turn of the loop.
    """

    def __init__(
        self,
        names: Callable[[str], tuple[str, str]],
        lookup: Callable[[str], object],
        counters: Counters,
        *,
        trusted: TrustedProxies | None = None,
        country_header: str | None = None,
    ) -> None:
        self._names = names
        self._lookup = lookup
        self._counters = counters
        self.trusted = trusted or TrustedProxies()
        self._country_header = country_header.lower().encode() if country_header else b""
        self._agents: Recent[tuple[bytes, ...], Agent] = Recent(_AGENTS)
        self._senders: Recent[tuple[str | bytes, ...], Sender] = Recent(_SENDERS)
        self.callers: Recent[tuple[bytes, Sender], Caller] = Recent(_CALLERS)
        """By X-Forwarded-For, or else the peer's address, and sender."""
        self._seen = SecondSight()
        self._agents_left = MAX_AGENTS_READ_PER_TURN
        self._hash: Callable[[bytes], str] = _hash_of_nobody
        self._hash_until_ms = 0
        self._salts: Mapping[str, bytes] = {}

    def turn(self, now_ms: int, salts: Mapping[str, bytes]) -> None:
        """Begin a turn of the loop: new User-Agents may be read again, and visitor hashes follow the UTC day."""
        self._agents_left = MAX_AGENTS_READ_PER_TURN
        if salts is not self._salts or not self._hash_until_ms - _DAY_MS <= now_ms < self._hash_until_ms:
            self._salts = salts
            self._hash_until_ms = (now_ms // _DAY_MS + 1) * _DAY_MS
            self._hash = _visitor_hash(salts.get(utc_day(now_ms)))
            self.callers.clear()

    def use_countries(self, lookup: Callable[[str], object]) -> None:
        """Take up another country database, and forget what the one before said."""
        self._lookup = lookup
        self.callers.clear()

    def address_of(self, peer: str, forwarded_for: bytes = b"") -> str:
        """Return where a request comes from. `forwarded_for` must be empty unless the peer is trusted."""
        return client_ip(peer, forwarded_for.decode("latin-1"), self.trusted)

    def sender_of(self, headers: Headers, domain: str, *, trusted: bool) -> Sender | None:
        """Return what the headers say; None where too many new User-Agents were read in this turn of the loop.

        `trusted` tells whether the peer's country header counts.
        """
        country = headers.get(self._country_header, b"") if trusted else b""
        said: tuple[str | bytes, ...] = (domain, country, *[headers.get(name, b"") for name in _SENDER_HEADERS])
        sender = self._senders.find(said)
        if sender is None:
            sender = self._read_sender(headers, domain, country)
            if sender is not None and sum(map(len, said)) <= MAX_SENDER_CHARS:
                self._senders.put(said, sender)
        return sender

    def caller_of(self, sender: Sender, peer: str, forwarded_for: bytes = b"") -> Caller:
        """Return the visitor that an address, told as to `address_of`, and a set of headers make."""
        key = (forwarded_for or peer.encode(), sender)
        caller = self.callers.find(key)
        if caller is None:
            address, country = self._place_of(sender, peer, forwarded_for)
            caller = Caller(address, country, sender, self._hash(address.encode() + b"\0" + sender.user_agent))
            if self._seen.has(key) and len(key[0]) <= MAX_FORWARDED_BYTES and (address != peer or not forwarded_for):
                self.callers.put(key, caller)  # with another peer in front, the same list names the same visitor
        return caller

    def _place_of(self, sender: Sender, peer: str, forwarded_for: bytes) -> tuple[str, str]:
        """Return address and country. That a proxy of ours names one IPv4 address, as nearly always, is told first."""
        if sender.country:
            return self.address_of(peer, forwarded_for), sender.country
        self._counters.countries_read += 1
        address = forwarded_for.decode("latin-1")
        match = ipv4_match(address)
        if match is not None and match[1] not in SPECIAL_FIRST_OCTETS:
            return address, country_at(address, self._lookup)
        address = self.address_of(peer, forwarded_for)
        return address, country_of(address, self._lookup)

    def _read_sender(self, headers: Headers, domain: str, country: bytes) -> Sender | None:
        user_agent, *hints = [headers.get(name, b"")[:MAX_CHARS] for name in _AGENT_HEADERS]
        agent = self._agent_of(user_agent, hints)
        if agent is None:
            return None
        return Sender(
            domain,
            agent,
            user_agent,
            kind=click_kind(agent.bot, headers.get(b"sec-purpose") or headers.get(b"purpose", b"")),
            referrer=referrer_host(headers.get(b"referer", b"")),
            country=country_from_header(country.decode("latin-1")) if country else "",
        )

    def _agent_of(self, user_agent: bytes, hints: list[bytes]) -> Agent | None:
        key = (user_agent, *hints)
        agent = self._agents.find(key)
        if agent is not None:
            return agent
        if self._agents_left <= 0:
            self._counters.agents_deferred += 1
            return None
        self._agents_left -= 1
        self._counters.agents_read += 1
        mobile, platform, form_factors = (hint.decode("latin-1") for hint in hints)
        agent = classify(user_agent.decode("latin-1"), ClientHints(mobile, platform, form_factors), self._names)
        return self._agents.put(key, agent)


def domain_of(host: bytes, domains: Mapping[str, str | None]) -> str:
    """Return the registered domain a Host header names, `!` and its name where it is paused, `_` for every other."""
    name = normalise_host(host.decode("latin-1"))
    if name in domains:
        return name
    return PAUSED + name if PAUSED + name in domains else DEFAULT_DOMAIN


def referrer_host(referer: bytes) -> bytes:
    """Return the host of a Referer, in lower case and without port; empty where there is none to speak of."""
    match = _REFERRER.match(referer)
    return match[1].lower() if match and len(match[1]) <= MAX_REFERRER_CHARS else b""


def utc_day(now_ms: int) -> str:
    """Return the day as salts are named by it: `2026-11-22`."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()


def _visitor_hash(salt: bytes | None) -> Callable[[bytes], str]:
    """Return the function from `address NUL User-Agent` to 16 hex digits, the same on all workers for one day."""
    if not salt:
        return _hash_of_nobody
    keyed = blake2b(key=salt, digest_size=8)

    def visitor_hash(who: bytes) -> str:
        digest = keyed.copy()  # a third cheaper than keying a new one
        digest.update(who)
        return digest.hexdigest()

    return visitor_hash


def _hash_of_nobody(_who: bytes) -> str:
    return ""
