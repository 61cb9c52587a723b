# Copyright (c) 2026 GreenLang. All rights reserved.
"""Nothing is deleted before the server has accepted its successor; a field is immutable if the server says so."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import putback
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApiError, ApplyError, InputError

from tests.helpers import eventually, impersonating
from tests.integration.applyset.objects import made

RECREATE = {"applyset.greenlang.io/recreate": "true"}
DRY = {"dryRun": "All"}
RBAC = "rbac.authorization.k8s.io"


def job(namespace, image="example.invalid/a:1", **more):
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": image, **more}]}
    return made("batch/v1", "Job", namespace, spec={"template": {"spec": pod}})


def deployment(namespace, label="x", **spec):
    labels = {"app": label}
    pod = {"containers": [{"name": "main", "image": "example.invalid/a:1"}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template, **spec}
    return made("apps/v1", "Deployment", namespace, spec=spec)


def service(namespace, **spec):
    return made("v1", "Service", namespace, spec={"ports": [{"port": 80}], **spec})


def binding(namespace, role, **more):
    ref = {"apiGroup": RBAC, "kind": "Role", "name": role}
    return made(f"{RBAC}/v1", "RoleBinding", namespace, roleRef=ref, **more)


def quota(namespace, **hard):
    return made("v1", "ResourceQuota", namespace, "q", spec={"hard": hard})


def allowed(obj):
    return {**obj, "metadata": {**obj["metadata"], "annotations": RECREATE}}


@pytest.fixture
def uid(client):
    def found(obj):
        meta = obj["metadata"]
        live = client.get(obj["apiVersion"], obj["kind"], meta["name"], meta.get("namespace"))
        return live and live["metadata"]["uid"]

    return found


@pytest.fixture
def refused(apply):
    """The message with which check mode and run refuse objects: it is the same."""

    def both(objects, **options):
        messages = []
        for check in (True, False):
            with pytest.raises(ApplyError) as caught:
                apply(objects, check=check, **options)
            assert not caught.value.result.recreated
            messages.append(str(caught.value))
        assert messages[0] == messages[1]
        return messages[0]

    return both


REFUSED = {
    "an image that is empty": (job, lambda ns: job(ns, image=""), "image"),
    "an image and a name": (job, lambda ns: job(ns, image="b", name="Not A Name"), "name"),
    "a selector and a number": (deployment, lambda ns: deployment(ns, "y", minReadySeconds=-1), "minReadySeconds"),
    "an address that is none": (service, lambda ns: service(ns, clusterIP="None", type="LoadBalancer"), "clusterIP"),
    "a role and a subject": (
        lambda ns: binding(ns, "one"),
        lambda ns: binding(ns, "two", subjects=[{"kind": "ServiceAccount", "name": ""}]),
        "subjects",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_be_refused_as_a_new_object_is_not_deleted(apply, refused, namespace, uid, case):
    first, second, field = REFUSED[case]
    obj = first(namespace)
    apply([obj])
    before = uid(obj)
    message = refused([allowed(second(namespace))])
    assert f"{obj['kind']} {namespace}/x" in message
    assert field in message
    assert uid(obj) == before


def test_admission_is_asked_for_the_successor_too(apply, refused, namespace, uid, kubectl):
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=baseline")
    pod = made("v1", "Pod", namespace, spec={"containers": [{"name": "main", "image": "example.invalid/a:1"}]})
    eventually(lambda: not _fails(apply, [pod]), "the namespace's account is there")
    before = uid(pod)
    privileged = {"name": "main", "image": "example.invalid/a:1", "securityContext": {"privileged": True}}
    assert "PodSecurity" in refused([allowed({**pod, "spec": {"containers": [privileged]}})])
    assert uid(pod) == before


def _fails(apply, objects):
    try:
        apply(objects)
    except ApplyError:
        return True
    return False


def test_a_right_to_delete_is_asked_for_in_check_mode_too(apply, namespace, uid, kubectl, client, kubeconfig):
    rules = [{"apiGroups": ["", "batch"], "resources": ["*"], "verbs": ["get", "list", "create", "patch", "update"]}]
    account = made("v1", "ServiceAccount", namespace, "deployer")
    subjects = [{"kind": "ServiceAccount", "name": "deployer", "namespace": namespace}]
    role = made(f"{RBAC}/v1", "Role", namespace, "deployer", rules=rules)
    bound = binding(namespace, "deployer", subjects=subjects)
    apply([account, role, bound], name="access")
    apply([job(namespace)])
    before = uid(job(namespace))
    user = f"system:serviceaccount:{namespace}:deployer"
    deployer = impersonating(kubeconfig, user, [role])
    for check in (True, False):
        with pytest.raises(ApplyError, match="cannot delete"):
            apply([allowed(job(namespace, "b"))], client=deployer, check=check)
    deployer.close()
    assert uid(job(namespace)) == before


QUOTAS = {
    "a number of jobs": ({"count/jobs.batch": "1"}, job, lambda ns: job(ns, "example.invalid/b:1")),
    "load balancers": (
        {"services.loadbalancers": "1"},
        lambda ns: service(ns, type="LoadBalancer", allocateLoadBalancerNodePorts=False),
        lambda ns: service(
            ns, type="LoadBalancer", allocateLoadBalancerNodePorts=False, loadBalancerClass="example.invalid/lb"
        ),
    ),
}


@pytest.mark.parametrize("case", QUOTAS)
def test_a_quota_that_the_old_object_fills_is_no_hindrance(apply, client, namespace, uid, case):
    hard, first, second = QUOTAS[case]
    apply([quota(namespace, **hard)], name="quota")
    obj = first(namespace)

    def used():
        status = client.get("v1", "ResourceQuota", "q", namespace).get("status") or {}
        return (status.get("used") or {}).get(next(iter(hard)))

    eventually(used, "the quota counts")  # what is created before may be counted minutes later
    apply([obj])
    before = uid(obj)
    eventually(lambda: used() == "1", "the quota counts it")
    wanted = [allowed(second(namespace))]
    assert apply(wanted, check=True).recreated == apply(wanted).recreated == [f"{obj['kind']} {namespace}/x"]
    assert uid(obj) != before


def test_a_quota_that_would_be_exceeded_all_the_same_is(apply, client, refused, namespace, uid):
    apply([quota(namespace, **{"count/jobs.batch": "1"})], name="quota")
    apply([job(namespace)])
    before = uid(job(namespace))
    hard = {"spec": {"hard": {"count/jobs.batch": "0"}}}
    path = f"/api/v1/namespaces/{namespace}/resourcequotas/q"
    client.request("PATCH", path, body=hard, content_type="application/merge-patch+json")

    def counted():
        status = client.get("v1", "ResourceQuota", "q", namespace)["status"]
        return status.get("hard") == {"count/jobs.batch": "0"} and status.get("used") == {"count/jobs.batch": "1"}

    eventually(counted, "the quota counts it")
    assert "exceeded quota" in refused([allowed(job(namespace, "b"))])
    assert uid(job(namespace)) == before


def test_addresses_and_ports_of_the_old_service_may_be_kept(apply, client, namespace, uid):
    apply([service(namespace, type="NodePort")])
    live = client.get("v1", "Service", "x", namespace)
    before, number = live["spec"], live["spec"]["ports"][0]["nodePort"]
    kept = {"type": "NodePort", "clusterIP": before["clusterIP"], "ports": [{"port": 80, "nodePort": number}]}
    balanced = {**kept, "type": "LoadBalancer", "loadBalancerClass": "example.invalid/one"}
    apply([service(namespace, **balanced)])
    other = allowed(service(namespace, **{**balanced, "loadBalancerClass": "example.invalid/two"}))
    old = uid(other)
    assert apply([other], check=True).recreated == apply([other]).recreated == [f"Service {namespace}/x"]
    now = client.get("v1", "Service", "x", namespace)["spec"]
    assert (now["clusterIP"], now["ports"][0]["nodePort"]) == (before["clusterIP"], number)
    assert uid(other) != old


def test_a_name_that_sounds_immutable_is_not(apply, refused, namespace, uid):
    obj = deployment(namespace)
    obj["metadata"]["name"] = "immutable-cache"
    apply([obj])
    before = uid(obj)
    wrong = {**obj, "spec": {**obj["spec"], "minReadySeconds": -1}}
    message = refused([wrong])
    assert "recreate" not in message
    assert refused([allowed(wrong)]) == message
    assert uid(obj) == before


def priority_class(namespace, value=10, **more):
    return made("scheduling.k8s.io/v1", "PriorityClass", None, namespace, value=value, **more)


STATED = {
    "PriorityClass": (priority_class, lambda ns: priority_class(ns, 20)),
    "StorageClass": (
        lambda ns: made("storage.k8s.io/v1", "StorageClass", None, ns, provisioner="example.com/a"),
        lambda ns: made("storage.k8s.io/v1", "StorageClass", None, ns, provisioner="example.com/b"),
    ),
    "IngressClass": (
        lambda ns: made("networking.k8s.io/v1", "IngressClass", None, ns, spec={"controller": "example.com/a"}),
        lambda ns: made("networking.k8s.io/v1", "IngressClass", None, ns, spec={"controller": "example.com/b"}),
    ),
    "ConfigMap": (
        lambda ns: made("v1", "ConfigMap", ns, immutable=True, data={"a": "1"}),
        lambda ns: made("v1", "ConfigMap", ns, immutable=True, data={"a": "field is immutable"}),
    ),
    "type of a Secret": (
        lambda ns: made("v1", "Secret", ns, type="Opaque"),
        lambda ns: made("v1", "Secret", ns, type="example.com/other"),
    ),
    "selector of a Deployment": (deployment, lambda ns: deployment(ns, "y")),
    "Pod": (
        lambda ns: made("v1", "Pod", ns, spec={"containers": [{"name": "a", "image": "example.invalid/a:1"}]}),
        lambda ns: made("v1", "Pod", ns, spec={"containers": [{"name": "b", "image": "example.invalid/a:1"}]}),
    ),
    "EndpointSlice": (
        lambda ns: made("discovery.k8s.io/v1", "EndpointSlice", ns, addressType="IPv4", endpoints=[]),
        lambda ns: made("discovery.k8s.io/v1", "EndpointSlice", ns, addressType="IPv6", endpoints=[]),
    ),
}


@pytest.mark.parametrize("case", STATED)
def test_every_kind_that_says_so_gets_the_remedy_and_is_recreated(apply, client, refused, namespace, uid, case):
    first, second = STATED[case]
    obj, other = first(namespace), second(namespace)
    apply([obj])
    try:
        message = refused([other])
        assert "cannot be changed on an existing object" in message
        assert f"recreate: [{obj['kind']}]" in message
        before = uid(obj)
        predicted, done = apply([allowed(other)], check=True), apply([allowed(other)])
        assert len(done.recreated) == 1
        assert (predicted.recreated, predicted.diff) == (done.recreated, done.diff)
        assert uid(obj) != before
        assert not apply([allowed(other)]).changed
    finally:
        if not obj["metadata"].get("namespace"):
            delete_set(client, [obj], ApplyOptions(force_conflicts=True))


RULES = {
    "with a message": {"rule": "self.size == oldSelf.size", "message": "size is fixed after creation"},
    "without one": {"rule": "self.size == oldSelf.size"},
}


@pytest.mark.parametrize("case", RULES)
def test_rules_of_definitions_are_understood(apply, client, refused, namespace, uid, case):
    """And where the object breaks another rule as well, it stays."""
    group = f"{namespace}.example.com"
    rules = [RULES[case], {"rule": "self.size < 9", "message": "at most 8"}]
    spec = {"type": "object", "properties": {"size": {"type": "integer"}}, "x-kubernetes-validations": rules}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": schema}]
    names = {"kind": "Widget", "plural": "widgets"}
    defined = {"group": group, "scope": "Namespaced", "names": names, "versions": versions}
    definition = made("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, f"widgets.{group}", spec=defined)
    widget = made(f"{group}/v1", "Widget", namespace, spec={"size": 1})
    apply([definition], name=None)
    try:
        apply([widget])
        before = uid(widget)
        assert f"recreate: [Widget.{group}]" in refused([{**widget, "spec": {"size": 2}}])
        assert "at most 8" in refused([allowed({**widget, "spec": {"size": 10}})])
        assert uid(widget) == before
        done = apply([{**widget, "spec": {"size": 2}}], recreate=(f"Widget.{group}",))
        assert done.recreated == [f"Widget.{group} {namespace}/x"]
    finally:
        client.request("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}")


def test_an_admission_policy_may_state_it(apply, client, refused, namespace, uid, kubectl):
    """The policy's name is no statement."""
    policy, bound = forbidding(f"immutable-{namespace}", namespace)
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["configmaps"]}
    policy["spec"] = {
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [{"name": "one", "expression": "object.metadata.name == 'x'"}],
        "validations": [
            {"expression": "object.data.colour == oldObject.data.colour", "message": "the colour may not be changed"},
            {"expression": "object.data.size != 'big'", "message": "big is too much"},
        ],
    }
    kubectl("apply", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": [policy, bound]})
    first = made("v1", "ConfigMap", namespace, data={"colour": "red", "size": "small"})
    other = {**first, "data": {"colour": "blue", "size": "small"}}
    try:
        apply([first])
        before = uid(first)
        big, tries = {"colour": "red", "size": "big"}, itertools.count()
        eventually(lambda: _fails(apply, [{**first, "data": {**big, "n": str(next(tries))}}]), "it takes effect")
        assert "recreate" not in refused([{**first, "data": {**big, "n": "last"}}])
        assert "recreate: [ConfigMap]" in refused([other])
        assert uid(first) == before
        assert apply([allowed(other)]).recreated == [f"ConfigMap {namespace}/x"]
    finally:
        kubectl("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", f"immutable-{namespace}")


def test_kinds_are_allowed_by_the_task(apply, namespace, uid):
    obj = job(namespace)
    apply([obj])
    before = uid(obj)
    result = apply([job(namespace, "example.invalid/b:1")], recreate=("CronJob", "Job.batch"))
    assert result.recreated == [f"Job {namespace}/x"]
    assert uid(obj) != before
    with pytest.raises(ApplyError, match="cannot be changed"):
        apply([job(namespace, "example.invalid/c:1")], recreate=("Job.example.com", "CronJob"))


@pytest.mark.parametrize(
    "word",
    [
        "Namespace",
        "PersistentVolumeClaim",
        "PersistentVolume",
        "CustomResourceDefinition",
        "CustomResourceDefinition.apiextensions.k8s.io",
        "Node",
        "VolumeSnapshot.snapshot.storage.k8s.io",
        "",
        "Job/x",
        "job",
        "*",
    ],
)
def test_what_holds_data_is_refused_before_anything_is_asked(apply, namespace, word):
    with pytest.raises(InputError, match="recreate: "):
        apply([job(namespace)], recreate=(word,))


def test_a_claim_is_never_recreated_whatever_is_allowed(apply, refused, namespace, uid):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}
    claim = made("v1", "PersistentVolumeClaim", namespace, spec=spec)
    apply([claim])
    before = uid(claim)
    message = refused([allowed({**claim, "spec": {**spec, "accessModes": ["ReadWriteMany"]}})])
    assert "another name" in message
    assert uid(claim) == before


