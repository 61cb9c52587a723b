# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a tenant may and may not change, and what differs between tenants: tables for test_admission.py."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import cases as c

IMAGE = "greenlang/pause:v1"
PREFIX = "tenant.vcci.io/"
HOSTS = {"hosts": "globex.example,*.globex.example", "registries": "greenlang", "storage-classes": "standard"}
# As the version before wrote it: everything else is the policies' default.
BEFORE = {"id": "bounded", "tier": "starter", **HOSTS}
GENEROUS = {
    "id": "generous",
    "tier": "enterprise",
    **HOSTS,
    "storage-classes": "standard,fast-ssd",
    "priority-classes": "adm-gold",
    "node-pools": "compute,memory,gpu",
    "volume-attributes-classes": "adm-fast",
    "runtime-classes": "adm-runtime",
    "extended-resources": "nvidia.com/gpu",
    "ingress-classes": "public,internal,nginx",  # the last is the default where the platform has one
    "issuers": "vcci-ca,vcci-other",
    "annotations": json.dumps({"example.com/any": None, "example.com/some": ["a", "b, c", "d"]}, sort_keys=True),
    "max-service-ports": "40",
    "max-tls-entries": "2",
    "max-grace-seconds": "600",
    "max-object-bytes": "2048",
    "load-balancers": "2",
}
# Its annotations give it more than data ever do: hosts of the platform, by name and within a wildcard.
PINNED = {"id": "pinned", "tier": "memory", "node-pools": "memory", **HOSTS}
PINNED["hosts"] += ",*.example,api.platform.example"
APIS = {
    "pods": "v1",
    "services": "v1",
    "configmaps": "v1",
    "secrets": "v1",
    "serviceaccounts": "v1",
    "persistentvolumeclaims": "v1",
    "deployments": "apps/v1",
    "replicasets": "apps/v1",
    "endpointslices": "discovery.k8s.io/v1",
    "ingresses": "networking.k8s.io/v1",
    "poddisruptionbudgets": "policy/v1",
}

Object = dict[str, Any]


def spec(**fields: Any) -> Object:
    return {"spec": fields}


def annotated(key: str, value: str | None = "x") -> Object:
    return {"metadata": {"annotations": {key: value}}}


def labelled(key: str, value: str | None = "x") -> Object:
    return {"metadata": {"labels": {key: value}}}


def tolerating(**fields: str) -> Object:
    return spec(tolerations=[fields])


