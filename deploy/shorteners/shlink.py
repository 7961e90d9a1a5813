"""Short URLs of Shlink, as `GET /rest/v3/short-urls` gives them, each with what its `/redirect-rules` gives."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from deploy.shorteners.reading import checked
from deploy.shorteners.shorturl import CannotMove, Left, Rule, ShortUrl, host_from, name_from, slug_from

Values = frozenset[str]
Test = tuple[str, Values]
"""A kind of condition, and the values that it holds for."""


def _rules(value: Any) -> Any:
    """Take the answer of `/redirect-rules` as well as the list in it."""
    return value.get("redirectRules") if isinstance(value, Mapping) else value


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


Time = Annotated[datetime, AfterValidator(_utc)]


class _Shlink(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class Condition(_Shlink):
    """One condition; all of a rule's must hold."""

    type: str
    match_key: str | None = None
    match_value: str | None = None


class RedirectRule(_Shlink):
    """One rule; the lowest priority comes first."""

    long_url: Annotated[str, Field(min_length=1)]
    priority: int = 0
    conditions: list[Condition] = []


class Meta(_Shlink):
    """When a short URL is there."""

    valid_since: Time | None = None
    valid_until: Time | None = None
    max_visits: int | None = None


class Visits(_Shlink):
    """How often it was visited."""

    total: int = 0


class Entry(_Shlink):
    """What Shlink says of a short URL, as far as it matters here."""

    short_code: Annotated[str, Field(min_length=1)]
    long_url: Annotated[str, Field(min_length=1)]
    domain: str | None = None
    title: str | None = None
    tags: list[str] = []
    meta: Meta = Meta()
    crawlable: bool = False
    forward_query: bool = True
    has_redirect_rules: bool = False
    redirect_rules: Annotated[list[RedirectRule] | None, BeforeValidator(_rules)] = None
    device_long_urls: dict[str, str | None] = {}
    visits_summary: Visits = Visits()
    visits_count: int = 0

    @property
    def visits(self) -> int:
        """How often it was visited, whichever release says so."""
        return self.visits_summary.total or self.visits_count


_DEVICES: Final[Mapping[str, Test]] = {
    "android": ("os", frozenset({"android"})),
    "ios": ("os", frozenset({"ios"})),
    "windows": ("os", frozenset({"windows"})),
    "macos": ("os", frozenset({"macos"})),
    "linux": ("os", frozenset({"linux"})),
    "chromeos": ("os", frozenset({"chromeos"})),
    "mobile": ("device", frozenset({"mobile", "tablet"})),
    "desktop": ("device", frozenset({"desktop"})),
}


class _Unknown(ValueError):
    """A condition that Turnout has no kind for: said in words."""


class _Never(ValueError):
    """A rule that matches nobody, now and later: why, in words."""


def short_url(number: int, entry: Any, now: datetime) -> ShortUrl:
    """Return the short URL in `entry`. Raises CannotMove."""
    found = checked(Entry, entry)
    if found.has_redirect_rules and found.redirect_rules is None:
        raise CannotMove("it has redirect rules, and they are not in the file (see the guide for how to export them)")
    rules, left = _moved_rules(found, now)
    return ShortUrl(
        number=number,
        slug=slug_from(found.short_code),
        domain=host_from(found.domain),
        name=name_from(found.title, found.long_url),
        destination_url=found.long_url,
        pass_query=found.forward_query,
        rules=tuple(rules),
        tags=tuple(found.tags),
        enabled=_is_there(found, now),
        expires_at=found.meta.valid_until,
        left=(*left, *_left(found, now)),
    )


def _is_there(entry: Entry, now: datetime) -> bool:
    """Tell whether visitors are redirected at present; its end is kept as a time."""
    used_up = entry.meta.max_visits is not None and entry.visits >= entry.meta.max_visits
    return not used_up and not (entry.meta.valid_since and entry.meta.valid_since > now)


def _left(entry: Entry, now: datetime) -> Iterator[Left]:
    if entry.visits:
        yield Left("visits", f"{entry.visits} visits")
    if entry.crawlable:
        yield Left("crawlable", "search engines may list it; Turnout always asks them not to")
    if entry.meta.max_visits is not None:
        yield Left("limits of visits", f"ends after {entry.meta.max_visits} visits, of which {entry.visits} are used")
    if entry.meta.valid_since and entry.meta.valid_since > now:
        yield Left(
            "beginnings", f"begins on {entry.meta.valid_since.isoformat()}: its offer is paused until you activate it"
        )


def _moved_rules(entry: Entry, now: datetime) -> tuple[list[Rule], list[Left]]:
    """Return the rules that Turnout can have, and what is left of the others."""
    rules, left = [], []
    for place, rule in enumerate(_all_rules(entry), 1):
        try:
            rules.append(Rule(f"Shlink rule {place}", _when(rule.conditions, now), rule.long_url))
        except _Unknown as exc:
            left.append(Left("rules", f"rule {place} to {rule.long_url[:200]}: Turnout has no condition on {exc}"))
        except _Never as exc:
            left.append(Left("rules that match nobody", f"rule {place} to {rule.long_url[:200]}: {exc}"))
    return rules, left


def _all_rules(entry: Entry) -> list[RedirectRule]:
    """Return the rules in order; before Shlink 4 there was a long URL for each device instead."""
    devices = [
        RedirectRule(longUrl=url, conditions=[Condition(type="device", matchValue=device)])
        for device, url in entry.device_long_urls.items()
        if url
    ]
    return [*sorted(entry.redirect_rules or (), key=lambda rule: rule.priority), *devices]


def _when(conditions: list[Condition], now: datetime) -> dict[str, list[str]]:
    """Return conditions as Turnout writes them. Raises _Unknown, _Never."""
    if not conditions:
        raise _Never("it has no conditions, and such a rule of Shlink's never matches")
    tests: dict[str, Values] = {}
    for condition in conditions:
        for kind, values in _tests(condition, now):
            tests[kind] = tests.get(kind, values) & values
    if not all(tests.values()):
        raise _Never("its conditions contradict each other")
    return {kind: sorted(values) for kind, values in tests.items()}


def _tests(condition: Condition, now: datetime) -> list[Test]:
    """Return what a condition tests; nothing where it holds for everybody from now on."""
    read = _READERS.get(condition.type)
    if read is None:
        said = " ".join(it for it in (condition.type, condition.match_key, condition.match_value) if it)
        raise _Unknown(said[:200])
    return read(condition.match_value or "", now)


def _device(value: str, _now: datetime) -> list[Test]:
    if value.lower() not in _DEVICES:
        raise _Unknown(f"the device {value[:80]}")
    return [_DEVICES[value.lower()]]


def _country(value: str, _now: datetime) -> list[Test]:
    return [("country", frozenset({value.upper()}))]


def _before(value: str, now: datetime) -> list[Test]:
    if _time(value) <= now:
        raise _Never(f"it ended on {value}")
    raise _Unknown(f"times before {value}")


def _after(value: str, now: datetime) -> list[Test]:
    if _time(value) > now:
        raise _Unknown(f"times after {value}")
    return []


def _time(value: str) -> datetime:
    try:
        return _utc(datetime.fromisoformat(value))
    except ValueError as exc:
        raise _Unknown(f"the time {value[:80]!r}") from exc


_READERS: Final[Mapping[str, Callable[[str, datetime], list[Test]]]] = {
    "device": _device,
    "geolocation-country-code": _country,
    "before-date": _before,
    "after-date": _after,
}
