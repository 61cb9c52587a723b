# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is tried of what tenants publish: from outside, from their own pods, and from everybody else's."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.filter.tenant_published import tenant_published


def namespace(name, hosts=None, classes=None):
    given = {"tenant.vcci.io/hosts": hosts, "tenant.vcci.io/ingress-classes": classes}
    annotations = {key: value for key, value in given.items() if value is not None}
    return {"kind": "Namespace", "metadata": {"name": name, "annotations": annotations}}


def quota(where, limit, used):
    status = {} if used is None else {"used": {"services.loadbalancers": used}}
    spec = {"hard": {} if limit is None else {"services.loadbalancers": limit}}
    return {
        "kind": "ResourceQuota",
        "metadata": {"name": "tenant-quota", "namespace": where},
        "spec": spec,
        "status": status,
    }


def made(kind, where, name, address="", **more):
    balanced = {"loadBalancer": {"ingress": [{"ip": address}]}} if address else {}
    return {"kind": kind, "metadata": {"name": name, "namespace": where}, "status": balanced, **more}


@pytest.mark.parametrize(
    ("objects", "served", "tenant"),
    [
        ([namespace("a")], True, {"host": "", "balancers": 0}),
        ([namespace("a", "")], True, {"host": "", "balancers": 0}),
        ([namespace("a", "*.a.example,b.example")], True, {"host": "vcci-verify.a.example", "balancers": 0}),
        ([namespace("a", "a.example")], False, {"host": "", "balancers": 0}),
        ([namespace("a"), quota("a", "2", "0")], True, {"host": "", "balancers": 2}),
        ([namespace("a"), quota("a", "2", "1")], True, {"host": "", "balancers": 1}),
        ([namespace("a"), quota("a", "1", "3")], True, {"host": "", "balancers": 0}),
        ([namespace("a"), quota("a", "1k", "1")], True, {"host": "", "balancers": 999}),
        ([namespace("a"), quota("a", "2", None)], True, {"host": "", "balancers": 2}),
        ([namespace("a"), quota("a", None, None)], True, {"host": "", "balancers": 0}),
    ],
)
def test_what_a_tenant_may_publish(objects, served, tenant):
    assert tenant_published(objects, "p", served)["tenants"] == [{"namespace": "a", "ingress_class": "", **tenant}]


@pytest.mark.parametrize(("classes", "served_by"), [(None, ""), ("", ""), ("own", "own"), ("own,other", "own")])
def test_a_host_is_published_by_a_class_that_its_tenant_may_use(classes, served_by):
    [tenant] = tenant_published([namespace("a", "a.example", classes)], "p")["tenants"]
    assert tenant["ingress_class"] == served_by


def test_who_must_reach_it_and_who_must_not():
    rule = {"spec": {"rules": [{"host": "a.example"}]}}
    tried = tenant_published(
        [
            namespace("a", "a.example"),
            namespace("b"),
            made("Service", "a", "vcci-probe-published", "192.0.2.1", spec={"clusterIP": "10.9.0.1"}),
            made("Service", "a", "vcci-probe-hidden", "192.0.2.2", spec={"clusterIP": "10.9.0.2"}),
            {**made("Pod", "a", "vcci-probe-published"), "status": {"podIP": "10.0.0.1"}},
            {**made("Pod", "a", "vcci-probe-hidden"), "status": {"podIP": "10.0.0.2"}},
            made("Ingress", "a", "vcci-probe", "192.0.2.9", **rule),
            made("Service", "b", "vcci-probe-published", spec={"clusterIP": "10.9.0.3"}),
        ],
        "p",
    )
    seen = [(one["name"], one["address"], one["host"], one["path"], one["expect"]) for one in tried["outside"]]
    assert seen == [
        ("a/load-balancer", "192.0.2.1:8080", "192.0.2.1", "", "open"),
        ("a/load-balancer-of-hidden", "192.0.2.2:8080", "192.0.2.2", "", "closed"),
        ("a/host", "192.0.2.9:80", "a.example", "", "open"),
        ("a/host-of-hidden", "192.0.2.9:80", "a.example", "hidden", "closed"),
        ("a/host-of-nobody", "192.0.2.9:80", "nobody.invalid", "", "closed"),
    ]
    others = [
        ("a/published-service", "10.9.0.1", "closed"),
        ("a/published-pod", "10.0.0.1", "closed"),
        ("a/published-load-balancer", "192.0.2.1", "closed"),
        ("a/hidden-service", "10.9.0.2", "closed"),
        ("a/hidden-pod", "10.0.0.2", "closed"),
        ("a/hidden-load-balancer", "192.0.2.2", "closed"),
    ]
    of = {
        here: [(one["name"], one["host"], one["expect"]) for one in targets]
        for here, targets in tried["inside"].items()
    }
    assert list(of) == ["a", "b", "p"]
    assert of["a"] == [
        ("a/published-service", "10.9.0.1", "open"),
        ("a/hidden-service", "10.9.0.2", "open"),
        ("b/published-service", "10.9.0.3", "closed"),
    ]
    assert of["b"] == [*others, ("b/published-service", "10.9.0.3", "open")]
    assert of["p"] == [*others, ("b/published-service", "10.9.0.3", "closed")]
    assert {one["port"] for targets in tried["inside"].values() for one in targets} == {8080}


@pytest.mark.parametrize(
    ("made_of_it", "seen"),
    [
        ([], []),
        ([made("Service", "a", "vcci-probe-published", spec={"clusterIP": "10.9.0.1"})], []),
        (
            [made("Service", "a", "vcci-probe-published", spec={"clusterIP": "10.9.0.1", "type": "LoadBalancer"})],
            [("a/load-balancer", ":8080", "open")],
        ),
        (
            [made("Ingress", "a", "vcci-probe", spec={"rules": [{"host": "a.example"}]})],
            [("a/host", ":80", "open"), ("a/host-of-hidden", ":80", "closed"), ("a/host-of-nobody", ":80", "closed")],
        ),
    ],
)
def test_what_got_no_way_in_is_told(made_of_it, seen):
    tried = tenant_published([namespace("a", "a.example"), *made_of_it], "p")
    assert [(one["name"], one["address"], one["expect"]) for one in tried["outside"]] == seen
