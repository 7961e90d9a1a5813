"""What may be said on the command line besides Locust's own options; each also by an environment variable."""

from argparse import ArgumentTypeError
from typing import Any

from locust import events

from loadtests.scenarios.limits import DEFAULT, parse


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def add(parser: Any) -> None:
    """Add the options. They are sent to workers with the word to start."""
    parser.add_argument(
        "--control",
        env_var="TURNOUT_LOAD_CONTROL",
        default="",
        metavar="URL",
        help="address of control (http://127.0.0.1:8081); without it: no long tail, no edits",
    )
    parser.add_argument(
        "--api-key",
        env_var="TURNOUT_API_KEY",
        default="",
        is_secret=True,
        help="a key of an editor or admin, for --control",
    )
    parser.add_argument(
        "--offer",
        env_var="TURNOUT_LOAD_OFFER",
        default="saas",
        metavar="SLUG",
        help="the offer that is clicked; it has the example's rules, and is made where it does not exist",
    )
    parser.add_argument(
        "--tail-links",
        env_var="TURNOUT_LOAD_TAIL_LINKS",
        type=_at_least_one,
        default=10_000,
        metavar="N",
        help="links of the long tail; they are made where they do not exist, and stay",
    )
    parser.add_argument(
        "--edits-per-s", env_var="TURNOUT_LOAD_EDITS_PER_S", type=float, default=2.0, metavar="N", help="saves a second"
    )
    parser.add_argument(
        "--limits",
        env_var="TURNOUT_LOAD_LIMITS",
        type=_limits,
        default=DEFAULT,
        metavar="TEXT",
        help=f"what must hold for exit code 0, of all scenarios or of one (tail.p99=400); {DEFAULT!r} hold besides",
    )


def _limits(text: str) -> str:
    """Return `text` as typed, which is how it travels to workers, where it says limits."""
    try:
        parse(text)
    except ValueError as exc:
        raise ArgumentTypeError(str(exc)) from exc
    return text


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)