def within(*values: str) -> Object:
    """An affinity to nodes of these pools."""
    term = {"matchExpressions": [{"key": "workload-type", "operator": "In", "values": list(values)}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return spec(affinity={"nodeAffinity": required})


def using(**resources: str) -> Object:
    amounts = {"cpu": "1m", "memory": "8Mi", **resources}
    return spec(containers=[c.container(IMAGE, resources={"requests": amounts, "limits": amounts})])


# One object of each kind that a tenant writes.
BASES = {
    "pods": c.pod(IMAGE),
    "services": c.service(),
    "configmaps": c.config_map(),
    "secrets": c.config_map(),
    "serviceaccounts": c.config_map(),
    "persistentvolumeclaims": c.claim("standard"),
    "deployments": c.workload(IMAGE),
    "replicasets": c.workload(IMAGE),
    "endpointslices": {"metadata": {"name": c.NAME}, "addressType": "IPv4", "endpoints": []},
    "ingresses": c.ingress("globex.example"),
    "poddisruptionbudgets": c.budget(),
}
BALANCED = {"type": "LoadBalancer", "ports": [{"port": 80}]}
GPU = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
MEMORY = {"key": "workload-type", "operator": "Equal", "value": "memory", "effect": "NoSchedule"}
FIXED = {"metadata": {"managedFields": [{}]}}

# What one tier allows and another does not: resource, what differs from the object above, the lesser one's refusal.
SOLD = [
    ("pods", spec(priorityClassName="adm-gold"), "priorityClassName not allowed: adm-gold; priority classes of this"),
    ("pods", tolerating(**GPU), "toleration not allowed: nvidia.com/gpu:NoSchedule"),
    ("pods", tolerating(key="nvidia.com/gpu", value="true", effect="NoSchedule"), "toleration not allowed: nvidia"),
    ("pods", tolerating(key="nvidia.com/gpu", operator="Exists"), "toleration not allowed: nvidia.com/gpu"),
    ("pods", tolerating(**MEMORY), "toleration not allowed: workload-type=memory:NoSchedule"),
    ("pods", tolerating(key="workload-type", operator="Exists"), "toleration not allowed: workload-type"),
    ("pods", spec(nodeSelector={"workload-type": "gpu"}), "nodeSelector or nodeAffinity not allowed: gpu; node pools"),
    ("pods", within("gpu"), "nodeSelector or nodeAffinity not allowed: gpu; node pools of this tenant are compute"),
    ("pods", within("memory", "other"), "nodeSelector or nodeAffinity not allowed: memory"),
    ("pods", using(**{"nvidia.com/gpu": "1"}), "resource not allowed: nvidia.com/gpu; extended resources"),
    ("pods", spec(runtimeClassName="adm-runtime"), "runtimeClassName not allowed: adm-runtime; runtime classes"),
    ("pods", spec(terminationGracePeriodSeconds=600), "terminationGracePeriodSeconds not allowed: 600"),
    ("persistentvolumeclaims", spec(storageClassName="fast-ssd"), "storage class not allowed: fast-ssd"),
    ("persistentvolumeclaims", spec(volumeAttributesClassName="adm-fast"), "volumeAttributesClassName not allowed"),
    ("ingresses", spec(ingressClassName="internal"), "ingressClassName not allowed: internal"),
    ("ingresses", annotated("kubernetes.io/ingress.class", "public"), "ingressClassName not allowed: public"),
    ("ingresses", annotated("cert-manager.io/cluster-issuer", "vcci-other"), "annotation not allowed: cert-manager"),
    ("ingresses", annotated("example.com/any", '"x": null'), "annotation not allowed: example.com/any"),
    ("ingresses", annotated("example.com/some", "b, c"), "annotation not allowed: example.com/some"),
    ("services", annotated("example.com/some", "d"), "annotation not allowed: example.com/some"),
    ("services", spec(**BALANCED), "type not allowed: LoadBalancer; load balancers of this tenant are 0"),
    ("services", spec(**BALANCED, externalTrafficPolicy="Local"), "type not allowed: LoadBalancer"),
    ("services", spec(**BALANCED, allocateLoadBalancerNodePorts=False), "type not allowed: LoadBalancer"),
]
# What the greater tier does not allow either.
NEVER = [
    ("pods", spec(priorityClassName="system-node-critical"), "priority classes of this tenant are adm-gold .tier ent"),
    ("pods", tolerating(key="nvidia.com/gpu", operator="Exists", effect="NoExecute"), "toleration not allowed"),
    ("pods", tolerating(key="nvidia.com/gpu", value="false", effect="NoSchedule"), "toleration not allowed"),
    ("pods", using(**{"amd.com/gpu": "1"}), "extended resources of this tenant are nvidia.com/gpu"),
    (
        "pods",
        spec(resources={"limits": {"hugepages-2Mi": "2Mi", "memory": "8Mi", "cpu": "1m"}}),
        "resource not allowed",
    ),
    ("ingresses", annotated("example.com/some", "b"), "annotation not allowed: example.com/some=b"),
    ("ingresses", annotated("example.com/some", 'a", "b, c'), "annotation not allowed: example.com/some"),
    ("ingresses", annotated("example.com/som", "a"), "annotation not allowed: example.com/som"),
    ("ingresses", annotated("example.com/other", "a\nb"), "annotation not allowed: example.com/other"),
    ("services", spec(**{**BALANCED, "ports": [{"port": 80, "nodePort": 32001}]}), "nodePort not allowed: 32001"),
    ("services", spec(**BALANCED, loadBalancerIP="192.0.2.1"), "loadBalancerIP not allowed: 192.0.2.1"),
    ("services", spec(**BALANCED, loadBalancerClass="example.com/a"), "loadBalancerClass not allowed: example.com/a"),
    (
        "services",
        spec(**BALANCED, externalTrafficPolicy="Local", healthCheckNodePort=32002),
        "healthCheckNodePort not allowed: 32002",
    ),
    ("services", annotated("service.kubernetes.io/topology-mode", "Auto"), "annotation not allowed"),
    (
        "services",
        annotated("kubernetes.io/ingress.class", "public"),
        "annotation not allowed: kubernetes.io/ingress.cl",
    ),
    ("ingresses", annotated("kubernetes.io/ingress.class-of", "a"), "annotation not allowed: kubernetes.io/ingress.cl"),
]

# What may be changed of what is there. Each object was made before its namespace was a tenant's, with whatever it has;
# the change is a merge patch. Resource, what is there, the change, what the refusal says (empty: it is allowed).
NODE = "node.kubernetes.io"
A_WHILE = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
ADDED = [{"key": f"{NODE}/{name}", **A_WHILE} for name in ("not-ready", "unreachable")]  # by the API server
LATE = {"metadata": {"finalizers": ["globex.example/stay"]}}
TAKEN = {"spec": {"rules": [c.rule("taken.example")]}}
OURS = labelled("app.kubernetes.io/managed-by", "greenlang.vcci")
SUSPENDED = annotated(f"{PREFIX}before-suspension", "3")
GATED = {"schedulingGates": [{"name": "example.com/wait"}]}
# More rules than a policy could compare with each other, and more environment than a tenant may bring.
WIDE = spec(rules=[c.rule(f"h{number}.globex.example") for number in range(600)])
LARGE = [c.container(IMAGE, env=[{"name": "A", "value": "x" * 262145}])]
HEAVY = spec(template={"spec": {"containers": LARGE}})


def path_of(path: str) -> Object:
    return spec(rules=[c.rule("globex.example", path=path)])


UPDATES = [
    ("pods", {}, spec(tolerations=[*ADDED, {"operator": "Exists"}]), "toleration not allowed: .every taint."),
    ("pods", {}, spec(tolerations=[*ADDED, {**A_WHILE, "key": f"{NODE}/other"}]), "toleration not allowed"),
    ("pods", {}, spec(tolerations=[*ADDED, {"key": f"{NODE}/memory-pressure", "operator": "Exists"}]), ""),
    ("pods", {}, labelled("a"), ""),
    ("pods", spec(**GATED), spec(nodeSelector={"workload-type": "gpu"}), "nodeAffinity not allowed: gpu"),
    ("pods", spec(**GATED), spec(nodeSelector={"kubernetes.io/os": "linux"}), ""),
    ("pods", spec(**GATED), spec(schedulingGates=None), ""),
    ("pods", spec(**GATED, tolerations=[{"operator": "Exists"}]), labelled("a"), ""),
    ("pods", {}, annotated("karpenter.sh/do-not-disrupt", "true"), "annotation not allowed: karpenter.sh"),
    ("pods", annotated("karpenter.sh/do-not-disrupt", "true"), labelled("a"), ""),
    ("pods", spec(containers=[c.container("other.example/a:v1")]), labelled("a"), ""),
    ("ingresses", {}, spec(rules=[c.rule("acme.example")]), "host not allowed: acme.example"),
    ("ingresses", TAKEN, labelled("a"), ""),
    ("ingresses", TAKEN, spec(rules=[c.rule("taken.example"), c.rule("globex.example")]), ""),
    ("ingresses", TAKEN, spec(rules=[c.rule("taken.example"), c.rule("acme.example")]), "host not allowed: acme.exam"),
    ("ingresses", TAKEN, spec(tls=[{"hosts": ["taken.example"]}]), "host not allowed: taken.example"),
    ("ingresses", c.merged(TAKEN, LATE), {"metadata": {"finalizers": None}}, ""),
    ("ingresses", annotated("example.com/a", "1"), annotated("example.com/a", "2"), "annotation not allowed: example"),
    ("ingresses", annotated("example.com/a", "1"), annotated("example.com/a", None), ""),
    ("ingresses", annotated("example.com/a", "1"), labelled("a"), ""),
    ("ingresses", spec(ingressClassName="other"), labelled("a"), ""),
    ("ingresses", {}, spec(ingressClassName="other"), "ingressClassName not allowed: other"),
    (
        "ingresses",
        {},
        spec(defaultBackend={"service": {"name": "a", "port": {"number": 80}}}),
        "host not allowed: spec",
    ),
    ("ingresses", c.merged(WIDE, LATE), {"metadata": {"finalizers": None}}, ""),
    ("ingresses", WIDE, labelled("a"), ""),
    ("ingresses", WIDE, spec(rules=[*WIDE["spec"]["rules"], c.rule("globex.example")]), ""),
    ("ingresses", WIDE, spec(rules=[*WIDE["spec"]["rules"], c.rule("acme.example")]), "host not allowed: acme.example"),
    ("ingresses", path_of("/a`b"), labelled("a"), ""),
    ("ingresses", path_of("/a`b"), spec(rules=[*path_of("/a`b")["spec"]["rules"], c.rule("globex.example")]), ""),
    ("ingresses", {}, path_of("/a`b"), "path not allowed: /a`b"),
    ("services", spec(type="NodePort"), labelled("a"), ""),
    ("services", {}, spec(type="NodePort"), "type not allowed: NodePort"),
    ("services", {}, spec(externalIPs=["192.0.2.1"]), "externalIPs not allowed: 192.0.2.1"),
    ("services", spec(externalIPs=["192.0.2.1"]), labelled("a"), ""),
    ("services", {}, spec(type="ExternalName", externalName="a.example"), "ExternalName; Services of this tenant"),
    ("services", {}, spec(ports=[{"name": f"p{n}", "port": n} for n in range(1, 34)]), "ports not allowed: 33"),
    ("services", annotated("example.com/a", "1"), annotated("example.com/b", "1"), "annotation not allowed: example.c"),
    (
        "services",
        {**spec(type="LoadBalancer"), "metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}},
        {"metadata": {"finalizers": None}},
        "removing the finalizer not allowed: service.kubernetes.io/load-balancer-cleanup",
    ),
    ("persistentvolumeclaims", {}, spec(volumeName="somebodys"), "volumeName not allowed: somebodys"),
    ("persistentvolumeclaims", {}, annotated("volume.kubernetes.io/selected-node", "a"), "annotation not allowed"),
    ("persistentvolumeclaims", spec(storageClassName="other"), labelled("a"), ""),
    ("persistentvolumeclaims", annotated("pv.kubernetes.io/bind-completed", "yes"), labelled("a"), ""),
    ("configmaps", {"data": {"a": "x" * 300000}}, labelled("a"), ""),
    ("configmaps", {"data": {"a": "x" * 300000}}, {"data": {"a": "y" * 300000}}, "data not allowed: 300000"),
    ("configmaps", {"data": {"a": "x" * 300000}}, {"data": {"a": "y"}}, ""),
    ("secrets", {}, {"stringData": {"a": "x" * 262145}}, "data not allowed: 262145"),
    (
        "deployments",
        {},
        {
            "spec": {
                "template": {"spec": {"containers": [c.container(IMAGE, env=[{"name": "A", "value": "x" * 262145}])]}}
            }
        },
        "env not allowed: 262145",
    ),
    ("deployments", HEAVY, spec(replicas=0), ""),
    ("deployments", HEAVY, spec(template={"spec": {"nodeSelector": {"tenant.vcci.io/suspended": "true"}}}), ""),
    (
        "deployments",
        HEAVY,
        spec(template={"spec": {"containers": [{**LARGE[0], "args": ["a"]}]}}),
        "env not allowed: 262145",
    ),
    ("poddisruptionbudgets", spec(maxUnavailable=1), spec(maxUnavailable=0), "maxUnavailable not allowed: 0"),
    ("poddisruptionbudgets", spec(maxUnavailable=0), labelled("a"), ""),
    ("configmaps", {}, OURS, "label not allowed: app.kubernetes.io/managed-by=greenlang.vcci"),
    ("configmaps", OURS, labelled("app.kubernetes.io/managed-by", None), "tenant label not allowed"),
    ("configmaps", OURS, {"data": {"a": "b"}}, "tenant label not allowed: app.kubernetes.io/managed-by=greenlang"),
    ("configmaps", labelled("app.kubernetes.io/managed-by", "Helm"), {"data": {"a": "b"}}, ""),
    ("configmaps", labelled("applyset.kubernetes.io/part-of"), {"data": {"a": "b"}}, ""),
    (
        "configmaps",
        labelled("applyset.kubernetes.io/part-of"),
        labelled("applyset.kubernetes.io/part-of", "y"),
        "label",
    ),
    ("configmaps", labelled("tenant", "other"), labelled("tenant", "another"), "tenant label not allowed: another"),
    ("configmaps", labelled("tenant", "other"), {"data": {"a": "b"}}, ""),
    ("configmaps", LATE, {"metadata": {"finalizers": None}}, ""),
    (
        "configmaps",
        LATE,
        {"metadata": {"finalizers": ["globex.example/stay", "b.example/c"]}},
        "not allowed: b.example",
    ),
    ("deployments", SUSPENDED, spec(replicas=2), ""),
    ("deployments", SUSPENDED, annotated(f"{PREFIX}before-suspension", "9"), "annotation not allowed: tenant.vcci.io"),
    ("deployments", SUSPENDED, annotated(f"{PREFIX}before-suspension", None), "annotation not allowed: tenant.vcci.io"),
    ("serviceaccounts", {}, SUSPENDED, "annotation not allowed: tenant.vcci.io/before-suspension"),
    ("pods", labelled(f"{PREFIX}published", "true"), labelled(f"{PREFIX}published", None), ""),
]
# The same of a deletion; the options of the request instead of a change.
YEAR = {"gracePeriodSeconds": 31536000}
DELETIONS = [
    ("configmaps", {}, {}, ""),
    ("configmaps", OURS, {}, "tenant label not allowed: app.kubernetes.io/managed-by=greenlang.vcci"),
    ("configmaps", labelled("applyset.kubernetes.io/part-of"), {}, "label not allowed: applyset.kubernetes.io/part-of"),
    ("deployments", SUSPENDED, {}, "annotation not allowed: tenant.vcci.io/before-suspension"),
    ("pods", {}, YEAR, "gracePeriodSeconds not allowed: 31536000; grace seconds of this tenant are at most 300"),
    ("pods", {}, {"gracePeriodSeconds": 300}, ""),
    ("pods", {}, {}, ""),
]

# What controllers make: user, resource, what differs, the refusal.
SYSTEM = "system:serviceaccount:kube-system:"
DAEMON, REPLICAS, SETS = (
    f"{SYSTEM}daemon-set-controller",
    f"{SYSTEM}replicaset-controller",
    f"{SYSTEM}statefulset-controller",
)
AGENT = "system:serviceaccount:network:agent"
SOLVER = "system:serviceaccount:cert-manager:cert-manager"
ON_NODE = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["compute-1"]}]}
TO_NODE = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [ON_NODE]}}}
OTHERS = [
    (DAEMON, "pods", spec(affinity=TO_NODE), ""),
    (DAEMON, "pods", tolerating(key=f"{NODE}/unschedulable", operator="Exists", effect="NoSchedule"), ""),
    (DAEMON, "pods", tolerating(key=f"{NODE}/not-ready", operator="Exists", effect="NoExecute"), ""),
    (DAEMON, "pods", tolerating(operator="Exists"), "toleration not allowed: .every taint."),
    (DAEMON, "pods", tolerating(**GPU), "toleration not allowed: nvidia.com/gpu"),
    (DAEMON, "pods", spec(nodeName="compute-1"), "nodeName not allowed: compute-1"),
    (REPLICAS, "pods", {}, ""),
    (REPLICAS, "pods", spec(affinity=TO_NODE), "matchFields not allowed"),
    (REPLICAS, "pods", tolerating(key=f"{NODE}/unschedulable", operator="Exists"), "toleration not allowed"),
    (REPLICAS, "pods", spec(nodeName="compute-1"), "nodeName not allowed"),
    (REPLICAS, "pods", spec(priorityClassName="system-cluster-critical"), "priorityClassName not allowed"),
    (REPLICAS, "pods", OURS, "label not allowed: app.kubernetes.io/managed-by"),
    (REPLICAS, "pods", LATE, "finalizer not allowed: globex.example/stay"),
    (REPLICAS, "pods", SUSPENDED, "annotation not allowed: tenant.vcci.io/before-suspension"),
    (f"{SYSTEM}job-controller", "pods", {"metadata": {"finalizers": ["batch.kubernetes.io/job-tracking"]}}, ""),
    (f"{SYSTEM}deployment-controller", "replicasets", SUSPENDED, ""),
    (f"{SYSTEM}deployment-controller", "replicasets", OURS, "label not allowed: app.kubernetes.io/managed-by"),
    (f"{SYSTEM}endpointslice-controller", "endpointslices", OURS, ""),
    (AGENT, "endpointslices", OURS, ""),  # as Cilium's agents write copies of a pod's labels
    (SETS, "persistentvolumeclaims", {}, ""),
    (SETS, "persistentvolumeclaims", spec(storageClassName="other"), "storage class not allowed: other"),
    (SETS, "persistentvolumeclaims", LATE, "finalizer not allowed"),
    (f"{SYSTEM}ephemeral-volume-controller", "persistentvolumeclaims", spec(volumeName="a"), "volumeName not allowed"),
    (SOLVER, "pods", spec(containers=[c.container("quay.io/jetstack/solver:v1")]), ""),
    (SOLVER, "ingresses", spec(ingressClassName="other", rules=[c.rule("taken.example")]), ""),
    (SOLVER, "ingresses", annotated("nginx.ingress.kubernetes.io/whitelist-source-range", "0.0.0.0/0"), ""),
    (SOLVER, "services", spec(type="NodePort"), ""),
    (SOLVER, "configmaps", OURS, "label not allowed"),
]
OF_THE_PLATFORM = "; the platform has it for itself .tenant_protected_hosts.; hosts of this tenant are globex.example"
# Hosts of an Ingress or of its certificates; vcci.elsewhere.example is the platform's, outside of its domain.
PLATFORM_HOSTS = [
    *(
        (host, f"host not allowed: {host.replace('*', '.')}{OF_THE_PLATFORM}")
        for host in (
            "api.platform.example",
            "platform.example",
            "any.platform.example",
            "*.platform.example",
            "deep.in.platform.example",
            "vcci.elsewhere.example",
            "*.elsewhere.example",
        )
    ),
    ("elsewhere.example", ""),
    ("other.elsewhere.example", ""),
    ("below.vcci.elsewhere.example", ""),
    ("notplatform.example", ""),
    ("*.other.example", ""),
]
# What the platform's own people make there: what carries their label is theirs, and the rest is judged as anybody's.
PLATFORM = [
    ("pods", c.merged(OURS, tolerating(operator="Exists")), ""),
    ("pods", c.merged(OURS, spec(containers=[c.container("other.example/a:v1")], nodeName="compute-1")), ""),
    ("pods", tolerating(operator="Exists"), "toleration not allowed"),
    ("pods", spec(containers=[c.container("other.example/a:v1")]), "registry not allowed: other.example/a:v1"),
    ("configmaps", c.merged(OURS, LATE), ""),
    ("configmaps", SUSPENDED, ""),
    ("configmaps", labelled("tenant", "other"), "tenant label not allowed: other"),
    ("ingresses", spec(rules=[c.rule("taken.example")]), "host not allowed: taken.example"),
    ("persistentvolumeclaims", spec(volumeName="a"), "volumeName not allowed"),
]
