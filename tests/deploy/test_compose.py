"""The compose file: what depends on what, who may do what, and that nothing is left open."""

import re

import pytest

from tests.deploy.files import COMPOSE, Manifest, compose, compose_filled, dockerfile, env_file

SERVICES = ("edge-1", "edge-2", "control", "redis-rules", "redis-clicks", "postgres", "caddy")
SHIPPING_S = 10


def services() -> dict[str, Manifest]:
    found: dict[str, Manifest] = compose_filled()["services"]
    return found


def test_there_is_all_that_turnout_needs() -> None:
    assert set(services()) == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_cannot_write_to_its_image_or_gain_rights(name: str) -> None:
    service = services()[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in services().items() if "ports" in service] == ["caddy"]


def test_databases_are_out_of_the_proxys_reach() -> None:
    inside = {"redis-rules", "redis-clicks", "postgres"}

    assert compose_filled()["networks"]["back"]["internal"] is True
    assert {name for name, service in services().items() if service["networks"] == ["back"]} == inside
    assert services()["caddy"]["networks"] == ["front"]


@pytest.mark.parametrize("name", ["redis-rules", "redis-clicks"])
def test_a_redis_evicts_nothing_and_asks_for_a_password(name: str) -> None:
    command = services()[name]["command"]

    assert "--maxmemory-policy noeviction" in command
    assert "--requirepass r3d1s" in command


def test_clicks_are_kept_on_disk() -> None:
    redis = services()["redis-clicks"]

    assert "--appendonly yes" in redis["command"]
    assert redis["volumes"] == ["redis-clicks:/data"]


@pytest.mark.parametrize("name", ["edge-1", "edge-2"])
def test_an_edge_has_time_to_drain_and_to_ship(name: str) -> None:
    edge = services()[name]
    grace_s = int(edge["stop_grace_period"].removesuffix("s"))

    assert grace_s > int(edge["environment"]["TURNOUT_DRAIN_SECONDS"]) + SHIPPING_S


def test_edges_share_neither_name_nor_spool() -> None:
    edges = [services()[name] for name in ("edge-1", "edge-2")]

    assert edges[0]["volumes"] != edges[1]["volumes"]
    assert edges[0]["environment"]["TURNOUT_EDGE_NAME"] != edges[1]["environment"]["TURNOUT_EDGE_NAME"]


def test_every_volume_is_declared_and_used() -> None:
    mounted = {volume.partition(":")[0] for service in services().values() for volume in service.get("volumes", ())}

    assert {name for name in mounted if not name.startswith("./")} == set(compose_filled()["volumes"])


def test_what_is_built_is_in_the_dockerfile() -> None:
    targets = {arguments.partition(" AS ")[2] for instruction, arguments in dockerfile() if instruction == "FROM"}
    builds = [service["build"] for service in services().values() if "build" in service]

    assert {build["target"] for build in builds} <= targets
    assert all((COMPOSE.parent / build["context"] / build["dockerfile"]).exists() for build in builds)


@pytest.mark.parametrize("missing", ["REDIS_PASSWORD", "POSTGRES_PASSWORD", "PUBLIC_HOST", "ADMIN_HOST", "ACME_EMAIL"])
def test_what_nobody_can_choose_for_you_is_asked_for(missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        compose(**{"REDIS_PASSWORD": "r", "POSTGRES_PASSWORD": "p", missing: ""})


def test_the_example_names_every_variable_and_no_other() -> None:
    used = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))

    assert used == set(env_file(COMPOSE.parent / "example.env"))


def test_the_proxy_is_the_one_that_is_believed() -> None:
    (network,) = compose_filled()["networks"]["front"]["ipam"]["config"]

    believing = {services()[name]["environment"]["TURNOUT_TRUSTED_PROXIES"] for name in ("edge-1", "edge-2", "control")}
    assert believing == {network["subnet"]}


def test_the_proxy_knows_the_services_by_their_names() -> None:
    caddyfile = (COMPOSE.parent / "Caddyfile").read_text()

    assert set(re.findall(r"\b([a-z0-9-]+):80\d\d\b", caddyfile)) == {"edge-1", "edge-2", "control"}


def test_the_proxy_is_told_every_variable_it_uses() -> None:
    used = set(re.findall(r"\{\$(\w+)", (COMPOSE.parent / "Caddyfile").read_text()))

    assert used == set(services()["caddy"]["environment"])
