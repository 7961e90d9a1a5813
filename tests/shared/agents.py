"""User-Agents of tests, and ua-parser as the applications ask it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from ua_parser import Domain
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

DATA = Path(__file__).parents[1] / "data"

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
CHROME_ON_MAC = CHROME.replace("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7")
CHROME_ON_LINUX = CHROME.replace("Windows NT 10.0; Win64; x64", "X11; Linux x86_64")
SAFARI_ON_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.3 Mobile/15E148 Safari/604.1"
)


def chrome_on_android(model: str, *, mobile: bool = True, version: str = "14") -> str:
    says_mobile = "Mobile " if mobile else ""
    return (
        f"Mozilla/5.0 (Linux; Android {version}; {model}) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/126.0.0.0 {says_mobile}Safari/537.36"
    )


def recorded() -> list[dict[str, Any]]:
    """Return the recorded User-Agents: ua, bot, source, and device and os where known."""
    return [json.loads(line) for line in (DATA / "user_agents.jsonl").read_text(encoding="utf-8").splitlines()]


@cache
def _resolver() -> Resolver:
    return Resolver(load_lazy_builtins())


def names(user_agent: str) -> tuple[str, str]:
    """Return (OS family, browser family) in ua-parser's names."""
    found = _resolver()(user_agent, Domain.OS | Domain.USER_AGENT)
    return (found.os.family if found.os else "", found.user_agent.family if found.user_agent else "")


def no_names(user_agent: str) -> tuple[str, str]:
    return "", ""
