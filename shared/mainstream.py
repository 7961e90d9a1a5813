"""The few User-Agent shapes that nine of ten browsers send, each recognised whole by one anchored pattern.

A shape is a platform comment from a closed list followed by one of a few product lists, and nothing else: one unknown
token, and the general rules of `shared.device` decide instead. No User-Agent of the published crawler lists has such a
shape, so a match is also an answer about bots. Browsers carry ua-parser's names: both roads call a browser the same.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from shared.agent import Agent

_V: Final = r"\d[\d.]{0,23}"
_BLINK: Final = rf"\) AppleWebKit/537\.36 \(KHTML, like Gecko\) Chrome/{_V} "
_WEBKIT: Final = r"\) AppleWebKit/6\d\d\.[\d.]{1,9} \(KHTML, like Gecko\) "
_SAFARI: Final = r"Safari/6\d\d\.[\d.]{1,9}"

_DESKTOP_BROWSERS: Final = {
    _BLINK + r"Safari/537\.36": "Chrome",
    _BLINK + rf"Safari/537\.36 Edg/{_V}": "Edge",
    _BLINK + rf"Safari/537\.36 OPR/{_V}": "Opera",
    _BLINK + rf"YaBrowser/{_V} (?:Yowser/{_V} )?Safari/537\.36": "Yandex Browser",
    rf"; rv:{_V}\) Gecko/20100101 Firefox/{_V}": "Firefox",
}
_MAC_BROWSERS: Final = {**_DESKTOP_BROWSERS, _WEBKIT + rf"Version/{_V} {_SAFARI}": "Safari"}
_PHONE_BROWSERS: Final = {
    _BLINK + r"Mobile Safari/537\.36": "Chrome Mobile",
    _BLINK + rf"Mobile Safari/537\.36 EdgA/{_V}": "Edge Mobile",
    _BLINK + rf"Mobile Safari/537\.36 OPR/{_V}": "Opera Mobile",
    rf"\) AppleWebKit/537\.36 \(KHTML, like Gecko\) SamsungBrowser/{_V} Chrome/{_V} Mobile Safari/537\.36": (
        "Samsung Internet"
    ),
    r"; wv\) AppleWebKit/537\.36 \(KHTML, like Gecko\) "
    rf"Version/4\.0 Chrome/{_V} Mobile Safari/537\.36": "Chrome Mobile WebView",
}
_TABLET_BROWSERS: Final = {
    _BLINK + r"Safari/537\.36": "Chrome",
    rf"\) AppleWebKit/537\.36 \(KHTML, like Gecko\) SamsungBrowser/{_V} Chrome/{_V} Safari/537\.36": "Samsung Internet",
}
_IOS_BROWSERS: Final = {
    _WEBKIT + rf"Version/{_V} Mobile/\w{{5,8}} {_SAFARI}": "Mobile Safari",
    _WEBKIT + rf"CriOS/{_V} Mobile/\w{{5,8}} {_SAFARI}": "Chrome Mobile iOS",
    _WEBKIT + rf"GSA/{_V} Mobile/\w{{5,8}} {_SAFARI}": "Google",
    _WEBKIT + rf"FxiOS/{_V} +Mobile/\w{{5,8}} {_SAFARI}": "Firefox iOS",
}
_MODEL: Final = r"([^;()]{1,60}?)(?: Build/[\w.-]{1,40})?"

_PLATFORMS: Final = (
    (r"Windows NT (?:10\.0|6\.[0-3]|5\.[12])(?:; Win64; x64|; WOW64)?", "desktop", "windows", _DESKTOP_BROWSERS),
    (r"Macintosh; Intel Mac OS X \d\d?[._]\d\d?(?:[._]\d\d?)?", "desktop", "macos", _MAC_BROWSERS),
    (r"X11; (?:Ubuntu; |Fedora; )?Linux (?:x86_64|i686|aarch64)", "desktop", "linux", _DESKTOP_BROWSERS),
    (rf"X11; CrOS (?:x86_64|aarch64|armv7l) {_V}", "desktop", "chromeos", _DESKTOP_BROWSERS),
    (r"iPhone; CPU iPhone OS \d\d?(?:_\d\d?){1,2} like Mac OS X", "mobile", "ios", _IOS_BROWSERS),
    (r"iPad; CPU OS \d\d?(?:_\d\d?){1,2} like Mac OS X", "tablet", "ios", _IOS_BROWSERS),
    (rf"Linux; (?:U; )?Android {_V}; {_MODEL}", "mobile", "android", _PHONE_BROWSERS),
    (r"Linux; Android 10; K", "tablet", "android", _TABLET_BROWSERS),
    (rf"Android {_V}; Mobile", "mobile", "android", {rf"; rv:{_V}\) Gecko/{_V} Firefox/{_V}": "Firefox Mobile"}),
    (rf"Android {_V}; Tablet", "tablet", "android", {rf"; rv:{_V}\) Gecko/{_V} Firefox/{_V}": "Firefox Mobile"}),
)


class _Shape(NamedTuple):
    """One platform's pattern; an empty group behind each browser tells by its number which one it was."""

    fullmatch: Callable[[str], re.Match[str] | None]
    agents: tuple[Agent, ...]
    has_model: bool


def _compile(platform: str, device: str, os: str, browsers: dict[str, str]) -> _Shape:
    tails = "|".join(f"{tail}()" for tail in browsers)
    pattern = re.compile(rf"Mozilla/5\.0 \({platform}(?:{tails})", re.ASCII)
    unused = (Agent("", "", "", False),) * (pattern.groups - len(browsers) + 1)
    agents = tuple(Agent(device, os, browser, False) for browser in browsers.values())
    return _Shape(pattern.fullmatch, unused + agents, "[^;()]" in platform)


_KEY: Final = slice(13, 19)
"""Where the platform comment begins: its first six characters choose the patterns to try."""


def _index() -> dict[str, tuple[_Shape, ...]]:
    starts = ("Window", "Macint", "X11; L", "X11; U", "X11; F", "X11; C", "iPhone", "iPad; ", "Linux;", "Androi")
    shapes = [(row[0], _compile(*row)) for row in _PLATFORMS]
    return {start: tuple(s for platform, s in shapes if platform.startswith(start[:5])) for start in starts}


_SHAPES: Final = _index()


def recognise(user_agent: str) -> tuple[Agent, str] | None:
    """Return what a mainstream User-Agent says and the Android model it names ("" for none), or None for any other.

    An Android agent with "Mobile" in it comes as `mobile`: whether the model is a tablet is for the caller to look up.
    """
    for shape in _SHAPES.get(user_agent[_KEY], ()):
        if match := shape.fullmatch(user_agent):
            agent = shape.agents[match.lastindex or 0]
            return agent, (match[1] if shape.has_model else "")
    return None
