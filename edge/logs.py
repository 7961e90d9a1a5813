"""Log lines on stderr: one JSON object each for machines, one readable line for a terminal. None per click.

A line has `time`, `level`, `part` (who says it), `message`, and what the call passed as `extra`.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson

_STANDARD: Final = frozenset([*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"])
_MAX_CHARS: Final = 4_000


def configure(log_format: str, level: str, stream: TextIO = sys.stderr) -> None:
    """Send what every part logs to `stream`; `log_format` is json, text or auto (text on a terminal)."""
    as_text = log_format == "text" or (log_format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Text() if as_text else _Json())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its "started" and "shutting down" are said better here


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
