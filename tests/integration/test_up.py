"""`turnout up` on this machine, as a person starts it: real processes, asked over HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from redis import Redis

from deploy.demo import VISITORS, Visitor
from tests.servers import RedisServer
from tests.turnout import HANG_S, IPHONE, KEY, TURNOUT, Json, Turnout, wait_for

APP, UK_LANDING, HOME = (
    "https://apps.apple.com/us/app/your-app",
    "https://yourbrand.co.uk/landing",
    "https://yourbrand.com/",
)


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turnout]:
    """A Turnout with the example, for tests that leave it as it is."""
    turnout = Turnout(tmp_path_factory.mktemp("shared") / "data")
    try:
        yield turnout.start("--demo")
    finally:
        turnout.stop()


@pytest.fixture
def turnout(tmp_path: Path) -> Iterator[Turnout]:
    """A Turnout that is not started yet, for tests that harm it."""
    turnout = Turnout(tmp_path / "data")
    try:
        yield turnout
    finally:
        turnout.stop()


@pytest.mark.parametrize(
    ("visitor", "destination"),
    list(zip(VISITORS, (APP, UK_LANDING, HOME), strict=True)),
    ids=[visitor.who for visitor in VISITORS],
)
def test_the_example_sends_visitors_to_different_places(running: Turnout, visitor: Visitor, destination: str) -> None:
    assert running.click("/saas", visitor) == (302, destination)


def test_the_printed_lines_go_where_they_say(running: Turnout) -> None:
    said = re.findall(r"^  # [^:]+: (\S+)\n  (curl .+)$", running.output, re.MULTILINE)
    went = [
        subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout.partition("?")[0].strip()
        for _, line in said
    ]

    assert went == [place for place, _ in said] == [APP, UK_LANDING, HOME]


def test_partners_links_carry_their_coupon(running: Turnout) -> None:
    links = {link["slug"]: link for link in running.call("GET", "/links")["items"]}

    assert running.click("/nora-app") == (302, APP)
    assert links["nora-app"]["coupon"] == "NORA20"


def test_a_month_of_made_up_clicks_and_sales_reaches_the_charts(running: Turnout) -> None:
    path = f"/offers/{running.offer_id()}/analytics?group_by=rule"
    wait_for(lambda: running.call("GET", path)["totals"]["clicks"] > 10_000, running.__str__)

    answer = running.call("GET", path)

    clicks = [group["clicks"] for group in answer["groups"] if group["clicks"]]  # a sale may still wait for its click
    assert len(clicks) == 4
    assert min(clicks) > 1_000
    assert answer["totals"]["conversions"] > 5


def test_without_the_demo_nobody_may_choose_an_address(turnout: Turnout) -> None:
    turnout.start()
    turnout.call("POST", "/offers", {"name": "x", "slug": "saas", "destination_url": HOME})
    rules = [{"when": {"country": ["US"]}, "destination_url": APP}]
    path = f"/offers/{turnout.offer_id()}/smart-link?wait=30"
    turnout.call("PUT", path, {"enabled": True, "fallback_url": None, "rules": rules})

    assert turnout.click("/saas") == (302, HOME)


def test_without_a_country_database_it_runs_and_says_so(turnout: Turnout) -> None:
    turnout.environment["TURNOUT_GEO_DB"] = "/nonexistent/country.mmdb"
    turnout.start("--demo")

    assert "Beware: There is no country database at /nonexistent/country.mmdb" in turnout.output
    assert turnout.click("/saas") == (302, HOME)


def test_a_given_key_is_not_printed_and_a_made_password_is(running: Turnout) -> None:
    assert KEY not in running.output
    assert re.search(r"admin / \S{12,}", running.output)


def test_a_second_up_on_the_same_folder_is_refused(running: Turnout) -> None:
    refused = running.command("up")

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"turnout: Turnout is already running on the data folder {running.data_dir}")
    assert running.click("/saas")[0] == 302


def test_a_port_in_use_is_one_sentence(running: Turnout, turnout: Turnout) -> None:
    refused = turnout.command("up", TURNOUT_EDGE_PORT=str(running.edge))

    assert refused.returncode == 1
    assert refused.stderr == (
        f"turnout: Port {running.edge} is in use by another program; choose another in TURNOUT_EDGE_PORT.\n"
    )


def test_a_dead_redis_is_one_sentence(turnout: Turnout) -> None:
    refused = turnout.command("up", TURNOUT_REDIS_URL="redis://:hush@127.0.0.1:1/0")

    assert refused.returncode == 1
    assert refused.stderr.startswith("turnout: The Redis at redis://127.0.0.1:1/0 (TURNOUT_REDIS_URL) does not answer")
    assert len(refused.stderr.splitlines()) == 1


def test_a_redis_of_ones_own_is_used_and_none_is_started(turnout: Turnout, redis_server: RedisServer) -> None:
    turnout.environment["TURNOUT_REDIS_URL"] = redis_server.url
    turnout.start("--demo")

    assert turnout.click("/saas") == (302, APP)
    assert not (turnout.data_dir / "redis").exists()
    with redis_server.client() as redis:
        assert redis.exists("{t0}head")


def test_the_redis_beside_python_is_enough(turnout: Turnout) -> None:
    server = Path(sys.prefix) / "bin" / "redis-server"
    if not server.exists():
        pytest.skip("needs the Redis server that deploy/test puts into .venv (Linux on x86_64)")
    turnout.environment["PATH"] = "/nonexistent"
    turnout.start("--demo")

    assert turnout.click("/saas") == (302, APP)
    assert turnout.redis_version() == subprocess.check_output([server, "--version"], text=True).split()[2][2:]


def test_each_part_runs_on_its_own(turnout: Turnout, redis_server: RedisServer) -> None:
    environment = turnout.environment | {"TURNOUT_REDIS_URL": redis_server.url}
    commands = (["control"], ["edge", "--workers", "2"])
    parts = [subprocess.Popen([*TURNOUT, *command], env=environment, stderr=subprocess.DEVNULL) for command in commands]
    try:
        wait_for(lambda: is_ready(turnout.control) and is_ready(turnout.admin))
        turnout.call("POST", "/offers", {"name": "x", "slug": "saas", "destination_url": HOME})

        assert turnout.send_everyone_to(APP)["propagation"]["live"] == 1
        assert turnout.click("/saas") == (302, APP)
    finally:
        for part in parts:
            part.send_signal(signal.SIGTERM)
        statuses = [part.wait(HANG_S) for part in parts]
    assert statuses == [0, 0]


def test_a_folder_that_cannot_be_made_is_one_sentence(turnout: Turnout, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    refused = turnout.command("up", TURNOUT_DATA_DIR=str(tmp_path / "file" / "data"))

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"turnout: The data folder {tmp_path}/file/data cannot be used")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_stops_all_of_it_cleanly(turnout: Turnout, number: int) -> None:
    turnout.start()
    children = [turnout.child(name) for name in ("redis-rules", "redis-clicks", "control", "edge")]

    status = turnout.signal(number)

    assert status == 0
    assert turnout.output.endswith("Stopped.\n")
    assert [child for child in children if is_running(child)] == []


def test_a_second_ctrl_c_ends_what_is_slow_to_stop(turnout: Turnout) -> None:
    turnout.start()
    children = [turnout.child(name) for name in ("redis-rules", "redis-clicks", "control", "edge")]
    os.kill(turnout.child("edge"), signal.SIGSTOP)
    turnout.send_signal(signal.SIGINT)
    wait_for(lambda: "Stopping" in turnout.output)

    status = turnout.signal(signal.SIGINT)

    assert status == 0
    assert [child for child in children if is_running(child)] == []


def test_a_second_start_finds_everything_again(turnout: Turnout) -> None:
    turnout.start("--demo")
    turnout.send_everyone_to("https://example.com/mine")
    turnout.stop()
    turnout.start("--demo")

    assert turnout.click("/saas") == (302, "https://example.com/mine")
    assert "with the password of the first start" in turnout.output
    assert len(turnout.call("GET", "/partners")["items"]) == 3


def test_a_start_after_a_kill_stops_what_was_left_and_goes_on(turnout: Turnout) -> None:
    turnout.start("--demo")
    orphans = [turnout.child(name) for name in ("redis-rules", "redis-clicks", "control")]
    turnout.signal(signal.SIGKILL)

    turnout.start("--demo")

    assert "Stopped the redis-clicks that an earlier, killed start had left running." in turnout.output
    assert [orphan for orphan in orphans if is_running(orphan)] == []
    assert turnout.click("/saas") == (302, APP)


def test_an_edge_that_dies_is_started_again(turnout: Turnout) -> None:
    turnout.start("--demo")
    os.kill(turnout.child("edge"), signal.SIGKILL)

    wait_for(lambda: "edge ended unexpectedly (signal SIGKILL); starting it again." in turnout.output)
    wait_for(lambda: answers(turnout, "/saas", APP), turnout.__str__)


def test_redis_dies_and_visitors_do_not_notice(turnout: Turnout) -> None:
    turnout.start("--demo")
    turnout.click("/saas")
    os.kill(turnout.child("redis-rules"), signal.SIGKILL)

    while "redis-rules ended unexpectedly" not in turnout.output:
        assert turnout.click("/saas") == (302, APP)
    saved = turnout.send_everyone_to("https://example.com/after")

    wait_for(lambda: answers(turnout, "/saas", "https://example.com/after"), turnout.__str__)
    assert saved["revision"] > 1


def test_a_restored_backup_is_what_edges_serve(turnout: Turnout, tmp_path: Path) -> None:
    turnout.start("--demo")
    taken = turnout.command("backup", str(tmp_path / "backup.tar.gz"))
    before = head(turnout)
    turnout.send_everyone_to("https://example.com/later")
    turnout.stop()
    new = Turnout(tmp_path / "new")
    restored = new.command("restore", str(tmp_path / "backup.tar.gz"))
    try:
        new.start("--demo")

        assert (taken.returncode, restored.returncode) == (0, 0), taken.stderr + restored.stderr
        assert new.click("/saas") == (302, APP)
        assert head(new)["epoch"] > before["epoch"]
    finally:
        new.stop()


def test_the_configuration_goes_out_and_in_again(running: Turnout, tmp_path: Path) -> None:
    exported = running.command("export", str(tmp_path / "config.yaml"))
    plan = running.command("import", "--plan", str(tmp_path / "config.yaml"))

    assert exported.returncode == 0, exported.stderr
    assert "slug: saas" in (tmp_path / "config.yaml").read_text()
    assert plan.returncode == 0, plan.stderr


def test_a_visitor_can_be_tested_by_slug(running: Turnout) -> None:
    by_attributes = running.command("test-visitor", "saas", "--country", "US", "--device", "mobile")
    by_headers = running.command("test-visitor", "nora-app", "--ip", IPHONE.address, "--ua", IPHONE.user_agent)

    assert APP in by_attributes.stdout, by_attributes.stderr
    assert APP in by_headers.stdout, by_headers.stderr


def test_a_slug_that_is_none_is_one_sentence(running: Turnout) -> None:
    refused = running.command("test-visitor", "nothing")

    assert refused.stderr == "turnout: There is neither an offer nor a link with the slug 'nothing'.\n"


def test_the_doctor_finds_a_running_turnout_healthy(running: Turnout) -> None:
    found = running.command("doctor")

    assert found.returncode == 0, found.stdout
    assert " bad " not in found.stdout
    assert "edge: ready" in found.stdout


def test_the_doctor_names_a_redis_that_evicts(running: Turnout) -> None:
    with Redis.from_url(running.noted()["clicks_redis"]) as redis:
        redis.config_set("maxmemory-policy", "allkeys-lru")
        try:
            found = running.command("doctor")
        finally:
            redis.config_set("maxmemory-policy", "noeviction")

    assert found.returncode == 1
    assert "evicts keys when it is full (allkeys-lru)" in found.stdout


def is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def answers(turnout: Turnout, path: str, destination: str) -> bool:
    try:
        return turnout.click(path) == (302, destination)
    except (OSError, URLError):
        return False


def head(turnout: Turnout) -> Json:
    with Redis.from_url(turnout.noted()["redis"]) as redis:
        found: Json = json.loads(str(redis.get("{t0}head"), "utf-8"))
        return found
