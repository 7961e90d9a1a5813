"""`turnout canary`: how the canary of an offer goes, on to more workers or to everyone, or back."""

from collections.abc import Iterator
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

from deploy.api import Api
from deploy.pausing import propagated
from deploy.refusal import Refusal

End = Literal["promote", "withdraw"]

_ENDED: Final = {
    "promoted": "went to everyone",
    "withdrawn": "was taken back",
    "replaced": "made way for what was saved after it",
}


def lines(api: Api, slug: str) -> Iterator[str]:
    """Yield how the canary of the offer with a slug goes, or how the last one ended. Raises Refusal."""
    state = api.get(f"{_path(api, slug)}/canary")
    canary, last = state["canary"], state["last"]
    if canary:
        since = f"since {canary['started_at']}, by {canary['by']['name']}"
        yield f"revision {canary['revision']} is on {canary['share']} % of the workers, {since}"
        yield _side("new", state["new"])
        yield _side("stable", state["stable"])
        for refusal in state["refusals"]:
            yield f"  {refusal['edge']} refuses it: {refusal['reason']}"
    else:
        yield "no canary runs"
    if last:
        why = f": {last['reason']}" if last["reason"] else f", by {last['ended_by']['name']}"
        yield f"revision {last['revision']} {_ENDED[last['outcome']]} at {last['ended_at']}{why}"


def end(api: Api, slug: str, how: End) -> str:
    """Send the canary of an offer on to everyone, or take it back; say how far that got. Raises Refusal."""
    saved = api.post(f"{_path(api, slug)}/canary/{how}", {})
    what = "went to everyone" if how == "promote" else "is what was before, for everyone"
    return f"revision {saved['revision']} {what}: {propagated(api, saved['sequence'])}"


def resize(api: Api, slug: str, share: int) -> str:
    """Give the canary of an offer to `share` percent of the workers; say to how many, and how far that got."""
    saved = api.post(f"{_path(api, slug)}/canary/resize", {"share": share})
    canary = saved["canary"]
    what = f"revision {saved['revision']} is on {canary['workers']} of {canary['of']} workers"
    return f"{what}: {propagated(api, saved['sequence'])}"


def _path(api: Api, slug: str) -> str:
    items = api.get(f"/offers?{urlencode({'slug': slug})}")["items"]
    if not items:
        raise Refusal(f"There is no offer with the slug {slug!r}.")
    return f"/offers/{quote(items[0]['id'])}/smart-link"


def _side(name: str, side: dict[str, Any]) -> str:
    share = "none" if side["fallback_share"] is None else f"{side['fallback_share']:.1%}"
    workers, clicks = side["workers"], side["clicks"]
    return f"  {name}: revision {side['revision']}, {workers} workers, {clicks} clicks, at the fallback {share}"
