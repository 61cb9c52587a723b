# Copyright (c) 2026 GreenLang. All rights reserved.
"""Random manifests, random drift, random next manifests: what check mode predicts is what the run does, and then
nothing is left to do."""

from __future__ import annotations

import copy
import os

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError, VcciError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEYS = st.sampled_from(["a", "b", "c", "d.e"])
VALUES = st.sampled_from(["", "0", "yes", "x y", "ä\n", "null"])
NAMES = st.sampled_from(["n0", "n1", "n2"])
TEXTS = st.dictionaries(KEYS, VALUES, max_size=3)
QUANTITIES = st.sampled_from(["100m", "0.1", "1", "1000m", "1Gi", "1024Mi"])


def meta(labels, annotations):
    return {**({"labels": labels} if labels else {}), **({"annotations": annotations} if annotations else {})}


LABELS = st.dictionaries(KEYS, st.sampled_from(["x", "y", ""]), max_size=2)
META = st.builds(meta, LABELS, TEXTS)
CONFIG_MAP = st.fixed_dictionaries(
    {"apiVersion": st.just("v1"), "kind": st.just("ConfigMap"), "metadata": META, "data": TEXTS}
)
SECRET = st.fixed_dictionaries(
    {"apiVersion": st.just("v1"), "kind": st.just("Secret"), "metadata": META, "stringData": TEXTS}
)
QUOTA = st.fixed_dictionaries(
    {
        "apiVersion": st.just("v1"),
        "kind": st.just("ResourceQuota"),
        "metadata": META,
        "spec": st.fixed_dictionaries(
            {
                "hard": st.dictionaries(
                    st.sampled_from(["pods", "requests.cpu", "requests.memory"]), QUANTITIES, max_size=3
                )
            }
        ),
    }
)
PORT = st.fixed_dictionaries(
    {"port": st.integers(80, 83)},
    optional={"protocol": st.sampled_from(["TCP", "UDP"]), "targetPort": st.sampled_from([8080, "http"])},
)


def named(ports):
    return [{**p, "name": f"p{n}"} for n, p in enumerate(ports)]


SERVICE = st.fixed_dictionaries(
    {
        "apiVersion": st.just("v1"),
        "kind": st.just("Service"),
        "metadata": META,
        "spec": st.fixed_dictionaries(
            {
                "selector": LABELS,
                "ports": st.lists(
                    PORT, min_size=1, max_size=3, unique_by=lambda p: (p["port"], p.get("protocol", "TCP"))
                ).map(named),
            }
        ),
    }
)
CONTAINER = st.fixed_dictionaries(
    {"image": st.sampled_from(["i:1", "i:2"])},
    optional={
        "env": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from(["A", "B", "C"]), "value": VALUES}),
            max_size=3,
            unique_by=lambda e: e["name"],
        ),
        "args": st.lists(VALUES, max_size=2),
        "resources": st.fixed_dictionaries({"limits": st.dictionaries(st.sampled_from(["cpu", "memory"]), QUANTITIES)}),
    },
)


def deployment(metadata, replicas, containers):
    pods = [{**c, "name": f"c{n}"} for n, c in enumerate(containers)]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            **({} if replicas is None else {"replicas": replicas}),
            "selector": {"matchLabels": {"z": "z"}},
            "template": {"metadata": {"labels": {"z": "z"}}, "spec": {"containers": pods}},
        },
    }


DEPLOYMENT = st.builds(deployment, META, st.sampled_from([None, 0, 1, 2]), st.lists(CONTAINER, min_size=1, max_size=2))
POLICY = st.fixed_dictionaries(
    {
        "apiVersion": st.just("networking.k8s.io/v1"),
        "kind": st.just("NetworkPolicy"),
        "metadata": META,
        "spec": st.fixed_dictionaries(
            {
                "podSelector": st.just({}),
                "policyTypes": st.lists(st.sampled_from(["Ingress", "Egress"]), unique=True, max_size=2),
                "ingress": st.lists(st.just({}) | st.just({"from": [{"podSelector": {}}]}), max_size=2),
            }
        ),
    }
)
OBJECT = st.one_of(CONFIG_MAP, SECRET, QUOTA, SERVICE, DEPLOYMENT, POLICY)
SET = st.lists(st.tuples(NAMES, OBJECT), max_size=4, unique_by=lambda p: (p[0], p[1]["kind"]))

