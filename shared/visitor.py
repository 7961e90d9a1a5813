"""What the edge knows of one visitor, as the rules see it."""

from typing import NamedTuple


class Visitor(NamedTuple):
    """The attributes a rule can test, named as the condition kinds are, and what counts of the click.

    country: ISO 3166-1 alpha-2, XK or ZZ. device, os: values of `shared.conditions`. browser: family name or "".
    """

    country: str
    device: str
    os: str
    browser: str = ""
    bot: bool = False


def click_kind(visitor_is_bot: bool, purpose: bytes) -> str:
    """Return what a click counts as: `person`, `bot` or `prefetch`; `duplicate` is the edge's to say.

    `purpose` is the value of Sec-Purpose or Purpose. A bot that prefetches is a bot.
    """
    if visitor_is_bot:
        return "bot"
    return "prefetch" if b"prefetch" in purpose.lower() or b"preview" in purpose.lower() else "person"
