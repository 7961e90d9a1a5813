"""The parent of an edge's workers: keeps them running, answers the admin port, stops everything in order.

It is one synchronous loop without threads, so that it can fork at any time, and does nothing that could block. Each
worker has a listening socket of its own, which the parent keeps open: who connects while a worker is replaced waits in
that socket's queue for the next one.
"""

import logging
import selectors
import signal
import socket
import time
from collections.abc import Sequence
from typing import Final

from edge.process import metrics, ops
from edge.process.admin import AdminServer, Answer
from edge.process.crew import Crew, Work
from edge.process.signals import SignalInbox
from edge.settings import EdgeSettings

log = logging.getLogger("edge.supervisor")

TICK_S: Final = 0.1
LATE_S: Final = 0.5
"""A tick this late means that the supervisor itself was suspended or starved: nobody's silence counts."""

STOP_LIMIT_S: Final = 20.0
"""From SIGTERM to SIGKILL: 5 s for requests in flight, 5 s for the spool, slow disks and Redis in between."""

SAME_KEYSTROKE_S: Final = 0.5
"""Signals this close together are one request: a terminal and a parent both pass on one Ctrl-C."""

CLEAN: Final = 0
UNCLEAN: Final = 1
CANNOT_START: Final = 2
CRASH_LOOP: Final = 3


class Supervisor:
    """One edge. `work` runs in each forked child; `listeners` has one socket a worker."""

    def __init__(
        self,
        settings: EdgeSettings,
        name: str,
        listeners: Sequence[socket.socket],
        admin: socket.socket,
        work: Work,
    ) -> None:
        self._settings = settings
        self._name = name
        self._selector = selectors.DefaultSelector()
        self._signals = SignalInbox()
        self._admin = AdminServer(admin, self._selector, self._answer)
        self._crew = Crew(listeners, self._selector, work, self._leave_in_child, time.monotonic())
        self._ticked_at = time.monotonic()
        self._stop_at: float | None = None
        self._kill_at: float | None = None
        self._exit_code = CLEAN

    def run(self) -> int:
        """Run the edge until it is told to stop or cannot go on; return the exit code."""
        self._selector.register(self._signals.reader, selectors.EVENT_READ, lambda _now: None)
        with self._signals.open():
            while self._kill_at is None or not self._crew.is_empty:
                for key, _ in self._selector.select(TICK_S):
                    key.data(time.monotonic())
                self._tick(time.monotonic())
        self._selector.close()
        self._admin.close()
        log.info("edge stopped", extra={"exit_code": self._exit_code})
        return self._exit_code

    def _tick(self, now: float) -> None:
        if now - self._ticked_at > LATE_S:
            self._crew.forgive(now)
        self._ticked_at = now
        self._crew.tend(now, stopping=self._stop_at is not None)
        if self._crew.has_given_up and self._stop_at is None:
            log.critical("workers fail every start: giving up; the lines above say why")
            self._stop_at, self._exit_code = now, CRASH_LOOP
        for request in self._signals.take():
            self._asked_to_stop(request, now)
        self._advance_stop(now)
        self._admin.expire(now)

    def _asked_to_stop(self, request: signal.Signals, now: float) -> None:
        if self._stop_at is None:
            log.info("stopping", extra={"signal": request.name})
            self._stop_at = now
        elif now - self._stop_at > SAME_KEYSTROKE_S:
            log.warning("stopping at once")
            self._kill_at = now

    def _advance_stop(self, now: float) -> None:
        """Serve on while balancers turn away; then ask the workers to stop; then insist."""
        if self._stop_at is None:
            return
        if self._kill_at is None and now >= self._stop_at + self._settings.drain_seconds:
            self._kill_at = now + STOP_LIMIT_S
            self._crew.close_listeners()
            self._crew.signal_all(signal.SIGTERM)
        elif self._kill_at is not None and now >= self._kill_at and not self._crew.is_empty:
            self._exit_code = self._exit_code or UNCLEAN
            self._crew.signal_all(signal.SIGKILL)

    def _leave_in_child(self) -> None:
        self._signals.leave_in_child()
        self._selector.close()
        self._admin.close()

    def _answer(self, path: str) -> Answer:
        view = ops.EdgeView(self._name, self._stop_at is not None, self._crew.views())
        return ops.answer(path, view, self._settings.ready_max_age_seconds, lambda: self._metrics(view))

    def _metrics(self, view: ops.EdgeView) -> str:
        ready = not ops.reasons_against(view, self._settings.ready_max_age_seconds)
        own = metrics.edge_samples(
            workers=len(view.workers),
            serving=sum(worker.phase == "serving" for worker in view.workers),
            ready=ready,
            replaced=self._crew.replaced(),
            version=ops.package_version(),
            spool_quota_bytes=self._settings.spool_quota_bytes * self._settings.edge_workers,
        )
        return metrics.render(self._crew.totals.folded([w.report.samples for w in view.workers if w.report]) | own)
