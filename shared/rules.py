"""The nouns of an offer: what a marketer writes, before it is compiled for the edge.

Values are immutable; destinations are in their final ASCII form (see `control`'s validation) or, in a draft, as typed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.conditions import Condition


class OfferStatus(StrEnum):
    """What an offer's links do: redirect, send to `inactive_url` (else 410), or answer 410."""

    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions and a destination. `id` is stable for the life of the rule; its place in the list is its priority."""

    id: str
    destination_url: str
    when: Mapping[str, Condition] = field(default_factory=dict)
    name: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class SmartLink:
    """Ordered rules, an on/off switch and where everyone else goes (None: the offer's own destination)."""

    enabled: bool = False
    fallback_url: str | None = None
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """Everything of an offer that decides what a click gets; `revision` numbers its smart link."""

    id: str
    slug: str
    destination_url: str
    smart_link: SmartLink = SmartLink()
    revision: int = 0
    status: OfferStatus = OfferStatus.ACTIVE
    inactive_url: str | None = None
    redirect_status: int = 302
    append_click_id: bool = True
    pass_query: bool = True
