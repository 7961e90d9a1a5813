"""What a proxy asks before it orders a certificate."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError

from control.db import Database
from control.domains.hosts import FRESH_S, RegisteredHosts
from tests.control.api import Api, Client


def ask(client: Client, domain: str) -> int:
    return client.request("GET", "/internal/domains/ask", params={"domain": domain}).status_code


@pytest.mark.parametrize("spelt", ["go.example.com", "GO.Example.COM", "go.example.com."])
def test_a_registered_host_may_have_a_certificate(api: Api, client: Client, spelt: str) -> None:
    api.made("/domains", {"host": "go.example.com"})

    assert ask(client, spelt) == 200


@pytest.mark.parametrize(
    "host",
    ["go.example.org", "example.com", "a.go.example.com", "_", "go.example.com/", "%", "x" * 254],
    ids=["other", "parent", "child", "default namespace", "no host", "percent", "longest"],
)
def test_no_other_host_may(api: Api, client: Client, host: str) -> None:
    api.made("/domains", {"host": "go.example.com"})

    assert ask(client, host) == 404


@pytest.mark.parametrize("query", ["", "?domain=", f"?domain={'x' * 255}"], ids=["none", "empty", "too long"])
def test_a_question_without_a_host_is_refused(client: Client, query: str) -> None:
    assert client.request("GET", f"/internal/domains/ask{query}").status_code == 422


class FakeDatabase:
    """A database that counts how often it is read."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts
        self.reads = 0
        self.answers = True

    @asynccontextmanager
    async def read(self) -> AsyncIterator["FakeDatabase"]:
        self.reads += 1
        await asyncio.sleep(0)
        if not self.answers:
            raise OperationalError("SELECT", {}, Exception("down"))
        yield self

    async def scalars(self, _query: Any) -> tuple[str, ...]:
        return self.hosts


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def hosts_in(database: FakeDatabase) -> tuple[RegisteredHosts, Clock]:
    clock = Clock()
    return RegisteredHosts(cast("Database", database), clock), clock


def test_a_flood_of_questions_costs_one_read_of_the_database() -> None:
    database = FakeDatabase("go.example.com")

    async def flood() -> list[bool]:
        hosts, _clock = hosts_in(database)
        return await asyncio.gather(*[hosts.holds(f"{number}.example.com") for number in range(1000)])

    assert not any(asyncio.run(flood()))
    assert database.reads == 1


def test_a_host_registered_meanwhile_is_known_once_the_answer_is_no_longer_fresh() -> None:
    database = FakeDatabase()

    async def scenario() -> list[bool]:
        hosts, clock = hosts_in(database)
        before = await hosts.holds("go.example.com")
        database.hosts = ("go.example.com",)
        clock.now += FRESH_S
        return [before, await hosts.holds("go.example.com")]

    assert asyncio.run(scenario()) == [False, True]


def test_what_was_known_holds_while_the_database_is_gone() -> None:
    database = FakeDatabase("go.example.com")

    async def scenario() -> list[bool]:
        hosts, clock = hosts_in(database)
        await hosts.holds("go.example.com")
        database.answers = False
        clock.now += 60
        return [await hosts.holds("go.example.com"), await hosts.holds("go.example.org")]

    assert asyncio.run(scenario()) == [True, False]


def test_without_ever_having_seen_the_database_nobody_is_told_no() -> None:
    async def scenario() -> None:
        database = FakeDatabase()
        database.answers = False
        await hosts_in(database)[0].holds("go.example.com")

    with pytest.raises(OperationalError):
        asyncio.run(scenario())
