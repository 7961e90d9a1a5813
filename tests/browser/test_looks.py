"""What is measured of pages: faults are found, and what is no fault is left alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.looks import barriers, faint_texts, listening, spills

FAINT = {
    "on the page": '<p style="color: #aaa">words</p>',
    "on what lies between": '<div style="background: #000"><p style="background: #fff; color: #eee">words</p></div>',
    "through opacity": '<p style="opacity: .4">words</p>',
    "on half of a picture": '<b style="background: linear-gradient(90deg, #fff 50%, #000 50%)">all these words</b>',
    "in a drawing": '<svg height="20"><rect width="90" height="20"/><text y="14" fill="#222">words</text></svg>',
    "in a field": '<input value="words" style="color: #bbb; background: #fff">',
    "before anything is typed": '<style>::placeholder { color: #ccc }</style><input placeholder="words">',
    "made by a style": '<style>p::before { content: "words"; color: #ccc }</style><p>&nbsp;</p>',
}
CLEAR = {
    "plain": "<p>words</p>",
    "light on dark": '<p style="color: #fff; background: #000">words</p>',
    "only for screen readers": '<p style="color: #fff; position: absolute; clip-path: inset(50%)">words</p>',
    "behind something": '<p style="color: #fff">words</p><hr style="position: fixed; inset: 0; background: #0f0">',
    "that cannot be used": '<button disabled style="color: #bbb">words</button>',
    "in a drawing": '<svg height="20"><rect width="90" height="20"/><text y="14" fill="#fff">words</text></svg>',
}
WIDE = {
    "the page": '<div style="width: 2000px; height: 9px"></div>',
    "a card": '<div class="card" style="width: 200px"><div style="width: 300px; height: 9px"></div></div>',
}
NARROW = {
    "a card that fits": '<div class="card" style="width: 200px"><div style="width: 200px; height: 9px"></div></div>',
    "scrolled": '<div class="card" style="width: 200px; overflow-x: auto"><p style="width: 300px">words</p></div>',
    "floating": '<div class="card" style="width: 200px"><p style="width: 300px; position: absolute">words</p></div>',
}


@pytest.fixture(scope="module")
def bench(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def blank(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 800, "height": 400})
    yield page
    page.close()


def draw(page: Page, html: str) -> None:
    page.set_content(f'<html lang="en"><title>Drawn</title><body style="background: #fff; color: #111">{html}')


@pytest.mark.parametrize("html", FAINT.values(), ids=FAINT)
def test_text_that_is_hard_to_read_is_found(blank: Page, bench: Page, html: str) -> None:
    draw(blank, html)
    assert [fault for fault in faint_texts(blank, bench) if "words" in fault]


@pytest.mark.parametrize("html", CLEAR.values(), ids=CLEAR)
def test_text_that_can_be_read_or_need_not_be_is_left_alone(blank: Page, bench: Page, html: str) -> None:
    draw(blank, html)
    assert faint_texts(blank, bench) == []


@pytest.mark.parametrize("html", WIDE.values(), ids=WIDE)
def test_what_sticks_out_is_found(blank: Page, html: str) -> None:
    draw(blank, html)
    assert spills(blank)


@pytest.mark.parametrize("html", NARROW.values(), ids=NARROW)
def test_what_keeps_to_its_place_is_left_alone(blank: Page, html: str) -> None:
    draw(blank, html)
    assert spills(blank) == []


def test_barriers_are_found(blank: Page) -> None:
    draw(blank, "<main><h1>Drawn</h1><input></main>")
    assert [fault for fault in barriers(blank) if fault.startswith("label (critical)")]


def test_what_goes_wrong_behind_a_page_is_heard(blank: Page) -> None:
    with listening(blank.context) as faults:
        draw(
            blank,
            "<script>console.error('said')</script><script>setTimeout(() => { throw new Error('thrown') })</script>",
        )
        blank.wait_for_timeout(0)
        blank.wait_for_function("document.readyState === 'complete'")
    assert [fault for fault in faults if "said" in fault]
    assert [fault for fault in faults if "thrown" in fault]
