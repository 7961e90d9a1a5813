"""The Helm chart, rendered by Helm's own engine and checked against the schemas of Kubernetes."""

import json
from typing import Any

import pytest
import yaml

from tests.deploy.files import CHART, SECRET, Manifest, container, manifest, manifests, notes, pods

SHIPPING_S = 10
EVERYTHING: dict[str, Any] = {
    "secret": {
        "values": {
            "redis-url": "rediss://:a@rules:6379/0",
            "clicks-redis-url": "redis+sentinel://:a@s1,s2,s3/clicks",
            "database-url": "postgresql://turnout:b@db/turnout",
            "admin-password": "correct horse",
            "redis-replica-url": "redis://replica:6379/0",
        }
    },
    "geoUpdate": {"enabled": True, "maxmindSecret": "maxmind"},
    "imagePullSecrets": [{"name": "registry"}],
    "serviceAccount": {"annotations": {"a": "b"}},
    "edge": {
        "trustedProxies": ["10.0.0.0/8", "fd00::/8"],
        "settings": {"TURNOUT_DEDUPE_SECONDS": 30},
        "spool": {"quotaMb": 4096, "storageClass": "local-path"},
        "service": {"type": "LoadBalancer", "externalTrafficPolicy": "Local"},
        "nodeSelector": {"kind": "edge"},
        "tolerations": [{"key": "edge", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "podAnnotations": {"x": "y"},
    },
    "control": {"trustedProxies": ["10.0.0.0/8"], "publicUrl": "https://go.example.com"},
    "ingress": {
        "control": {"enabled": True, "className": "nginx", "tlsSecret": "admin-tls"},
        "edge": {"enabled": True, "tlsSecret": "go-tls", "hosts": ["go.example.com", "go.example.org"]},
    },
    "networkPolicy": {
        "edgeFrom": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
        "controlFrom": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
        "redisTo": [{"ipBlock": {"cidr": "10.0.0.0/24"}}],
        "databaseTo": [{"ipBlock": {"cidr": "10.0.1.0/24"}}],
    },
    "metrics": {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
}
LEAST: dict[str, Any] = {
    **SECRET,
    "edge": {"replicas": 1, "autoscaling": {"enabled": False}},
    "control": {"replicas": 1},
    "networkPolicy": {"enabled": False},
    "metrics": {"annotations": False},
}
KINDS_OF_OPERATORS = {"ServiceMonitor"}
CASES = pytest.mark.parametrize(
    "values", [SECRET, EVERYTHING, LEAST], ids=["as it comes", "everything on", "everything off"]
)


@CASES
@pytest.mark.parametrize("version", ["1.27", "1.31", "1.34"])
def test_what_is_rendered_is_valid_kubernetes(values: dict[str, Any], version: str) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")

    for it in manifests(values):
        if it["kind"] not in KINDS_OF_OPERATORS:
            validator.validate(it, version, strict=True)


@CASES
def test_nothing_is_rendered_twice(values: dict[str, Any]) -> None:
    names = [(it["kind"], it["metadata"]["name"]) for it in manifests(values)]

    assert len(names) == len(set(names))


def test_helms_linter_finds_no_fault() -> None:
    helm = pytest.importorskip("helm_python", reason="needs helm-python-sdk")
    found = helm.lint(str(CHART), values=SECRET)

    assert [message for message in found["messages"] if "icon" not in message["error"]] == []
    assert found["errors"] == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"edge": {"replicas": 0}}, "/edge/replicas"),
        ({"edge": {"drainSeconds": "15s"}}, "/edge/drainSeconds"),
        ({"edge": {"spool": {"quotaMB": 10}}}, "quotaMB"),
        ({"edge": {"trustedProxies": ["everybody"]}}, "/edge/trustedProxies/0"),
        ({"edge": {"settings": {"DEDUPE": "1"}}}, "DEDUPE"),
        ({"settings": {"TURNOUT_DATABASE_URL": "postgresql://password@db/turnout"}}, "/settings"),
        ({"control": {"publicUrl": "go.example.com"}}, "/control/publicUrl"),
        ({"control": {"replicaCount": 3}}, "replicaCount"),
        ({"secret": {"values": {"database-url": "sqlite:///control.db"}}}, "/secret/values/database-url"),
        ({"networkPolicy": {"metricsFrom": []}}, "/networkPolicy/metricsFrom"),
    ],
    ids=str,
)
def test_values_that_cannot_be_meant_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception, match=said):
        manifests({**SECRET, **wrong})


