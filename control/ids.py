"""Public names: ids with a prefix per noun, random slugs, secrets."""

import base64
import secrets
from typing import Final, NamedTuple

_ID_BYTES: Final = 10  # 16 characters; by the birthday bound, a billion of them collide with odds of one in two million
_SLUG_BYTES: Final = 5  # 8 characters
_SECRET_BYTES: Final = 20


def new_id(prefix: str) -> str:
    """Return a fresh id such as `o_mfzwizltoq2dgnbt`: the noun's prefix and 16 characters of lower-case base32."""
    return f"{prefix}_{_base32(_ID_BYTES)}"


class Identity(NamedTuple):
    """What a thing keeps when its deletion is undone: its id, under which it was counted, and when it was made (ms)."""

    id: str
    created_at: int


def new_slug() -> str:
    """Return a random slug of 8 characters; whether it is free is the caller's to check."""
    return _base32(_SLUG_BYTES)


def new_secret(prefix: str) -> str:
    """Return a secret with 160 random bits, such as `tn_...`."""
    return f"{prefix}_{_base32(_SECRET_BYTES)}"


def _base32(size: int) -> str:
    return base64.b32encode(secrets.token_bytes(size)).decode().lower()
