"""A supervisor with workers that only tell their pid: `python -m tests.edge.tiny_edge`, behaving as `TINY` says.

Prints one JSON line with the two ports, then runs like an edge.
"""

import asyncio
import os
import signal
import socket
import sys

import orjson

from edge.process import logs
from edge.process.heartbeat import SERVING, Heart, Report
from edge.process.listen import listen_alone, listen_together
from edge.process.supervisor import Supervisor
from edge.process.watch import Seat
from edge.settings import EdgeSettings

BEHAVIOUR = os.environ.get("TINY", "")


def work(seat: Seat, listener: socket.socket, line: socket.socket) -> int:
    """Tell the pid to whoever connects, until SIGTERM; count the connections."""
    if BEHAVIOUR == "fails every start":
        raise RuntimeError("broken on purpose")
    asyncio.run(serve(seat.slot, listener, line))
    return 0


async def serve(slot: int, listener: socket.socket, line: socket.socket) -> None:
    stop = asyncio.Event()
    if BEHAVIOUR == "does not stop":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    answered = 0

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        answered += 1
        writer.write(f"{slot} {os.getpid()}\n".encode())
        writer.close()
        while BEHAVIOUR == "hangs on a visitor":
            pass

    def report(_lag_s: float) -> Report:
        clicks = {"turnout_edge_clicks_total": {"person": float(answered)}}
        return Report(SERVING, {"state": "synced", "age_s": 0.0}, samples=clicks)

    server = await asyncio.start_server(answer, sock=listener)
    beating = asyncio.create_task(Heart(line, report).beat())
    beating.add_done_callback(lambda _: stop.set())
    await stop.wait()
    server.close()
    beating.cancel()


def main() -> int:
    """Run an edge of tiny workers."""
    workers = int(sys.argv[1])
    logs.configure("json", "info")
    settings = EdgeSettings(redis_url="redis://127.0.0.1:1", drain_seconds=float(os.environ.get("DRAIN", "0")))
    listeners = listen_together("127.0.0.1", 0, workers)
    admin = listen_alone("127.0.0.1", 0)
    ports = [listeners[0].getsockname()[1], admin.getsockname()[1]]
    sys.stdout.write(orjson.dumps(ports).decode() + "\n")
    sys.stdout.flush()
    return Supervisor(settings, "tiny", listeners, admin, work).run()


if __name__ == "__main__":
    sys.exit(main())
