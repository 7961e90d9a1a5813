"""The page on which many things are pasted at once: the same for every noun that is made by the hundred."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from control.access.guard import require_role
from control.access.roles import Caller, Role
from control.bulk import BulkResult
from control.errors import Problem
from control.parts import Parts
from control.web import forms, lines
from control.web.forms import Filled
from control.web.lines import Told
from control.web.render import page


@dataclass(frozen=True, slots=True)
class Pasting:
    """One noun's page: its `template`, the `columns` that a line may have and those `asked` for, and its bulk service.

    Opened from an offer, all lines are that offer's and its column is not asked for.
    """

    template: str
    columns: tuple[str, ...]
    asked: tuple[str, ...]
    create: Callable[[Parts, Caller, Request], Awaitable[BulkResult]]

    def show(self, request: Request, caller: Caller, offer: str) -> Any:
        """Return the empty page, for the offer with this slug or, where it is "", for any."""
        return self._page(request, caller, offer, Filled({"lines": lines.header(self._asked(offer))}))

    async def take(self, request: Request, parts: Parts, caller: Caller, form: Mapping[str, str]) -> Any:
        """Make what was pasted, and return the page with the lines that were refused, to be mended and sent again."""
        require_role(caller, Role.EDITOR)
        offer = form.get("offer", "").strip()
        try:
            pasted = lines.read(form.get("lines", ""), self.columns, {"offer": offer} if offer else {})
        except Problem as problem:
            return self._page(request, caller, offer, forms.refused(form, problem, ["lines"]))
        result = await self.create(parts, caller, pasted.request)
        return self._page(request, caller, offer, Filled({"lines": pasted.left(result)}), pasted.told(result))

    def _page(self, request: Request, caller: Caller, offer: str, filled: Filled, result: Told | None = None) -> Any:
        context = {"offer_slug": offer, "filled": filled, "result": result, "columns": self._asked(offer)}
        return page(request, self.template, code=filled.code, caller=caller, **context)

    def _asked(self, offer: str) -> tuple[str, ...]:
        return tuple(column for column in self.asked if column != "offer" or not offer)
