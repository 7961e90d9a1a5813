"""Those who click. Each has one connection, as one of a proxy's to the edge, and clicks ten times a second."""

import random
from typing import Any, Final

from locust import FastHttpUser, constant_throughput, task
from locust.contrib.fasthttp import LocustUserAgent

from loadtests.scenarios.people import BOTS, PEOPLE, Kind, one_of, problem
from loadtests.scenarios.preparation import tail_slug

LocustUserAgent.redirect_response_codes = frozenset()  # the destinations are other people's servers: follow none

CLICKS_PER_S: Final = 10
_ZIPF: Final = 1.1


class Clicking(FastHttpUser):
    """Somebody who clicks."""

    abstract = True
    wait_time = constant_throughput(CLICKS_PER_S)

    def click(self, scenario: str, slug: str, kinds: tuple[Kind, ...]) -> None:
        """Click once as one of `kinds`, and hold the answer against where they must be sent."""
        kind, query = one_of(kinds), f"utm_campaign=c{random.randrange(1_000)}"
        answer: Any
        with self.client.get(f"/{slug}?{query}", name=scenario, headers=kind.headers(), catch_response=True) as answer:
            wrong = problem(answer.status_code, answer.headers.get("Location") or "", kind, query)
            if wrong is not None:
                answer.failure(wrong)


class HotLink(Clicking):
    """One link that everybody shares."""

    weight = 60

    @task
    def visit(self) -> None:
        """Click it."""
        self.click("hot", self.environment.parsed_options.offer, PEOPLE)


class LongTail(Clicking):
    """Links of which few are clicked often and most of them hardly ever, so that edges must look them up."""

    weight = 20

    @task
    def visit(self) -> None:
        """Click one."""
        number = int(random.paretovariate(_ZIPF)) % self.environment.parsed_options.tail_links
        self.click("tail", tail_slug(number), PEOPLE)


class Bots(Clicking):
    """Crawlers and previewers: sent the same way as people."""

    weight = 10

    @task
    def visit(self) -> None:
        """Follow the link that everybody shares."""
        self.click("bots", self.environment.parsed_options.offer, BOTS)


class Scanner(Clicking):
    """Who guesses slugs: gets 404, or is turned away with 503 to shield Redis, and never a destination."""

    weight = 5

    @task
    def guess(self) -> None:
        """Ask for a slug that does not exist."""
        path, headers = f"/no-{random.randrange(10_000_000)}", one_of(PEOPLE).headers()
        answer: Any
        with self.client.get(path, name="unknown", headers=headers, catch_response=True) as answer:
            if answer.status_code in (404, 503):
                answer.success()
            else:
                answer.failure(f"unknown slug: {answer.status_code}, not 404")
