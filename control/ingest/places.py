"""Places in the consumer group: the name that an ingester has there, and the end of those whose ingesters are gone.

A name is the same after a restart, so that what its ingester had been given is taken up at once, and no other ingester
of this machine has it meanwhile: each would take the other's entries for its own.
"""

import errno
import itertools
import os
import socket
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis

from shared.wire import CLICKS

GONE_AFTER_MS: Final = 3_600_000
"""An ingester that nothing came to for an hour is gone, or has nothing to lose: its next read makes its place again."""

_FORGET: Final = """
-- Removes consumers that have nothing pending and were silent for long; returns their names. In one step, for one that
-- was given an entry in between would take it along. KEYS: stream; ARGV: group, silence (ms)
local gone = {}
for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for n = 1, #fields, 2 do consumer[fields[n]] = fields[n + 1] end
  if consumer.pending == 0 and consumer.idle >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
    gone[#gone + 1] = consumer.name
  end
end
return gone
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A name that this process holds; `lock` keeps it until the process ends, however it ends."""

    name: str
    lock: socket.socket | None = None


def take_place(host: str) -> Place:
    """Return the first of `host`, `host-2`, `host-3`, ... that no other process of this machine holds.

    Where sockets without a file cannot be had (they are Linux's, and a sandbox may forbid them), the name has the
    process's number, and what it leaves behind is taken over a minute later.
    """
    for number in itertools.count(1):
        name = host if number == 1 else f"{host}-{number}"
        try:
            return Place(name, _lock(f"\0turnout-ingester/{name}"))
        except OSError as exc:
            if exc.errno != errno.EADDRINUSE:
                break
    return Place(f"{host}-{os.getpid()}")


def _lock(address: str) -> socket.socket:
    """Return a socket bound to `address`, which the kernel gives to nobody else until it is closed. Raises OSError."""
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        lock.bind(address)
    except OSError:
        lock.close()
        raise
    return lock


async def forget_gone(redis: Redis, group: str, silent_ms: int = GONE_AFTER_MS) -> list[str]:
    """Remove the places of ingesters that were silent for so long and left nothing behind; return their names."""
    reply: Any = await redis.eval(_FORGET, 1, CLICKS, group, silent_ms)
    return [name.decode() for name in reply]