def test_a_secret_is_yours_or_has_all_that_is_needed() -> None:
    assert [it for it in manifests(SECRET) if it["kind"] == "Secret"] == []
    assert set(manifest("Secret", "", EVERYTHING)["stringData"]) == set(EVERYTHING["secret"]["values"])
    with pytest.raises(Exception, match=r"secret\.values\.database-url"):
        manifests({"secret": {"values": {"redis-url": "redis://a", "clicks-redis-url": "redis://b"}}})


def test_the_schema_knows_every_value() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    assert unknown(values, schema, schema) == []


def unknown(values: Any, schema: Any, whole: Any) -> list[str]:
    """Return the names of values that a schema does not describe."""
    if "$ref" in schema:
        schema = whole["definitions"][schema["$ref"].rpartition("/")[2]]
    if not isinstance(values, dict) or "properties" not in schema:
        return []
    known = schema["properties"]
    missing = [name for name in values if name not in known]
    return missing + [it for name in known if name in values for it in unknown(values[name], known[name], whole)]


@CASES
def test_pods_keep_to_the_restricted_standard(values: dict[str, Any]) -> None:
    for pod in pods(values):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for it in pod["containers"]:
            assert it["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "memory" in it["resources"]["limits"]


@pytest.mark.parametrize("drain_s", [0, 15, 300])
def test_an_edge_has_time_to_drain_and_to_ship(drain_s: int) -> None:
    values = {**SECRET, "edge": {"drainSeconds": drain_s}}
    pod = manifest("StatefulSet", "edge", values)["spec"]["template"]["spec"]

    environment = {it["name"]: it.get("value") for it in container("edge", values)["env"]}
    assert environment["TURNOUT_DRAIN_SECONDS"] == str(drain_s)
    assert pod["terminationGracePeriodSeconds"] >= drain_s + SHIPPING_S


def test_a_spool_outlives_its_pod_its_replica_and_the_release() -> None:
    spec = manifest("StatefulSet", "edge")["spec"]

    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert [it["metadata"]["name"] for it in spec["volumeClaimTemplates"]] == ["data"]
    assert {"name": "data", "mountPath": "/data"} in container("edge")["volumeMounts"]


@pytest.mark.parametrize("quota_mb", [1024, 65_536])
def test_a_volume_is_larger_than_the_spool_may_grow(quota_mb: int) -> None:
    values = {**SECRET, "edge": {"spool": {"quotaMb": quota_mb}}}
    (claim,) = manifest("StatefulSet", "edge", values)["spec"]["volumeClaimTemplates"]

    assert int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Mi")) > quota_mb


def test_what_is_scaled_is_not_set_to_a_number() -> None:
    assert "replicas" not in manifest("StatefulSet", "edge", SECRET)["spec"]
    assert manifest("StatefulSet", "edge", LEAST)["spec"]["replicas"] == 1
    assert manifest("HorizontalPodAutoscaler", "edge")["spec"]["scaleTargetRef"]["kind"] == "StatefulSet"


def test_edges_are_taken_away_one_at_a_time() -> None:
    for part in ("edge", "control"):
        assert manifest("PodDisruptionBudget", part)["spec"]["maxUnavailable"] == 1
    policies = manifest("HorizontalPodAutoscaler", "edge")["spec"]["behavior"]["scaleDown"]["policies"]
    assert [policy["value"] for policy in policies] == [1]


def test_a_lone_edge_does_not_keep_a_node_from_being_emptied() -> None:
    assert [it for it in manifests(LEAST) if it["kind"] == "PodDisruptionBudget"] == []


def test_edges_are_spread_over_nodes_and_zones() -> None:
    spread = manifest("StatefulSet", "edge")["spec"]["template"]["spec"]["topologySpreadConstraints"]

    assert [it["topologyKey"] for it in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]


def test_a_new_control_is_ready_before_an_old_one_goes() -> None:
    spec = manifest("Deployment", "control")["spec"]

    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    pause_s = int(container("control")["lifecycle"]["preStop"]["exec"]["command"][1])
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > pause_s + 20


def test_the_admin_port_is_not_for_visitors() -> None:
    service = manifest("Service", "edge")
    policy = manifest("NetworkPolicy", "edge", EVERYTHING)["spec"]

    assert [port["targetPort"] for port in service["spec"]["ports"]] == ["clicks"]
    admin = next(rule for rule in policy["ingress"] if rule["ports"][0]["port"] == 8082)
    assert admin["from"]


def test_control_reaches_the_edges_it_asks() -> None:
    (visitors,) = (
        rule
        for rule in manifest("NetworkPolicy", "edge", EVERYTHING)["spec"]["ingress"]
        if rule["ports"][0]["port"] == 8080
    )
    asked = [
        rule for rule in manifest("NetworkPolicy", "control")["spec"]["egress"] if rule["ports"][0]["port"] == 8080
    ]

    assert {"podSelector": {"matchLabels": labels("control")}} in visitors["from"]
    assert asked[0]["to"] == [{"podSelector": {"matchLabels": labels("edge")}}]


def test_only_control_reaches_the_database() -> None:
    def ports(part: str) -> set[int]:
        egress = manifest("NetworkPolicy", part)["spec"]["egress"]
        return {port["port"] for rule in egress for port in rule["ports"]}

    assert 5432 in ports("control")
    assert 5432 not in ports("edge")


def labels(part: str) -> dict[str, str]:
    prefix = "app.kubernetes.io"
    return {f"{prefix}/name": "turnout", f"{prefix}/instance": "demo", f"{prefix}/component": part}


@CASES
def test_what_selects_finds_what_is_meant(values: dict[str, Any]) -> None:
    edges = manifest("StatefulSet", "edge", values)["spec"]["template"]["metadata"]["labels"]
    selectors = [
        it["spec"]["selector"].get("matchLabels", it["spec"]["selector"])
        for it in manifests(values)
        if it["kind"] in ("Service", "PodDisruptionBudget") and "-edge" in it["metadata"]["name"]
    ]

    assert selectors
    assert all(selector.items() <= edges.items() for selector in selectors)


@pytest.mark.parametrize(("maxmind", "source"), [("", "--dbip"), ("account", "--maxmind @/run/maxmind/credentials")])
def test_the_country_database_is_fetched_where_edges_and_control_read_it(maxmind: str, source: str) -> None:
    values = {**SECRET, "geoUpdate": {"enabled": True, "maxmindSecret": maxmind}}

    beside = [it for pod in pods(values) for it in pod["containers"] if it["name"] == "geo-update"]
    assert len(beside) == 2
    for it in beside:
        assert f"turnout geo update {source}\n" in it["args"][0]
        assert {"name": "data", "mountPath": "/data"} in it["volumeMounts"]
        assert "env" not in it


def test_a_changed_secret_restarts_what_reads_it() -> None:
    other = json.loads(json.dumps(EVERYTHING))
    other["secret"]["values"]["admin-password"] = "another"

    def checksum(values: Manifest) -> str:
        return str(manifest("Deployment", "control", values)["spec"]["template"]["metadata"]["annotations"])

    assert checksum(EVERYTHING) != checksum(other)


def test_the_notes_warn_of_believing_nobody() -> None:
    assert "trustedProxies is empty" in notes(SECRET)
    assert "trustedProxies is empty" not in notes(EVERYTHING)
