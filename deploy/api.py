"""Calls to control's API from this machine's commands."""

import http.client
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from deploy.refusal import Refusal

_TIMEOUT_S: Final = 60.0


class ApiError(Refusal):
    """What control answered instead of doing as asked; `status` and the machine's `code` say which case it is.

    `errors` say of each field at fault where it is (`path`), and what is wrong with it (`code`, `message`).
    """

    def __init__(self, status: int, code: str, message: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.errors = errors


class Api:
    """The API at `base` (`http://127.0.0.1:8081`), asked with `key`."""

    def __init__(self, base: str, key: str) -> None:
        if urlsplit(base).scheme not in ("http", "https"):
            raise Refusal(f"{base!r} is not the address of control, such as http://127.0.0.1:8081.")
        self.base = base.rstrip("/")
        self._key = key

    def get(self, path: str) -> Any:
        """Return the JSON that a GET answers."""
        return json.loads(self.send("GET", path))

    def post(self, path: str, body: object) -> Any:
        """Return the JSON that a POST of `body` as JSON answers."""
        return json.loads(self.send("POST", path, json.dumps(body).encode()))

    def put(self, path: str, body: object) -> Any:
        """Return the JSON that a PUT of `body` as JSON answers."""
        return json.loads(self.send("PUT", path, json.dumps(body).encode()))

    def send(self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json") -> bytes:
        """Return what control answers, as sent. Raises ApiError for its refusals, Refusal when it cannot be reached."""
        return self._ask(method, f"/api/v1{path}", body, content_type)

    def report(self, slug: str, **fields: str) -> None:
        """Report a conversion of the offer `slug` as a shop's server does, by its postback address."""
        self._ask("POST", f"/postback/{slug}?{urlencode(fields)}", b"", "application/x-www-form-urlencoded")

    def _ask(self, method: str, path: str, body: bytes | None, content_type: str) -> bytes:
        request = Request(f"{self.base}{path}", data=body, method=method)  # noqa: S310 (the scheme was checked)
        request.add_header("Accept", "application/json")
        if self._key:
            request.add_header("Authorization", f"Bearer {self._key}")
        if body is not None:
            request.add_header("Content-Type", content_type)
        try:
            with urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
                answer: bytes = response.read()
                return answer
        except HTTPError as exc:
            raise _api_error(exc.code, exc.read()) from exc
        except (URLError, OSError, http.client.HTTPException) as exc:
            reason = getattr(exc, "reason", exc)
            raise Refusal(f"Control does not answer at {self.base} ({reason}); is `turnout up` running?") from exc


def _api_error(status: int, body: bytes) -> ApiError:
    if status == 401:
        return ApiError(status, "unauthorized", "Control does not accept this API key; name one in TURNOUT_API_KEY.")
    try:
        problem = json.loads(body)
        title, code = str(problem.get("detail") or problem["title"]), str(problem["code"])
        errors = [
            {name: str(error[name]) for name in ("path", "code", "message")} for error in problem.get("errors", [])
        ]
        faults = [f"{error['path']}: {error['message']}" for error in errors]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ApiError(status, "unknown", f"Control answered with status {status}.")
    return ApiError(status, code, "\n  ".join([f"{title} (status {status})", *faults]), errors)
