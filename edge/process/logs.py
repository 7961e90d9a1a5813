"""Log lines on stderr: one JSON object each for machines, one readable line for a terminal. None per click.

A line has `time`, `level`, `part` (who says it), `message`, and what the call passed as `extra`. A complaint that comes
again within ten seconds is not written but counted, and the next one written has the count as `repeated`.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson

_STANDARD: Final = frozenset([*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"])
_MAX_CHARS: Final = 4_000
_REPEAT_S: Final = 10.0
_MAX_COMPLAINTS: Final = 1_000


def configure(log_format: str, level: str, stream: TextIO = sys.stderr) -> None:
    """Send what every part logs to `stream`; `log_format` is json, text or auto (text on a terminal)."""
    as_text = log_format == "text" or (log_format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Text() if as_text else _Json())
    handler.addFilter(_Repetitions())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its "started" and "shutting down" are said better here


def always_say(**fields: object) -> None:
    """Put `fields` on every line of this process from now on."""

    def put(record: logging.LogRecord) -> bool:
        vars(record).update({name: value for name, value in fields.items() if name not in vars(record)})
        return True

    for handler in logging.getLogger().handlers:
        handler.addFilter(put)


class _Repetitions(logging.Filter):
    """Lets a warning or error through once in ten seconds, the same being the same words with the same fields."""

    def __init__(self) -> None:
        super().__init__()
        self._heard: dict[int, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        complaint = hash((record.name, record.getMessage(), str(_fields(record))))
        said_at, repeated = self._heard.get(complaint, (-_REPEAT_S, 0))
        if 0 <= record.created - said_at < _REPEAT_S:
            self._heard[complaint] = said_at, repeated + 1
            return False
        if len(self._heard) >= _MAX_COMPLAINTS:
            self._heard.clear()
        self._heard[complaint] = record.created, 0
        if repeated:
            vars(record)["repeated"] = repeated
        return True


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return what the call passed as `extra`, and the traceback as text."""
    fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    if record.exc_info:
        fields["traceback"] = logging.Formatter().formatException(record.exc_info)[-_MAX_CHARS:]
    return fields


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name,
            "message": record.getMessage()[:_MAX_CHARS],
            **_fields(record),
        }
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        fields = _fields(record)
        traceback = fields.pop("traceback", None)
        pairs = "".join(f" {name}={value}" for name, value in fields.items())
        line = f"{time} {record.levelname.lower():7} {record.name}: {record.getMessage()}{pairs}"
        return f"{line}\n{traceback}" if traceback else line
