"""Edits under load: one editor saves all the time, and visitors of the edited offer see it at once and in order."""

import re
import time
from typing import Any, Final

from locust import FastHttpUser, constant_throughput, task

from deploy.api import Api
from deploy.refusal import Refusal
from loadtests.scenarios.clicks import Clicking
from loadtests.scenarios.people import HOME, PEOPLE, WRONG, one_of
from loadtests.scenarios.preparation import EDITED, edited_offer, send_everybody

_RIGHT: Final = re.compile(re.escape(HOME) + r"(?:edit-(\d+))?\?click_id=[0-9a-z]{26}")


class Editor(FastHttpUser):
    """The one who edits. Each save is waited for until all edges have acked it: that is the time of `edit`."""

    fixed_count = 1

    def on_start(self) -> None:
        """Find the offer. Destinations are numbered, on from those of any run before."""
        options = self.environment.parsed_options
        self._api = Api(options.control, options.api_key)
        self._offer = edited_offer(self._api)
        self._number = time.time_ns() // 1_000_000

    def wait_time(self) -> float:
        """Return how long to wait, so that there are as many saves a second as was asked for."""
        return float(constant_throughput(self.environment.parsed_options.edits_per_s)(self))

    @task
    def edit(self) -> None:
        """Save, wait until it is live, and see that it is."""
        self._number += 1
        started, wrong = time.perf_counter(), None
        try:
            send_everybody(self._api, self._offer, f"{HOME}edit-{self._number}")
        except Refusal as refusal:
            wrong = refusal
        took_ms = 1000 * (time.perf_counter() - started)
        self.environment.events.request.fire(
            request_type="PUT", name="edit", response_time=took_ms, response_length=0, exception=wrong, context={}
        )
        if wrong is None:
            look(self, self._number)


class EditedLink(Clicking):
    """Visitors of the offer that is edited: the editor waits for acks, so no worker is more than one edit behind."""

    weight = 5

    def on_start(self) -> None:
        """Begin with nothing seen."""
        self._highest = 0

    @task
    def visit(self) -> None:
        """Click it."""
        self._highest = max(self._highest, look(self, self._highest - 1))


def look(user: FastHttpUser, at_least: int) -> int:
    """Click the edited offer, which must send to the destination numbered `at_least` or a later one; return which."""
    answer: Any
    with user.client.get(f"/{EDITED}", name="edited", headers=one_of(PEOPLE).headers(), catch_response=True) as answer:
        location = answer.headers.get("Location") or ""
        right = _RIGHT.fullmatch(location)
        number = int(right[1] or 0) if right else 0
        if answer.status_code != 302:
            answer.failure(f"edited link: {answer.status_code}, not 302")
        elif right is None:
            answer.failure(f"{WRONG}edited link: {location.partition('?')[0]}")
        elif number < at_least:
            answer.failure(f"{WRONG}edited link: an older one than was seen before")
        return number