def test_an_object_of_another_set_is_not_recreated(apply, refused, namespace, uid):
    apply([job(namespace)], name="other")
    before = uid(job(namespace))
    assert "belongs to another set" in refused([allowed(job(namespace, "b"))])
    assert uid(job(namespace)) == before


class Meddler:
    """A client before one of whose requests something happens."""

    def __init__(self, client, at, what):
        self._client, self._at, self._what = client, at, what

    def __getattr__(self, name):
        return getattr(self._client, name)

    def request(self, method, path, **options):
        if self._what and self._at(method, path):
            what, self._what = self._what, None
            what()
        return self._client.request(method, path, **options)


def test_an_object_that_came_meanwhile_is_recreated_too(apply, client, namespace, uid):
    """Between plan and write somebody else creates the object."""
    wanted = job(namespace, "example.invalid/b:1")

    def create():
        client.request("POST", f"/apis/batch/v1/namespaces/{namespace}/jobs", body=job(namespace))

    meddled = Meddler(client, lambda method, path: method == "PATCH" and path.endswith("/jobs/x"), create)
    result = apply([wanted], client=meddled, recreate=("Job",), force_conflicts=True)
    assert result.recreated == [f"Job {namespace}/x"]
    assert client.get("batch/v1", "Job", "x", namespace)["spec"]["template"]["spec"]["containers"][0]["image"] == (
        "example.invalid/b:1"
    )


