"""What a page says once after a form was done: in words of ours, named in the URL, never text from it."""

from collections.abc import Mapping
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
    "restored": "Restored",
    "paused": "Paused",
    "active": "Activated",
    "archived": "Archived",
    "cloned": "Cloned",
    "rotated": "New secret made. The old one no longer works",
    "password": "Password set. Their sessions have ended",
    "revoked": "Revoked. Calls with this key are refused from now on",
    "removed": "Removed. Their sessions have ended",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What was done; `sequence` is the publish to follow until it is live, 0 for none; `undo` where Undo posts to."""

    words: str
    sequence: int = 0
    undo: str = ""


def notice_of(request: Request, undo: Mapping[str, str] | None = None) -> Notice | None:
    """Return what `?done=` asks to say. `undo` maps a word to the path that undoes it."""
    done = request.query_params.get("done", "")
    if done not in _WORDS:
        return None
    sequence = request.query_params.get("sequence", "")
    live = int(sequence) if sequence.isascii() and sequence.isdigit() and len(sequence) < 16 else 0
    return Notice(_WORDS[done], live, (undo or {}).get(done, ""))


def told(path: str, done: str, **query: object) -> str:
    """Return the URL of a page that will say that something was `done`."""
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode({'done': done, **given})}"
