"""What a page says once after a form was done: in words of ours, named in the URL, never text from it."""

import re
from dataclasses import dataclass
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
    "removed": "Removed. Their sessions have ended",
}
_ID: Final = re.compile(r"[a-z]{1,4}_[a-z0-9]{1,40}")


@dataclass(frozen=True, slots=True)
class Notice:
    """What was done; `sequence` is the publish to follow until it is live, 0 for none; `undo` where Undo posts to."""

    words: str
    sequence: int = 0
    undo: str = ""


def notice_of(request: Request, undo_at: str = "") -> Notice | None:
    """Return what `?done=` asks to say; below `undo_at` is where what a page shows can be undeleted."""
    done = request.query_params.get("done", "")
    if done not in _WORDS:
        return None
    sequence = request.query_params.get("sequence", "")
    gone = request.query_params.get("gone", "")
    return Notice(
        words=_WORDS[done],
        sequence=int(sequence) if re.fullmatch(r"[0-9]{1,15}", sequence) else 0,
        undo=f"{undo_at}/{gone}/undelete" if undo_at and _ID.fullmatch(gone) else "",
    )


def told(target: str, done: str, **query: object) -> str:
    """Return `target`, a path with or without a query, as a page that will say that something was `done`."""
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{target}{'&' if '?' in target else '?'}{urlencode({'done': done, **given})}"