FIELDS = {
    "ConfigMap": "data",
    "Secret": "stringData",
    "ResourceQuota": "metadata",
    "Service": "metadata",
    "Deployment": "metadata",
    "NetworkPolicy": "metadata",
}
DRIFT = st.lists(
    st.tuples(
        st.sampled_from(["label", "unlabel", "delete", "finalize", "edit", "replace labels"]), st.integers(0, 9), VALUES
    ),
    max_size=3,
)


def placed(objects, namespace):
    result = []
    for name, obj in objects:
        own = copy.deepcopy(obj)
        own["metadata"].update(name=name, namespace=namespace)
        result.append(own)
    return result


def drift(client, objects, steps):
    for action, number, value in steps:
        if not objects:
            return
        obj = objects[number % len(objects)]
        path = client.resource(obj["apiVersion"], obj["kind"]).path(
            obj["metadata"]["namespace"], obj["metadata"]["name"]
        )
        label = value if value.isalnum() else "v"
        change = {
            "label": {"metadata": {"labels": {"a": label}}},
            "unlabel": {"metadata": {"labels": {"a": None}}},
            "replace labels": {"metadata": {"labels": {"applyset.kubernetes.io/part-of": None, "b": label}}},
            "finalize": {"metadata": {"annotations": {"a": value}}},
            "edit": {
                "metadata": {"annotations": {"a": None}},
                **({FIELDS[obj["kind"]]: {"b": value}} if obj["kind"] in ("ConfigMap", "Secret") else {}),
            },
        }.get(action)
        try:
            if action == "delete":
                client.request("DELETE", path, body={"propagationPolicy": "Background"})
            else:
                client.request(
                    "PATCH",
                    path,
                    body=change,
                    content_type="application/merge-patch+json",
                    query={"fieldManager": "somebody"},
                )
        except VcciError:
            pass  # deleted by an earlier step


def outcome(run):
    try:
        result = run()
    except ApplyError as exc:
        return "failed", {f["message"] for f in exc.failures}, None
    return (
        "done",
        {k: v for k, v in result.to_dict().items() if k not in ("requests", "duration", "timing")},
        result.diff,
    )


@pytest.mark.parametrize("force", [True, False])
def test_check_predicts_the_run(client, namespace, force):
    counter = iter(range(10**6))

    @settings(
        max_examples=int(os.environ.get("VCCI_TEST_EXAMPLES", "60")),
        deadline=None,
        derandomize=bool(os.environ.get("CI")),
        suppress_health_check=list(HealthCheck),
    )
    @given(SET, DRIFT, SET, st.booleans())
    def check(first, steps, second, prune):
        options = {"name": f"p{next(counter)}", "namespace": namespace, "prune_limit": -1}
        first, second = placed(first, namespace), placed(second, namespace)
        compare(client, first, {**options, "force_conflicts": True})
        drift(client, first, steps)
        # Pruning by nothing is refused: test_members.py.
        compare(client, second, {**options, "force_conflicts": force, "prune": prune and bool(second)})
        cleanup(client, [*first, *second])

    check()


def compare(client, objects, options):
    predicted = outcome(lambda: apply_set(client, objects, ApplyOptions(check=True, **options)))
    done = outcome(lambda: apply_set(client, objects, ApplyOptions(**options)))
    assert predicted[0] == done[0]
    if done[0] == "failed":
        assert done[1] <= predicted[1]  # the run stops at the phase that fails, check mode names the failures of all
        return
    assert predicted == done
    again = apply_set(client, objects, ApplyOptions(**options))
    assert not again.changed, again.to_dict()
    assert not apply_set(client, objects, ApplyOptions(check=True, **options)).changed


def cleanup(client, objects):
    for obj in objects:
        path = client.resource(obj["apiVersion"], obj["kind"]).path(
            obj["metadata"]["namespace"], obj["metadata"]["name"]
        )
        try:
            client.request("DELETE", path, body={"propagationPolicy": "Background"})
        except VcciError:
            continue
