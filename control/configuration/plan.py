"""What an import would do: the document held against the configuration as it stands, as a document too. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from control import destinations
from control.configuration.document import CouponDoc, Document, LinkDoc, OfferDoc
from control.coupons.models import fold
from control.destinations import UrlRules
from control.domains.schemas import DomainIn
from control.errors import Faults, Problem
from control.fields import Input
from control.insight.test_visitor import attributes_of
from control.savedtests import service as saved_tests
from control.savedtests.schemas import SavedTestIn
from control.smartlinks.drafts import check_draft
from control.smartlinks.schemas import RuleIn, SmartLinkIn
from shared.conditions import parse_when
from shared.table import FALLBACK, OFF

Kind = Literal["domain", "partner", "offer", "link", "coupon"]
KINDS: Final[tuple[Kind, ...]] = ("domain", "partner", "offer", "link", "coupon")
T = TypeVar("T", bound=Input)

_DOMAIN_FIELDS: Final = tuple(name for name in DomainIn.model_fields if name != "host")
_OFFER_FIELDS: Final = tuple(name for name in OfferDoc.model_fields if name not in ("slug", "smart_link"))
_LINK_FIELDS: Final = tuple(name for name in LinkDoc.model_fields if name not in ("slug", "domain"))


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to create, or to change; `fields` maps what differs to (before, after), empty for what is new."""

    kind: Kind
    action: Literal["create", "update"]
    key: str
    wanted: Input
    fields: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """Every step, in the order in which they can be taken, and how much is as it should be already."""

    steps: list[Step]
    unchanged: int


def plan(current: Document, wanted: Document, urls: UrlRules) -> Plan:
    """Return how to get from `current` to having everything in `wanted`. Raises Problem 422 with every fault."""
    faults = Faults()
    _check_keys(wanted, faults)
    _check_names(current, wanted, faults)
    _check_urls(wanted, urls, faults)
    _check_tests(current, wanted, urls, faults)
    faults.raise_if_any()
    steps = [
        *_compare("domain", current.domains, wanted.domains, lambda doc: doc.host, _DOMAIN_FIELDS),
        *_compare("partner", current.partners, wanted.partners, lambda doc: doc.slug, ("name",)),
        *_compare_offers(current.offers, wanted.offers),
        *_compare("link", current.links, wanted.links, link_key, _LINK_FIELDS),
        *_compare("coupon", current.coupons, wanted.coupons, coupon_key, ("code", "partner")),
    ]
    return Plan(steps, sum(len(_docs(wanted, kind)) for kind in KINDS) - len(steps))


def link_key(doc: LinkDoc) -> str:
    """Return what tells links apart: domain and slug."""
    return f"{doc.domain or ''}/{doc.slug}"


def coupon_key(doc: CouponDoc) -> str:
    """Return what tells coupons apart: offer and code, in one case."""
    return f"{doc.offer}/{fold(doc.code)}"


def _docs(document: Document, kind: Kind) -> Sequence[Any]:
    docs: Sequence[Any] = getattr(document, f"{kind}s")
    return docs


def _compare(
    kind: Kind, current: Iterable[T], wanted: Iterable[T], key: Callable[[T], str], names: Sequence[str]
) -> list[Step]:
    known = {key(doc): doc for doc in current}
    steps = [_step(kind, key(doc), known.get(key(doc)), doc, names) for doc in wanted]
    return [step for step in steps if step is not None]


def _step(kind: Kind, key: str, before: Input | None, wanted: Input, names: Sequence[str]) -> Step | None:
    if before is None:
        return Step(kind, "create", key, wanted, {})
    pairs = ((name, getattr(before, name), getattr(wanted, name)) for name in names)
    fields = {name: (old, new) for name, old, new in pairs if old != new}
    return Step(kind, "update", key, wanted, fields) if fields else None


def _compare_offers(current: Sequence[OfferDoc], wanted: Sequence[OfferDoc]) -> list[Step]:
    """Compare smart links as they are said; rules without id take the ids of the rules they stand for.

    Saved tests that the document does not name are kept.
    """
    links = {doc.slug: doc.smart_link for doc in current if doc.smart_link}
    tests = {doc.slug: doc.tests for doc in current}
    docs = [
        doc.model_copy(update={"smart_link": settle(doc.smart_link, links.get(doc.slug))}) if doc.smart_link else doc
        for doc in wanted
    ]
    docs = [doc.model_copy(update={"tests": merged(tests.get(doc.slug, []), doc.tests)}) for doc in docs]
    kept = [doc.model_copy(update={"smart_link": links.get(doc.slug)}) if not doc.smart_link else doc for doc in docs]
    settled = [doc.model_copy(update={"smart_link": settle(links[doc.slug], None)}) for doc in current]
    return _compare("offer", settled, kept, lambda doc: doc.slug, (*_OFFER_FIELDS, "smart_link"))


def merged(stand: Sequence[SavedTestIn], wanted: Sequence[SavedTestIn]) -> list[SavedTestIn]:
    """Return the tests that there are, each as `wanted` has it by its name, and then the new ones."""
    by_name = {test.name: test for test in stand} | {test.name: normal_test(test) for test in wanted}
    return list(by_name.values())


def settle(link: SmartLinkIn, stands: SmartLinkIn | None) -> SmartLinkIn:
    """Return `link` with conditions normalised, and ids of the rules in `stands` for rules that have none.

    A rule without id is the one that says the same, or else the one of the same name, that nobody else is.
    """
    rules = [rule.model_copy(update={"when": normal_when(rule.when), "name": rule.name or ""}) for rule in link.rules]
    free = {rule.id: rule for rule in (stands.rules if stands else ())}
    for rule in rules:
        free.pop(rule.id, None)
    for same in (_says_the_same, _has_the_name):
        rules = [rule if rule.id else _adopted(rule, free, same) for rule in rules]
    return link.model_copy(update={"rules": rules, "revision": None})


