"""What control compiles, case by case: the smart link, a line of dashes, the table.

Each case is a file in `cases/`. `python -m tests.golden.test_golden` writes the lower halves anew: read the diff.
"""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.conditions import parse_when
from shared.rules import Offer, Rule, SmartLink
from shared.table import compile_offer, decode_table

CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))
LINE = "----\n"


def compiled(case: dict[str, Any]) -> dict[str, Any]:
    rules = tuple(
        Rule(f"r_{place}", rule["to"], parse_when(rule["when"]), enabled=rule.get("enabled", True))
        for place, rule in enumerate(case["rules"], start=1)
    )
    link = SmartLink(case.get("enabled", True), case.get("fallback_url"), rules)
    offer = Offer("o_1", "saas", "https://yourbrand.com/", link, revision=3)
    table: dict[str, Any] = orjson.loads(compile_offer(offer))
    return table


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_compiles_to_the_table_on_file(path: Path) -> None:
    written, _, expected = path.read_text().partition(LINE)

    assert compiled(json.loads(written)) == json.loads(expected)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_edge_understands_the_table_on_file(path: Path) -> None:
    table = json.loads(path.read_text().partition(LINE)[2])

    assert decode_table(table).revision == 3


def write_anew() -> None:
    """Replace the lower half of every case by what is compiled now."""
    for path in CASES:
        written = path.read_text().partition(LINE)[0]
        path.write_text(written + LINE + json.dumps(compiled(json.loads(written)), indent=1) + "\n")


if __name__ == "__main__":
    write_anew()
