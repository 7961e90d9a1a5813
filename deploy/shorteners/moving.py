"""Moving short URLs into Turnout through its API: first a plan, with every fault told of the entry that it is about."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from deploy.api import ApiError
from deploy.refusal import Refusal
from deploy.shorteners import kutt, shlink
from deploy.shorteners.document import document, new_hosts, offer_slug
from deploy.shorteners.shorturl import CannotMove, ShortUrl

SOURCES: Final[Mapping[str, Callable[[int, Any, datetime], ShortUrl]]] = {
    "shlink": shlink.short_url,
    "kutt": kutt.short_url,
}
AT_ONCE: Final = 500
"""Short URLs in one call: a plan or an import takes seconds then."""

_PLACE: Final = re.compile(r"(?P<kind>domains|offers|links)\.(?P<place>[0-9]+)(?:\.(?P<field>.+))?")


class Sender(Protocol):
    """The API of control."""

    def send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Return what it answers. Raises ApiError."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the entry numbered `number` cannot be imported."""

    number: int
    short_url: str
    why: str


@dataclass(slots=True)
class Move:
    """What of a file can be imported, what cannot, and what the import did or would do."""

    urls: list[ShortUrl]
    faults: list[Fault]
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    changes: list[dict[str, Any]] = field(default_factory=list)

    def add(self, result: Mapping[str, Any]) -> None:
        """Count what one call did, or would do."""
        self.created += result["created"]
        self.updated += result["updated"]
        self.unchanged += result["unchanged"]
        self.changes += result["changes"]


def read(source: str, entries: Sequence[Any], now: datetime) -> Move:
    """Return the short URLs in `entries`, and every entry that is none or is there twice."""
    move = Move([], [])
    seen: dict[tuple[str | None, str], int] = {}
    for number, entry in enumerate(entries, 1):
        try:
            url = SOURCES[source](number, entry, now)
        except CannotMove as exc:
            move.faults.append(Fault(number, _called(entry), str(exc)))
            continue
        first = seen.setdefault(url.key, number)
        if first == number:
            move.urls.append(url)
        else:
            why = f"it is entry {first} again: in Turnout a slug is the same in small letters and capitals"
            move.faults.append(Fault(number, _called(entry), why))
    return move


class Mover:
    """Brings short URLs of `source` into the installation behind `api`, which is looked at once."""

    def __init__(self, api: Sender, source: str) -> None:
        """Read what is there already."""
        self._api = api
        self._source = source
        there = json.loads(api.send("GET", "/export?format=json"))
        self._hosts = frozenset(domain["host"] for domain in there.get("domains", ()))
        self._offers = {(link.get("domain"), link["slug"]): link["offer"] for link in there.get("links", ())}

    def plan(self, move: Move) -> Move:
        """Return what importing would do; what control refuses is among the faults instead."""
        urls, faults = self._not_taken(move.urls)
        planned = Move([], [*move.faults, *faults])
        for batch in _batches(urls):
            good, faults, result = self._planned(batch)
            planned.urls += good
            planned.faults += faults
            planned.add(result)
        planned.faults.sort(key=lambda fault: fault.number)
        return planned

    def apply(self, planned: Move) -> Move:
        """Import what a plan found good. Raises ApiError where somebody changed something since; again is harmless."""
        done = Move(planned.urls, planned.faults)
        for batch in _batches(planned.urls):
            done.add(self._send(batch, planned=False))
        return done

    def _not_taken(self, urls: Iterable[ShortUrl]) -> tuple[list[ShortUrl], list[Fault]]:
        """Sort out short URLs whose slug is a link's that was not imported: nobody's link is led elsewhere."""
        good, faults = [], []
        for url in urls:
            own = offer_slug(self._source, url)
            offer = self._offers.get(url.key, own)
            if offer == own:
                good.append(url)
            else:
                faults.append(Fault(url.number, str(url), f"there is a link {url} already, to the offer {offer}"))
        return good, faults

    def _planned(self, batch: Sequence[ShortUrl]) -> tuple[list[ShortUrl], list[Fault], Mapping[str, Any]]:
        """Plan a batch; where control refuses some of it, plan the rest."""
        try:
            return list(batch), [], self._send(batch, planned=True)
        except ApiError as exc:
            faults = list(self._faults(batch, exc))
            if not faults:
                raise
        bad = {fault.number for fault in faults}
        rest, more, result = self._planned([url for url in batch if url.number not in bad])
        return rest, [*faults, *more], result

    def _faults(self, batch: Sequence[ShortUrl], refusal: ApiError) -> Iterator[Fault]:
        """Yield one fault for each short URL that control refuses. Raises Refusal where it refuses something else."""
        told: set[int] = set()
        for error in refusal.errors:
            match = _PLACE.fullmatch(error["path"])
            if match is None:
                raise Refusal(f"Control refuses the import: {error['path']}: {error['message']}")
            for url in self._about(batch, match["kind"], int(match["place"])):
                if url.number not in told:
                    told.add(url.number)
                    yield Fault(url.number, str(url), f"{match['field'] or 'it'}: {error['message']}")

    def _about(self, batch: Sequence[ShortUrl], kind: str, place: int) -> Sequence[ShortUrl]:
        """Return the short URLs that something in the document was made from."""
        if kind != "domains":
            return batch[place : place + 1]
        host = new_hosts(batch, self._hosts)[place]
        return [url for url in batch if url.domain == host]

    def _send(self, batch: Sequence[ShortUrl], *, planned: bool) -> Mapping[str, Any]:
        body = json.dumps(document(self._source, batch, self._hosts)).encode()
        result: Mapping[str, Any] = json.loads(self._api.send("POST", f"/import?plan={str(planned).lower()}", body))
        return result


def _batches(urls: Sequence[ShortUrl]) -> Iterator[Sequence[ShortUrl]]:
    return (urls[start : start + AT_ONCE] for start in range(0, len(urls), AT_ONCE))


def _called(entry: Any) -> str:
    """Return what an entry that may be anything calls itself."""
    names = ("shortUrl", "link", "shortCode", "address")
    found = (entry.get(name) for name in names) if isinstance(entry, dict) else ()
    return next((str(it)[:200] for it in found if it), "?")
