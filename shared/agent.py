"""What one User-Agent says about its sender."""

from typing import Final, NamedTuple

DEVICES: Final = ("desktop", "mobile", "tablet", "other")
"""`other` is what has a browser but is none of the three: televisions, consoles, watches, headsets, cars, speakers."""

OSES: Final = ("ios", "android", "windows", "macos", "linux", "chromeos", "other")
"""iPadOS counts as ios and Fire OS as android; Windows Phone, KaiOS, Tizen, tvOS and the BSDs are `other`."""


class Agent(NamedTuple):
    """device: one of DEVICES; os: one of OSES; browser: ua-parser's family name, at most 64 characters, "" if unknown."""

    device: str
    os: str
    browser: str
    bot: bool
