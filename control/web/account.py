"""One's own account: who one is here, another password, and how the pages look."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request

from control.access import passwords, users
from control.access.guard import SESSION_COOKIE
from control.access.schemas import PasswordChange
from control.errors import Problem
from control.parts import Parts, PartsDep
from control.web import forms
from control.web.access import ROLES
from control.web.forms import Filled
from control.web.guard import Form, Person
from control.web.notices import notice_of, told
from control.web.render import page

router = APIRouter(include_in_schema=False)

_FIELDS: Final = ("present_password", "new_password")


@router.get("/account")
async def show_account(request: Request, parts: PartsDep, caller: Person) -> Any:
    return await _account_page(request, parts, caller)


@router.post("/account/password")
async def change_password(request: Request, parts: PartsDep, caller: Person, form: Form) -> Any:
    try:
        wanted = forms.read(PasswordChange, _typed(form))
        await passwords.change_own(parts, caller, request.cookies.get(SESSION_COOKIE, ""), wanted)
    except Problem as problem:
        return await _account_page(request, parts, caller, forms.refused({}, problem, _FIELDS), problem.status)
    return forms.see_other(told("/account", "password"))


def _typed(form: Mapping[str, str]) -> dict[str, str]:
    """Return both passwords as they were typed: spaces belong to them."""
    return {name: form.get(name, "") for name in _FIELDS}


async def _account_page(
    request: Request, parts: Parts, caller: Person, filled: Filled | None = None, code: int = 200
) -> Any:
    return page(
        request,
        "account.html",
        code=code,
        caller=caller,
        user=await users.get(parts, caller.id),
        roles=ROLES,
        filled=filled or Filled(),
        notice=notice_of(request),
    )
