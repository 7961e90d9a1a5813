"""Before anybody is logged in: setting up the first admin, and setting a password through a link."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse

from control.access import passwords, setup
from control.access.first_start import ADMIN_LOGIN
from control.access.guard import source_of
from control.access.schemas import FirstAdmin, NewPassword
from control.errors import Problem
from control.fields import Input
from control.parts import PartsDep
from control.web import forms
from control.web.forms import Filled
from control.web.guard import StrangersForm
from control.web.login import let_in
from control.web.notices import told
from control.web.render import page

router = APIRouter(include_in_schema=False)

_FIRST_FIELDS: Final = ("secret", "name", "login", "password")

Token = Annotated[str, Path(max_length=100)]


class _Chosen(Input):
    password: NewPassword


@router.get("/setup")
async def show_setup(request: Request, parts: PartsDep) -> Any:
    if not await setup.is_open(parts):
        return RedirectResponse("/login", 303)
    return page(request, "setup.html", filled=Filled({"login": ADMIN_LOGIN}))


@router.post("/setup")
async def set_up(request: Request, parts: PartsDep, form: StrangersForm) -> Any:
    """Make the first admin whoever has the first password. A second attempt is answered that it was done."""
    try:
        wanted = forms.read(FirstAdmin, {name: form.get(name, "") for name in _FIRST_FIELDS})
        entered = await setup.claim(parts, wanted, source_of(request))
    except Problem as problem:
        filled = forms.refused(form, problem, _FIRST_FIELDS)
        return page(request, "setup.html", code=problem.status, filled=filled)
    return let_in(request, entered, told("/offers", "set-up"))


@router.get("/password/{token}")
async def show_link(request: Request, parts: PartsDep, token: Token) -> Any:
    """Show whose password the link sets. Looking at it does not use it up: chat programs look at links, too."""
    return page(request, "password.html", user=await passwords.owner_of(parts, token), token=token, filled=Filled())


@router.post("/password/{token}")
async def use_link(request: Request, parts: PartsDep, token: Token, form: StrangersForm) -> Any:
    try:
        chosen = forms.read(_Chosen, {"password": form.get("password", "")})
    except Problem as problem:
        filled = forms.refused({}, problem, ("password",))
        user = await passwords.owner_of(parts, token)
        return page(request, "password.html", code=422, user=user, token=token, filled=filled)
    return let_in(request, await passwords.use_link(parts, token, chosen.password), "/")
