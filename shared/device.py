"""Device class, operating system, browser and bot of a visitor, from the User-Agent and low-entropy Client Hints.

Nine of ten User-Agents have a mainstream shape and are answered by one pattern; the others go through the rules below,
first match wins. An iPad in desktop mode sends a Mac's headers, so that it is a desktop here as on every server.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from shared import device_words as words
from shared.agent import Agent
from shared.android_models import device_of_model
from shared.bots import is_bot
from shared.conditions import DEVICES, OSES
from shared.mainstream import recognise
from shared.operating_system import os_of, os_of_platform

__all__ = ["DEVICES", "OSES", "Agent", "ClientHints", "NameResolver", "classify"]

MAX_CHARS: Final = 512
MAX_BROWSER_CHARS: Final = 64

NameResolver = Callable[[str], tuple[str, str]]
"""User-Agent -> (OS family, browser family) in ua-parser's names, "" where unknown."""


class ClientHints(NamedTuple):
    """Raw values of Sec-CH-UA-Mobile, Sec-CH-UA-Platform and Sec-CH-UA-Form-Factors, "" where absent."""

    mobile: str = ""
    platform: str = ""
    form_factors: str = ""


_NO_HINTS: Final = ClientHints()


def classify(user_agent: str, hints: ClientHints, names: NameResolver) -> Agent:
    """Return what the headers of one request say about its sender; any string has an answer.

    Only the first 512 characters count. `names` is asked about what has no mainstream shape; it must not raise.
    """
    user_agent = user_agent[:MAX_CHARS]
    known = recognise(user_agent)
    agent = _examine(user_agent, names) if known is None else _with_model(*known)
    return agent if hints == _NO_HINTS else _hinted(agent, user_agent, hints)


def _with_model(agent: Agent, model: str) -> Agent:
    if model in ("", "K"):  # K is what Chrome sends for every model
        return agent
    device = device_of_model(model.lower()) or agent.device
    return agent if device == agent.device else agent._replace(device=device)


def _examine(user_agent: str, names: NameResolver) -> Agent:
    os_family, browser = names(user_agent)
    lowered = user_agent.lower()[:MAX_CHARS]  # some letters are two in lower case
    return Agent(_device(lowered), os_of(lowered, os_family), browser[:MAX_BROWSER_CHARS], is_bot(user_agent))


def _device(ua: str) -> str:
    for applies, device in _RULES:
        if applies(ua):
            return device if isinstance(device, str) else device(ua)
    return "desktop"


def _is_ipad(ua: str) -> bool:
    return "ipad" in ua and "linux; android" not in ua


def _is_iphone(ua: str) -> bool:
    return ("iphone" in ua or "ipod" in ua) and "apple tv" not in ua


def _is_neither(ua: str) -> bool:
    # The words also stand in the names of programs and makers of PCs.
    may_be = "windows nt" not in ua or "xbox" in ua or "ce-html" in ua
    return may_be and words.NEITHER.occurs_in(ua)


def _puffin(ua: str) -> str:
    match = words.PUFFIN.search(ua)
    return {"p": "mobile", "t": "tablet"}.get(match[2] if match else "", "desktop")


def _windows(ua: str) -> str:
    return "tablet" if "arm; touch" in ua or "arm; trident" in ua else "desktop"


def _macintosh(ua: str) -> str:
    return "tablet" if words.IOS_BROWSER.search(ua) else "desktop"


def _darwin(ua: str) -> str:
    return "desktop" if words.MAC.occurs_in(ua) else "mobile"


def _android(ua: str) -> str:
    match = words.ANDROID_MODEL.search(ua)
    version, model = (match["version"], match["model"].strip()) if match else ("", "")
    device = device_of_model(model)
    says_mobile = "mobile" in ua
    if device and not (device == "desktop" and says_mobile):
        return device
    if "/apad" in ua or ("tablet" in ua and "tablet pc" not in ua):
        return "tablet"
    is_old = version[:2] in ("1.", "2.")  # from before there were tablets
    if says_mobile or is_old or "release/" in ua or "opera m" in ua:
        return "mobile"
    return "tablet" if words.ENGINE.search(ua) or version[:2] == "3." else "mobile"


_RULES: Final[tuple[tuple[Callable[[str], object], str | Callable[[str], str]], ...]] = (
    (words.PUFFIN.search, _puffin),
    (words.WINDOWS_PHONE.occurs_in, "mobile"),  # before Windows and Android, which it names too
    (_is_ipad, "tablet"),
    (_is_iphone, "mobile"),
    (_is_neither, "other"),
    (words.ANDROID.search, _android),
    (words.PRETENDS.occurs_in, "mobile"),
    (lambda ua: "windows" in ua, _windows),
    (lambda ua: "macintosh" in ua, _macintosh),
    (words.TABLET.occurs_in, "tablet"),
    (lambda ua: "darwin/" in ua, _darwin),
    (words.FEATURE_PHONE.occurs_in, "mobile"),
)

_FORM_FACTORS: Final = (
    ('"automotive"', "other"),
    ('"watch"', "other"),
    ('"xr"', "other"),
    ('"tablet"', "tablet"),
    ('"mobile"', "mobile"),
    ('"desktop"', "desktop"),
)
"""In the order that decides where a device names several: a watch is "Mobile" as well."""
_DESKTOP_OSES: Final = ("windows", "macos", "linux", "chromeos")


def _hinted(agent: Agent, user_agent: str, hints: ClientHints) -> Agent:
    os = os_of_platform(hints.platform) or agent.os
    device = _named_form_factor(hints.form_factors) or _device_by_mobile(agent, user_agent, hints.mobile, os)
    if device == agent.device and agent.os != "other":
        return agent
    return agent._replace(device=device, os=os)


def _named_form_factor(form_factors: str) -> str:
    named = form_factors[:128].lower()
    return next((device for form_factor, device in _FORM_FACTORS if form_factor in named), "")


def _device_by_mobile(agent: Agent, user_agent: str, mobile: str, os: str) -> str:
    if agent.device == "other":
        return agent.device
    if mobile == "?1":
        return "mobile" if agent.device == "desktop" else agent.device
    if mobile != "?0":
        return agent.device
    if os in _DESKTOP_OSES:
        return "desktop"
    if agent.device == "desktop" or (agent.device == "mobile" and "Mobile" not in user_agent):
        return "tablet" if os == "android" else agent.device
    return agent.device
