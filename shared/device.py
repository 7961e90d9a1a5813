"""Device class, operating system, browser and bot of a visitor, from the User-Agent and low-entropy Client Hints.

Nine of ten User-Agents have a mainstream shape and are answered by one pattern; the others go through the rules below,
first match wins. An iPad in desktop mode sends a Mac's headers, so that it is a desktop here as on every server.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from shared.agent import Agent
from shared.android_models import device_of_model
from shared.bots import is_bot
from shared.conditions import DEVICES, OSES
from shared.mainstream import recognise

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


def classify(user_agent: str, hints: ClientHints, names: NameResolver) -> Agent:
    """Return what the headers of one request say about its sender; any string has an answer.

    Only the first 512 characters count. `names` is asked for what has no mainstream shape; it must not raise.
    """
    user_agent = user_agent[:MAX_CHARS]
    known = recognise(user_agent)
    if known is None:
        agent = _examine(user_agent, names)
    else:
        agent, model = known
        if model not in ("", "K"):
            device = device_of_model(model.lower()) or agent.device
            agent = agent if device == agent.device else agent._replace(device=device)
    return agent if hints == _NO_HINTS else _hinted(agent, user_agent, hints)


_NO_HINTS: Final = ClientHints()
_DESKTOP_OSES: Final = ("windows", "macos", "linux", "chromeos")


def _examine(user_agent: str, names: NameResolver) -> Agent:
    os_family, browser = names(user_agent)
    low = user_agent.lower()
    return Agent(_device(low), _os(low, os_family), browser[:MAX_BROWSER_CHARS], is_bot(user_agent))


def _any_of(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.ASCII)


_NEITHER: Final = _any_of(
    # Televisions, boxes and players.
    r"smart[-_ ]?tv|hbbtv|hybridcast|ce-html|netcast|web0s|webos\.?tv|viera|bravia|aquos|\broku|crkey|google ?tv|apple ?tv|tvos\b",
    r"large ?screen|nettv|netrange|inettv|vidaa|vestel|\bomi/|\bdtv|espial|freebox|\btv safari|safari/[\d.]+ tv\b|\(tv;|webtv",
    r"vizio|tizen.{1,30}\btv\b|smarthub|opentv|opera tv|avui/tv|kreatv|\bstb|set-?top|\bkodi|philipstv|toshibatp|\bboxee|\btivo",
    r"\bmb9\d/|gw-device|linux (?:mips|sh4)|qtembedded|sonycebrowser|sonybdp|\bbdplayer|maple[ \d]|coralwebkit|mbxtwebkit|\bwpe$",
    r"model/sony|; ?aft[a-z]{1,6}\d*\b|amazon;(?:aft|echo)|_aft[a-z]+_|; ?ae[oe][a-z]{2,3}\b",
    # Consoles and headsets.
    r"nintendo|playstation|\bxbox|\bpsp\b|\bps[34]\b|\bwii\b|ouya|segasaturn|; quest(?: [23]\w?| pro)?[;)]|oculus|\bpico |\bvr safari|mobile vr",
    # Watches, cars, e-readers, speakers, household and office machines.
    r"watchos|watch ?os|apple watch|\bwatch\d|sm-r\d{3}|smartwatch|wear ?os|tesla/|qtcarbrowser",
    r"kindle/\d|\bkobo (?:touch|e)|kobo/|pocketbook/|sony ?ereader|\bprs-t|e-?reader|bookeen|cybook",
    r"sonos|homepod|smartspeaker|audio ?accessory|family hub|brightsign|adapi|large-?display|\bmfp\b|signage|printer|upnp|dlna",
)
_WINDOWS_PHONE: Final = _any_of(r"windows ?phone|iemobile|lumia|wpdesktop|zunewp7|windows ce|windows mobile|xblwp7")
_FEATURE_PHONE: Final = _any_of(
    r"midp|cldc|j2me|up\.(?:browser|link)|\bwap\b|wap[ -]?browser|\bmaui|symbian|symbos|series ?[3-9]0|\bs[4-9]0|nokia|blackberry",
    r"\bbb10|\brim\d|samsung[-;]|\bsec-|\blge?-?[a-z]{0,2}\d|\bmot-|\bsie-|\bsch-|kddi|docomo|foma|j-phone|vodafone/|softbank",
    r"willcom|palm ?(?:os|source)|blazer|opera mini|opera mobi|brew|obigo|teleca|dolfin|\bbada|kaios|maemo|meego|sailfish|jolla",
    r"ucweb|uc ?browser|\bjig browser|cell ?phone|\bmtk|nucleus|phone\b|mobile|\bpda\b|smartphone|portalmmm|netfront|openwave",
    r"jasmine|dorado|mocor|threadx|\bbird[-._]|philips|alcatel|\bzte|huawei|panasonic|sagem|\bsharp|sanyo|kyocera|lenovo-|\bhtc",
    r"ericsson|telit|hiptop|avantgo|elaine|eudoraweb|psion|epoc|\bxda|\bspv |\bdv\(iph|\bwebos/|hpwos|\bpre/|pixi/|cloud phone",
    r"micromax|karbonn|spreadtrum|\bfly[_ -]|k-?touch|tizen|\bmmef|\bsm-[acefgjmnsz]\d{3}|\bios\b|\bemui",
)
_TABLET_TOKEN: Final = _any_of(r"tablet(?! ?pc)|playbook|touchpad|\bsilk/|nexus (?:7|10)|htc_flyer|\bkf[a-z]{2,4}\b")
_PRETENDS: Final = _any_of(r"ucbrowser/|360 ?aphone|360browser|\bhtc_")
"""Browsers of telephones that send a desktop's headers."""
_ANDROID: Final = _any_of(r"andr[o0]id|harmonyos|\badr \d|dalvik|\(linux; u; ")
_ANDROID_MODEL: Final = _any_of(
    r"(?:andr[o0]id|harmonyos)[ /-]?(?P<version>[\d.]*)[^;)#]*"
    r"(?:(?:;|##) ?(?:[a-z]{2}(?:[-_][a-z]{0,5}){0,2}|u|harmonyos|arm\w{0,6}|wv|mobile|tablet) ?(?=[;)#]))*"
    r"(?:;|##) ?(?P<model>(?!opera m)[^;)#]{1,80}?)(?: build|;|\)|##| applewebkit|/|$)"
)
_ENGINE: Final = _any_of(r"applewebkit|gecko/|presto/")
_PUFFIN: Final = _any_of(r"puffin/[\d.]+([aiwlm])([ptd])")
_PUFFIN_OS: Final = {"a": "android", "i": "ios", "w": "windows", "l": "linux", "m": "macos"}
_IOS_BROWSER: Final = _any_of(r"crios|fxios|edgios|opios|opt/|gsa/|mobile/")
_MAC: Final = _any_of(r"x86_64|mac ?os|macbook|imac|macmini|macpro|\bmac\d|macintosh|mac_powerpc|^safari/")


