"""Tokens and passwords: how they are made, stored and compared."""

import asyncio
import hashlib
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_PASSWORD_CHARS: Final = 8
MAX_PASSWORD_CHARS: Final = 256

_HASHER: Final = PasswordHasher()
_NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=4$dHVybm91dCdzIG5vYm9keQ$8vbVA0JpYqTGfSvd1dDr0ozM0aIRGzTuNAyw+x5Kh9E"
"""A hash no password is known for: an unknown login takes as long as a wrong password."""


def digest_of(token: str) -> str:
    """Return what is stored of a random token: a fast hash is enough for 128 random bits and more."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def hash_password(password: str) -> str:
    """Return the argon2id hash of `password`, made off the event loop."""
    return await asyncio.to_thread(_HASHER.hash, password)


async def password_fits(stored: str | None, password: str) -> bool:
    """Tell whether `password` belongs to `stored`; None (no such person) and "" take the same time and never fit."""
    fits = await asyncio.to_thread(_verify, stored or _NOBODY, password)
    return fits and bool(stored)


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
