"""The programs that `up` runs beside itself: started in order, watched, started again, stopped in reverse."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.data_folder import DataFolder
from deploy.refusal import Refusal

_POLL_S: Final = 0.05
_READY_WITHIN_S: Final = 60.0
_PAUSE_S: Final = 0.5
_RESTARTS: Final = 3
_RESTARTS_WITHIN_S: Final = 60.0
_TAIL_LINES: Final = 12
_TAIL_BYTES: Final = 8_192


@dataclass(frozen=True, slots=True)
class Program:
    """What one child runs; `is_ready` may block for a second; `grace_s` is how long it may take to stop."""

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    grace_s: float = 15.0


class Child:
    """One running program, its log in `<data>/logs/<name>.log`."""

    def __init__(self, program: Program, folder: DataFolder) -> None:
        self.program = program
        self.name = program.name
        self.log = folder.logs / f"{program.name}.log"
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._starts: deque[float] = deque(maxlen=_RESTARTS + 1)

    async def start(self) -> None:
        """Start the program and wait until it is ready. Raises Refusal when it ends instead, or takes too long."""
        await self._spawn()
        deadline = time.monotonic() + _READY_WITHIN_S
        while not await asyncio.to_thread(self.program.is_ready):
            if self._ended():
                raise Refusal(f"{self.name} could not start. {self._last_words()}")
            if time.monotonic() > deadline:
                raise Refusal(f"{self.name} is not ready after {_READY_WITHIN_S:.0f} seconds. {self._last_words()}")
            await asyncio.sleep(_POLL_S)

    async def keep_running(self, tell: Callable[[str], None]) -> None:
        """Start the program again whenever it ends. Raises Refusal when it does so again and again.

        Nothing waits for it to be ready: what it needs may have ended with it and be on its way back too.
        """
        while True:
            assert self._process is not None
            code = await self._process.wait()
            if self._starts_too_often():
                raise Refusal(f"{self.name} ended {_RESTARTS + 1} times within a minute. {self._last_words()}")
            tell(f"{self.name} ended unexpectedly ({_how(code)}); starting it again. Its log: {self.log}")
            await asyncio.sleep(_PAUSE_S)
            await self._spawn()

    async def stop(self) -> None:
        """Ask the program to end, wait as long as it may take, then end it."""
        process = self._process
        if process is None or self._ended():
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), self.program.grace_s)
        except TimeoutError:
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End the program and all that it started, at once."""
        if self._process is not None and not self._ended():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _spawn(self) -> None:
        """Start the program in a session of its own, so that a Ctrl-C reaches `up` alone, which stops all in order."""
        lock = self._folder.child_lock(self.name)
        try:
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self.program.command,
                    env=dict(self.program.environment),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock,),
                    start_new_session=True,
                )
        except OSError as exc:
            raise Refusal(f"{self.name} cannot be started ({exc.strerror}: {self.program.command[0]}).") from exc
        finally:
            os.close(lock)
        self._starts.append(time.monotonic())
        self._folder.note_child(self.name, self._process.pid)

    def _ended(self) -> bool:
        return self._process is not None and self._process.returncode is not None

    def _starts_too_often(self) -> bool:
        return len(self._starts) > _RESTARTS and time.monotonic() - self._starts[0] < _RESTARTS_WITHIN_S

    def _last_words(self) -> str:
        """Return the end of the log, as the reason that the program itself gave."""
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").strip().splitlines()[-_TAIL_LINES:]
            return "\n".join([f"The end of {self.log}:", *(f"  {line}" for line in lines)])
        return f"It left no log in {self.log}."


def python(module: str) -> tuple[str, ...]:
    """Return the command that runs `module` with this Python, whatever folder the person is in."""
    return (sys.executable, "-P", "-m", module)


def keep_last_log(log: Path) -> None:
    """Move the log of the last start aside, so that two are kept and a log never grows past one run."""
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))


def _how(code: int) -> str:
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit status {code}"
