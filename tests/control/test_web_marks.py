"""What a diff marks: the words that differ, and nothing that would break the page."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from control.web.marks import marked

_TAGS = re.compile(r"</?(?:del|ins)>")


@pytest.mark.parametrize(
    ("was", "now", "old", "new"),
    [
        pytest.param("a b", "a b", "a b", "a b", id="the same"),
        pytest.param("yourbrand.de/landing", "yourbrand.de/app", "yourbrand.de/<del>landing</del>",
                     "yourbrand.de/<ins>app</ins>", id="the end of a URL"),
        pytest.param('<b class="x">DE</b>', '<b class="x">AT</b>', '<b class="x"><del>DE</del></b>',
                     '<b class="x"><ins>AT</ins></b>', id="inside a tag"),
        pytest.param("a &amp; b", "a &lt; b", "a <del>&amp;</del> b", "a <ins>&lt;</ins> b", id="an entity whole"),
        pytest.param("?s={sub1}", "?s={sub2}", "?s=<del>{sub1}</del>", "?s=<ins>{sub2}</ins>", id="a macro whole"),
    ],
)  # fmt: skip
def test_what_differs_is_marked(was: str, now: str, old: str, new: str) -> None:
    assert marked(Markup(was), Markup(now)) == (old, new)


@given(st.text(max_size=40), st.text(max_size=40))
def test_without_the_marks_both_are_as_they_were(was: str, now: str) -> None:
    before, after = escape(was), escape(now)

    old, new = marked(before, after)

    assert (_TAGS.sub("", old), _TAGS.sub("", new)) == (before, after)
    assert "<" not in _TAGS.sub("", old + new)
