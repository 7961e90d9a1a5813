"""`python -m edge`, which is `turnout edge`: read the settings, take the ports, load what workers share, run them."""

import argparse
import gc
import logging
import os
import resource
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from edge import app
from edge.clicks.agents import NoRustEngine
from edge.clicks.geo import NoExtension
from edge.process import logs
from edge.process.listen import CannotListen, listen_alone, listen_together
from edge.process.supervisor import CANNOT_START, Supervisor
from edge.settings import EdgeSettings, InvalidSettings, load

log = logging.getLogger("edge")

MAX_OPEN_FILES: Final = 65_536
"""Of one process: about as many connections, each 3 KB while idle; a bound, where a container allows a million."""


class CannotStart(Exception):
    """Something outside the program is not as it must be; the text is one sentence for who started it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run an edge; return the exit code: 0 stopped cleanly, 1 not cleanly, 2 cannot start, 3 workers crash at start."""
    arguments = _parser().parse_args(argv)
    given = {} if arguments.workers is None else {"edge_workers": arguments.workers}
    try:
        return _run(load(**given))
    except InvalidSettings as exc:
        return _refuse(*exc.faults)
    except (CannotListen, CannotStart, NoRustEngine, NoExtension) as exc:
        return _refuse(str(exc))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="turnout edge",
        description="Answer clicks. Settings are read from TURNOUT_... in the environment (see edge/README.md).",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="worker processes; TURNOUT_EDGE_WORKERS otherwise")
    return parser


def _run(settings: EdgeSettings) -> int:
    logs.configure(settings.log_format, settings.log_level)
    _require_writable(settings.data_dir)
    _allow_many_connections()
    listeners = listen_together(settings.host, settings.edge_port, settings.edge_workers)
    admin = listen_alone(settings.host, settings.edge_admin_port)
    port = listeners[0].getsockname()[1]
    name = settings.name_at(port)
    preloaded = app.preload(settings, name, port)
    supervisor = Supervisor(settings, name, listeners, admin, partial(app.work, preloaded))
    where = {"host": settings.host, "port": port, "admin_port": admin.getsockname()[1]}
    log.info("edge starts", extra={"edge": name, **where, "workers": len(listeners), "pid": os.getpid()})
    gc.collect()
    gc.freeze()  # a collector that walks what workers share would copy it into each of them
    return supervisor.run()


def _require_writable(folder: Path) -> None:
    """Make the data folder. Raises CannotStart."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise CannotStart(f"TURNOUT_DATA_DIR {folder} cannot be made: {exc.strerror}.") from exc
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotStart(f"TURNOUT_DATA_DIR {folder} cannot be written to by this user.")


def _allow_many_connections() -> None:
    """Raise the limit of open files, which is one of connections; the usual 1024 is few."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if most == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, most)
    if allowed != wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _refuse(*faults: str) -> int:
    for fault in faults:
        print(f"turnout edge: {fault}", file=sys.stderr)  # noqa: T201 -- for who typed the command; logs are not up yet
    return CANNOT_START


if __name__ == "__main__":
    sys.exit(main())