def _device(ua: str) -> str:
    if puffin := _PUFFIN.search(ua):
        return {"p": "mobile", "t": "tablet", "d": "desktop"}[puffin[2]]
    if _WINDOWS_PHONE.search(ua):
        return "mobile"
    if "ipad" in ua and "linux; android" not in ua:
        return "tablet"
    if ("iphone" in ua or "ipod" in ua) and "apple tv" not in ua:
        return "mobile"
    if "windows nt" not in ua or "xbox" in ua or "ce-html" in ua:
        if _NEITHER.search(ua):
            return "other"
    if _ANDROID.search(ua):
        return _android(ua)
    if "midp" in ua or _PRETENDS.search(ua):
        return "mobile"
    if "windows" in ua:
        return "tablet" if "arm; touch" in ua or "arm; trident" in ua else "desktop"
    if "macintosh" in ua:
        return "tablet" if _IOS_BROWSER.search(ua) else "desktop"
    if _TABLET_TOKEN.search(ua):
        return "tablet"
    if "darwin/" in ua:
        return "desktop" if _MAC.search(ua) else "mobile"
    return "mobile" if _FEATURE_PHONE.search(ua) else "desktop"


def _android(ua: str) -> str:
    match = _ANDROID_MODEL.search(ua)
    model = match["model"].strip() if match else ""
    version = match["version"] if match else ""
    device = device_of_model(model)
    says_mobile = "mobile" in ua
    if device and not (device == "desktop" and says_mobile):
        return device
    if "/apad" in ua or "tablet" in ua and "tablet pc" not in ua:
        return "tablet"
    if says_mobile or version[:2] in ("1.", "2.") or "release/" in ua or "opera m" in ua:
        return "mobile"
    return "tablet" if _ENGINE.search(ua) or version[:2] == "3." else "mobile"


