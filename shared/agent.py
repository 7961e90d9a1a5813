"""What one User-Agent says about its sender."""

from typing import NamedTuple


class Agent(NamedTuple):
    """device, os: one of `shared.conditions.DEVICES`, `OSES`; browser: ua-parser's family name, at most 64 characters.

    iPadOS counts as ios and Fire OS as android; Windows Phone, KaiOS, Tizen, tvOS and the BSDs are `other`.
    """

    device: str
    os: str
    browser: str
    bot: bool
