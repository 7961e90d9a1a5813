"""The ramp: `-u` users in `--steps` equal steps over the run time `-t`; give it to Locust beside `locustfile.py`.

locust -f loadtests/locustfile.py,loadtests/ramp.py --headless -u 500 -t 10m -H http://127.0.0.1:8080
"""

from typing import Any

from locust import LoadTestShape, events

from loadtests.scenarios.stairs import users_at


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def add(parser: Any) -> None:
    """Add the option."""
    parser.add_argument("--steps", env_var="TURNOUT_LOAD_STEPS", type=int, default=10, metavar="N", help="of the ramp")


class Ramp(LoadTestShape):
    """Stairs up to `-u` users; the report shows at which step answers become slow."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        """Return how many users there should be now, and how many of them may start a second."""
        runner: Any = self.runner
        options, elapsed_s = runner.environment.parsed_options, self.get_run_time()  # type: ignore[no-untyped-call]
        users = users_at(elapsed_s, options.num_users or 100, options.steps, options.run_time or 600)
        return None if users is None else (users, max(1.0, options.spawn_rate or users))
