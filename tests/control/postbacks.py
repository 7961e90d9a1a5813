"""Postbacks as shops send them, and the clicks that they are about."""

from functools import partial
from typing import Any

import httpx

from control.clicks.shapes import MAX_CELLS
from control.conversions.settling import settle, settle_names
from control.ingest.dictionary import CellNumbers
from control.ingest.recording import Recorder
from control.parts import Parts
from tests.control.api import Api
from tests.control.clicks import NOON_MS, Clicks, batch

NEVER_MS = 10**15
"""A time by which everything is due."""


class Shop:
    """Where one offer's sales are made: reports them, with the offer's secret unless told otherwise."""

    def __init__(self, api: Api, parts: Parts, *, max_cells: int = MAX_CELLS, **offer: Any) -> None:
        self.api = api
        self.parts = parts
        self.offer = api.offer(**offer)
        self.id = self.offer["id"]
        self.secret = self.offer["postback_secret"]
        self._clicks = Clicks()
        self._recorder = Recorder(parts.clicks_db, CellNumbers(max_cells))
        self._batches = 0

    def report(self, method: str = "POST", **params: Any) -> httpx.Response:
        """The answer to parameters in the query."""
        given = {"secret": self.secret} | params
        return self.api.client.request(method, f"/postback/{self.offer['slug']}", params=given)

    def reported(self, **params: Any) -> Any:
        """The conversion that a report makes or repeats."""
        response = self.report(**params)
        assert response.status_code in (200, 201), response.text
        return response.json()

    def click(self, click_id: str, **fields: Any) -> None:
        """Record a click on the offer."""
        event = self._clicks.event(**{"click_id": click_id, "offer": self.id, "time_ms": NOON_MS} | fields)
        self._batches += 1
        recorded = batch(self._batches, [event], boot=self.id)
        self.api.client.portal.call(partial(self._recorder.record, [recorded], [], NOON_MS))

    def settle(self) -> None:
        """Do now what is due some time."""
        self.api.client.portal.call(settle, self.parts, NEVER_MS)
        self.api.client.portal.call(settle_names, self.parts)

    def coupon(self, code: str, partner: str) -> Any:
        """Give a partner a code."""
        return self.api.made("/coupons", {"code": code, "offer_id": self.id, "partner_id": partner})

    def conversions(self, **params: Any) -> list[Any]:
        """The offer's conversions."""
        return list(self.api.got(f"/offers/{self.id}/conversions", params=params)["items"])

    def log(self, **params: Any) -> list[Any]:
        """The offer's postback log, newest first."""
        return list(self.api.got(f"/offers/{self.id}/postbacks", params=params)["items"])
