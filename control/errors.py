"""What the API answers when it says no: problem details (RFC 9457) with a stable code and a list of field errors."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import Match

_log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_MAX_ERRORS: Final = 100
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

_TITLES: Final = {
    400: "The request cannot be understood",
    401: "Who is asking is not known",
    403: "The role does not allow this",
    404: "There is nothing here",
    405: "This method is not offered here",
    409: "This contradicts something that exists",
    412: "Somebody else edited this in the meantime",
    413: "The request is too large",
    415: "This media type is not taken here",
    422: "The request is not valid",
    429: "Too many attempts",
    503: "Not available right now",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of a request: where (`rules.0.destination_url`; "" for the whole), a stable code, a sentence."""

    path: str
    code: str
    message: str

    def below(self, *path: str | int) -> "FieldError":
        """Return the same fault seen from further up, `path` put before its own."""
        return FieldError(join(*path, self.path), self.code, self.message)


def join(*path: str | int) -> str:
    """Return a path as errors spell it: parts joined by dots, empty ones left out."""
    return ".".join(str(part) for part in path if part != "")


class Problem(Exception):
    """An answer other than the one asked for; handlers turn it into `application/problem+json`.

    `extra` holds further members of the answer's body, `headers` further headers.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.title = _TITLES.get(status, "The request failed")
        self.detail = detail
        self.errors = list(errors)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    @classmethod
    def not_found(cls, what: str) -> "Problem":
        """404: there is no such `what` (a noun with its article, such as "offer")."""
        return cls(404, "not_found", f"There is no such {what}.")

    @classmethod
    def conflict(cls, code: str, message: str, path: str = "") -> "Problem":
        """409: what is asked contradicts something that exists, such as a taken slug."""
        return cls(409, code, message, [FieldError(path, code, message)])

    @classmethod
    def invalid(cls, errors: Sequence[FieldError]) -> "Problem":
        """422: the request's fields are at fault."""
        return cls(422, "invalid", _summary(errors), errors)

    @classmethod
    def unauthorized(cls, detail: str = "Send an API key as a Bearer token, or log in.") -> "Problem":
        """401: no credentials, or wrong ones."""
        return cls(401, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})

    @classmethod
    def forbidden(cls, detail: str, code: str = "forbidden") -> "Problem":
        """403: known, but not allowed."""
        return cls(403, code, detail)

    @classmethod
    def too_many(cls, retry_after_s: int) -> "Problem":
        """429: too many failed attempts."""
        headers = {"Retry-After": str(retry_after_s)}
        return cls(429, "too_many_attempts", f"Try again in {retry_after_s} seconds.", headers=headers)

    def body(self) -> dict[str, Any]:
        """Return the answer's JSON object."""
        errors = [{"path": error.path, "code": error.code, "message": error.message} for error in self.errors]
        return {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "errors": errors,
            **self.extra,
        }


@dataclass
class Faults:
    """Collects the faults of one request, so that all of them are told at once."""

    errors: list[FieldError] = field(default_factory=list)

    def add(self, path: str, code: str, message: str) -> None:
        """Note one fault."""
        self.errors.append(FieldError(path, code, message))

    def raise_if_any(self) -> None:
        """Raise Problem (422) when anything was noted."""
        if self.errors:
            raise Problem.invalid(self.errors[:_MAX_ERRORS])


def install(app: FastAPI) -> None:
    """Make `app` answer every error as problem details."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    for unavailable in (OperationalError, InterfaceError, PoolTimeout, ConnectionError):
        app.add_exception_handler(unavailable, _on_unavailable)
    app.add_exception_handler(Exception, _on_bug)


def respond(problem: Problem) -> JSONResponse:
    """Return `problem` as a response."""
    return JSONResponse(problem.body(), problem.status, problem.headers, MEDIA_TYPE)


async def _on_problem(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Problem)
    return respond(exc)


async def _on_validation(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)
    return respond(Problem.invalid(field_errors(exc.errors())))


async def _on_http(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(exc.status_code, "http_error")
    headers = {"Allow": _allowed(request)} if exc.status_code == 405 else exc.headers
    return respond(Problem(exc.status_code, code, str(exc.detail), headers=headers))


async def _on_unavailable(_request: Request, exc: Exception) -> JSONResponse:
    _log.error("the database does not answer: %s", exc)
    headers = {"Retry-After": "5"}
    return respond(Problem(503, "database_unavailable", "The database does not answer; try again.", headers=headers))


async def _on_bug(_request: Request, _exc: Exception) -> JSONResponse:
    """Answer what must not happen; Starlette logs it with its traceback."""
    return respond(Problem(500, "internal", "This is a fault of Turnout's own; its log says more."))


def _allowed(request: Request) -> str:
    """Return every method that the path has; Starlette names those of the first route alone."""
    scopes = {method: {**request.scope, "method": method} for method in _METHODS}
    return ", ".join(
        method
        for method, scope in scopes.items()
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
    )


def field_errors(errors: Sequence[Any]) -> list[FieldError]:
    """Return pydantic's errors as this API spells them; what was sent is never repeated back."""
    return [_field_error(error) for error in errors[:_MAX_ERRORS]]


def _field_error(error: Mapping[str, Any]) -> FieldError:
    place = [part for part in error["loc"] if part not in ("body", "query", "path", "header")]
    if error["type"] == "json_invalid":
        return FieldError("", "malformed_json", "The body is not JSON.")
    if error["type"] in ("model_attributes_type", "model_type", "dict_type") and not place:
        return FieldError("", "not_an_object", "Send a JSON object, as application/json.")
    message = str(error["msg"]).removeprefix("Value error, ")
    return FieldError(join(*place), str(error["type"]), message)


def _summary(errors: Sequence[FieldError]) -> str:
    if not errors:
        return "The request is not valid."
    first = errors[0]
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{first.path}: {first.message}{more}" if first.path else f"{first.message}{more}"
