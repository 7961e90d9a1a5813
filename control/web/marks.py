"""Two versions of a text, each with what the other lacks marked: `<del>` in the old, `<ins>` in the new one. Pure."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from markupsafe import Markup

_TOKEN: Final = re.compile(r"<[^>]*>|&[#\w]+;|[\w.{}-]+|\s+|.", re.DOTALL)
"""A tag, a character that is spelled as an entity, a word or a host, space, a sign: what is never parted."""


def marked(was: Markup, now: Markup) -> tuple[Markup, Markup]:
    """Return both with their differences marked; tags stay where they are, so that both stay well-formed."""
    old, new = _TOKEN.findall(was), _TOKEN.findall(now)
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1])
    parted = SequenceMatcher(None, old[start : len(old) - end], new[start : len(new) - end], autojunk=False)
    gone: set[int] = set()
    come: set[int] = set()
    for kind, old_from, old_to, new_from, new_to in parted.get_opcodes():
        if kind != "equal":
            gone.update(range(start + old_from, start + old_to))
            come.update(range(start + new_from, start + new_to))
    return _with(old, gone, "del"), _with(new, come, "ins")


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many tokens both begin with: as a rule most of them, which need no matching."""
    differing = (place for place, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1])
    return next(differing, min(len(old), len(new)))


def _with(tokens: Sequence[str], changed: set[int], tag: str) -> Markup:
    """Return the tokens, those `changed` inside `tag`; neither tags nor space are."""
    return Markup("").join(
        Markup(f"<{tag}>{token}</{tag}>" if place in changed and not _is_silent(token) else token)  # noqa: S704  # it was escaped before
        for place, token in enumerate(tokens)
    )


def _is_silent(token: str) -> bool:
    return token.startswith("<") or token.isspace()
