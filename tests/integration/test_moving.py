"""Links of other shorteners, imported by the command line: old addresses answer at a real edge as they did before."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.turnout import Turnout, wait_for

FILES = Path(__file__).parent.parent / "data" / "shorteners"
AMERICAN, GERMAN = "8.8.8.8", "5.9.0.1"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604"
ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36"
DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"
BRAND = "go.brand.example"


@pytest.fixture(scope="module")
def turnout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turnout]:
    """An installation into which both files were imported."""
    folder = tmp_path_factory.mktemp("moving")
    found = Turnout(folder)
    found.environment["TURNOUT_TRUSTED_PROXIES"] = "127.0.0.1/32"
    found.start()
    try:
        for source, options in (("shlink", ()), ("kutt", ("--skip-faults",))):
            told = found.command("import", "--from", source, *options, str(FILES / f"{source}.json"))
            assert told.returncode == 0, told.stdout + told.stderr
        yield found
    finally:
        found.stop()


def click(turnout: Turnout, path: str, host: str = "s.example.com", address: str = GERMAN, agent: str = DESKTOP) -> Any:
    """Return status and Location as a visitor gets them."""
    connection = HTTPConnection("127.0.0.1", turnout.edge, timeout=30)
    connection.request("GET", path, headers={"Host": host, "User-Agent": agent, "X-Forwarded-For": address})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.getheader("Location")


@pytest.mark.parametrize(
    ("path", "visitor", "location"),
    [
        ("/Spring", {}, "https://yourbrand.com/spring?utm_source=short"),
        ("/spring", {}, "https://yourbrand.com/spring?utm_source=short"),
        ("/Spring?fbclid=x", {}, "https://yourbrand.com/spring?utm_source=short&fbclid=x"),
        ("/spring", {"host": BRAND}, "https://brand.example/spring"),
        ("/app", {}, "https://yourbrand.com/app"),
        ("/app?fbclid=x", {}, "https://yourbrand.com/app"),
        ("/app", {"agent": IPHONE, "address": AMERICAN}, "https://apps.apple.com/us/app/your-app"),
        ("/app", {"agent": IPHONE, "address": GERMAN}, "https://yourbrand.com/app"),
        ("/app", {"agent": ANDROID}, "https://play.google.com/store/apps/details?id=your.app"),
        ("/Welcome", {}, "https://yourbrand.com/welcome"),
        ("/welcome?utm_source=mail", {}, "https://yourbrand.com/welcome"),
        ("/sale", {"host": BRAND}, "https://brand.example/sale"),
    ],
    ids=lambda it: it if isinstance(it, str) else " ".join(it) or "anybody",
)
def test_an_old_address_leads_where_it_led(turnout: Turnout, path: str, visitor: dict[str, str], location: str) -> None:
    assert click(turnout, path, **visitor) == (302, location)


@pytest.mark.parametrize(
    ("path", "host"),
    [("/ended", ""), ("/bad", ""), ("/kutt-bad", ""), ("/shlink-ended", "")],
    ids=["used up", "banned", "the banned one's offer", "the used up one's offer"],
)
def test_what_was_switched_off_leads_nowhere(turnout: Turnout, path: str, host: str) -> None:
    assert click(turnout, path, host=host or "s.example.com") == (410, None)


def test_what_could_not_be_moved_is_not_there(turnout: Turnout) -> None:
    assert click(turnout, "/secret")[0] == 404
    assert click(turnout, "/sale")[0] == 404


def test_importing_again_changes_nothing(turnout: Turnout) -> None:
    told = turnout.command("import", "--from", "shlink", str(FILES / "shlink.json"))

    assert "0 created, 0 changed, 8 as they were." in told.stdout
    assert told.returncode == 0


def test_clicks_can_be_grouped_by_the_old_tags(turnout: Turnout) -> None:
    assert [link["sub1"] for link in turnout.call("GET", "/links?slug=spring")["items"]] == [None, "spring,ads"]


def test_a_plan_changes_nothing_and_says_what_stays_behind(turnout: Turnout, tmp_path: Path) -> None:
    told = turnout.command("import", "--from", "shlink", "--plan", str(written(tmp_path, shlink("new"))))

    assert "+ offer shlink-new" in told.stdout
    assert "+ link /new" in told.stdout
    assert "Would be: 2 created, 0 changed, 0 as they were." in told.stdout
    assert click(turnout, "/new")[0] == 404


def test_with_a_fault_nothing_is_imported_until_one_says_so(turnout: Turnout, tmp_path: Path) -> None:
    file = written(tmp_path, shlink("good"), shlink("a/b"), shlink("evil", longUrl="javascript:alert(1)"))

    told = turnout.command("import", "--from", "shlink", str(file))

    assert told.returncode == 1
    assert "! entry 2 (https://s.example.com/a/b): 'a/b' cannot be a slug here" in told.stdout
    assert "! entry 3 (/evil): destination_url: A destination begins with https:// or http://" in told.stdout
    assert "1 short URLs can be imported, 2 cannot." in told.stdout
    assert "Nothing was imported" in told.stderr
    assert click(turnout, "/good")[0] == 404

    assert turnout.command("import", "--from", "shlink", "--skip-faults", str(file)).returncode == 0
    wait_for(lambda: click(turnout, "/good") == (302, "https://yourbrand.com/good"), turnout.__str__)
    assert click(turnout, "/evil")[0] == 404


def test_a_link_that_is_there_already_is_not_led_elsewhere(turnout: Turnout, tmp_path: Path) -> None:
    offer = turnout.call("POST", "/offers", {"name": "Own", "slug": "own", "destination_url": "https://own.example"})
    turnout.call("POST", "/links", {"slug": "mine", "offer_id": offer["id"]})

    told = turnout.command("import", "--from", "shlink", str(written(tmp_path, shlink("mine"), shlink("own"))))

    assert "! entry 1 (/mine): there is a link /mine already, to the offer own" in told.stdout
    assert "! entry 2 (/own): slug: An offer has the slug own." in told.stdout
    assert click(turnout, "/mine")[1].startswith("https://own.example/")


def shlink(code: str, **fields: Any) -> dict[str, Any]:
    """Return a short URL as Shlink's API gives it."""
    return {
        "shortCode": code,
        "shortUrl": f"https://s.example.com/{code}",
        "longUrl": f"https://yourbrand.com/{code}",
    } | fields


def written(folder: Path, *entries: dict[str, Any]) -> Path:
    file = folder / "links.json"
    file.write_text(json.dumps(entries))
    return file
