# Copyright (c) 2026 GreenLang. All rights reserved.
"""Where and how a tenant's pods run: what is refused, and what is allowed beside it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .bounds import Bounds
from .cases import NAME, Case, Object, Row, cases, container, cron_job, job, pod, workload

TOLERATION, FIELDS = "toleration not allowed", "nodeAffinity by matchFields not allowed"
MARK, ENV, WORDS = "annotation not allowed", "env not allowed", "command and args not allowed"
NODE = "node.kubernetes.io"
# A class or a resource that no tier of any platform names.
OTHER = "vcci-forbidden"


def pod_cases(image: str, bounds: Bounds) -> Iterator[Case]:
    rows = (*_placed(image), *_tolerating(), *_named(image, bounds), *_lasting(image, bounds), *_large(image, bounds))
    yield from cases("a pod", "v1", "pods", pod(image), rows)
    yield from _templates(image, bounds)


def _spec(**fields: Any) -> Object:
    return {"spec": fields}


def _only(image: str, **fields: Any) -> Object:
    """Instead of the containers, one with these fields."""
    return {"spec": {"containers": [container(image, **fields)]}}


def _placed(image: str) -> list[Row]:
    by_name = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}
    by_label = {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]}
    far = {"labelSelector": {"matchLabels": {"app": NAME}}, "topologyKey": "kubernetes.io/hostname"}
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    return [
        ("nodeName", _spec(nodeName="node-1"), "nodeName not allowed: node-1"),
        ("required affinity to a node by its name", _spec(affinity=_required(by_name)), FIELDS),
        ("preferred affinity to a node by its name", _spec(affinity=_preferred(by_name)), FIELDS),
        ("affinity to nodes by a label", _spec(affinity=_required(by_label)), ""),
        ("anti-affinity to pods of its own", _spec(affinity={"podAntiAffinity": {_REQUIRED: [far]}}), ""),
        ("spread over nodes", _spec(topologySpreadConstraints=[spread]), ""),
        ("a node selector", _spec(nodeSelector={"kubernetes.io/os": "linux"}), ""),
        ("a gate", _spec(schedulingGates=[{"name": "example.com/wait"}]), ""),
        ("another scheduler", _spec(schedulerName="other-scheduler"), "schedulerName not allowed: other-scheduler"),
        ("the scheduler by its name", _spec(schedulerName="default-scheduler"), ""),
        ("hosts of its own", _spec(hostAliases=[{"ip": "127.0.0.1", "hostnames": ["a.example"]}]), ""),
        ("users of its own", _spec(hostUsers=False), ""),
    ]


_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def _required(term: Object) -> Object:
    return {"nodeAffinity": {_REQUIRED: {"nodeSelectorTerms": [term]}}}


def _preferred(term: Object) -> Object:
    return {"nodeAffinity": {_PREFERRED: [{"weight": 1, "preference": term}]}}


def _tolerating() -> list[Row]:
    def tolerating(**fields: Any) -> Object:
        return _spec(tolerations=[{"operator": "Exists", **fields}])

    for_ever = {"operator": "Exists", "effect": "NoExecute"}
    a_while = {**for_ever, "tolerationSeconds": 60}
    return [
        ("tolerating every taint", tolerating(), TOLERATION),
        ("tolerating every taint of an effect", tolerating(effect="NoSchedule"), TOLERATION),
        ("tolerating a node that is drained", tolerating(key=f"{NODE}/unschedulable"), TOLERATION),
        ("tolerating the control plane", tolerating(key="node-role.kubernetes.io/control-plane"), TOLERATION),
        ("tolerating a taint of somebody", tolerating(key="example.com/dedicated"), TOLERATION),
        ("tolerating another value", tolerating(key="workload-type", operator="Equal", value=OTHER), TOLERATION),
        ("tolerating a full disk", tolerating(key=f"{NODE}/disk-pressure"), TOLERATION),
        ("on a lost node for ever", _spec(tolerations=[{"key": f"{NODE}/unreachable", **for_ever}]), TOLERATION),
        ("on a failed node for ever", _spec(tolerations=[{"key": f"{NODE}/not-ready", **for_ever}]), TOLERATION),
        ("on a lost node for a minute", _spec(tolerations=[{"key": f"{NODE}/unreachable", **a_while}]), ""),
        ("on a failed node for a minute", _spec(tolerations=[{"key": f"{NODE}/not-ready", **a_while}]), ""),
        ("tolerating memory pressure", tolerating(key=f"{NODE}/memory-pressure", effect="NoSchedule"), ""),
    ]


def _named(image: str, bounds: Bounds) -> list[Row]:
    """Classes and resources that its tier does not name."""
    classes, refused = ("system-cluster-critical", "system-node-critical"), "priorityClassName not allowed"
    rows: list[Row] = [(f"class {name}", _spec(priorityClassName=name), f"{refused}: {name}") for name in classes]
    for resource in ("hugepages-2Mi", "amd.com/gpu", "nvidia.com/gpu"):
        if resource not in bounds.extended_resources:
            amounts = {"cpu": "1m", "memory": "8Mi", resource: "2Mi" if "huge" in resource else "1"}
            limited = _only(image, resources={"requests": amounts, "limits": amounts})
            rows.append((f"resource {resource}", limited, f"resource not allowed: {resource}"))
    claimed = {"resourceClaims": [{"name": "device", "resourceClaimTemplateName": OTHER}]}
    inline = {"name": "inline", "csi": {"driver": "forbidden.example.com"}}
    runtime = "runtimeClassName not allowed|RuntimeClass .* not found"
    return [
        *rows,
        ("a runtime class", _spec(runtimeClassName=OTHER), runtime),
        ("a claimed device", {"spec": claimed}, "resourceClaims not allowed: device"),
        ("a volume of a driver", _spec(volumes=[inline]), "volume of type csi not allowed: forbidden.example.com"),
        ("a volume of its own", _spec(volumes=[{"name": "tmp", "emptyDir": {"sizeLimit": "1Mi"}}]), ""),
    ]


def _lasting(image: str, bounds: Bounds) -> list[Row]:
    """What keeps a node from being drained, or a tenant from being stopped."""
    most, grace = bounds.max_grace_seconds, "terminationGracePeriodSeconds"
    late = f"{grace} not allowed: {most + 1}; grace seconds of this tenant are at most {most}"
    probe = {"exec": {"command": ["true"]}, grace: most + 1}
    rows: list[Row] = [
        ("the longest grace", {"spec": {grace: most}}, ""),
        ("a second more", {"spec": {grace: most + 1}}, late),
        ("a year of grace", {"spec": {grace: 31536000}}, f"{grace} not allowed: 31536000"),
        ("more grace by a probe", _only(image, livenessProbe=probe), late),
        ("more grace by a probe of its start", _only(image, startupProbe=probe), late),
    ]
    for key, value in (
        ("kubernetes.io/config.source", "file"),
        ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
        ("karpenter.sh/do-not-disrupt", "true"),
    ):
        rows.append((f"annotation {key}", _annotated(key, value), MARK))
    movable = _annotated("cluster-autoscaler.kubernetes.io/safe-to-evict", "true")
    return [*rows, ("an annotation that lets it be moved", movable, "")]


def _annotated(key: str, value: str) -> Object:
    return {"metadata": {"annotations": {key: value}}}


def _large(image: str, bounds: Bounds) -> list[Row]:
    most = bounds.max_object_bytes
    return [
        ("as much environment as may be", _only(image, env=environment(most)), ""),
        ("a byte more of environment", _only(image, env=environment(most + 1)), ENV),
        ("a byte more of arguments", _only(image, command=["true"], args=["x" * (most - 3)]), WORDS),
    ]


def environment(size: int) -> list[Object]:
    """Of two variables, so that it is their sum that counts."""
    return [{"name": "A", "value": "x" * (size - 1000)}, {"name": "B", "value": "x" * 1000}]


def _templates(image: str, bounds: Bounds) -> Iterator[Case]:
    large = container(image, env=environment(bounds.max_object_bytes + 1))
    template = {"template": {"spec": {"containers": [large]}}}
    rows: list[Row] = [("as it should be", {}, ""), ("a byte more of environment", {"spec": template}, ENV)]
    yield from cases("a Deployment", "apps/v1", "deployments", workload(image), rows)
    yield from cases("a StatefulSet", "apps/v1", "statefulsets", workload(image), rows)
    yield from cases("a DaemonSet", "apps/v1", "daemonsets", workload(image), rows)
    managed = "managedBy not allowed: example.com/other"
    others: Row = ("of another's controller", {"spec": {"managedBy": "example.com/other"}}, managed)
    yield from cases("a Job", "batch/v1", "jobs", job(image), [*rows, others])
    nested: Row = ("a byte more of environment", {"spec": {"jobTemplate": {"spec": template}}}, ENV)
    abroad: Row = ("by another place's clock", {"spec": {"timeZone": "Etc/UTC"}}, "")
    yield from cases("a CronJob", "batch/v1", "cronjobs", cron_job(image), [rows[0], nested, abroad])
