"""The same decision behind a plain Starlette route: what a good team writes in an afternoon, on the same libraries.

python -m loadtests.bench.plain_route PORT COUNTRY_MMDB LINKS
"""

import secrets
import sys
from functools import lru_cache

import maxminddb
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from edge.clicks.agents import open_names
from loadtests.bench.stage import example
from loadtests.bench.visits import slug_of
from shared.client_ip import TrustedProxies, client_ip
from shared.country import country_of
from shared.decision import decide
from shared.device import Agent, ClientHints, classify
from shared.table import compile_offer, decode_table
from shared.visitor import Visitor


def build(database: str, links: int) -> Starlette:
    """Return the app; it decides as the edge does, and records nothing."""
    table = decode_table(orjson.loads(compile_offer(example())))
    tables = {slug_of(number): table for number in range(links)}
    lookup = maxminddb.open_database(database, maxminddb.MODE_MMAP_EXT).get
    names, trusted = open_names(), TrustedProxies.parse("127.0.0.1")

    @lru_cache(10_000)
    def agent_of(user_agent: str, hints: ClientHints) -> Agent:
        return classify(user_agent, hints, names)

    async def click(request: Request) -> Response:
        found = tables.get(request.path_params["slug"].lower())
        if found is None:
            return PlainTextResponse("not found", 404)
        headers, peer = request.headers, request.client.host if request.client else ""
        hints = ClientHints(headers.get("sec-ch-ua-mobile", ""), headers.get("sec-ch-ua-platform", ""))
        agent = agent_of(headers.get("user-agent", ""), hints)
        address = client_ip(peer, headers.get("x-forwarded-for", ""), trusted)
        country = country_of(address, lookup)
        decision = decide(found, Visitor(country, agent.device, agent.os, agent.browser, agent.bot))
        assert decision is not None
        location = decision.destination.location(secrets.token_hex(13).encode(), request.url.query.encode(), {})
        return RedirectResponse(location.decode(), 302, {"cache-control": "private, no-store"})

    return Starlette(routes=[Route("/{slug}", click)])


if __name__ == "__main__":
    port, database, links = sys.argv[1:]
    uvicorn.run(
        build(database, int(links)), port=int(port), loop="uvloop", http="httptools", ws="none", log_level="error"
    )
