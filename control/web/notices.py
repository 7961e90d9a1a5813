"""What a page says once after a form was done: in words of ours, named in the URL, never text from it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from fastapi import Request

_WORDS: Final = {
    "created": "Created",
    "saved": "Saved",
    "enabled": "Enabled",
    "disabled": "Disabled",
    "deleted": "Deleted",
    "undone": "Back again",
    "restored": "Restored",
    "paused": "Paused",
    "active": "Activated",
    "archived": "Archived",
    "cloned": "Cloned",
    "rotated": "New secret made. The old one no longer works",
    "password": "Password changed. Your other sessions have ended",
    "set-up": "This is yours now",
    "revoked": "Revoked. Calls with this key are refused from now on",
    "published": "Published to everyone",
    "taken-back": "Taken back",
    "resized": "Share changed",
    "too-late": "Nothing done: somebody else was faster",
    "removed": "Removed. Their sessions have ended",
}
_ID: Final = re.compile(r"[a-z]{1,4}_[a-z0-9]{1,40}")


_SWITCHED: Final = {"enabled": "false", "disabled": "true"}
_STATUSES: Final = frozenset({"active", "paused", "archived"})


@dataclass(frozen=True, slots=True)
class Undo:
    """The opposite of what was done: a form that posts these fields to `action`."""

    action: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """What was done; `sequence` is the publish to follow until it is live, 0 for none; `undo` what takes it back."""

    words: str
    sequence: int = 0
    undo: Undo | None = None


def notice_of(request: Request, undo_at: str = "") -> Notice | None:
    """Return what `?done=` asks to say; below `undo_at` is where what a page shows is undeleted, or put back."""
    done = request.query_params.get("done", "")
    if done not in _WORDS:
        return None
    sequence = request.query_params.get("sequence", "")
    return Notice(
        words=_WORDS[done],
        sequence=int(sequence) if re.fullmatch(r"[0-9]{1,15}", sequence) else 0,
        undo=_undo(request, done, undo_at),
    )


def _undo(request: Request, done: str, undo_at: str) -> Undo | None:
    """Return what takes back what was done to `gone`, `switched` or `of`, whose status `was` another one."""
    given = {name: request.query_params.get(name, "") for name in ("gone", "switched", "of")}
    gone, switched, of = (text if _ID.fullmatch(text) else "" for text in given.values())
    was = request.query_params.get("was", "")
    if gone and undo_at:
        return Undo(f"{undo_at}/{gone}/undelete")
    if switched and done in _SWITCHED:
        return Undo(f"/links/{switched}/switch", {"enabled": _SWITCHED[done], "next": request.url.path})
    return Undo(f"{undo_at}/{of}/status", {"status": was}) if of and undo_at and was in _STATUSES else None


def told(target: str, done: str, **query: object) -> str:
    """Return `target`, a path with or without a query, as a page that will say that something was `done`."""
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{target}{'&' if '?' in target else '?'}{urlencode({'done': done, **given})}"
