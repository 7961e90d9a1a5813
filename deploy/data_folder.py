"""The data folder: who may use it, and what is left in it of a Turnout that was killed.

Locks are flocks, which the kernel lets go of however a process ends. Each child inherits the descriptor of a lock of
its own, so that a later start can tell a survivor from a number that another process has now.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import Any, Final

from deploy.refusal import Refusal

_ORPHAN_GRACE_S: Final = 30.0


class DataFolder:
    """One `up` at a time owns a data folder; `claim` before anything is started in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self._run = path / "run"
        self._claim: int | None = None

    def claim(self) -> None:
        """Create the folder where it is missing and lock it. Raises Refusal when that cannot be."""
        try:
            for folder in (self.path, self.logs, self._run):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._claim = _lock(self._run / "up.lock")
        except OSError as exc:
            raise Refusal(
                f"The data folder {self.path} cannot be used ({exc.strerror}); name another in TURNOUT_DATA_DIR."
            ) from exc
        if self._claim is None:
            raise Refusal(
                f"Turnout is already running on the data folder {self.path} (process {self.owner()}); stop it first, or"
                " name another folder in TURNOUT_DATA_DIR and other ports."
            )
        os.ftruncate(self._claim, 0)
        os.write(self._claim, str(os.getpid()).encode())

    def owner(self) -> str:
        """Return the process id of the `up` that holds the folder, "?" when unknown."""
        with contextlib.suppress(OSError):
            return (self._run / "up.lock").read_text() or "?"
        return "?"

    def is_running(self) -> bool:
        """Tell whether an `up` holds the folder now."""
        return self._is_held(self._run / "up.lock")

    def release(self) -> None:
        """Let the folder go."""
        if self._claim is not None:
            (self._run / "up.json").unlink(missing_ok=True)
            os.close(self._claim)
            self._claim = None

    def note(self, what: dict[str, Any]) -> None:
        """Write down what runs where, for `doctor` and the other commands; readable by the owner only."""
        write_private(self._run / "up.json", json.dumps(what))

    def noted(self) -> dict[str, Any]:
        """Return what runs where; empty when nothing does."""
        try:
            noted = json.loads((self._run / "up.json").read_text())
        except (OSError, ValueError):
            return {}
        return noted if self.is_running() and isinstance(noted, dict) else {}

    def child_lock(self, name: str) -> int:
        """Return a locked descriptor for the child called `name` to inherit; whoever has it is that child."""
        descriptor = _lock(self._run / f"{name}.lock")
        if descriptor is None:
            raise Refusal(f"A {name} of an earlier start still runs (process {self._child(name)}); stop it first.")
        return descriptor

    def note_child(self, name: str, process_id: int) -> None:
        """Write down the process that inherited the lock of `name`."""
        (self._run / f"{name}.pid").write_text(str(process_id))

    def stop_orphan(self, name: str) -> bool:
        """Stop the child called `name` if it outlived the `up` that started it; return whether it did."""
        lock = self._run / f"{name}.lock"
        process_id = self._child(name)
        if process_id is None or not self._is_held(lock):
            return False
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process_id, signal_number)  # each child leads a group of its own
            if self._wait_free(lock):
                return True
        raise Refusal(f"The {name} of an earlier start (process {process_id}) cannot be stopped.")

    def _child(self, name: str) -> int | None:
        try:
            return int((self._run / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return None

    def _wait_free(self, lock: Path) -> bool:
        deadline = time.monotonic() + _ORPHAN_GRACE_S
        while self._is_held(lock):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _is_held(self, lock: Path) -> bool:
        try:
            descriptor = _lock(lock) if lock.exists() else None
        except OSError:
            return False
        if descriptor is not None:
            os.close(descriptor)
            return False
        return lock.exists()


def write_private(path: Path, text: str) -> None:
    """Replace the file `path` by one that only its owner can read."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def _lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock `path`, None when another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
