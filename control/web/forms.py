"""Forms: from what was typed to a model, and back onto the page with what is wrong, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ValidationError

from control.errors import FieldError, Problem, field_errors

_REFUSALS: Final = (400, 409, 422, 429)
"""Answers that are about what was typed: its form is shown again."""

_SECRETS: Final = ("password", "present_password", "new_password")
"""Fields that are empty when their form is shown again."""

_SLUG: Final = "Use a–z, 0–9, - and _ only, beginning with a letter or a digit; at most 64 characters."  # noqa: RUF001  # the dash of a range, as print has it
_WORDS: Final = {
    ("slug", "string_pattern_mismatch"): _SLUG,
    ("slug", "string_too_long"): _SLUG,
    ("slug", "missing"): "Give it a slug: the end of a URL, such as mara-tiktok.",
    ("offer", "missing"): "Choose the offer.",
    ("offer", "string_pattern_mismatch"): "Choose one of the offers; this is no slug.",
    ("partner", "missing"): "Choose the partner.",
    ("partner", "string_pattern_mismatch"): "Choose one of the partners; this is no slug.",
    ("offer_id", "missing"): "Choose the offer.",
    ("partner_id", "missing"): "Choose the partner.",
    ("name", "missing"): "Give it a name.",
    ("name", "string_too_short"): "Give it a name.",
    ("name", "string_too_long"): "Use at most 200 characters.",
    ("code", "missing"): "Type the code that buyers enter.",
    ("host", "missing"): "Type the host, such as go.yourbrand.com.",
    ("login", "missing"): "Type what they log in with, such as an email address.",
    ("login", "string_pattern_mismatch"): "A login has no spaces.",
    ("secret", "too_short"): "Type the password that was printed at the first start.",
    ("password", "too_short"): "Use at least 8 characters.",
    ("password", "too_long"): "Use at most 256 characters.",
    ("new_password", "too_short"): "Use at least 8 characters.",
    ("new_password", "too_long"): "Use at most 256 characters.",
    ("present_password", "too_short"): "Type your present password.",
    ("destination_url", "missing"): "Type where visitors go, such as https://yourbrand.com.",
    ("destination_url", "string_too_short"): "Type where visitors go, such as https://yourbrand.com.",
    ("currency", "string_pattern_mismatch"): "Use three capital letters, such as EUR.",
    ("expires_at", "value_error"): "Write a date and a time, such as 2026-12-31T18:00.",
}
"""(field, code) -> what is wrong and what would be right, where the schema's own sentence is not for people."""

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in a form, and what is wrong with it: `errors` by field, `faults` about the whole."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    faults: Sequence[str] = ()

    @property
    def code(self) -> int:
        """The status of a page with this form."""
        return 422 if self.errors or self.faults else 200

    def value(self, name: str) -> str:
        """Return what stands in a field."""
        return self.values.get(name, "")

    def error(self, name: str) -> str:
        """Return what is wrong with a field, "" when nothing is."""
        return self.errors.get(name, "")


def refused(typed: Mapping[str, str], problem: Problem, fields: Sequence[str]) -> Filled:
    """Return a form of `fields` as it was typed, with what `problem` says beside them.

    Raises `problem` again where it is not about what was typed, such as 403.
    """
    if problem.status not in _REFUSALS:
        raise problem
    errors: dict[str, str] = {}
    faults: list[str] = []
    for fault in problem.errors:
        name = _field_of(fault, fields)
        if name is None:
            faults.append(say(fault))
        else:
            errors.setdefault(name, say(fault))
    if not problem.errors:
        faults.append(problem.detail)
    return Filled({name: value for name, value in typed.items() if name not in _SECRETS}, errors, faults)


def say(fault: FieldError) -> str:
    """Return what is wrong, for people: a sentence that begins with a capital and ends with a full stop."""
    name = fault.path.rpartition(".")[2]
    words = _WORDS.get((name, fault.code), fault.message)
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "”")) else ".")


def read(model: type[M], fields: Mapping[str, Any]) -> M:
    """Return `fields` as a model. Raises Problem 422."""
    try:
        return model.model_validate(fields)
    except ValidationError as exc:
        raise Problem.invalid(field_errors(exc.errors(include_url=False, include_input=False))) from exc


def given(form: Mapping[str, str], *names: str) -> dict[str, str]:
    """Return the fields among `names` that something was typed into, without the space around it."""
    return {name: text for name in names if (text := form.get(name, "").strip())}


def see_other(target: str) -> RedirectResponse:
    """Return the answer to a form that was done: the browser goes on with a GET, so that reloading repeats nothing."""
    return RedirectResponse(target, 303)


def _field_of(fault: FieldError, fields: Sequence[str]) -> str | None:
    """Return the form's field that a fault is about; `offer_id` is asked for as `offer`, `domain_ids.0` as the list."""
    first = fault.path.partition(".")[0]
    return next((name for name in (first, first.removesuffix("_id")) if name in fields), None)
