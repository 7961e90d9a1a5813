"""Names of operating systems and browsers from a User-Agent: ua-parser's rules on its Rust engine."""

from collections.abc import Callable, Iterable
from typing import Final

from ua_parser.loaders import load_lazy_builtins

Names = Callable[[str], tuple[str, str]]
"""User-Agent -> (OS family, browser family), "" where unknown."""

_UNKNOWN: Final = ("", "")
_CHROME: Final = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"
_WARM_UP: Final = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36 Edg/131.0.0.0",
    f"Mozilla/5.0 (Linux; Android 14; SM-X910) {_CHROME} Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K; wv) {_CHROME} Mobile Safari/537.36 [FBAN/EMA;FBLC/en_US]",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "no shape that any rule knows, so that every one of them is tried",
)


class NoRustEngine(RuntimeError):
    """The resolver in Rust is not installed; the one in Python takes fifty times as long for a click."""


def open_names(warm_up: Iterable[str] = _WARM_UP) -> Names:
    """Return the resolver, its patterns compiled and run over `warm_up`. Raises NoRustEngine.

    Devices are left out: `shared.device` knows them better, and their patterns are most of the memory.
    """
    try:
        from ua_parser.regex import Resolver
    except ImportError as exc:
        raise NoRustEngine("ua-parser lacks its Rust engine: install ua-parser[regex].") from exc
    user_agents, systems, _ = load_lazy_builtins()
    resolver = Resolver((user_agents, systems, []))
    extract_os, extract_browser = resolver.os.extract, resolver.ua.extract

    def names(user_agent: str) -> tuple[str, str]:
        try:
            system, browser = extract_os(user_agent), extract_browser(user_agent)
        except UnicodeEncodeError:  # a lone surrogate: no text that a browser can have sent
            return _UNKNOWN
        return (system.family if system else "", browser.family if browser else "")

    for user_agent in warm_up:
        names(user_agent)
    return names
