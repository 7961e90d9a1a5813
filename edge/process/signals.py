"""Signals for a synchronous loop that forks: they wake its selector, and are read when it has time for them."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

_STOP: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_HANDLED: Final = (*_STOP, signal.SIGCHLD)


class SignalInbox:
    """Stop requests in their order; `reader` becomes readable whenever any handled signal arrives."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)
        self._requests: list[signal.Signals] = []

    @contextmanager
    def open(self) -> Iterator[None]:
        """Handle signals inside the block, as before it afterwards."""
        ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # by nohup
        before = {
            number: signal.signal(number, self._note)
            for number in _HANDLED
            if not (number == signal.SIGHUP and ignored)
        }
        wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            self.close()

    def take(self) -> list[signal.Signals]:
        """Return the stop requests since the last call."""
        with suppress(BlockingIOError):
            self.reader.recv(4096)
        taken, self._requests = self._requests, []
        return taken

    def leave_in_child(self) -> None:
        """Undo in a forked child: SIGTERM ends it until it has a handler of its own.

        SIGINT and SIGHUP are left to the parent: a terminal sends them to both, and only the parent's word counts.
        """
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        self.close()

    def close(self) -> None:
        """Close both ends."""
        self.reader.close()
        self._writer.close()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._requests.append(signal.Signals(number))


@contextmanager
def held() -> Iterator[None]:
    """Keep handled signals waiting: between fork and `leave_in_child` a child would swallow what was the parent's."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
