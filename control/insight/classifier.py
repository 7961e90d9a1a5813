"""What an edge would know of a visitor: the country database and the User-Agent resolver, opened when first asked."""

import io
import logging
import lzma
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Final

import maxminddb

from control.settings import ControlSettings
from shared.country import country_of
from shared.device import ClientHints, classify
from shared.visitor import Visitor

_log = logging.getLogger(__name__)
_PACKAGED: Final = "*.mmdb.xz"

Lookup = Callable[[str], object]
Names = Callable[[str], tuple[str, str]]


class Classifier:
    """Address and headers -> Visitor, by the functions in `shared` that edges use."""

    def __init__(
        self,
        open_lookup: Callable[[], Lookup],
        open_names: Callable[[], Names],
        version: Callable[[], object] = lambda: None,
    ) -> None:
        """Take what opens the country database and the resolver of names.

        `version` is asked each time: where it is another than before, the database is opened again.
        """
        self._open_lookup = open_lookup
        self._open_names = open_names
        self._version = version
        self._opened: tuple[object, Lookup] | None = None
        self._names: Names | None = None

    @classmethod
    def from_settings(cls, settings: ControlSettings) -> "Classifier":
        """Return the classifier over the files that an edge with the same settings uses."""
        downloaded = settings.data_dir / "geo" / "country.mmdb"
        chosen = Path(settings.geo_db) if settings.geo_db else downloaded
        return cls(lambda: _open_database(chosen), _open_resolver, lambda: _version_of(chosen))

    def visitor_of(self, address: str, headers: Mapping[str, str]) -> Visitor:
        """Return who sends `headers` (names in lower case) from `address`. Blocks while files are opened."""
        version = self._version()
        if self._opened is None or self._opened[0] != version:
            self._opened = version, self._open_lookup()
        if self._names is None:
            self._names = self._open_names()
        hints = ClientHints(
            mobile=headers.get("sec-ch-ua-mobile", ""),
            platform=headers.get("sec-ch-ua-platform", ""),
            form_factors=headers.get("sec-ch-ua-form-factors", ""),
        )
        agent = classify(headers.get("user-agent", ""), hints, self._names)
        return Visitor(country_of(address, self._opened[1]), agent.device, agent.os, agent.browser, agent.bot)


def _version_of(path: Path) -> object:
    """Return what tells one version of a file from the next; a newer database is renamed into place."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _open_database(chosen: Path) -> Lookup:
    """Return the look-up of the file `chosen`, else of the packaged one, else one that knows no address."""
    try:
        if chosen.is_file():
            return maxminddb.open_database(chosen).get
        packed = max(Path(str(resources.files("shared") / "data")).glob(_PACKAGED))
        return maxminddb.open_database(io.BytesIO(lzma.decompress(packed.read_bytes())), maxminddb.MODE_FD).get
    except (OSError, ValueError, lzma.LZMAError, maxminddb.InvalidDatabaseError) as exc:
        _log.warning("no country database, so every country is unknown here: %s", exc)
        return lambda _address: None


def _open_resolver() -> Names:
    """Return the Rust engine's names of operating systems and browsers."""
    from ua_parser.loaders import load_lazy_builtins  # 100 ms that only this needs
    from ua_parser.regex import Resolver

    user_agents, systems, _ = load_lazy_builtins()
    resolver = Resolver((user_agents, systems, []))

    def names(user_agent: str) -> tuple[str, str]:
        try:
            system, browser = resolver.os.extract(user_agent), resolver.ua.extract(user_agent)
        except UnicodeEncodeError:  # a lone surrogate, which no header can carry
            return "", ""
        return (system.family if system else "", browser.family if browser else "")

    return names
