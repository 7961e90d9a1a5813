"""`turnout pause` and `turnout activate`: an offer with all its links, or a whole domain, off and on again."""

import time
from typing import Any, Final
from urllib.parse import quote, urlencode

from deploy.api import Api
from deploy.refusal import Refusal

_WAIT_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.1


def switch(api: Api, name: str, action: str) -> str:
    """Do `action` (pause, activate) to the offer with the slug `name`, or the domain of that host; say how far it got.

    Raises Refusal where there is neither.
    """
    path, target = _found(api, name)
    saved = api.post(f"{path}/{quote(target['id'])}/{action}", {})
    goes = (
        f", visitors go to {saved['inactive_url']}" if saved["inactive_url"] else ", visitors are told that it is gone"
    )
    what = f"{name} is {saved['status']}{goes if saved['status'] == 'paused' else ''}"
    return f"{what}: {propagated(api, saved['sequence'])}"


def _found(api: Api, name: str) -> tuple[str, Any]:
    """Return where in the API what is called `name` lives, and it."""
    for path, field in (("/offers", "slug"), ("/domains", "host")):
        items = api.get(f"{path}?{urlencode({field: name})}")["items"]
        if items:
            return path, items[0]
    raise Refusal(f"There is neither an offer with the slug {name!r} nor a domain of that name.")


def propagated(api: Api, sequence: int) -> str:
    """Wait until a publish is live on every edge that is heard from; say on how many it is."""
    until = time.monotonic() + _WAIT_S
    while True:
        reached = api.get(f"/propagation?sequence={sequence}")
        if reached["complete"] or time.monotonic() > until:
            break
        time.sleep(_LOOK_EVERY_S)
    silent = f", {reached['unknown']} not heard from" if reached["unknown"] else ""
    return f"live on {reached['live']} of {reached['of']} edges{silent}."
