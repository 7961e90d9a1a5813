"""One way to act through a page for each kind of person: by mouse, by keyboard alone, by touch on a phone."""

import re
from typing import Any, ClassVar, Final

from playwright.sync_api import Locator, Page

_FARTHEST: Final = 250
"""Presses of Tab after which something counts as out of the keyboard's reach."""

_TABS_AWAY: Final = """
(element) => {
  const stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  const seen = (one) => one.checkVisibility({ visibilityProperty: true });
  const order = stops.filter((one) => one.tabIndex >= 0 && !one.disabled && seen(one));
  return Math.max(0, order.indexOf(element) - order.indexOf(document.activeElement));
}
"""


class Hand:
    """A person's hand on `page`."""

    window: ClassVar[dict[str, Any]] = {}

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, target: Locator) -> None:
        """Press a button, a link, a switch or a box to tick."""
        raise NotImplementedError

    def write(self, target: Locator, text: str) -> None:
        """Put `text` into a field in place of what stands there."""
        raise NotImplementedError

    def pick(self, target: Locator, option: str) -> None:
        """Choose an option of a list by its words."""
        raise NotImplementedError

    def button(self, name: str) -> None:
        """Press the button with this name."""
        self.press(self.page.get_by_role("button", name=name, exact=True))

    def link(self, name: str) -> None:
        """Follow the link in the page that has this name."""
        self.press(self.page.locator("main").get_by_role("link", name=name, exact=True))

    def new(self) -> None:
        """Begin a new one of what the page lists."""
        self.press(self.page.locator("a[data-new]"))

    def go(self, place: str) -> None:
        """Go to a place of the main navigation."""
        self.press(self.page.get_by_role("navigation", name="Main").get_by_role("link", name=place, exact=True))
        self.page.wait_for_load_state()

    def log_out(self) -> None:
        """Leave."""
        self.button("Log out")

    def fill(self, **fields: str) -> None:
        """Fill in fields by the words that their labels begin with; `_` stands for a space."""
        for label, text in fields.items():
            self.write(self.field(label.replace("_", " ")), text)

    def field(self, label: str) -> Locator:
        """Return the field whose label begins with these words."""
        return self.page.locator("main").get_by_label(re.compile(rf"^{re.escape(label)}\b"))


class Mouse(Hand):
    """A desktop, by mouse; the keyboard is only for text."""

    def press(self, target: Locator) -> None:
        """Click it."""
        target.click()

    def write(self, target: Locator, text: str) -> None:
        """Click into it and type."""
        target.click()
        target.fill(text)

    def pick(self, target: Locator, option: str) -> None:
        """Choose from the list that opens."""
        target.select_option(label=option)


class Keyboard(Hand):
    """A desktop without a mouse: what Tab does not reach cannot be used."""

    def press(self, target: Locator) -> None:
        """Tab to it, then Enter, or Space where it is ticked or switched."""
        self._reach(target)
        ticked = target.evaluate("element => element.matches('input')")
        self.page.keyboard.press("Space" if ticked else "Enter")

    def write(self, target: Locator, text: str) -> None:
        """Tab to it and type over what it holds."""
        self._reach(target)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(text)

    def pick(self, target: Locator, option: str) -> None:
        """Tab to it and type the words of the option."""
        self._reach(target)
        self.page.keyboard.type(option)

    def _reach(self, target: Locator) -> None:
        """Tab to it: as often as the page's order promises, and on from there when that was not enough."""
        target.wait_for()
        for _ in range(target.evaluate(_TABS_AWAY)):
            self.page.keyboard.press("Tab")
        for _ in range(_FARTHEST):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {target}")


class Touch(Hand):
    """A phone of the smallest usual width, by finger."""

    window: ClassVar[dict[str, Any]] = {
        "viewport": {"width": 360, "height": 740},
        "has_touch": True,
        "is_mobile": True,
    }

    def press(self, target: Locator) -> None:
        """Tap it."""
        target.tap()

    def write(self, target: Locator, text: str) -> None:
        """Tap into it and type."""
        target.tap()
        target.fill(text)

    def pick(self, target: Locator, option: str) -> None:
        """Choose from the list that the phone shows."""
        target.select_option(label=option)

    def go(self, place: str) -> None:
        """Open the menu first: the side bar is not there."""
        self._open_menu()
        super().go(place)

    def log_out(self) -> None:
        """Open the menu first, as well."""
        self._open_menu()
        super().log_out()

    def _open_menu(self) -> None:
        self.page.locator("html.scripted").wait_for()
        self.button("Menu")


HANDS: Final = (Mouse, Keyboard, Touch)
