"""What an import did or would do, as lines to read: `+` creates, `~` changes."""

import json
from collections.abc import Iterator
from typing import Any, Final

_SIGNS: Final = {"create": "+", "update": "~"}


def lines_of(result: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each change, one below it for each field that is different, and the sum at the end."""
    for change in result["changes"]:
        yield f"{_SIGNS[change['action']]} {change['kind']} {change['key']}"
        for field in change["fields"] if change["action"] == "update" else ():
            yield f"    {field['field']}: {_written(field['before'])} -> {_written(field['after'])}"
    counts = f"{result['created']} created, {result['updated']} changed, {result['unchanged']} as they were"
    left_out = result["created"] + result["updated"] - len(result["changes"])
    if left_out > 0:
        yield f"... and {left_out} more"
    yield f"Would be: {counts}." if result["planned"] else f"{counts}."


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
