"""Hypothesis strategies for what a marketer can write and who can click."""

from hypothesis import strategies as st

from shared.conditions import KINDS, Condition
from shared.rules import Rule, SmartLink
from shared.visitor import Visitor

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
"""Whatever a decoder may be given."""

URLS = ("https://a.example/", "https://b.example/x?y=1", "https://c.example/{country}#top")


def values_of(kind_name: str) -> st.SearchStrategy[str]:
    """A value, group or unknown of a kind; few countries, so that rules meet."""
    kind = KINDS[kind_name]
    few = ("US", "GB", "DE", "MX", "XK") if kind_name == "country" else kind.values
    return st.sampled_from([*few, *(["ZZ", "@eu", "@latam"] if kind_name == "country" else [])])


def conditions_on(kind_name: str) -> st.SearchStrategy[Condition]:
    """All three ways to write a condition."""
    lists = st.lists(values_of(kind_name), min_size=1, max_size=4, unique=True).map(tuple)
    return st.one_of(
        lists.map(lambda include: Condition(include)),
        lists.map(lambda exclude: Condition(None, exclude)),
        st.builds(Condition, lists, lists),
    )


def whens() -> st.SearchStrategy[dict[str, Condition]]:
    """Any subset of kinds."""
    return st.fixed_dictionaries({}, optional={kind: conditions_on(kind) for kind in KINDS})


@st.composite
def smart_links(draw: st.DrawFn) -> SmartLink:
    """Up to six rules, some switched off."""
    rules = draw(st.lists(st.tuples(whens(), st.booleans(), st.sampled_from(URLS)), max_size=6))
    return SmartLink(
        enabled=draw(st.booleans()),
        fallback_url=draw(st.sampled_from([None, "https://else.example/"])),
        rules=tuple(
            Rule(id=f"r_{place}", destination_url=url, when=when, enabled=enabled)
            for place, (when, enabled, url) in enumerate(rules)
        ),
    )


def visitors() -> st.SearchStrategy[Visitor]:
    """Anyone, from countries that rules name and from others."""
    return st.builds(
        Visitor,
        country=st.sampled_from(["US", "GB", "DE", "MX", "XK", "FR", "JP", "ZZ"]),
        device=st.sampled_from(KINDS["device"].values),
        os=st.sampled_from(KINDS["os"].values),
        browser=st.just(""),
        bot=st.booleans(),
    )
