"""What is read at a replica is believed as far as the primary lets it be."""

from copy import deepcopy

import pytest

from edge.rules.cache import ABSENT, Entry
from edge.rules.standing import LAG_S
from edge.rules.sync import STALE, SYNCED
from shared.key import Key
from tests.edge.followed import Followed
from tests.simulation.memory_redis import MemoryRedis

NEW = Key("_", "new")


@pytest.fixture
def followed() -> Followed:
    """A worker in sync, with the link `a` in memory."""
    followed = Followed()
    followed.put("a")
    followed.hear_all()
    followed.click("a")
    return followed


@pytest.fixture
def replica(followed: Followed) -> MemoryRedis:
    """What the worker reads, which does not get to know of the link `new`, published at the primary."""
    replica = deepcopy(followed.redis)
    followed.put("new")
    followed.messages()
    return replica


def tell_of_the_primary(followed: Followed) -> None:
    head = followed.redis.head()
    assert head is not None
    followed.do(followed.sync.primary_at(head, followed.now_s))


def ask(followed: Followed, replica: MemoryRedis) -> object:
    followed.do(followed.sync.want(NEW))
    while followed.questions:
        followed.answer(followed.questions.pop(0), replica)
    return followed.answers.pop().found


def test_a_replica_behind_its_primary_cannot_say_what_does_not_exist(followed: Followed, replica: MemoryRedis) -> None:
    assert ask(followed, replica) is ABSENT
    tell_of_the_primary(followed)

    assert followed.held("new") is None
    assert ask(followed, replica) is None
    assert isinstance(followed.held("a"), Entry)


def test_lag_of_three_seconds_is_stale_and_less_is_nothing(followed: Followed, replica: MemoryRedis) -> None:
    tell_of_the_primary(followed)
    followed.now_s += LAG_S - 0.1
    followed.poll(replica)
    assert followed.sync.state == SYNCED

    followed.now_s += 0.1
    followed.poll(replica)

    assert followed.sync.state == STALE


def test_what_the_primary_had_is_no_more_owed_once_it_is_heard(followed: Followed, replica: MemoryRedis) -> None:
    tell_of_the_primary(followed)
    followed.now_s += LAG_S
    followed.poll(replica)
    followed.settle()  # the replica has caught up

    assert followed.sync.state == SYNCED
    assert isinstance(followed.click("new"), Entry)
    assert followed.click("never") is ABSENT
