"""A TCP relay on loopback that can be cut, so that one process loses its way to a server and others keep theirs."""

import contextlib
import socket
import threading


class Relay:
    """Passes connections on to `target` on this machine, until `cut`: then open ones end, new ones are refused."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_cut = False
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._pumps: list[threading.Thread] = []

    def __enter__(self) -> "Relay":
        self._accepting.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in (self._accepting, *self._pumps):
            thread.join()

    def cut(self) -> None:
        """End all connections and make no new ones."""
        with self._lock:
            self._is_cut = True
            for end in self._sockets:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Pass connections on again."""
        with self._lock:
            self._is_cut = False

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._is_cut:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._target))
                self._sockets |= {near, far}
            for source, to in ((near, far), (far, near)):
                pump = threading.Thread(target=self._pump, args=(source, to), daemon=True)
                self._pumps.append(pump)
                pump.start()

    def _pump(self, source: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                to.sendall(data)
        with self._lock:
            for end in {source, to} & self._sockets:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            if source in self._sockets:
                self._sockets.discard(source)
                source.close()
