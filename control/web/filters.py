"""Filters of a view: what they are called, those that are set in words, one more from the form of its page."""

from typing import Final

from starlette.datastructures import QueryParams

from control.insight.analytics.labels import labels
from control.insight.analytics.reading import Sessions
from control.web import ranked
from control.web.ranked import said
from control.web.view import View

NAMES: Final = {**ranked.TITLES, "rule": "Rule", "via": "Via", "kind": "Kind"} | {
    f"sub{n}": f"Sub-ID {n}" for n in range(1, 6)
}
_MAX_CHARS: Final = 300


def added(view: View, query: QueryParams) -> View | None:
    """Return the view with the filter that a form without scripts asks for (`?by=country&is=US`), None without one."""
    by, wanted = query.get("by", ""), query.get("is", "").strip()
    return view.toggled(by, wanted[:_MAX_CHARS]) if by in NAMES and wanted else None


async def chips(sessions: Sessions, view: View) -> list[dict[str, str]]:
    """Return the filters that are set, in words, each with the view without it."""
    found = []
    for key, values in view.filters.items():
        names = await labels(sessions.config, key, list(values))
        words = ", ".join(said(key, value, names) for value in values[:3])
        more = f" and {len(values) - 3} more" if len(values) > 3 else ""
        found.append({"key": key, "name": NAMES[key], "said": words + more, "href": view.without(key).href})
    return found
