"""What is clicked: the example offer, the links of the long tail, and an offer that is edited meanwhile."""

import json
from typing import Any, Final
from urllib.parse import quote

from deploy.api import Api, ApiError
from loadtests.scenarios.people import APP, HOME, LANDING, UK_LANDING

EDITED: Final = "load-edited"
"""Slug of the offer whose destination changes all the time."""

_LINES_AT_ONCE: Final = 10_000
_RULES: Final = [
    {"name": "US, mobile", "when": {"country": ["US"], "device": ["mobile"]}, "destination_url": APP},
    {"name": "US, desktop", "when": {"country": ["US"], "device": ["desktop"]}, "destination_url": LANDING},
    {"name": "UK", "when": {"country": ["UK"]}, "destination_url": UK_LANDING},
]


def tail_slug(number: int) -> str:
    """Return the slug of a link of the long tail, of which there are as many as `--tail-links` says, from 0 on."""
    return f"load-tail-{number:06d}"


def prepare(api: Api, offer: str, tail_links: int) -> None:
    """Make what is missing, and wait until it is live. Raises Refusal."""
    smart_link = {"enabled": True, "fallback_url": HOME, "rules": _RULES}
    _ensure_offer(api, {"name": "Load", "slug": offer, "destination_url": HOME, "smart_link": smart_link})
    _ensure_offer(api, {"name": "Load: edited", "slug": EDITED, "destination_url": HOME})
    for start in range(0, tail_links, _LINES_AT_ONCE):
        numbers = range(start, min(tail_links, start + _LINES_AT_ONCE))
        lines = [json.dumps({"slug": tail_slug(number), "offer": offer}) for number in numbers]
        api.send("POST", "/links/bulk", "\n".join(lines).encode(), "application/x-ndjson")  # those that exist are 409
    send_everybody(api, edited_offer(api), HOME)  # live after all that was published before


def edited_offer(api: Api) -> str:
    """Return the id of the offer that is edited."""
    return str(_offers(api, EDITED)[0]["id"])


def send_everybody(api: Api, offer_id: str, destination: str) -> None:
    """Send all who click an offer to `destination`, and return once every edge does. Raises Refusal."""
    link = {"enabled": True, "fallback_url": destination, "rules": []}
    answer = api.put(f"/offers/{offer_id}/smart-link?wait=10", link)
    if not answer["propagation"]["complete"]:
        raise ApiError(200, "not_live", f"an edit is not live everywhere after 10 s: {answer['propagation']}")


def _ensure_offer(api: Api, fields: dict[str, Any]) -> None:
    if not _offers(api, fields["slug"]):
        api.post("/offers", fields)


def _offers(api: Api, slug: str) -> list[dict[str, Any]]:
    return list(api.get(f"/offers?slug={quote(slug)}")["items"])
