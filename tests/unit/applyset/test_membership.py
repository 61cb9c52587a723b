# Copyright (c) 2026 GreenLang. All rights reserved.
"""Who is a member, and which records are read: a record that cannot be read fully is refused, never taken for less."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import holder, membership, plan
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.containers import Needs, expect_to_vanish
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.doomed import Doomed
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.manifests import Ref
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.kinds import BUILT_IN, Resource

LABELLED = {"f:metadata": {"f:labels": {".": {}, f"f:{membership.PART_OF}": {}}}}
OURS = {"manager": "greenlang.vcci", "operation": "Apply", "fieldsV1": LABELLED}


def owner(**more):
    return {"kind": "Service", "name": "web", "uid": "1", **more}


MEMBERS = {
    "applied by us": ({"managedFields": [OURS]}, ""),
    "applied by kubectl": ({"managedFields": [{**OURS, "manager": "kubectl"}]}, ""),
    "applied by kubectl on its side": (
        {"managedFields": [{**OURS, "manager": "kubectl-client-side-apply", "operation": "Update"}]},
        "",
    ),
    "applied by one of several": ({"managedFields": [{"operation": "Update", "manager": "x"}, OURS]}, ""),
    "owned by something that does not control it": ({"managedFields": [OURS], "ownerReferences": [owner()]}, ""),
    "controlled": ({"managedFields": [OURS], "ownerReferences": [owner(controller=True)]}, "Service web controls it"),
    "controlled by the second owner": (
        {"managedFields": [OURS], "ownerReferences": [owner(controller=False), owner(controller=True)]},
        "Service web controls it",
    ),
    "labelled by a controller": (
        {"managedFields": [{**OURS, "operation": "Update", "manager": "kube-controller-manager"}]},
        "no apply wrote its label",
    ),
    "labelled by hand": (
        {"managedFields": [{**OURS, "operation": "Update", "manager": "kubectl-label"}]},
        "no apply wrote its label",
    ),
    "applied without the label": (
        {"managedFields": [{**OURS, "fieldsV1": {"f:metadata": {"f:labels": {"f:a": {}}}}}]},
        "no apply wrote its label",
    ),
    "nobody knows who wrote it": ({"managedFields": []}, "no apply wrote its label"),
    "without any bookkeeping": ({}, "no apply wrote its label"),
    "an entry without fields": ({"managedFields": [{"operation": "Apply"}]}, "no apply wrote its label"),
}


@pytest.mark.parametrize("case", MEMBERS)
def test_who_is_a_member(case):
    meta, why = MEMBERS[case]
    found = membership.why_no_member(meta)
    assert why in found
    assert bool(why) == bool(found)


DOUBTFUL = {
    "labelled by hand",
    "applied without the label",
    "nobody knows who wrote it",
    "without any bookkeeping",
    "an entry without fields",
}


@pytest.mark.parametrize("case", [case for case in MEMBERS if MEMBERS[case][1]])
def test_who_may_have_been_a_member(case):
    """A restore wipes `managedFields`, or makes the one who restored the owner of all: that proves nothing."""
    meta, _why = MEMBERS[case]
    assert membership.is_doubtful(meta) == (case in DOUBTFUL)
    restored = {**meta, "managedFields": [{**OURS, "operation": "Update", "manager": "velero-server"}]}
    assert membership.is_doubtful(restored) == ("controlled" not in case)


def record(labels=None, drop=(), **annotations):
    made = membership.record_object("s", "n", {"ConfigMap", "Secret"}, {"n", "m"})
    notes = {**made["metadata"]["annotations"], **annotations}
    made["metadata"]["annotations"] = {key: value for key, value in notes.items() if key not in drop}
    made["metadata"]["labels"] = made["metadata"]["labels"] if labels is None else labels
    return made


def noted(key, value):
    return record(**{key: value})


KINDS, NAMESPACES, TOOLING, ID = (
    membership.GROUP_KINDS,
    membership.NAMESPACES,
    membership.TOOLING,
    membership.ID,
)
REFUSED = {
    "no id": (record(labels={}), "is no set's record"),
    "an empty id": (record(labels={ID: ""}), "record of another set"),
    "another's id": (record(labels={ID: membership.set_id("t", "n")}), "record of another set"),
    "no tool": (record(drop=[TOOLING]), f"{TOOLING} is None"),
    "an empty tool": (noted(TOOLING, ""), f"{TOOLING} is ''"),
    "a tool without a version": (noted(TOOLING, "kubectl"), "not <tool>/<version>"),
    "another tool without a version": (noted(TOOLING, "helm"), "not <tool>/<version>"),
    "an empty version": (noted(TOOLING, "kubectl/"), "not <tool>/<version>"),
    "a version of nothing": (noted(TOOLING, "/v1"), "not <tool>/<version>"),
    "another tool": (noted(TOOLING, "helm/v4"), "belongs to the tool 'helm/v4'"),
    "a tool with a slash": (noted(TOOLING, "x/kubectl/v1"), "belongs to the tool"),
    "no kinds": (record(drop=[KINDS]), f"{KINDS} is missing"),
    "kinds of an old kubectl": (
        record(drop=[KINDS], **{membership.GROUP_RESOURCES: "configmaps"}),
        "a later kubectl replaces it",
    ),
    "kinds with blanks": (noted(KINDS, "ConfigMap, Secret"), "cannot be read: ' Secret'"),
    "an empty kind": (noted(KINDS, "ConfigMap,,Secret"), "cannot be read: ''"),
    "a trailing comma": (noted(KINDS, "ConfigMap,"), "cannot be read: ''"),
    "kinds in another form": (noted(KINDS, "apps/v1/Deployment"), "cannot be read"),
    "a blank": (noted(KINDS, " "), "cannot be read: ' '"),
    "namespaces with blanks": (noted(NAMESPACES, "a, b"), "cannot be read: ' b'"),
    "a namespace that is none": (noted(NAMESPACES, "A"), "cannot be read: 'A'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_records_that_are_refused(case):
    found, why = REFUSED[case]
    with pytest.raises(InputError) as caught:
        membership.check_record(found, "s", "n")
    assert why in str(caught.value)
    assert "n/s" in str(caught.value)
    assert len(str(caught.value)) < 300


READ = {
    "ours": record(),
    "kubectl's": noted(TOOLING, "kubectl/v1.37.2"),
    "an empty set": noted(KINDS, ""),
    "kinds of groups": noted(KINDS, "Deployment.apps,Role.rbac.authorization.k8s.io,V2Thing.x.example.org"),
    "no other namespaces": noted(NAMESPACES, ""),
    "not said which namespaces": record(drop=[NAMESPACES]),
    "one that is only begun": membership.new_record("s", "n"),
}


@pytest.mark.parametrize("case", READ)
def test_records_that_are_read(case):
    membership.check_record(READ[case], "s", "n")
    assert membership.tells_namespaces(READ[case]) == (NAMESPACES in READ[case]["metadata"]["annotations"])


def test_every_annotation_of_a_new_record_is_written_anew():
    begun = membership.new_record("s", "n")["metadata"]["annotations"]
    written = membership.record_object("s", "n", {"ConfigMap"}, set())["metadata"]["annotations"]
    assert not set(begun.items()) & set(written.items())


CLAIMS = {
    "nobody": (None, None),
    "nothing": ("", None),
    "a number": ("5", "5"),
    "a list": ("[]", "[]"),
    "a text": ('"x"', '"x"'),
    "no JSON": ("me", "me"),
    "no id": ('{"host": "a"}', '{"host": "a"}'),
    "an id that is no text": ('{"id": 5}', '{"id": 5}'),
    "deeply nested": ("[" * 100_000, "[" * 100_000),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_claims_that_make_no_sense_are_somebody_who_never_moves(case):
    text, identity = CLAIMS[case]
    found = holder.parse(text)
    assert (found or {}).get("id") == identity
    if found:
        assert not holder.is_gone(found)
        assert len(holder.name(found)) < 150


def test_a_run_of_this_process_that_ended_is_gone():
    me = holder.identity()
    assert holder.is_gone(me)
    holder.claim(me)
    assert not holder.is_gone(me)
    assert holder.is_gone(holder.identity())
    holder.give_up(me)
    assert holder.is_gone(me)


# --- what goes with what ---------------------------------------------------------------------------------------------
def items(*objects):
    made = plan.build([{"metadata": {"name": "a", "namespace": "n"}, **obj} for obj in objects], None)
    kinds = {**BUILT_IN, ("x.org/v1", "Widget"): Resource("x.org/v1", "Widget", "widgets", True)}
    plan.resolve(made, lambda api_version, kind: kinds[api_version, kind])
    return made


def doomed(group, kind, namespace, name, **meta):
    return Doomed(Ref(group, kind, namespace, name), Resource("v1", kind, "x", bool(namespace)), meta)


WIDGET = {"apiVersion": "x.org/v1", "kind": "Widget"}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}}
NEEDED = {
    "a namespace with something in it": (doomed("", "Namespace", "", "n"), "is in it"),
    "an empty one": (doomed("", "Namespace", "", "m"), ""),
    "that of the record": (doomed("", "Namespace", "", "home"), "the set's record is in it"),
    "a definition": (doomed("apiextensions.k8s.io", "CustomResourceDefinition", "", "widgets.x.org"), "it defines"),
    "another definition": (doomed("apiextensions.k8s.io", "CustomResourceDefinition", "", "gadgets.x.org"), ""),
    "what serves a version": (doomed("apiregistration.k8s.io", "APIService", "", "v1.x.org"), "it serves"),
    "what serves another": (doomed("apiregistration.k8s.io", "APIService", "", "v2.x.org"), ""),
    "an owner": (doomed("", "ConfigMap", "n", "b", uid="7"), "it owns ConfigMap n/a"),
    "no owner": (doomed("", "ConfigMap", "n", "b", uid="8"), ""),
    "an object named like a namespace": (doomed("", "ConfigMap", "n", "n", uid="8"), ""),
}


@pytest.mark.parametrize("case", NEEDED)
def test_what_the_rest_of_a_set_needs(case):
    entry, why = NEEDED[case]
    owned = {**CONFIG, "metadata": {**CONFIG["metadata"], "ownerReferences": [owner(uid="7")]}}
    found = Needs(items(WIDGET, owned), "home").why(entry)
    assert why in found
    assert bool(why) == bool(found)


def test_what_is_in_something_that_is_being_deleted_goes_with_it():
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.x.org"},
    }
    elsewhere = {"metadata": {"name": "a", "namespace": "m"}}
    for going in itertools.product((True, False), repeat=2):
        made = items(namespace, definition, {**CONFIG, **elsewhere}, CONFIG, {**WIDGET, **elsewhere})
        for item, is_going in itertools.zip_longest(made, going, fillvalue=False):
            item.before = {"metadata": {"deletionTimestamp": "now"} if is_going else {}}
            item.action = plan.UNCHANGED
        expect_to_vanish(made)
        actions = [item.action for item in made[2:]]
        assert actions == [
            plan.UNCHANGED,
            plan.CREATE if going[0] else plan.UNCHANGED,
            plan.CREATE if going[1] else plan.UNCHANGED,
        ]
