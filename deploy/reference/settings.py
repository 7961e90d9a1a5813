"""The page of settings, from the fields of both settings classes: names, defaults, limits and what they are for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from control.settings import ControlSettings
from edge.settings import PREFIX, EdgeSettings

EDGE: Final = EdgeSettings.model_fields
CONTROL: Final = ControlSettings.model_fields

UP: Final = {
    "redis_url": "two servers that it starts itself, for rules and clicks, unless this is set",
    "clicks_redis_url": "a server that it starts itself, unless this or `TURNOUT_REDIS_URL` is set",
    "trusted_proxies": "with `--demo`, where nothing is set, this machine (`127.0.0.0/8,::1/128`)",
    "bootstrap_api_key": "made up, kept in `login.json` for the commands on this machine, and printed",
    "admin_password": "made up and printed",
}
"""What `turnout up` does otherwise."""

COMMANDS: Final = {
    "api_key": "The API key of the commands on this machine (`export`, `import`, `test-visitor`); where unset "
    "`TURNOUT_BOOTSTRAP_API_KEY`, else the one that `up` keeps in the data folder.",
}
"""What only commands read."""

_HEAD: Final = """\
# Settings

<!-- Made by `python -m deploy.reference` from edge/settings.py and control/settings.py. -->

All come from the environment, once, at the start. An empty one counts as absent; a wrong one stops the start with a
sentence that names it. `turnout up` hands its environment to the parts that it starts: but for its own table below,
what is said here holds for it too. Redis with TLS, a password or Sentinel is written as
[shared/redis_address.py](../shared/redis_address.py) says.
"""


def page() -> str:
    """Return the page as Markdown."""
    both = [name for name in EDGE if name in CONTROL]
    return "\n".join(
        [
            _HEAD,
            *_section("Edge and control", "both read", _both(both)),
            *_section("Edge", "the edge reads", _rows(EDGE, [name for name in EDGE if name not in CONTROL])),
            *_section("Control", "control reads", _rows(CONTROL, [name for name in CONTROL if name not in EDGE])),
            "## `turnout up`\n",
            "It works these out by itself:\n",
            "| setting | with `up` |\n| --- | --- |",
            *(f"| {_name(name)} | {text} |" for name, text in UP.items()),
            "\n## Commands\n",
            "| setting | what |\n| --- | --- |",
            *(f"| {_name(name)} | {text} |" for name, text in COMMANDS.items()),
            "",
        ]
    )


def documented() -> set[str]:
    """Return the name of every variable that the page is about."""
    return {f"{PREFIX}{name.upper()}" for name in (*EDGE, *CONTROL, *COMMANDS)}


def _section(title: str, who: str, rows: Iterator[str]) -> list[str]:
    return [
        f"## {title}\n",
        f"What {who}.\n",
        "| setting | default | may be | what |\n| --- | --- | --- | --- |",
        *rows,
        "",
    ]


def _rows(fields: dict[str, FieldInfo], names: list[str]) -> Iterator[str]:
    for name in names:
        yield f"| {_name(name)} | {_default(fields[name])} | {_limits(fields[name])} | {_text(fields[name])} |"


def _both(names: list[str]) -> Iterator[str]:
    """Yield a row for each setting of both, in two voices where they say different things."""
    for name in names:
        edge, control = EDGE[name], CONTROL[name]
        cells = [_together(of(edge), of(control)) for of in (_default, _limits, _text)]
        yield f"| {_name(name)} | {' | '.join(cells)} |"


def _together(edge: str, control: str) -> str:
    if edge == control:
        return edge
    return f"Edge: {edge or 'anything'}<br>Control: {control or 'anything'}"


def _name(name: str) -> str:
    return f"`{PREFIX}{name.upper()}`"


def _default(field: FieldInfo) -> str:
    """Return the default as it would be written in the environment."""
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is PydanticUndefined or value is None or value in ("", ()):
        return "none"
    if isinstance(value, Path):
        value = f"~/{value.relative_to(Path.home())}" if value.is_relative_to(Path.home()) else value
    return f"`{','.join(value) if isinstance(value, tuple) else value}`"


def _limits(field: FieldInfo) -> str:
    """Return what values are taken, as far as the field says so: `1 to 256`, `json, text`."""
    low = next((it.ge for it in field.metadata if hasattr(it, "ge")), None)
    high = next((it.le for it in field.metadata if hasattr(it, "le")), None)
    pattern = next((it.pattern for it in field.metadata if getattr(it, "pattern", None)), None)
    words = pattern.strip("^$()").split("|") if pattern else get_args(field.annotation) if _is_literal(field) else ()
    if words:
        return ", ".join(f"`{word}`" for word in words)
    if high is not None:
        return f"{low:,} to {high:,}"
    return f"from {low:,}" if low is not None else ""


def _is_literal(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is Literal


def _text(field: FieldInfo) -> str:
    return " ".join((field.description or "").split()).replace("|", "\\|")
