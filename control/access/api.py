"""/keys, /users, /login, /logout, /me: who may come in, and who is in."""

from fastapi import APIRouter, Request, Response

from control.access import keys, passwords, sessions, users
from control.access.guard import SESSION_COOKIE, Admin, Viewer, source_of
from control.access.roles import Caller
from control.access.schemas import (
    Credentials,
    Key,
    KeyIn,
    Me,
    NewKey,
    PasswordChange,
    PasswordLink,
    User,
    UserIn,
    UserPatch,
)
from control.access.sessions import LoggedIn
from control.fields import PathId
from control.pagination import CursorDep, Page
from control.parts import PartsDep

router = APIRouter(tags=["access"])


@router.get("/keys", summary="List API keys")
async def list_keys(parts: PartsDep, _caller: Admin, cursor: CursorDep) -> Page[Key]:
    return await keys.page(parts, cursor)


@router.post("/keys", status_code=201, summary="Make an API key; its token is shown this once")
async def create_key(parts: PartsDep, caller: Admin, body: KeyIn) -> NewKey:
    return await keys.create(parts, caller, body)


@router.get("/keys/{key_id}", summary="Get an API key")
async def get_key(parts: PartsDep, _caller: Admin, key_id: PathId) -> Key:
    return await keys.get(parts, key_id)


@router.delete("/keys/{key_id}", summary="Revoke an API key")
async def revoke_key(parts: PartsDep, caller: Admin, key_id: PathId) -> Key:
    return await keys.revoke(parts, caller, key_id)


@router.get("/users", summary="List people")
async def list_users(parts: PartsDep, _caller: Admin, cursor: CursorDep) -> Page[User]:
    return await users.page(parts, cursor)


@router.post("/users", status_code=201, summary="Add a person")
async def create_user(parts: PartsDep, caller: Admin, body: UserIn) -> User:
    return await users.create(parts, caller, body)


@router.get("/users/{user_id}", summary="Get a person")
async def get_user(parts: PartsDep, _caller: Admin, user_id: PathId) -> User:
    return await users.get(parts, user_id)


@router.patch("/users/{user_id}", summary="Change a person")
async def update_user(parts: PartsDep, caller: Admin, user_id: PathId, body: UserPatch) -> User:
    return await users.update(parts, caller, user_id, body)


@router.delete("/users/{user_id}", summary="Remove a person")
async def delete_user(parts: PartsDep, caller: Admin, user_id: PathId) -> User:
    return await users.delete(parts, caller, user_id)


@router.post(
    "/users/{user_id}/password-link", status_code=201, summary="Make a link by which a person sets a password, once"
)
async def make_password_link(parts: PartsDep, request: Request, caller: Admin, user_id: PathId) -> PasswordLink:
    return await passwords.make_link(parts, caller, user_id, str(request.base_url))


@router.post("/login", summary="Log in: sets the session cookie")
async def log_in(parts: PartsDep, request: Request, response: Response, body: Credentials) -> Me:
    entered = await sessions.log_in(parts, body.login, body.password.get_secret_value(), source_of(request))
    set_cookie(request, response, entered)
    return show_caller(entered.caller)


@router.post("/logout", summary="Log out: ends the session of the cookie")
async def log_out(parts: PartsDep, request: Request, response: Response, caller: Viewer) -> Me:
    await sessions.log_out(parts, request.cookies.get(SESSION_COOKIE, ""))
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return show_caller(caller)


@router.get("/me", summary="Who is asking")
async def get_me(caller: Viewer) -> Me:
    return show_caller(caller)


@router.post("/me/password", summary="Change one's own password; ends one's other sessions")
async def change_password(parts: PartsDep, request: Request, caller: Viewer, body: PasswordChange) -> Me:
    await passwords.change_own(parts, caller, request.cookies.get(SESSION_COOKIE, ""), body)
    return show_caller(caller)


def set_cookie(request: Request, response: Response, entered: LoggedIn) -> None:
    """Give a new session's cookie to the browser: out of reach of scripts and of other sites' forms."""
    response.set_cookie(
        SESSION_COOKIE,
        entered.cookie,
        max_age=entered.max_age_s,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def show_caller(caller: Caller) -> Me:
    """Return who is asking as the API gives them."""
    return Me(id=caller.id, name=caller.name, role=caller.role, kind=caller.kind, csrf_token=caller.csrf or None)
