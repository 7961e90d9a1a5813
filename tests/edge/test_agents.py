"""Names come from the Rust engine, for any text whatever."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clicks.agents import NoRustEngine, open_names
from tests.builders import CHROME, GOOGLEBOT, IPHONE

names = open_names()


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        pytest.param(CHROME, ("Windows", "Chrome"), id="Chrome on Windows"),
        pytest.param(IPHONE, ("iOS", "Mobile Safari"), id="Safari on an iPhone"),
        pytest.param(GOOGLEBOT, ("", "Googlebot"), id="a bot has no system"),
        pytest.param("", ("", ""), id="nothing"),
        pytest.param("\ud800", ("", ""), id="a lone surrogate"),
    ],
)
def test_a_user_agent_has_a_system_and_a_browser(user_agent: str, expected: tuple[str, str]) -> None:
    assert names(user_agent) == expected


@given(st.text())
def test_any_text_has_an_answer(user_agent: str) -> None:
    assert all(isinstance(name, str) for name in names(user_agent))


def test_without_the_engine_in_rust_the_edge_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ua_parser.regex", None)

    with pytest.raises(NoRustEngine, match=r"ua-parser\[regex\]"):
        open_names()
