"""Edges as the API gives them."""

from pydantic import Field

from control.auditor.findings import State
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
    or what keeps it from being so. `reads_schema` is the newest schema of tables that it understands. Rate, `p99_ms`
    (from reading a click to writing its answer; null without clicks) and memory are of its last seconds.
    """

    slot: int
    boot: str
    state: str = Field(examples=["synced"])
    epoch: int
    acked: int
    behind: int = Field(description="Publishes that it has not acked yet")
    rules_age_ms: int = Field(description="Since when it lacks a publish; 0 while it lacks none")
    reads_schema: int
    started_at: TimeOut
    redirects_per_second: int
    p99_ms: float | None
    memory_bytes: int
    refused: list[Nack]


class Difference(Output):
    """What one worker was found to serve, and SQL does not say."""

    slot: int
    link: str = Field(description="`<domain>/<slug>`; the default domain is `_`", examples=["_/saas"])
    says: str = Field(examples=["serves publish 17 of its rules, the newest is 21"])
    since: TimeOut


class Audit(Output):
    """What asking the edge over HTTP has shown, since when; `reason` why it is no better."""

    state: State
    reason: str
    since: TimeOut
    differences: list[Difference]


class Edge(Output):
    """One redirect server. `state` is about the newest publish; `silent` are slots whose leases have lapsed.

    `audit` is null until the edge was asked, and while no control audits.
    """

    host: str = Field(examples=["edge-1:8080"])
    state: EdgeState
    workers: list[Worker]
    expected_workers: int
    silent: list[int]
    address: str = Field(description="Where it can be asked, as it says", examples=["10.0.0.5:8080"])
    country_database_built_at: TimeOut | None = Field(description="Of its oldest worker")
    audit: Audit | None
