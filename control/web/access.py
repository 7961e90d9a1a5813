"""Keys and people, for admins: made, given a role or a link to set a password by, ended."""

from typing import Any, Final

from fastapi import APIRouter, Request

from control.access import keys, passwords, users
from control.access.guard import require_role
from control.access.roles import Role
from control.access.schemas import KeyIn, NewKey, PasswordLink, User, UserIn, UserPatch
from control.errors import Problem
from control.fields import PathId
from control.pagination import Cursor, CursorDep
from control.parts import Parts, PartsDep
from control.web import forms
from control.web.forms import Filled
from control.web.guard import Form, Person
from control.web.notices import notice_of, told
from control.web.render import page

router = APIRouter(include_in_schema=False)

_USER_FIELDS: Final = ("login", "name", "role")
_KEY_FIELDS: Final = ("name", "role")
_ALL: Final = Cursor(None, 200)
ROLES: Final = {
    Role.VIEWER: "Viewer: looks at everything",
    Role.EDITOR: "Editor: also changes offers, links, partners and coupons",
    Role.ADMIN: "Admin: also manages access, domains and secrets",
}


@router.get("/access")
async def show_access(request: Request, parts: PartsDep, caller: Person, cursor: CursorDep) -> Any:
    require_role(caller, Role.ADMIN)
    found = await keys.page(parts, cursor)
    people = await users.page(parts, _ALL)
    return page(
        request,
        "access.html",
        caller=caller,
        keys=found.items,
        next_cursor=found.next_cursor,
        users=people.items,
        notice=notice_of(request),
    )


@router.get("/access/keys/new")
async def new_key(request: Request, caller: Person) -> Any:
    require_role(caller, Role.ADMIN)
    return _key_page(request, caller, Filled({"role": Role.EDITOR}))


@router.post("/access/keys/new")
async def create_key(request: Request, parts: PartsDep, caller: Person, form: Form) -> Any:
    """Make a key and show its token in this answer, which is the only place that ever has it."""
    require_role(caller, Role.ADMIN)
    try:
        made = await keys.create(parts, caller, forms.read(KeyIn, forms.given(form, *_KEY_FIELDS)))
    except Problem as problem:
        return _key_page(request, caller, forms.refused(form, problem, _KEY_FIELDS))
    return _key_page(request, caller, Filled(), made)


@router.get("/access/keys/{key_id}")
async def show_key(request: Request, parts: PartsDep, caller: Person, key_id: PathId) -> Any:
    """Show a key and what revoking it does: that cannot be taken back, so a list does not offer it in one press."""
    require_role(caller, Role.ADMIN)
    return page(request, "key.html", caller=caller, key=await keys.get(parts, key_id), roles=ROLES)


@router.post("/access/keys/{key_id}/revoke")
async def revoke_key(parts: PartsDep, caller: Person, key_id: PathId, _form: Form) -> Any:
    require_role(caller, Role.ADMIN)
    await keys.revoke(parts, caller, key_id)
    return forms.see_other(told("/access", "revoked"))


@router.get("/access/users/new")
async def new_user(request: Request, caller: Person) -> Any:
    require_role(caller, Role.ADMIN)
    return _new_user_page(request, caller, Filled({"role": Role.EDITOR}))


@router.post("/access/users/new")
async def create_user(request: Request, parts: PartsDep, caller: Person, form: Form) -> Any:
    """Add a person and show the link by which they set their password, in this answer alone."""
    require_role(caller, Role.ADMIN)
    try:
        user = await users.create(parts, caller, forms.read(UserIn, forms.given(form, *_USER_FIELDS)))
    except Problem as problem:
        return _new_user_page(request, caller, forms.refused(form, problem, _USER_FIELDS))
    return await _link_page(request, parts, caller, user)


@router.get("/access/users/{user_id}")
async def show_user(request: Request, parts: PartsDep, caller: Person, user_id: PathId) -> Any:
    require_role(caller, Role.ADMIN)
    return await _user_page(request, parts, caller, user_id)


@router.post("/access/users/{user_id}")
async def update_user(request: Request, parts: PartsDep, caller: Person, user_id: PathId, form: Form) -> Any:
    require_role(caller, Role.ADMIN)
    typed = {"name": form.get("name", ""), "role": form.get("role", "")}
    try:
        await users.update(parts, caller, user_id, forms.read(UserPatch, typed))
    except Problem as problem:
        return await _user_page(request, parts, caller, user_id, forms.refused(typed, problem, _USER_FIELDS))
    return forms.see_other(told("/access", "saved"))


@router.post("/access/users/{user_id}/password-link")
async def make_password_link(request: Request, parts: PartsDep, caller: Person, user_id: PathId, _form: Form) -> Any:
    require_role(caller, Role.ADMIN)
    return await _link_page(request, parts, caller, await users.get(parts, user_id))


@router.post("/access/users/{user_id}/delete")
async def delete_user(request: Request, parts: PartsDep, caller: Person, user_id: PathId, form: Form) -> Any:
    require_role(caller, Role.ADMIN)
    try:
        await users.delete(parts, caller, user_id)
    except Problem as problem:
        return await _user_page(request, parts, caller, user_id, forms.refused({}, problem, ()))
    return forms.see_other(told("/access", "removed"))


async def _link_page(request: Request, parts: Parts, caller: Person, user: User) -> Any:
    link: PasswordLink = await passwords.make_link(parts, caller, user.id, str(request.base_url))
    return page(request, "password_link.html", caller=caller, user=user, link=link)


async def _user_page(request: Request, parts: Parts, caller: Person, user_id: str, filled: Filled | None = None) -> Any:
    user: User = await users.get(parts, user_id)
    typed = {"name": user.name, "role": str(user.role)}
    shown = Filled(typed | dict(filled.values), filled.errors, filled.faults) if filled else Filled(typed)
    code = 200 if filled is None else 422
    return page(request, "user.html", code=code, caller=caller, user=user, filled=shown, roles=ROLES)


def _new_user_page(request: Request, caller: Person, filled: Filled) -> Any:
    return page(request, "user_new.html", code=filled.code, caller=caller, filled=filled, roles=ROLES)


def _key_page(request: Request, caller: Person, filled: Filled, made: NewKey | None = None) -> Any:
    return page(request, "key_new.html", code=filled.code, caller=caller, filled=filled, roles=ROLES, made=made)
