"""The table of condition kinds: how each is validated, compiled, matched and said in English.

A kind is a visitor's attribute with finitely many values. A condition names accepted values, rejected values, or both:
`["US"]`, `{"not": ["US"]}`, `{"in": ["@latam"], "not": ["MX"]}`. Everything else about conditions follows from the
set of values that a condition accepts, so that adding a kind is one entry in `KINDS`.

The unknown value (`ZZ` of country) is no ordinary value: it is accepted only where it is listed, and a negated list
accepts only known values outside it. `other` of device and OS is an ordinary value.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from shared import countries

MAX_VALUES: Final = 300
"""Values that one list of a condition may have: all countries and groups fit."""


class InvalidCondition(ValueError):
    """A condition that means nothing: `path` leads to the fault in `when`, `code` is stable, the text is for people."""

    def __init__(self, path: tuple[str | int, ...], code: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.code = code


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of a visitor: accepted values (None: every known one) less rejected values, groups unexpanded."""

    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()

    def as_json(self) -> list[str] | dict[str, list[str]]:
        """Return the form the API takes and gives."""
        if self.include is None:
            return {"not": list(self.exclude)}
        if not self.exclude:
            return list(self.include)
        return {"in": list(self.include), "not": list(self.exclude)}


@dataclass(frozen=True, slots=True)
class Kind:
    """How conditions on one attribute of a visitor behave."""

    name: str
    values: tuple[str, ...]
    """Every known value."""
    unknown: str | None
    """The value of a visitor whose attribute nobody knows, where that is no ordinary value."""
    normalise: Callable[[str], str | None]
    """What was written -> a value, a group or `unknown`; None when it means nothing."""
    groups: Mapping[str, frozenset[str]]
    label: Callable[[str], str]
    """Value or group -> English."""
    preposition: str
    anything: str

    def expand(self, values: Iterable[str]) -> frozenset[str]:
        """Return the plain values that a mix of values and groups stands for."""
        return frozenset(value for item in values for value in self.groups.get(item, (item,)))

    def accepted(self, condition: Condition) -> frozenset[str]:
        """Return every value, the unknown one included, that `condition` holds for."""
        start = frozenset(self.values) if condition.include is None else self.expand(condition.include)
        return start - self.expand(condition.exclude)

    def say(self, condition: Condition) -> str:
        """Return `condition` in English: `from United States or Canada`, `from anywhere except Mexico`."""
        wanted = self.anything if condition.include is None else _either(map(self.label, condition.include))
        except_for = f" except {_either(map(self.label, condition.exclude))}" if condition.exclude else ""
        return f"{self.preposition} {wanted}{except_for}"


def _either(words: Iterable[str]) -> str:
    *first, last = list(words)
    return f"{', '.join(first)} or {last}" if first else last


def _one_of(values: tuple[str, ...]) -> Callable[[str], str | None]:
    return lambda written: written.strip().lower() if written.strip().lower() in values else None


def _country(written: str) -> str | None:
    text = written.strip()
    if text.lower() in countries.GROUPS:
        return text.lower()
    return countries.UNKNOWN if text.upper() == countries.UNKNOWN else countries.normalise(text)


DEVICES: Final = ("desktop", "mobile", "tablet", "other")
OSES: Final = ("ios", "android", "windows", "macos", "linux", "chromeos", "other")
_OS_NAMES: Final = {
    "ios": "iOS",
    "android": "Android",
    "windows": "Windows",
    "macos": "macOS",
    "linux": "Linux",
    "chromeos": "ChromeOS",
    "other": "another system",
}
_NO_GROUPS: Final[Mapping[str, frozenset[str]]] = MappingProxyType({})

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(
                name="country",
                values=tuple(countries.NAMES),
                unknown=countries.UNKNOWN,
                normalise=_country,
                groups=countries.GROUPS,
                label=countries.name_of,
                preposition="from",
                anything="anywhere",
            ),
            Kind(
                name="device",
                values=DEVICES,
                unknown=None,
                normalise=_one_of(DEVICES),
                groups=_NO_GROUPS,
                label=lambda value: "another device" if value == "other" else value,
                preposition="on",
                anything="any device",
            ),
            Kind(
                name="os",
                values=OSES,
                unknown=None,
                normalise=_one_of(OSES),
                groups=_NO_GROUPS,
                label=lambda value: _OS_NAMES.get(value, value),
                preposition="with",
                anything="any system",
            ),
        )
    }
)
"""Kind -> behaviour, in the order in which a rule's sentence names them."""


def parse_when(when: object) -> dict[str, Condition]:
    """Return the conditions written in a rule's `when` (kind -> list, `{"not": []}` or `{"in": [], "not": []}`).

    Values are normalised (`uk` -> `GB`), repeated ones dropped, the order kept. Raises InvalidCondition.
    """
    if not isinstance(when, Mapping):
        raise InvalidCondition((), "invalid_when", "conditions are an object of lists, such as {'country': ['US']}")
    parsed = {kind: _parse(kind, value) for kind, value in when.items()}
    return {kind: parsed[kind] for kind in KINDS if kind in parsed}


def _parse(kind_name: object, written: object) -> Condition:
    kind = KINDS.get(kind_name) if isinstance(kind_name, str) else None
    if kind is None:
        known = _either(KINDS)
        raise InvalidCondition((str(kind_name)[:64],), "unknown_kind", f"a condition is on {known}")
    if isinstance(written, list | tuple):
        return Condition(include=_values(kind, written, (kind.name,)))
    if not isinstance(written, Mapping) or not written or not set(written) <= {"in", "not"}:
        raise InvalidCondition(
            (kind.name,), "invalid_condition", 'a condition is a list, {"not": [...]} or {"in": [...], "not": [...]}'
        )
    include = _values(kind, written["in"], (kind.name, "in")) if "in" in written else None
    exclude = _values(kind, written["not"], (kind.name, "not")) if "not" in written else ()
    return Condition(include, exclude)


def _values(kind: Kind, written: object, path: tuple[str | int, ...]) -> tuple[str, ...]:
    if not isinstance(written, list | tuple) or not written:
        raise InvalidCondition(path, "empty_list", f"list at least one {kind.name}; leave {kind.name} out for any")
    if len(written) > MAX_VALUES:
        raise InvalidCondition(path, "too_many_values", f"a list holds at most {MAX_VALUES} values")
    values = dict.fromkeys(_value(kind, item, (*path, place)) for place, item in enumerate(written))
    return tuple(values)


def _value(kind: Kind, written: object, path: tuple[str | int, ...]) -> str:
    value = kind.normalise(written) if isinstance(written, str) else None
    if value is None:
        raise InvalidCondition(path, f"unknown_{kind.name}", f"{str(written)[:64]!r} is no {kind.name} known here")
    return value


@lru_cache(maxsize=4096)
def accepted(kind_name: str, condition: Condition) -> frozenset[str]:
    """Return every value of `kind_name` that `condition` holds for (see `Kind.accepted`)."""
    return KINDS[kind_name].accepted(condition)


def matches(kind_name: str, condition: Condition, value: str) -> bool:
    """Tell whether `condition` holds for a visitor whose attribute `kind_name` is `value`."""
    return value in accepted(kind_name, condition)


def say_when(when: Mapping[str, Condition]) -> str:
    """Return a rule's conditions as one English phrase; no condition is `from anywhere`."""
    phrases = [KINDS[kind].say(when[kind]) for kind in KINDS if kind in when]
    return " ".join(phrases) or "from anywhere"
