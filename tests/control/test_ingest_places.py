"""The names of ingesters: one each, and the same again after a restart."""

import os
import secrets
import subprocess
import sys

HOLD = "import sys; from control.ingest.places import take_place; place = take_place(sys.argv[1]);"


def holder(host: str) -> subprocess.Popen[str]:
    """A process that takes a place, says its name, and holds it until its input ends."""
    code = f"{HOLD} print(place.name, flush=True); sys.stdin.read()"
    return subprocess.Popen([sys.executable, "-c", code, host], stdin=-1, stdout=-1, text=True)


def named(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_two_ingesters_of_one_host_have_two_names_and_one_that_was_killed_has_its_own_again() -> None:
    host = f"host-{secrets.token_hex(4)}"
    first, second = holder(host), holder(host)
    names = {named(first), named(second)}
    assert names == {host, f"{host}-2"}

    first.kill()
    first.communicate()
    third = holder(host)

    assert {named(third), *names} == names
    for process in (second, third):
        process.communicate("")


def test_where_no_lock_can_be_had_the_name_has_the_number_of_the_process() -> None:
    too_long = "h" * 200  # no socket has such an address

    name = subprocess.run(
        [sys.executable, "-c", f"{HOLD} import os; print(place.name == f'{{sys.argv[1]}}-{{os.getpid()}}')", too_long],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    ).stdout

    assert name == "True\n"
