"""The visitors as whom the auditor asks: people on common devices, from addresses whose country has long been known."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from shared.country import KNOWN_ADDRESSES, UNKNOWN
from shared.decision import decide
from shared.table import Table
from shared.visitor import Visitor

MOZILLA: Final = "Mozilla/5.0"
USER_AGENTS: Final = (
    f"{MOZILLA} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
    f"{MOZILLA} (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
    " Mobile/15E148 Safari/604.1",
    f"{MOZILLA} (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Mobile"
    " Safari/537.36",
    f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1",
    f"{MOZILLA} (iPad; CPU OS 15_8 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.6 Mobile/15E148"
    " Safari/604.1",
    f"{MOZILLA} (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
)
ADDRESSES: Final[Mapping[str, str]] = {"192.0.2.1": UNKNOWN, **KNOWN_ADDRESSES}
"""Address -> country, the first of them nobody's."""

MAX_WITNESSES: Final = 8


class Witness(NamedTuple):
    """What is sent, and who that is; an edge's country database may know the address otherwise."""

    address: str
    user_agent: str
    visitor: Visitor


def everyone(visitor_of: Callable[[str, Mapping[str, str]], Visitor]) -> tuple[Witness, ...]:
    """Return all witnesses; `visitor_of` (address, headers) classifies as edges do. It may block."""
    agents = [(text, visitor_of("", {"user-agent": text})) for text in USER_AGENTS]
    return tuple(
        Witness(address, text, visitor._replace(country=country))
        for address, country in ADDRESSES.items()
        for text, visitor in agents
    )


def telling(tables: Sequence[Table], witnesses: Iterable[Witness]) -> list[Witness]:
    """Return one witness for each decision that any of them meets, at most eight; one where no table decides.

    Of a canary's two tables, decisions count together.
    """
    found: dict[object, Witness] = {}
    for witness in witnesses:
        found.setdefault(tuple(decide(table, witness.visitor) for table in tables), witness)
    return list(found.values())[:MAX_WITNESSES]
