"""`turnout canary` says how a canary goes, in lines that can be read out, and ends it."""

from typing import Any

import pytest

from deploy.canary import End, end, lines, resize
from deploy.refusal import Refusal

BY = {"kind": "user", "id": "u_1", "name": "Mara"}
CANARY = {"revision": 8, "share": 10, "started_at": "2026-11-28T10:00:00.000Z", "by": BY}
LAST = {"revision": 7, "outcome": "withdrawn", "ended_at": "2026-11-27T10:00:00.000Z", "reason": "", "ended_by": BY}
NONE: dict[str, Any] = {"canary": None, "new": None, "stable": None, "refusals": [], "last": None}


class FakeApi:
    """Control with the offer `saas`, whose canary is as `state` says."""

    def __init__(self, **state: Any) -> None:
        self.posted: list[str] = []
        self._state = NONE | state

    def get(self, path: str) -> Any:
        if path.startswith("/propagation"):
            return {"live": 2, "of": 2, "unknown": 0, "complete": True}
        if path == "/offers/o_1/smart-link/canary":
            return self._state
        return {"items": [{"id": "o_1"}] if path == "/offers?slug=saas" else []}

    def post(self, path: str, _body: object) -> Any:
        self.posted.append(path)
        return {"revision": 8, "sequence": 9, "canary": {"workers": 5, "of": 10}}


def side(revision: int, **fields: Any) -> dict[str, Any]:
    return {"revision": revision, "workers": 1, "clicks": 0, "fallback": 0, "fallback_share": None} | fields


def test_one_that_runs_shows_both_sides_and_who_refuses_it() -> None:
    api = FakeApi(
        canary=CANARY,
        new=side(8, clicks=200, fallback=25, fallback_share=0.125),
        stable=side(7, workers=9),
        refusals=[{"edge": "edge-2", "key": "o:o_1", "reason": "no such kind"}],
    )

    assert list(lines(api, "saas")) == [  # type: ignore[arg-type]
        "revision 8 is on 10 % of the workers, since 2026-11-28T10:00:00.000Z, by Mara",
        "  new: revision 8, 1 workers, 200 clicks, at the fallback 12.5%",
        "  stable: revision 7, 9 workers, 0 clicks, at the fallback none",
        "  edge-2 refuses it: no such kind",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "revision 7 was taken back at 2026-11-27T10:00:00.000Z, by Mara"),
        ({"outcome": "promoted"}, "revision 7 went to everyone at 2026-11-27T10:00:00.000Z, by Mara"),
        ({"reason": "edge-1 refuses it."}, "revision 7 was taken back at 2026-11-27T10:00:00.000Z: edge-1 refuses it."),
    ],
)
def test_where_none_runs_the_last_one_is_told(changes: dict[str, Any], said: str) -> None:
    assert list(lines(FakeApi(last=LAST | changes), "saas")) == ["no canary runs", said]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("promote", "revision 8 went to everyone: live on 2 of 2 edges."),
        ("withdraw", "revision 8 is what was before, for everyone: live on 2 of 2 edges."),
    ],
)
def test_it_ends_either_way(how: End, said: str) -> None:
    api = FakeApi()

    assert end(api, "saas", how) == said  # type: ignore[arg-type]
    assert api.posted == [f"/offers/o_1/smart-link/canary/{how}"]


def test_it_is_given_to_more_workers() -> None:
    api = FakeApi()

    assert resize(api, "saas", 50) == "revision 8 is on 5 of 10 workers: live on 2 of 2 edges."  # type: ignore[arg-type]
    assert api.posted == ["/offers/o_1/smart-link/canary/resize"]


def test_an_offer_that_is_none_is_refused() -> None:
    with pytest.raises(Refusal, match="no offer"):
        list(lines(FakeApi(), "nothing"))  # type: ignore[arg-type]
