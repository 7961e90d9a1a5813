"""What this worker refused and why: kept bounded until something newer is accepted, reported in its lease."""

from typing import Final

from edge.rules.published import Refused, link_of
from shared.wire import Nack

MAX_NACKS: Final = 20
"""Reported at a time, the newest."""

_MAX_KEPT: Final = 1_000
_MAX_REASON_CHARS: Final = 200


class Nacks:
    """One refusal a key, the newest last; the oldest gives way."""

    def __init__(self) -> None:
        self._by_key: dict[str, Nack] = {}
        self.total = 0

    def refuse(self, refused: Refused, sequence: int = 0) -> None:
        """Remember a refusal; `sequence` is that of the transaction, for a value that does not say its own."""
        nack = Nack(refused.key, refused.sequence or sequence, str(refused)[:_MAX_REASON_CHARS])
        key = nack.key
        if self._by_key.get(key) == nack:
            return
        self.total += 1
        self._by_key.pop(key, None)
        self._by_key[key] = nack
        if len(self._by_key) > _MAX_KEPT:
            del self._by_key[next(iter(self._by_key))]

    def accept(self, key: str) -> None:
        """Forget the refusal of a key whose present value is understood."""
        self._by_key.pop(key, None)

    def __contains__(self, key: str) -> bool:
        """Tell whether the present value of a key was refused."""
        return key in self._by_key

    def links(self) -> list[str]:
        """Return the refused keys of links: what they point at may be understood one day."""
        return [key for key in self._by_key if link_of(key) is not None]

    def listed(self) -> tuple[Nack, ...]:
        """Return the newest refusals, the last one last."""
        return tuple(self._by_key.values())[-MAX_NACKS:]