def test_what_is_refused_after_all_is_put_back(apply, client, namespace, kubectl):
    """Something that the trial could not know: a policy that came after it."""
    apply([service(namespace)])
    old = client.get("v1", "Service", "x", namespace)
    policy = {"apiVersion": "v1", "kind": "List", "items": forbidding(namespace, namespace)}
    kubectl("apply", "-f", "-", given=policy)
    try:
        eventually(lambda: is_refused(client, service(namespace, clusterIP="None")), "the policy takes effect")
        with pytest.raises(ApplyError) as caught:
            apply([allowed(service(namespace, clusterIP="None"))], client=Blind(client))
        assert "was deleted to be created again, was not created after all" in str(caught.value)
        assert "no headless services" in str(caught.value)
        assert caught.value.result.recreated == [f"Service {namespace}/x"]
        assert caught.value.result.changed
        now = client.get("v1", "Service", "x", namespace)
        assert now["spec"]["clusterIP"] == old["spec"]["clusterIP"]
        assert now["metadata"]["uid"] != old["metadata"]["uid"]
        assert not apply([service(namespace)]).changed  # ours, as it was
    finally:
        kubectl("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", namespace)


class Blind:
    """A client whose dry run of a creation answers as if everything were right."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        return getattr(self._client, name)

    def request(self, method, path, **options):
        if method == "POST" and (options.get("query") or {}).get("dryRun"):
            return {}
        return self._client.request(method, path, **options)


def forbidding(name, namespace):
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["services"]}
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [
            {
                "expression": "!has(object.spec.clusterIP) || object.spec.clusterIP != 'None'",
                "message": "no headless services here",
            }
        ],
    }
    chosen = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    bound = {"policyName": name, "validationActions": ["Deny"], "matchResources": chosen}
    version = "admissionregistration.k8s.io/v1"
    return [
        made(version, "ValidatingAdmissionPolicy", None, name, spec=spec),
        made(version, "ValidatingAdmissionPolicyBinding", None, name, spec=bound),
    ]


def is_refused(client, obj):
    body = {**obj, "metadata": {**obj["metadata"], "name": "trial"}}
    try:
        client.request("POST", f"/api/v1/namespaces/{body['metadata']['namespace']}/services", body=body, query=DRY)
    except ApiError:
        return True
    return False


def test_the_former_manifest_may_be_created_again(apply, client, namespace):
    """Without what only the server may write, for each kind that has something of that."""
    apply([job(namespace), service(namespace, type="NodePort"), deployment(namespace)])
    for api_version, kind in (("batch/v1", "Job"), ("v1", "Service"), ("apps/v1", "Deployment")):
        old = client.get(api_version, kind, "x", namespace)
        path = client.resource(api_version, kind).path(namespace)
        client.request("DELETE", f"{path}/x", body={"propagationPolicy": "Background"})
        eventually(lambda a=api_version, k=kind: client.get(a, k, "x", namespace) is None, "it is gone")
        again = client.request("POST", path, body=putback.former_manifest(old))
        assert again["metadata"]["uid"] != old["metadata"]["uid"]
