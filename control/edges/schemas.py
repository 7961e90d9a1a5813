"""Edges as the API gives them."""

from pydantic import Field

from control.fields import Output, TimeOut
from control.publishing.fleet import EdgeState


class Nack(Output):
    """A published value that a worker refused, and why; what it had before keeps serving."""

    key: str = Field(examples=["o:o_mfzwizltoq2dgnbt"])
    sequence: int
    reason: str


class Worker(Output):
    """One process of an edge, as its lease says.

    `boot` is new for every start. `acked` of `epoch` is the newest publish that it surely serves; `state` is `synced`
    or what keeps it from being so. `reads_schema` is the newest schema of tables that it understands.
    """

    slot: int
    boot: str
    state: str = Field(examples=["synced"])
    epoch: int
    acked: int
    behind: int = Field(description="Publishes that it has not acked yet")
    reads_schema: int
    started_at: TimeOut
    refused: list[Nack]


class Edge(Output):
    """One redirect server. `state` is about the newest publish; `silent` are slots whose leases have lapsed."""

    host: str = Field(examples=["edge-1:8080"])
    state: EdgeState
    workers: list[Worker]
    expected_workers: int
    silent: list[int]
