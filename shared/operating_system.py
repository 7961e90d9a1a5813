"""The operating system a User-Agent or Client Hint names, as one of `shared.conditions.OSES`."""

import re
from typing import Final

from shared import device_words as words

_LINUXES: Final = (
    "Linux",
    "Arch Linux",
    "CentOS",
    "Debian",
    "Fedora",
    "Gentoo",
    "Kubuntu",
    "Linux Mint",
    "Lindows",
    "Mageia",
    "Mandriva",
    "PCLinuxOS",
    "Puppy",
    "Red Hat",
    "Slackware",
    "SUSE",
    "Ubuntu",
    "VectorLinux",
    "Xubuntu",
)
_OS_OF_FAMILY: Final = {
    "iOS": "ios",
    "Android": "android",
    "Windows": "windows",
    "Mac OS X": "macos",
    "Mac OS": "macos",
    "Chrome OS": "chromeos",
} | dict.fromkeys(_LINUXES, "linux")
_OS_OF_PLATFORM: Final = {
    "android": "android",
    "ios": "ios",
    "windows": "windows",
    "macos": "macos",
    "linux": "linux",
    "chrome os": "chromeos",
    "chromium os": "chromeos",
}
_OS_OF_PUFFIN: Final = {"a": "android", "i": "ios", "w": "windows", "l": "linux", "m": "macos"}
_DESKTOP_OSES: Final = ("windows", "macos", "linux")

_IOS: Final = re.compile(r"\biph\d|iphone|ipad|\bios[/ ]", re.ASCII)
_ANDROID: Final = re.compile(r"android|\badr \d|_aft|fban/fb4a", re.ASCII)
_ANDROID_IN_DISGUISE: Final = re.compile(r"silk/|; bravia", re.ASCII)
_X11: Final = re.compile(r"x11; ?(?:linux|\))", re.ASCII)


def os_of(ua: str, family: str) -> str:
    """Return the system of a User-Agent in lower case for which ua-parser gives the OS family `family` ("" for none).

    ua-parser knows the names; what it takes for another system or does not know is told by words.
    """
    if puffin := words.PUFFIN.search(ua):
        return _OS_OF_PUFFIN[puffin[1]]
    if words.WINDOWS_PHONE.occurs_in(ua):
        return "other"
    if "chromebook" in ua:
        return "chromeos"
    os = _OS_OF_FAMILY.get(family, "other" if family else _os_by_words(ua))
    if os == "ios":
        return "macos" if "darwin/" in ua and words.MAC.occurs_in(ua) else "ios"
    return _behind_the_disguise(ua, os) if os in _DESKTOP_OSES else os


def os_of_platform(hint: str) -> str:
    """Return the system that Sec-CH-UA-Platform names, quoted or not, "" for one we do not tell apart."""
    return _OS_OF_PLATFORM.get(hint[:32].strip(' "').lower(), "")


def _behind_the_disguise(ua: str, os: str) -> str:
    if "midp" in ua or "series40" in ua:
        return "other"
    return "android" if words.PRETENDS.occurs_in(ua) or _ANDROID_IN_DISGUISE.search(ua) else os


def _os_by_words(ua: str) -> str:
    if _IOS.search(ua):
        return "ios"
    if _ANDROID.search(ua):
        return "android"
    if words.MAC.occurs_in(ua):
        return "macos"
    return "linux" if _X11.search(ua) else "other"
