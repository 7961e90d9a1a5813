"""What a proxy asks before it orders a certificate for a host: `GET /internal/domains/ask?domain=go.example.com`.

200 for a registered host, 404 for any other. It takes no key, for proxies send none, and tells what a connection to the
host tells anybody; still, no proxy should pass `/internal/` on. Strangers can have it asked as often as they like, with
any name, by opening TLS connections: so all questions of a second are answered from one look at the database.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from control.parts import PartsDep
from shared.key import normalise_host

MAX_HOST: Final = 254
"""Characters of the longest name, with its final dot."""

router = APIRouter(include_in_schema=False)


@router.get("/internal/domains/ask")
async def ask(parts: PartsDep, domain: Annotated[str, Query(min_length=1, max_length=MAX_HOST)]) -> Response:
    registered = await parts.hosts.holds(normalise_host(domain))
    return Response(status_code=200 if registered else 404)
