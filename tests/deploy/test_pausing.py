"""`turnout pause` and `activate` find what is meant, do it, and say on how many edges it is live."""

from typing import Any

import pytest

from deploy.pausing import switch
from deploy.refusal import Refusal

LIVE = {"live": 2, "of": 2, "unknown": 0, "complete": True}


class FakeApi:
    """Control with one offer and one domain; `reached` is what /propagation says, in turn."""

    def __init__(self, *reached: dict[str, Any], inactive_url: str | None = None) -> None:
        self.posted: list[str] = []
        self._reached = list(reached or [LIVE])
        self._inactive_url = inactive_url

    def get(self, path: str) -> Any:
        if path.startswith("/propagation?sequence=9"):
            return self._reached.pop(0) if len(self._reached) > 1 else self._reached[0]
        known = {"/offers?slug=saas": "o_1", "/domains?host=go.brand.com": "d_1"}
        return {"items": [{"id": known[path]}] if path in known else []}

    def post(self, path: str, _body: object) -> Any:
        self.posted.append(path)
        status = "paused" if path.endswith("pause") else "active"
        return {"status": status, "inactive_url": self._inactive_url, "sequence": 9}


@pytest.mark.parametrize(
    ("name", "action", "posted"),
    [
        ("saas", "pause", "/offers/o_1/pause"),
        ("saas", "activate", "/offers/o_1/activate"),
        ("go.brand.com", "pause", "/domains/d_1/pause"),
        ("go.brand.com", "activate", "/domains/d_1/activate"),
    ],
)
def test_a_slug_is_an_offer_and_a_host_a_domain(name: str, action: str, posted: str) -> None:
    api = FakeApi()
    switch(api, name, action)  # type: ignore[arg-type]

    assert api.posted == [posted]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "saas is paused, visitors are told that it is gone: live on 2 of 2 edges."),
        ("https://safe.com", "saas is paused, visitors go to https://safe.com: live on 2 of 2 edges."),
    ],
)
def test_where_visitors_go_is_said(url: str | None, said: str) -> None:
    assert switch(FakeApi(inactive_url=url), "saas", "pause") == said  # type: ignore[arg-type]


def test_it_waits_until_every_edge_that_is_heard_from_has_it() -> None:
    api = FakeApi(LIVE | {"live": 0, "complete": False}, LIVE | {"unknown": 1, "of": 3})

    assert switch(api, "saas", "activate") == "saas is active: live on 2 of 3 edges, 1 not heard from."  # type: ignore[arg-type]


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(Refusal, match="neither an offer"):
        switch(FakeApi(), "nothing", "pause")  # type: ignore[arg-type]
