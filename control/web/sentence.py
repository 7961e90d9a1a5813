"""A rule in English as pages show it: chips for what it names; the same words as static/sentence.js says."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson
from markupsafe import Markup, escape

from control.web.smart_link import WORDS
from shared.conditions import KINDS

_SHOWN: Final = 4
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*:/*([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_MACRO: Final = re.compile(r"(\{[a-z0-9_]+\})")


def sentence(when: Mapping[str, Any]) -> Markup:
    """Return conditions, as the API gives them: `From [United States] on [mobile]`."""
    return _sentence(orjson.dumps(when))


@lru_cache(maxsize=1_000)  # a page of history says the conditions of every rule three times
def _sentence(text: bytes) -> Markup:
    when = orjson.loads(text)
    said = [_said(kind, when[kind], first=not place) for place, kind in enumerate(_kinds(when))]
    if "country" not in when:
        said.insert(0, Markup("From anywhere"))
    return Markup(" ").join(said)


def pretty_url(url: str) -> Markup:
    """Return a destination for people: the host stands out, macros are marked."""
    found = _URL.fullmatch(url)
    host, rest = (found[1], found[2]) if found else (url, "")
    pieces = _MACRO.split("" if rest == "/" else rest)
    marked = (Markup('<span class="macro">%s</span>') % text if _MACRO.fullmatch(text) else text for text in pieces)
    return Markup("<b>%s</b>") % host + Markup("").join(marked)


def _kinds(when: Mapping[str, Any]) -> list[str]:
    return [kind for kind in KINDS if kind in when]


def _said(kind: str, condition: Any, *, first: bool) -> Markup:
    include, exclude = _lists(condition)
    preposition = KINDS[kind].preposition
    words = escape(f"{preposition.capitalize() if first and kind == 'country' else preposition} ")
    words += escape(KINDS[kind].anything) if include is None else _either(kind, include, "chip")
    return words + (Markup(" except ") + _either(kind, exclude, "chip not") if exclude else Markup(""))


def _either(kind: str, values: Sequence[str], look: str) -> Markup:
    shown = values if len(values) <= _SHOWN else values[: _SHOWN - 1]
    chips = [_chip(WORDS[kind].get(value, value), look) for value in shown]
    if len(shown) < len(values):
        return Markup(", ").join(chips) + Markup(" ") + _chip(f"and {len(values) - len(shown)} more", look)
    *most, last = chips
    return Markup(", ").join(most) + Markup(" or ") + last if most else last


def _chip(text: str, look: str) -> Markup:
    return Markup('<span class="%s">%s</span>') % (look, text)


def _lists(condition: Any) -> tuple[Sequence[str] | None, Sequence[str]]:
    if isinstance(condition, Mapping):
        return condition.get("in"), condition.get("not") or ()
    return condition, ()
