"""A real Redis as the model of control writes it: one transaction a step."""

import orjson
from redis import Redis

from shared import wire
from tests.servers import RedisServer
from tests.simulation.control import Changes, Control, Step, pinned_bodies


class RulesStore:
    """Implements `tests.simulation.control.Store` over a server."""

    def __init__(self, server: RedisServer) -> None:
        self.redis: Redis = server.client()

    def read_head(self) -> bytes | None:
        raw = self.redis.get(wire.HEAD)
        assert not isinstance(raw, str)
        return raw

    def stored(self, key: str) -> bytes | None:
        raw = self.redis.get(wire.redis_key(key))
        assert not isinstance(raw, str)
        return raw

    def write(self, step: Step) -> None:
        with self.redis.pipeline(transaction=True) as pipe:
            for key, value in step.values.items():
                pipe.set(wire.redis_key(key), value)
            for sequence, entry in step.entries:
                pipe.xadd(wire.LOG, {"a": entry}, id=f"{sequence}-0")
            pipe.set(wire.HEAD, step.head)
            for message in step.messages:
                pipe.publish(wire.CHANNEL, message)
            pipe.execute()

    def clear_log(self) -> None:
        self.redis.delete(wire.LOG)


class Publisher:
    """Control's two halves at work on a server: SQL, and whatever publishing that takes."""

    def __init__(self, server: RedisServer) -> None:
        self.control = Control()
        self.store = RulesStore(server)
        self.commit(pinned_bodies(self.control))

    def commit(self, changes: Changes) -> int:
        """Commit one transaction and publish it."""
        sequence = self.control.commit(changes)
        self.publish()
        return sequence

    def publish(self) -> None:
        """Publish everything, by a rebuild where that is needed."""
        while self.control.publish(self.store):
            pass

    def put_offer(self, offer: str) -> int:
        """Publish a new table of an offer."""
        return self.commit({wire.table_key(offer): self.control.table_body(offer)})

    def put_link(self, slug: str, offer: str = "o_1", domain: str = "_") -> int:
        """Publish a new pointer of a slug."""
        return self.commit({f"k:{domain}/{slug}": self.control.link_body(offer)})

    def delete_link(self, slug: str) -> int:
        """Publish that a slug is no more."""
        return self.commit({f"k:_/{slug}": None})

    def revision(self, offer: str) -> int:
        """Return the revision of an offer's latest table."""
        _, body = self.control.truth[wire.table_key(offer)]
        assert body is not None
        return int(orjson.loads(body)["revision"])