def normal_when(when: Mapping[str, Any]) -> dict[str, Any]:
    """Return conditions as the API gives them (`uk` -> `GB`)."""
    return {kind: condition.as_json() for kind, condition in parse_when(when).items()}


def normal_test(test: SavedTestIn) -> SavedTestIn:
    """Return a saved test as the API gives it (`uk` -> `GB`)."""
    return test.model_copy(update={"visitor": test.visitor.model_copy(update=attributes_of(test.visitor))})


def _adopted(rule: RuleIn, free: dict[str | None, RuleIn], same: Callable[[RuleIn, RuleIn], bool]) -> RuleIn:
    found = next((other.id for other in free.values() if same(rule, other)), None)
    free.pop(found, None)
    return rule.model_copy(update={"id": found})


def _says_the_same(rule: RuleIn, other: RuleIn) -> bool:
    other = other.model_copy(update={"id": rule.id, "when": normal_when(other.when)})
    return rule == other


def _has_the_name(rule: RuleIn, other: RuleIn) -> bool:
    return bool(rule.name) and rule.name == other.name


def _check_keys(wanted: Document, faults: Faults) -> None:
    """Note what is named twice: of two that differ, nobody knows which is meant."""
    keys: dict[Kind, Callable[[Any], str]] = {
        "domain": lambda doc: doc.host,
        "partner": lambda doc: doc.slug,
        "offer": lambda doc: doc.slug,
        "link": link_key,
        "coupon": coupon_key,
    }
    for kind, key in keys.items():
        seen: set[str] = set()
        for place, doc in enumerate(_docs(wanted, kind)):
            if key(doc) in seen:
                faults.add(f"{kind}s.{place}", "duplicate", f"This {kind} is in the document twice.")
            seen.add(key(doc))


def _check_names(current: Document, wanted: Document, faults: Faults) -> None:
    """Note every reference to what neither the document nor the installation has, and slugs that collide."""
    offers = {doc.slug for doc in (*current.offers, *wanted.offers)}
    partners = {doc.slug for doc in (*current.partners, *wanted.partners)}
    hosts = {doc.host for doc in (*current.domains, *wanted.domains)}
    known: tuple[tuple[str, set[str]], ...] = (("offer", offers), ("partner", partners), ("domain", hosts))
    for kind in ("links", "coupons"):
        for place, doc in enumerate(getattr(wanted, kind)):
            for noun, names in known:
                name = getattr(doc, noun, None)
                if name is not None and name not in names:
                    faults.add(f"{kind}.{place}.{noun}", f"unknown_{noun}", f"There is no {noun} {name}.")
    for place, doc in enumerate(wanted.offers):
        for at, host in enumerate(doc.domains):
            if host not in hosts:
                faults.add(f"offers.{place}.domains.{at}", "unknown_domain", f"There is no domain {host}.")
    _check_collisions(current, wanted, offers, faults)


def _check_collisions(current: Document, wanted: Document, offers: set[str], faults: Faults) -> None:
    for place, link in enumerate(wanted.links):
        if link.slug in offers:
            faults.add(f"links.{place}.slug", "slug_taken", f"An offer has the slug {link.slug}.")
    links = {doc.slug for doc in current.links}
    for place, offer in enumerate(wanted.offers):
        if offer.slug in links:
            faults.add(f"offers.{place}.slug", "slug_taken", f"A link has the slug {offer.slug}.")


def _check_urls(wanted: Document, urls: UrlRules, faults: Faults) -> None:
    roots = UrlRules(urls.app_schemes, macros=False)
    for place, domain in enumerate(wanted.domains):
        for name in ("root_url", "inactive_url"):
            typed = getattr(domain, name)
            if typed is not None:
                destinations.check(typed, f"domains.{place}.{name}", roots, faults.errors)
    for place, offer in enumerate(wanted.offers):
        for name in ("destination_url", "inactive_url"):
            typed = getattr(offer, name)
            if typed is not None:
                destinations.check(typed, f"offers.{place}.{name}", urls, faults.errors)
        if offer.smart_link is not None:
            _check_smart_link(offer.smart_link, f"offers.{place}.smart_link", urls, faults)


def _check_smart_link(link: SmartLinkIn, path: str, urls: UrlRules, faults: Faults) -> None:
    try:
        check_draft(link, urls)
    except Problem as problem:
        faults.errors.extend(error.below(path) for error in problem.errors)


def _check_tests(current: Document, wanted: Document, urls: UrlRules, faults: Faults) -> None:
    """Note tests that mean nothing, share a name, or newly expect a rule that their offer would not have."""
    links = {doc.slug: doc.smart_link for doc in current.offers}
    stand = {doc.slug: doc.tests for doc in current.offers}
    for place, doc in enumerate(wanted.offers):
        link = doc.smart_link or links.get(doc.slug)
        known = {FALLBACK, OFF, *(rule.id for rule in (link.rules if link else ()))}
        names: set[str] = set()
        for at, test in enumerate(doc.tests):
            path = f"offers.{place}.tests.{at}"
            own = Faults()
            saved_tests.check(test, urls, own)
            faults.errors.extend(error.below(path) for error in own.errors)
            is_new = test not in stand.get(doc.slug, [])
            if is_new and test.expected.rule_id is not None and test.expected.rule_id not in known:
                faults.add(f"{path}.expected.rule_id", "unknown_rule", "The smart link has no rule of this id.")
            if test.name in names:
                faults.add(f"{path}.name", "duplicate", "This test is in the document twice.")
            names.add(test.name)
