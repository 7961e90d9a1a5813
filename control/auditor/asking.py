"""Asking the workers of an edge over HTTP: HEAD, which edges answer like a click and never count.

The kernel spreads connections over workers, and a worker says who it is (`X-Turnout-Edge`) only to peers that its edge
trusts. So connections are made until each worker has one, and are kept: from then on each is asked by its own.
"""

import asyncio
import contextlib
import re
from typing import Final, NamedTuple

from control.auditor.judgement import QUERY, Answer
from control.auditor.witnesses import Witness
from shared.key import DEFAULT_DOMAIN, Key

TIMEOUT_S: Final = 2.0
MAX_ANSWER_BYTES: Final = 32 * 1024
TRIES_PER_WORKER: Final = 4
"""Connections made, at most, in one question for each worker that has none; the next question tries again."""

NOWHERE: Final = "turnout-audit.invalid"
"""Host that nobody can register: it selects the default namespace."""

_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_HEADER: Final = re.compile(rb"^(location|x-turnout-edge): *([^\r]*)\r$", re.IGNORECASE | re.MULTILINE)
_SLOT: Final = re.compile(rb"edge=[^;]*/(\d+)(?:;|$)")
_SEQUENCES: Final = re.compile(rb"table=\d+\.(\d+); link=\d+\.(\d+)")


class Unreachable(Exception):
    """No worker of an edge answered; the text says why."""


class Question(NamedTuple):
    """One slug, asked as one visitor."""

    key: Key
    witness: Witness


class Line:
    """The way to one edge at `address` (`10.0.0.5:8080`), and a connection to each worker that was met."""

    def __init__(self, address: str, workers: int) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port) if port.isdecimal() else 0
        self.address = address
        self.workers = max(1, workers)
        self._standing: dict[int, _Connection] = {}

    async def ask(self, question: Question) -> list[Answer]:
        """Return what each worker says, as far as they can be met and told apart. Raises Unreachable."""
        request = _request(question)
        answers = await self._ask_standing(request)
        for _ in range(TRIES_PER_WORKER * (self.workers - len(answers))):
            connection, answer = await self._ask_anew(request)
            if answer.slot < 0:
                await connection.close()
                return [answer]
            if answer.slot in self._standing:
                await connection.close()
                continue
            self._standing[answer.slot] = connection
            answers.append(answer)
            if len(answers) >= self.workers:
                break
        return answers

    async def close(self) -> None:
        """Hang up."""
        connections, self._standing = list(self._standing.values()), {}
        for connection in connections:
            await connection.close()

    async def _ask_standing(self, request: bytes) -> list[Answer]:
        """Ask who was met before; a connection that has ended, or now leads elsewhere, is forgotten."""
        slots = list(self._standing)
        answers = await asyncio.gather(*(self._ask_worker(slot, request) for slot in slots))
        return [answer for answer in answers if answer is not None]

    async def _ask_worker(self, slot: int, request: bytes) -> Answer | None:
        connection = self._standing[slot]
        with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError):
            answer = await connection.ask(request)
            if answer.slot == slot:
                return answer
        del self._standing[slot]
        await connection.close()
        return None

    async def _ask_anew(self, request: bytes) -> "tuple[_Connection, Answer]":
        try:
            async with asyncio.timeout(TIMEOUT_S):
                connection = _Connection(*await asyncio.open_connection(self._host, self._port, limit=MAX_ANSWER_BYTES))
        except (OSError, TimeoutError) as exc:
            raise Unreachable(f"{self.address} cannot be connected to: {_reason(exc)}") from exc
        try:
            return connection, await connection.ask(request)
        except (OSError, EOFError, TimeoutError, ValueError) as exc:
            await connection.close()
            raise Unreachable(f"{self.address} does not answer: {_reason(exc)}") from exc


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes) -> Answer:
        """Raises OSError, EOFError, TimeoutError, ValueError."""
        async with asyncio.timeout(TIMEOUT_S):
            self._writer.write(request)
            await self._writer.drain()
            try:
                head = await self._reader.readuntil(b"\r\n\r\n")
            except asyncio.LimitOverrunError as exc:
                raise ValueError("the answer's head is too long") from exc
        return read_answer(head)

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(TIMEOUT_S):
                await self._writer.wait_closed()


def read_answer(head: bytes) -> Answer:
    """Return what the head of a response says. Raises ValueError where it is none."""
    status = _STATUS.match(head)
    if status is None:
        raise ValueError("this is no answer of HTTP/1.1")
    headers = {name.lower(): value for name, value in _HEADER.findall(head)}
    told = headers.get(b"x-turnout-edge", b"")
    slot, sequences = _SLOT.match(told), _SEQUENCES.search(told)
    return Answer(
        int(status[1]),
        headers.get(b"location", b""),
        int(slot[1]) if slot else -1,
        int(sequences[1]) if sequences else None,
        int(sequences[2]) if sequences else None,
    )


def _request(question: Question) -> bytes:
    key, witness = question
    host = NOWHERE if key.domain == DEFAULT_DOMAIN else key.domain
    return (
        f"HEAD /{key.slug}?{QUERY} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {witness.user_agent}\r\n"
        f"X-Forwarded-For: {witness.address}\r\nAccept: */*\r\n\r\n"
    ).encode()


def _reason(exc: Exception) -> str:
    if isinstance(exc, TimeoutError):
        return f"nothing within {TIMEOUT_S:g} s"
    return (getattr(exc, "strerror", None) or str(exc) or type(exc).__name__).lower()