_OS_OF_FAMILY: Final = {
    "iOS": "ios",
    "Android": "android",
    "Windows": "windows",
    "Mac OS X": "macos",
    "Mac OS": "macos",
    "Chrome OS": "chromeos",
} | dict.fromkeys(
    (
        "Linux", "Ubuntu", "Kubuntu", "Xubuntu", "Debian", "Fedora", "Gentoo", "Mageia", "Mandriva", "SUSE", "CentOS",
        "Slackware", "PCLinuxOS", "VectorLinux", "Red Hat", "Arch Linux", "Linux Mint", "Puppy", "Lindows",
    ),
    "linux",
)  # fmt: skip


def _os(ua: str, family: str) -> str:
    if puffin := _PUFFIN.search(ua):
        return _PUFFIN_OS[puffin[1]]
    if _WINDOWS_PHONE.search(ua):
        return "other"
    os = _OS_OF_FAMILY.get(family, "")
    if os in ("linux", "macos", "windows") and ("midp" in ua or "series40" in ua):
        return "other"
    if os == "ios" and ("x86_64" in ua or "darwin/" in ua and _MAC.search(ua)):
        return "macos"
    if os in ("linux", "macos", "windows") and (_PRETENDS.search(ua) or "silk/" in ua or "; bravia" in ua):
        return "android"
    if os:
        return os
    if family:
        return "other"
    if re.search(r"\biph\d|iphone|ipad|\bios[/ ]|ipados", ua):
        return "ios"
    if re.search(r"android|\badr \d|_aft|opera mini.*spreadtrum", ua):
        return "android"
    if _MAC.search(ua):
        return "macos"
    if "x11" in ua and re.search(r"x11; ?(?:linux|\))", ua):
        return "linux"
    return "other"


_PLATFORMS: Final = {
    "android": "android",
    "ios": "ios",
    "windows": "windows",
    "macos": "macos",
    "linux": "linux",
    "chrome os": "chromeos",
    "chromium os": "chromeos",
}
_FORM_FACTORS: Final = (
    ("automotive", "other"),
    ("watch", "other"),
    ("xr", "other"),
    ("tablet", "tablet"),
    ("mobile", "mobile"),
    ("desktop", "desktop"),
)
"""In the order that decides where a device names several: a watch is also "Mobile"."""


def _hinted(agent: Agent, user_agent: str, hints: ClientHints) -> Agent:
    os = _PLATFORMS.get(hints.platform[:32].strip(' "').lower(), agent.os)
    device = _hinted_device(agent, user_agent, hints, os)
    if device == agent.device and (os == agent.os or agent.os != "other"):
        return agent
    return agent._replace(device=device, os=os)


def _hinted_device(agent: Agent, user_agent: str, hints: ClientHints, os: str) -> str:
    named = hints.form_factors[:128].lower()
    for form_factor, device in _FORM_FACTORS:
        if f'"{form_factor}"' in named:
            return device
    if agent.device == "other" or agent.bot or hints.mobile not in ("?0", "?1"):
        return agent.device
    if hints.mobile == "?1":
        return "mobile" if agent.device == "desktop" else agent.device
    if os in _DESKTOP_OSES:
        return "desktop"
    if agent.device == "mobile" and "Mobile" in user_agent:
        return "mobile"
    return "tablet" if os == "android" else agent.device
