"""The worker processes of one edge: forked, listened to, reaped, replaced."""

import faulthandler
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from edge.process import signals
from edge.process.heartbeat import Ear, Report
from edge.process.metrics import Totals
from edge.process.ops import WorkerView
from edge.process.watch import Action, Seat, Slot

_LAST_WORDS_S: Final = 0.05

log = logging.getLogger("edge.supervisor")

Work = Callable[[Seat, socket.socket, socket.socket], int]
"""What a worker process does: (its seat, listening socket, line to the supervisor) -> exit code."""


class Crew:
    """One worker a listener. `leave` is called in each new child: it lets go of everything else of the parent's."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        selector: selectors.BaseSelector,
        work: Work,
        leave: Callable[[], None],
        now: float,
    ) -> None:
        self.totals = Totals()
        self.has_given_up = False
        self._selector = selector
        self._work = work
        self._leave = leave
        self._members = [_Member(Slot(number, now), listener) for number, listener in enumerate(listeners)]

    @property
    def is_empty(self) -> bool:
        """Whether no worker process is left."""
        return all(member.slot.pid is None for member in self._members)

    def views(self) -> list[WorkerView]:
        """Return every slot as it is now."""
        return [WorkerView(each.slot.number, each.slot.pid, each.slot.phase, each.report) for each in self._members]

    def replaced(self) -> dict[str, float]:
        """Return how many workers were replaced since the start, by cause."""
        slots = [member.slot for member in self._members]
        return {"crashed": sum(slot.crashes for slot in slots), "frozen": sum(slot.freezes for slot in slots)}

    def forgive(self, now: float) -> None:
        """Count nobody's silence until now."""
        for member in self._members:
            member.slot.forgive(now)

    def tend(self, now: float, *, stopping: bool) -> None:
        """Reap the dead, kill the frozen, and start who is missing unless the edge is stopping."""
        for member in self._members:
            self._reap(member, now, stopping=stopping)
            action = member.slot.due(now, _is_suspended)
            if action is Action.KILL:
                log.error("worker is frozen: replacing it", extra={"slot": member.slot.number, "pid": member.slot.pid})
                _kill(member.slot.pid)
            elif action is Action.SPAWN and not stopping:
                self._spawn(member, now)
            elif action is Action.GIVE_UP:
                self.has_given_up = True

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to every worker."""
        for member in self._members:
            _signal(member.slot.pid, number)

    def close_listeners(self) -> None:
        """Let go of the parent's copies: the port is free when the workers have closed theirs."""
        for member in self._members:
            member.listener.close()

    def _spawn(self, member: "_Member", now: float) -> None:
        ours, theirs = socket.socketpair()
        with signals.held():
            try:
                pid = os.fork()
            except OSError:
                log.exception("cannot fork a worker")
                ours.close()
                theirs.close()
                member.slot.failed_to_start(now)
                return
            if pid == 0:
                ours.close()
                self._become_worker(member, theirs)
        theirs.close()
        member.slot.spawned(pid, now)
        member.ear = Ear(ours)
        self._selector.register(ours, selectors.EVENT_READ, lambda now: self._hear(member, now))

    def _become_worker(self, member: "_Member", line: socket.socket) -> NoReturn:
        """Leave what is the parent's and the other workers', do the work, and end the process."""
        code = 1
        try:
            self._leave()
            faulthandler.enable()
            for other in self._members:
                if other.ear:
                    other.ear.line.close()
                if other is not member:
                    other.listener.close()
            code = self._work(member.slot.seat, member.listener, line)
        except BaseException:
            log.exception("worker failed", extra={"slot": member.slot.number})
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _hear(self, member: "_Member", now: float) -> None:
        ear = member.ear
        if ear is None:
            return
        report = ear.listen()
        if report:
            member.report = report
            member.slot.heard(report.phase, now)
        if not ear.is_open:
            self._selector.unregister(ear.line)
            ear.line.close()
            member.ear = None

    def _reap(self, member: "_Member", now: float, *, stopping: bool) -> None:
        """Note a dead worker: its last words, and its counters, which stay in the totals for good."""
        if member.slot.pid is None:
            return
        pid, status = os.waitpid(member.slot.pid, os.WNOHANG)
        if pid == 0:
            return
        while member.ear:
            self._hear(member, now)
        if member.report:
            self.totals.retire(member.report.samples)
        member.report = None
        code = os.waitstatus_to_exitcode(status)
        if not stopping or code not in (0, -signal.SIGTERM):
            log.error("worker died: %s", _cause(code), extra={"slot": member.slot.number, "pid": pid})
        member.slot.exited(now)


class _Member:
    """A slot, its socket, and the line to the process in it."""

    def __init__(self, slot: Slot, listener: socket.socket) -> None:
        self.slot = slot
        self.listener = listener
        self.ear: Ear | None = None
        self.report: Report | None = None


def _signal(pid: int | None, number: signal.Signals) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _kill(pid: int | None) -> None:
    """End a process that does not answer; one that can still say where it hangs says so on stderr (faulthandler)."""
    if pid is not None and not _is_suspended(pid):
        _signal(pid, signal.SIGABRT)
        time.sleep(_LAST_WORDS_S)
    _signal(pid, signal.SIGKILL)


def _is_suspended(pid: int) -> bool:
    """Tell whether a process is stopped; where there is no /proc, nobody is and longer silence decides."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state in "Tt"


def _cause(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
