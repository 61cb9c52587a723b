# Copyright (c) 2026 GreenLang. All rights reserved.
"""What others do between two requests of a run: no write and no deletion is of another object, or of another set's,
than was decided about; and what changes all the time ends no run."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.membership import PART_OF, set_id
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.seen import DELETIONS, TRIES
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError

from tests.integration.applyset.objects import config_map, made, path_of
from tests.proxy import LOST

MERGE = "application/merge-patch+json"
RECREATE = {"applyset.greenlang.io/recreate": "true"}


def deployment(namespace, name="a", value="1"):
    labels = {"app": name}
    pod = {"containers": [{"name": "main", "image": f"example.invalid/a:{value}"}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return made("apps/v1", "Deployment", namespace, name, spec=spec)


def service(namespace, name="a", value="1"):
    affinity = {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": int(value)}}}
    return made("v1", "Service", namespace, name, spec={"ports": [{"port": 80}], **affinity})


def fixed(namespace, value):
    """An object that cannot be changed but is recreated."""
    return {**config_map(namespace, "a", value, annotations=RECREATE), "immutable": True}


KINDS = {"ConfigMap": config_map, "Deployment": deployment, "Service": service}


class Other:
    """Another client at work on the object `a`."""

    def __init__(self, client, namespace, kind):
        self.client, self.namespace, self.make = client, namespace, KINDS[kind]
        self.number = itertools.count()

    def applies(self, value="9", **options):
        apply_set(self.client, [self.make(self.namespace, "a", value)], ApplyOptions(**options))

    def takes(self):
        self.applies(name="other", namespace=self.namespace, force_conflicts=True)

    def makes(self):
        self.applies(field_manager="somebody", value="1")

    def notes(self):
        body = {"metadata": {"annotations": {"example.com/seen": str(next(self.number))}}}
        self.client.request("PATCH", self.path, body=body, content_type=MERGE)

    def unlabels(self):
        self.client.request("PATCH", self.path, body={"metadata": {"labels": {PART_OF: None}}}, content_type=MERGE)

    def deletes(self):
        self.client.request("DELETE", self.path, body={"propagationPolicy": "Background"})

    def replaces(self):
        self.deletes()
        self.takes()

    def makes_anew(self):
        self.deletes()
        self.makes()

    @property
    def path(self):
        return path_of(self.client, self.make(self.namespace, "a"))

    def live(self):
        return self.client.request("GET", self.path)

    @property
    def owner(self):
        return (self.live()["metadata"].get("labels") or {}).get(PART_OF)


@pytest.fixture
def other(client, namespace):
    return lambda kind="ConfigMap": Other(client, namespace, kind)


def applied(other, dry_run):
    """An apply of the object."""
    return lambda request: (
        request.method == "PATCH" and request.path == other.path and ("dryRun" in request.query) == dry_run
    )


def deletion(other):
    return lambda request: request.method == "DELETE" and request.path == other.path and b"dryRun" not in request.body


# What was there, what somebody does, and whose set the object is then; None: it is not taken from anybody.
SEIZED = {
    "created by another set": (None, Other.takes),
    "of nobody, taken by another set": ("nobody", Other.takes),
    "ours, taken by another set": ("ours", Other.takes),
    "ours, deleted and created by another set": ("ours", Other.replaces),
}
SHARED = {
    "created by somebody": (None, Other.makes, "created"),
    "of nobody, and written": ("nobody", Other.notes, "configured"),
    "ours, and written": ("ours", Other.notes, "configured"),
    "ours, and deleted": ("ours", Other.deletes, "created"),
    "ours, and its label is gone": ("ours", Other.unlabels, "configured"),
    "ours, deleted and created by somebody": ("ours", Other.makes_anew, "configured"),
}


def prepare(apply, other, there, namespace):
    apply([config_map(namespace, "else")])
    if there == "nobody":
        other.makes()
    elif there == "ours":
        apply([other.make(namespace, "a", "1")])


@pytest.mark.parametrize("diff", [True, False])
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("case", SEIZED)
def test_what_another_set_takes_meanwhile_is_refused(apply, front, other, meanwhile, namespace, case, check, diff):
    there, does = SEIZED[case]
    another = other()
    prepare(apply, another, there, namespace)
    meanwhile(applied(another, check), lambda: does(another))
    with pytest.raises(ApplyError, match=rf"ConfigMap {namespace}/a belongs to another set, {namespace}/other"):
        apply([config_map(namespace, "a", "2")], client=front.client, check=check, diff=diff)
    assert another.owner == set_id("other", namespace)
    assert another.live()["data"] == {"value": "9"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", SEIZED)
def test_it_is_so_of_every_kind_and_force_takes_it(apply, front, other, meanwhile, namespace, case, kind):
    there, does = SEIZED[case]
    another = other(kind)
    prepare(apply, another, there, namespace)
    wanted = [another.make(namespace, "a", "2")]
    meanwhile(applied(another, False), lambda: does(another))
    with pytest.raises(ApplyError, match="belongs to another set"):
        apply(wanted, client=front.client)
    meanwhile(applied(another, False), another.takes)
    assert apply(wanted, client=front.client, force_conflicts=True).changed
    assert another.owner == set_id("s", namespace)
    assert not apply(wanted).changed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", SHARED)
def test_what_others_write_meanwhile_is_applied_all_the_same(apply, front, other, meanwhile, namespace, case, kind):
    there, does, outcome = SHARED[case]
    another = other(kind)
    prepare(apply, another, there, namespace)
    meanwhile(applied(another, False), lambda: does(another))
    wanted = [another.make(namespace, "a", "2")]
    result = apply(wanted, client=front.client, force_conflicts=there != "ours" or "somebody" in case)
    assert getattr(result, outcome) == [f"{kind} {namespace}/a"]
    assert not apply(wanted).changed


@pytest.mark.parametrize("there", [None, "ours"])
def test_what_is_written_all_the_time_ends_no_run(apply, front, other, namespace, there):
    another = other()
    prepare(apply, another, there, namespace)
    is_apply, seen = applied(another, False), []

    def choose(request):
        if is_apply(request):
            seen.append(request)
            if there or len(seen) > 1:
                another.notes()
            else:
                another.makes()

    front.choose = choose
    result = apply([config_map(namespace, "a", "2")], client=front.client, force_conflicts=True)
    assert (result.configured if there else result.created) == [f"ConfigMap {namespace}/a"]
    assert len(seen) == TRIES + 1
    assert another.live()["data"] == {"value": "2"}


@pytest.mark.parametrize("there", [None, "ours"])
def test_a_lost_answer_is_no_write_of_others(apply, front, other, meanwhile, namespace, there):
    another = other()
    prepare(apply, another, there, namespace)
    is_apply = applied(another, False)
    meanwhile(is_apply, lambda: LOST)
    result = apply([config_map(namespace, "a", "2")], client=front.client)
    assert (result.configured if there else result.created) == [f"ConfigMap {namespace}/a"]


def test_binding_costs_no_request(front, namespace):
    names = [f"c{number}" for number in range(8)]
    options = ApplyOptions(name="s", namespace=namespace, diff=False)
    apply_set(front.client, [config_map(namespace, name) for name in names], options)
    front.arm()
    apply_set(front.client, [config_map(namespace, name, "2") for name in names], options)
    assert [request.method for request in front.passed if "/configmaps/c" in request.path] == ["PATCH"] * len(names)


# --- deletion --------------------------------------------------------------------------------------------------------
LEFT = {
    "taken by another set": (Other.takes, "has left the set"),
    "its label is gone": (Other.unlabels, "has left the set"),
    "deleted, and created by another set": (Other.replaces, "has left the set"),
    "deleted, and created by somebody": (Other.makes_anew, "has left the set"),
}


@pytest.mark.parametrize("verb", ["prune", "delete"])
@pytest.mark.parametrize("case", LEFT)
def test_what_has_left_the_set_meanwhile_is_not_deleted(apply, client, front, other, meanwhile, namespace, case, verb):
    does, words = LEFT[case]
    another = other()
    apply([config_map(namespace, "a"), config_map(namespace, "b")])
    meanwhile(deletion(another), lambda: does(another))
    if verb == "prune":
        result = apply([config_map(namespace, "b")], client=front.client, prune=True)
        assert not result.pruned
    else:
        result = delete_set(front.client, None, ApplyOptions(name="s", namespace=namespace))
        assert result.deleted == [f"ConfigMap {namespace}/b"]
        assert client.get("v1", "ConfigMap", "s", namespace) is None  # nothing of the set is left
    assert any(f"ConfigMap {namespace}/a" in warning and words in warning for warning in result.warnings)
    assert another.live()


@pytest.mark.parametrize("does", [Other.notes, Other.deletes])
@pytest.mark.parametrize("verb", ["prune", "delete"])
def test_what_is_the_sets_still_is_deleted(apply, front, other, meanwhile, client, namespace, verb, does):
    another = other()
    apply([config_map(namespace, "a"), config_map(namespace, "b")])
    meanwhile(deletion(another), lambda: does(another))
    if verb == "prune":
        assert apply([config_map(namespace, "b")], client=front.client, prune=True).pruned
    else:
        assert len(delete_set(front.client, None, ApplyOptions(name="s", namespace=namespace)).deleted) == 2
    assert client.get("v1", "ConfigMap", "a", namespace) is None


@pytest.mark.parametrize("finalizers", [[], ["example.com/stay"]])
def test_a_lost_answer_to_a_deletion_is_none_of_others(apply, front, other, meanwhile, namespace, client, finalizers):
    another = other()
    apply([config_map(namespace, "a", finalizers=finalizers), config_map(namespace, "b")])
    meanwhile(deletion(another), lambda: LOST)
    try:
        assert apply([config_map(namespace, "b")], client=front.client, prune=True).pruned == [
            f"ConfigMap {namespace}/a"
        ]
    finally:
        if finalizers:
            client.request("PATCH", another.path, body={"metadata": {"finalizers": None}}, content_type=MERGE)


def test_what_is_written_at_each_try_is_named(apply, front, other, namespace):
    another = other()
    apply([config_map(namespace, "a"), config_map(namespace, "b")])
    is_deletion = deletion(another)
    front.choose = lambda request: another.notes() if is_deletion(request) else None
    with pytest.raises(ApplyError, match=rf"ConfigMap {namespace}/a could not be deleted: others wrote it"):
        apply([config_map(namespace, "b")], client=front.client, prune=True)
    assert another.owner == set_id("s", namespace)


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("there", ["nobody", "ours"])
def test_a_named_object_that_another_set_takes_is_not_deleted(apply, front, other, meanwhile, namespace, there, force):
    another = other()
    prepare(apply, another, there, namespace)
    meanwhile(deletion(another), another.takes)
    options = ApplyOptions(name="s", namespace=namespace, force_conflicts=force)
    if force:
        assert delete_set(front.client, [config_map(namespace, "a")], options).deleted
        return
    with pytest.raises(ApplyError, match=rf"belongs to another set, {namespace}/other"):
        delete_set(front.client, [config_map(namespace, "a")], options)
    assert another.owner == set_id("other", namespace)


@pytest.mark.parametrize("check", [True, False])
def test_what_another_set_takes_is_not_recreated(apply, client, front, other, meanwhile, namespace, check):
    another = other()
    apply([fixed(namespace, "1")])
    uid = another.live()["metadata"]["uid"]

    def take():
        apply_set(
            client, [fixed(namespace, "1")], ApplyOptions(name="other", namespace=namespace, force_conflicts=True)
        )

    meanwhile(lambda request: request.method == "DELETE" and request.path == another.path, take)
    with pytest.raises(ApplyError, match="belongs to another set") as caught:
        apply([fixed(namespace, "2")], client=front.client, check=check)
    assert not caught.value.result.changed
    assert another.live()["metadata"]["uid"] == uid


@pytest.mark.parametrize("check", [True, False])
def test_what_others_write_meanwhile_is_recreated(apply, front, other, meanwhile, namespace, check):
    another = other()
    apply([fixed(namespace, "1")])
    meanwhile(lambda request: request.method == "DELETE" and request.path == another.path, another.notes)
    result = apply([fixed(namespace, "2")], client=front.client, check=check)
    assert result.recreated == [f"ConfigMap {namespace}/a"]


@pytest.mark.parametrize(("times", "recreated"), [(DELETIONS // 2, True), (DELETIONS, False)])
def test_what_a_controller_reports_of_is_recreated(apply, client, front, other, namespace, times, recreated):
    """The successor is judged once, the deletion follows the read: only who writes all the time hinders it."""
    another = other("Deployment")

    def labelled(value):
        obj = deployment(namespace, "a", value)
        obj["metadata"]["annotations"] = RECREATE
        labels = obj["spec"]["selector"]["matchLabels"]
        labels["v"] = value
        return [obj]

    apply(labelled("1"))
    is_deletion, left, judged = deletion(another), list(range(times)), []

    def choose(request):
        if is_deletion(request) and left:
            status = {"conditions": [{"type": "Test", "status": "True", "message": str(left.pop())}]}
            client.request("PATCH", another.path + "/status", body={"status": status}, content_type=MERGE)
        if request.method == "POST" and request.path.endswith("/deployments") and "dryRun" in request.query:
            judged.append(request)

    front.choose = choose
    if recreated:
        assert apply(labelled("2"), client=front.client).recreated == [f"Deployment {namespace}/a"]
    else:
        with pytest.raises(ApplyError, match="again and again"):
            apply(labelled("2"), client=front.client)
    assert len(judged) <= 2  # the controller may write its revision meanwhile, which is an annotation


def test_what_another_set_creates_in_place_of_a_recreated_object_stays_its(apply, front, other, meanwhile, namespace):
    another = other()
    apply([fixed(namespace, "1")])
    gone = []

    def at(request):
        gone.extend([request] if request.method == "DELETE" else [])
        return bool(gone) and request.method == "PATCH" and request.path == another.path

    meanwhile(at, another.takes)
    with pytest.raises(ApplyError, match="belongs to another set") as caught:
        apply([fixed(namespace, "2")], client=front.client)
    assert caught.value.result.deleted == [f"ConfigMap {namespace}/a"]
    assert another.live()["data"] == {"value": "9"}
