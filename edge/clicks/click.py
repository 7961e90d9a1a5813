"""A click, from the key it asks for to its Location and its event; both roads come through here.

Nothing here waits, except for a link that memory lacks, and nothing here reaches the network.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from edge.clicks.click_id import ClickIds
from edge.clicks.counters import Counters
from edge.clicks.duplicates import Duplicates
from edge.clicks.plan import Choice, Link, Plan
from edge.clicks.query import NOTHING_SENT, Sent, sent
from edge.clicks.recent import Recent
from edge.clicks.turn import Spool, Turn
from edge.clicks.visitors import Caller, Sender, Visitors, domain_of
from edge.http import responses
from edge.http.head import FORWARDED_FOR, Head, Peer
from edge.http.known_heads import KnownHeads
from edge.http.responses import DEBUG_HEADER, Header, Response
from edge.rules.cache import Absent, Entry
from edge.rules.links import Links, LinksUnavailable
from shared.client_ip import truncate_address
from shared.destination import macros_of, param_value
from shared.domains import PAUSED
from shared.events import KINDS
from shared.key import Key

_PLANS, _QUERIES, _LOCATIONS, _HOSTS, _ENDINGS = 4096, 4096, 4096, 256, 256
MAX_CHOICES: Final = 65_536
"""Decisions remembered for all offers together, some 8 MB; to decide anew costs a microsecond."""

MAX_HOST_BYTES: Final = 255
MAX_QUERY_BYTES: Final = 2048
"""Hosts and queries up to these lengths are remembered."""

_PERSON: Final = KINDS.index("person")
_DUPLICATE: Final = KINDS.index("duplicate")


def wall_clock_ms() -> int:
    """Return milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Clicks:
    """Decides and builds what requests get. One event loop owns it; everything it remembers is bounded."""

    def __init__(
        self,
        links: Links,
        visitors: Visitors,
        spool: Spool,
        counters: Counters,
        *,
        ids: ClickIds | None = None,
        clock_ms: Callable[[], int] = wall_clock_ms,
        dedupe_seconds: int = 0,
        edge_name: str = "",
    ) -> None:
        self.links = links
        self.lookup = links.lookup
        self.visitors = visitors
        self.counters = counters
        self.ids = ids or ClickIds()
        self.turn = Turn(self._begin_turn, spool.flush, counters.waits)
        self.flush = spool.flush
        self.now_ms = 0
        self._stamp = b""
        self._put = spool.put
        self._clock_ms = clock_ms
        self._edge_name = edge_name.encode()
        self.known_heads = KnownHeads(trusted=False), KnownHeads(trusted=True)
        self._domains = links.domains
        self._hosts: Recent[bytes, str] = Recent(_HOSTS)
        self._duplicates = Duplicates(dedupe_seconds * 1000) if dedupe_seconds else None
        self._plans: Recent[str, Plan] = Recent(_PLANS)
        """By offer."""
        self._choices_left = MAX_CHOICES
        self._remembered: list[dict[str, Choice]] = []
        """The choices of all plans that have any; not the plans, which would keep the tables of long ago."""
        self._age_s = 0.0
        self.trusted_endings: dict[int, bytes] = {}
        """Revision -> what follows the Location where the peer is trusted, as long as the rules' age is the same."""
        self.queries: Recent[bytes, Sent] = Recent(_QUERIES)
        self._around: Recent[tuple[Choice, bytes], tuple[bytes, bytes]] = Recent(_LOCATIONS)

    def answer(self, head: Head, peer: Peer) -> Response | None:
        """Return what a click gets, None where memory does not say, or not in this turn: then `complete` does."""
        self.turn.begin()
        key = self._key(head)
        if key.domain.startswith(PAUSED):
            return self._vouched(self._switched_off(key.domain, head), head, peer)
        found = self.lookup(key)
        return None if found is None else self._respond(found, head, peer)

    async def complete(self, head: Head, peer: Peer) -> Response:
        """Return what a click gets, waiting for its link, or for a turn that can read another User-Agent."""
        key = self._key(head)
        try:
            network = truncate_address(self.visitors.address_of(peer.address, _forwarded_for(head, peer)))
            found = self.lookup(key) or await self.links.fetch(key, network)
        except LinksUnavailable:
            return self._error(responses.UNAVAILABLE, head)
        self.turn.begin()
        while (response := self._respond(found, head, peer)) is None:
            await asyncio.sleep(0)
            self.turn.begin()
        return response

    def root(self, head: Head) -> Response:
        """Return what the root of a domain gets: its configured URL, else 404. No click."""
        domain = self.domain_of(head)
        if domain.startswith(PAUSED):
            return self._switched_off(domain, head)
        url = self.links.domains.get(domain)
        if url is None:
            return self._error(responses.NOT_FOUND, head)
        self.counters.answered(302)
        return responses.redirect(302, url.encode())

    def robots(self) -> Response:
        """Return what crawlers may do: everything."""
        self.counters.answered(responses.ROBOTS.status)
        return responses.ROBOTS

    def not_found(self, head: Head) -> Response:
        """Return the 404 that every unknown address gets."""
        return self._error(responses.NOT_FOUND, head)

    def domain_of(self, head: Head) -> str:
        """Return the namespace that a request's Host selects."""
        host = head.headers[b"host"]
        domain = self._hosts.young.get(host)
        if domain is None:
            domain = domain_of(host, self.links.domains)
            if len(host) <= MAX_HOST_BYTES:
                self._hosts.put(host, domain)
        return domain

    def sender_of(self, head: Head, peer: Peer) -> Sender | None:
        """Return what a request's headers say, None where this turn has read enough new User-Agents."""
        return self.visitors.sender_of(head.headers, self.domain_of(head), trusted=peer.trusted)

    def link_of(self, entry: Entry) -> Link:
        """Return an entry made ready for clicks; it stays with the entry."""
        link: Link | None = entry.memo
        if link is None:
            table = entry.table
            plan = self._plans.find(table.offer)
            if plan is None or plan.table is not table:
                plan = self._plans.put(table.offer, Plan(table, plan))
                if plan.choices:
                    self._make_room(len(plan.choices))
                    self._remembered.append(plan.choices)
            link = entry.memo = Link(entry, plan, entry.old_memo)
            entry.old_memo = None
        return link

    def redirect(self, link: Link, caller: Caller, query: bytes, *, counts: bool = True) -> bytes:
        """Return the Location for one click, and record its event where it `counts`. The link must be open."""
        choice = link.plan.choices.get(caller.group) or self._choose(link.plan, caller)
        next_id, put = self.ids.next, self._put  # as locals: a call of what an attribute holds is slow in Python 3.11
        try:
            click_id = next_id()
        except StopIteration:
            click_id = self.ids.renew()
        if not query and choice.fixed:
            given = link.presets
            location = choice.before + click_id + choice.after
        else:
            given = self._given(link, query)
            if choice.fixed:
                location = self._fixed_location(choice, query, click_id)
            else:
                location = choice.destination.location(click_id, query, _macros(link, choice, caller, given))
        if counts:
            kind, who = caller.kind, caller.who
            if kind == _PERSON and self._duplicates is not None and self._clicked_before(link, caller):
                kind, who = _DUPLICATE, caller.who_as(KINDS[_DUPLICATE])
            self.counters.clicks[kind] += 1
            put(b"".join((click_id, self._stamp, link.event, choice.rule, who, given.fields, caller.whence)))
        return location

    def _choose(self, plan: Plan, caller: Caller) -> Choice:
        """Decide for the first of a group."""
        self._make_room(1)
        if not plan.choices:
            self._remembered.append(plan.choices)
        return plan.choose(caller.group, caller.visitor)

    def _make_room(self, choices: int) -> None:
        """Count so many more decisions; forget all once there are very many."""
        if self._choices_left <= 0:
            for remembered in self._remembered:
                remembered.clear()
            self._remembered.clear()
            self._choices_left = MAX_CHOICES
        self._choices_left -= choices

    def _begin_turn(self) -> None:
        self.now_ms = now_ms = self._clock_ms()
        self._stamp = b"\t%d\t" % now_ms
        age_s = self.links.age_s
        if age_s != self._age_s:
            self._age_s = age_s
            self.trusted_endings.clear()
        self.ids.at(now_ms)
        self.visitors.turn(now_ms, self.links.salts)
        if self.links.domains is not self._domains:
            self._domains = self.links.domains
            self._hosts.clear()
            for known in self.known_heads:
                known.clear()

    def _key(self, head: Head) -> Key:
        assert head.slug is not None
        return Key(self.domain_of(head), head.slug)

    def _respond(self, found: Entry | Absent, head: Head, peer: Peer) -> Response | None:
        """Answer with a link or its absence; None where this turn of the loop has read enough User-Agents."""
        if isinstance(found, Absent):
            return self._vouched(self._error(responses.NOT_FOUND, head), head, peer)
        link = self.link_of(found)
        if self.now_ms >= link.until:
            return self._vouched(self._error(responses.GONE, head), head, peer, found)
        sender = self.sender_of(head, peer)
        if sender is None:
            return None
        caller = self.visitors.caller_of(sender, peer.address, _forwarded_for(head, peer))
        location = self.redirect(link, caller, head.query, counts=head.is_get)
        if not head.is_get:
            self.counters.answered(link.status)
            return self._vouched(responses.redirect(link.status, location), head, peer, found)
        return responses.redirect(link.status, location, *(self._debug(link.revision) if peer.trusted else ()))

    def _error(self, answer: tuple[Response, Response], head: Head) -> Response:
        html, json = answer
        self.counters.answered(html.status)
        return json if responses.wants_json(head.headers.get(b"accept", b"")) else html

    def trusted_ending(self, revision: int) -> bytes:
        """Return what follows the Location where the peer is trusted, and keep it while it is true."""
        if len(self.trusted_endings) >= _ENDINGS:
            self.trusted_endings.clear()
        ending = self.trusted_endings[revision] = responses.after_location(*self._debug(revision))
        return ending

    def _debug(self, revision: int) -> tuple[Header, ...]:
        """Return the debug header: who answered, with which revision, and for how long it has been out of step."""
        known = b"edge=%b; revision=%d; age=%.3f" % (self._edge_name, revision, self._age_s)
        return ((DEBUG_HEADER, known),)

    def _vouched(self, response: Response, head: Head, peer: Peer, entry: Entry | None = None) -> Response:
        """Return an answer to a trusted peer's HEAD with all there is to know of it, publishes served included."""
        if head.is_get or not peer.trusted:
            return response
        known = b"edge=%b; age=%.3f" % (self._edge_name, self._age_s)
        if entry is not None:
            versions = (*entry.table_version, *entry.pointer_version)
            known = b"%b; table=%d.%d; link=%d.%d" % (self._debug(entry.table.revision)[0][1], *versions)
        return response._replace(headers=(*response.headers, (DEBUG_HEADER, known)))

    def _switched_off(self, domain: str, head: Head) -> Response:
        """Return what everybody gets on a paused domain: its safe page, else 410. No click, for no link was asked."""
        url = self.links.domains.get(domain)
        if url is None:
            return self._error(responses.GONE, head)
        self.counters.answered(302)
        return responses.redirect(302, url.encode())

    def _given(self, link: Link, query: bytes) -> Sent:
        """Return what the link presets and, where it does not, the query."""
        if not query:
            return link.presets
        given = self.queries.young.get(query) or self.queries.find(query)
        if given is None:
            given = sent(query)
            if len(query) <= MAX_QUERY_BYTES:
                self.queries.put(query, given)
        return given if link.presets is NOTHING_SENT else link.presets.over(given)

    def _fixed_location(self, choice: Choice, query: bytes, click_id: bytes) -> bytes:
        """Return a Location that depends on query and click id alone; queries of campaigns come again and again."""
        around = self._around.young.get((choice, query)) or self._around.find((choice, query))
        if around is None:
            around = choice.around_click_id(query)
            if around is None:
                return choice.destination.location(click_id, query, {})
            if len(query) <= MAX_QUERY_BYTES:
                self._around.put((choice, query), around)
        return around[0] + click_id + around[1]

    def _clicked_before(self, link: Link, caller: Caller) -> bool:
        assert self._duplicates is not None
        who = (caller.address, caller.sender.user_agent, link.key)
        return self._duplicates.has(who, self.now_ms)


def _forwarded_for(head: Head, peer: Peer) -> bytes:
    """Return X-Forwarded-For, empty where the peer is not believed."""
    return head.headers.get(FORWARDED_FOR, b"") if peer.trusted else b""


def _macros(link: Link, choice: Choice, caller: Caller, given: Sent) -> dict[str, str]:
    """Return the values of all macros but the click id, plain."""
    sent_values = {name.decode(): param_value(raw) for name, raw in given.values.items()}
    slug = link.key.slug if link.pointer.link else ""
    return macros_of(caller.visitor, sent_values, offer=link.plan.table.slug, link=slug, rule=choice.rule_id)
