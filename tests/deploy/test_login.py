"""The first login: made once, kept privately, the password not longer than needed."""

from pathlib import Path

import pytest

from deploy import login


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TURNOUT_API_KEY", "TURNOUT_BOOTSTRAP_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_every_login_is_another() -> None:
    made = [login.make({}) for _ in range(50)]

    assert len({one.api_key for one in made} | {one.password for one in made}) == 100


def test_what_the_person_gave_is_neither_made_up_nor_kept() -> None:
    made = login.make({"TURNOUT_BOOTSTRAP_API_KEY": "tn_given", "TURNOUT_ADMIN_PASSWORD": "given too"})

    assert made == login.Login("", "")
    assert made.environment() == {}


def test_control_is_told_what_was_made_up() -> None:
    made = login.make({"TURNOUT_ADMIN_PASSWORD": "given"})

    assert made.environment() == {"TURNOUT_BOOTSTRAP_API_KEY": made.api_key}


def test_the_password_is_dropped_once_it_was_shown(data_dir: Path) -> None:
    made = login.make({})
    login.keep(data_dir, made)

    login.was_shown(data_dir, made)

    assert login.stored(data_dir) == login.Login(made.api_key, "", shown=True)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"api_key": "x"}'])
def test_a_file_that_is_none_is_no_login(data_dir: Path, text: str) -> None:
    (data_dir / "login.json").write_text(text)

    assert login.stored(data_dir) is None


def test_commands_use_the_key_in_the_environment_first(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login.keep(data_dir, login.Login("tn_kept", "", shown=True))
    kept = login.api_key(data_dir)
    monkeypatch.setenv("TURNOUT_API_KEY", "tn_given")

    assert (kept, login.api_key(data_dir)) == ("tn_kept", "tn_given")
