"""What is allowed but likely not meant: rules nobody reaches, order that decides, destinations that lose something."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from control.smartlinks.drafts import CheckedDraft
from control.smartlinks.schemas import Warning
from shared.reachability import Finding, findings
from shared.table import FALLBACK

OFFER: Final = "offer"
"""What a warning about the offer's own destination names as its rule."""

MAX_WARNINGS: Final = 200


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a smart link's destinations are judged against.

    own_hosts: `host` or `host:port` of every domain that leads back to us. destination_final: the offer's own.
    """

    own_hosts: Collection[str]
    destination_final: str
    append_click_id: bool


def warnings_of(draft: CheckedDraft, around: Surroundings) -> list[Warning]:
    """Return at most 200 warnings about a draft whose rules have ids, rules first and in their order."""
    names = {rule.id: rule.name or f"Rule {place}" for place, rule in enumerate(draft.rules, 1)}
    names[FALLBACK] = "Everyone else"
    found = [_said(finding, names) for finding in findings(draft.as_smart_link())]
    for rule_id, url in _destinations(draft, around):
        found.extend(_about(rule_id, url, around))
    return found[:MAX_WARNINGS]


def _destinations(draft: CheckedDraft, around: Surroundings) -> Iterator[tuple[str, str]]:
    for rule in draft.rules:
        if rule.enabled:
            yield rule.id, rule.final_url
    if draft.fallback_final is not None:
        yield FALLBACK, draft.fallback_final
    yield OFFER, around.destination_final


def _said(finding: Finding, names: Mapping[str, str]) -> Warning:
    name = names[finding.rule_id]
    by = " and ".join(names[rule_id] for rule_id in finding.by[:3]) + (" and others" if len(finding.by) > 3 else "")
    if finding.code == "overlaps":
        message = f"{name} and {by} accept some of the same visitors and send them to different places: order decides."
    elif finding.by:
        message = f"{name} is never reached: {by} {'take' if len(finding.by) > 1 else 'takes'} all of its visitors."
    else:
        message = f"{name} is never reached: its own conditions exclude each other."
    return Warning(code=finding.code, rule_id=finding.rule_id, by=list(finding.by), message=message)


def _about(rule_id: str, url: str, around: Surroundings) -> Iterator[Warning]:
    parts = urlsplit(url)
    if parts.netloc in around.own_hosts or (parts.hostname or "") in around.own_hosts:
        message = f"This leads back to {parts.netloc}, one of your own domains: visitors may go round in circles."
        yield Warning(code="loop", rule_id=rule_id, by=[], message=message)
    if parts.scheme == "http":
        message = "This is not https: what visitors send can be read and changed on the way."
        yield Warning(code="not_https", rule_id=rule_id, by=[], message=message)
    if not around.append_click_id and "{click_id}" not in url:
        message = "No click id on the way: sales from here cannot be credited. Add {click_id} to the destination."
        yield Warning(code="no_click_id", rule_id=rule_id, by=[], message=message)
