"""Who may report: whoever has the offer's secret; guessing it is slowed down, and does not fill the log."""

import hmac
import time
from collections.abc import Callable, Iterable

from control.access.limiter import Limiter
from control.errors import Problem


class Guard:
    """Compares secrets in constant time; counts wrong ones by source, and by offer those that are logged."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow a source 60 wrong secrets at once and one a second; log 50 an offer at once and one a minute.

        `clock` is in seconds.
        """
        self._sources = Limiter(burst=60, refill_s=1.0, clock=clock)
        self._logged = Limiter(burst=50, refill_s=60.0, clock=clock)

    def require(self, secret: str, given: Iterable[str], source: str) -> None:
        """Raise Problem 401 unless `secret` is among those given, 429 after many failures; a right one never waits."""
        fits = [hmac.compare_digest(secret.encode(), one.encode("utf-8", "replace")) for one in given]
        if any(fits):
            return
        if wait_s := self._sources.wait_s(source):
            raise Problem.too_many(wait_s)
        self._sources.fail(source)
        missing = "Send the offer's secret as `secret`, in X-Turnout-Secret or as a Bearer token."
        raise Problem.unauthorized("The secret is not this offer's." if fits else missing)

    def may_log(self, offer_id: str) -> bool:
        """Tell whether one more attempt of somebody without the secret is worth a row."""
        if self._logged.wait_s(offer_id):
            return False
        self._logged.fail(offer_id)
        return True
