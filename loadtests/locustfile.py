"""Load with answers checked: a hot link, a long tail, bots, scanners, and edits meanwhile. README.md explains it.

    locust -f loadtests/locustfile.py --headless -u 100 -r 20 -t 60s -H http://127.0.0.1:8080 --html report.html \\
        --control http://127.0.0.1:8081 --api-key tn_...

Exits with 1 where a visitor was sent to the wrong place or another limit was not kept.
"""

import logging
import sys
from typing import Any, Final

from locust import events
from locust.runners import WorkerRunner

from deploy.api import Api
from deploy.refusal import Refusal
from loadtests.scenarios import options
from loadtests.scenarios.clicks import Bots, HotLink, LongTail, Scanner
from loadtests.scenarios.edits import EditedLink, Editor
from loadtests.scenarios.limits import findings
from loadtests.scenarios.preparation import prepare

__all__ = ["Bots", "EditedLink", "Editor", "HotLink", "LongTail", "Scanner", "options"]

NEED_CONTROL: Final = {LongTail, EditedLink, Editor}

log = logging.getLogger("turnout")


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def prepare_or_leave_out(environment: Any, **_: Any) -> None:
    """Make what is clicked; do without the scenarios that need control where it is not named.

    Workers leave both to their master.
    """
    given = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner):
        return
    if not given.control:
        log.warning("no --control: no long tail and no edits")
        environment.user_classes = [each for each in environment.user_classes if each not in NEED_CONTROL]
        return
    try:
        prepare(Api(given.control, given.api_key), given.offer, given.tail_links)
    except Refusal as refusal:
        sys.exit(f"nothing can be prepared: {refusal}")


@events.quitting.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def judge(environment: Any, **_: Any) -> None:
    """Print every limit beside what was found, and set the exit code. Workers leave that to their master."""
    if isinstance(environment.runner, WorkerRunner):
        return
    stats = environment.stats
    found = list(findings(environment.parsed_options.limits, stats.entries.values(), stats.errors.values()))
    print("\n".join(map(str, found)) or "nobody clicked: nothing is shown")
    is_fine = bool(found) and all(finding.is_kept for finding in found) and not environment.runner.exceptions
    environment.process_exit_code = 0 if is_fine else 1
