"""The first login: a key and a password made at first start, the key kept for the commands on this machine."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from deploy.data_folder import write_private

_FILE = "login.json"


@dataclass(frozen=True, slots=True)
class Login:
    """What was made up for the first login: "" for what the person gave, or for a password that was shown."""

    api_key: str
    password: str
    shown: bool = False

    def environment(self) -> dict[str, str]:
        """Return what control is told; it takes it at its first start only."""
        made = {"TURNOUT_BOOTSTRAP_API_KEY": self.api_key, "TURNOUT_ADMIN_PASSWORD": self.password}
        return {name: value for name, value in made.items() if value}


def make(environ: Mapping[str, str]) -> Login:
    """Return a new login, made up as far as the person gave none in the environment."""
    return Login(
        api_key="" if environ.get("TURNOUT_BOOTSTRAP_API_KEY") else f"tn_{secrets.token_hex(20)}",
        password="" if environ.get("TURNOUT_ADMIN_PASSWORD") else secrets.token_urlsafe(12),
    )


def stored(folder: Path) -> Login | None:
    """Return the login kept in the data folder, None when there is none that can be read."""
    try:
        kept = json.loads((folder / _FILE).read_text())
        return Login(api_key=str(kept["api_key"]), password=str(kept["password"]), shown=bool(kept["shown"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(folder: Path, login: Login) -> None:
    """Keep the login in the data folder, readable by its owner only; before control starts, lest it be lost."""
    write_private(folder / _FILE, json.dumps(asdict(login)))


def forget(folder: Path) -> None:
    """Drop the login: it is not one that the database knows."""
    (folder / _FILE).unlink(missing_ok=True)


def was_shown(folder: Path, login: Login) -> None:
    """Keep the key alone, now that the password has been printed."""
    keep(folder, replace(login, password="", shown=True))


def api_key(folder: Path) -> str:
    """Return the key that commands use: the one in the environment, else the one in the data folder, else ""."""
    given = os.environ.get("TURNOUT_API_KEY") or os.environ.get("TURNOUT_BOOTSTRAP_API_KEY")
    kept = stored(folder)
    return given or (kept.api_key if kept else "")
