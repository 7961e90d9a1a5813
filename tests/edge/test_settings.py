"""Settings are read from the environment, refused with one sentence for each fault, and all documented."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from edge import settings
from edge.settings import EdgeSettings, InvalidSettings, load

README = (Path(settings.__file__).parent / "README.md").read_text()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which only the Redis is set."""
    for name in EdgeSettings.model_fields:
        monkeypatch.delenv(f"TURNOUT_{name.upper()}", raising=False)
    monkeypatch.setenv("TURNOUT_REDIS_URL", "redis://127.0.0.1:6379/0")
    return monkeypatch


def test_a_lone_edge_needs_only_its_redis() -> None:
    loaded = load()

    assert (loaded.host, loaded.edge_port, loaded.edge_admin_port) == ("127.0.0.1", 8080, 8082)
    assert loaded.clicks_url == "redis://127.0.0.1:6379/0"
    assert loaded.data_dir == Path("~/.local/share/turnout").expanduser()
    assert loaded.trusted_proxies == ()


def test_without_a_redis_the_sentence_says_what_to_set(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("TURNOUT_REDIS_URL")

    with pytest.raises(InvalidSettings) as refused:
        load()

    assert len(refused.value.faults) == 1
    assert refused.value.faults[0].startswith("TURNOUT_REDIS_URL is not set")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("REDIS_URL", "http://127.0.0.1", "must be the address of a Redis"),
        ("REDIS_URL", "redis://", "must be the address of a Redis"),
        ("CLICKS_REDIS_URL", "127.0.0.1:6379", "must be the address of a Redis"),
        ("EDGE_PORT", "http", "integer"),
        ("EDGE_PORT", "65536", "65535"),
        ("EDGE_WORKERS", "0", "1"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, nginx", '"nginx" is no trusted proxy'),
        ("TRUSTED_PROXIES", "*", "is no trusted proxy"),
        ("COUNTRY_HEADER", "CF IPCountry", "must be the name of a header"),
        ("EDGE_NAME", "a/b", "letters"),
        ("DEDUPE_SECONDS", "-1", "0"),
        ("SPOOL_QUOTA_MB", "0", "1"),
        ("LOG_LEVEL", "loud", "debug|info"),
    ],
)
def test_a_bad_value_is_named_quoted_and_explained(
    environment: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    environment.setenv(f"TURNOUT_{name}", value)

    with pytest.raises(InvalidSettings) as refused:
        load()

    assert len(refused.value.faults) == 1
    fault = refused.value.faults[0]
    assert fault.startswith(f"TURNOUT_{name} is {value!r}: ")
    assert reason in fault
    assert fault.endswith(".")
    assert "\n" not in fault


def test_all_faults_are_told_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_EDGE_PORT", "x")
    environment.setenv("TURNOUT_EDGE_WORKERS", "x")

    with pytest.raises(InvalidSettings) as refused:
        load()

    assert len(refused.value.faults) == 2


def test_networks_are_separated_by_commas(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_TRUSTED_PROXIES", "10.0.0.0/8, ::1,")

    assert load().trusted_proxies == ("10.0.0.0/8", "::1")


def test_a_blank_setting_is_an_unset_one(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_GEO_DB", "")
    environment.setenv("TURNOUT_EDGE_PORT", "")

    assert (load().geo_db, load().edge_port) == (None, 8080)


def test_what_is_given_beats_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_EDGE_WORKERS", "2")

    assert load(edge_workers=3).edge_workers == 3


def test_the_quota_is_shared_by_the_workers(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_SPOOL_QUOTA_MB", "100")

    assert load(edge_workers=4).spool_quota_bytes == 25 * 1024 * 1024


def test_two_edges_on_one_machine_have_two_names() -> None:
    loaded = load()

    assert loaded.name_at(8080) != loaded.name_at(9080)


def test_a_name_that_is_set_is_the_name(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_EDGE_NAME", "fra-1")

    assert load().name_at(8080) == "fra-1"


def test_settings_never_change() -> None:
    loaded = load()

    with pytest.raises(ValidationError):
        setattr(loaded, "edge_port", 1)  # noqa: B010 -- the type checker knows too


@pytest.mark.parametrize("name", EdgeSettings.model_fields)
def test_every_setting_is_described_here_and_in_the_readme(name: str) -> None:
    field = EdgeSettings.model_fields[name]

    row = re.search(rf"^\| `TURNOUT_{name.upper()}` \| (.*?) \| (.*?) \|$", README, re.MULTILINE)

    assert row is not None
    default = "none" if field.default in (None, ()) else f"`{field.default}`"
    assert row[1] == ("required" if field.is_required() else default)
    assert row[2] == field.description


def test_the_readme_names_no_setting_that_does_not_exist() -> None:
    named = set(re.findall(r"^\| `TURNOUT_(\w+)`", README, re.MULTILINE))

    assert named == {name.upper() for name in EdgeSettings.model_fields}
