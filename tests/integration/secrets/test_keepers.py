# Copyright (c) 2026 GreenLang. All rights reserved.
"""AWS Secrets Manager and Vault hold the values: keys of others stay, nothing is overwritten or made anew unasked."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import time

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import MERGE_PATCH
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run as run_secrets
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

from tests.integration.secrets.keepers import KEEPERS, passing
from tests.integration.secrets.test_rotation import Platform
from tests.scripted import Request

CANARY = "canary-in-the-cloud"
DB = {"name": "db", "values": {"password": {"generate": {}}, "given": CANARY}}
APP = {"name": "app", "values": {"url": {"compose": "x://${db/password|url}"}}, "labels": {"a": "b"}}
THEIRS = {"text": "keep", "number": 1.5, "big": 2**40, "nested": {"a": [1, None, True]}, "empty": ""}


@pytest.fixture(scope="module", params=list(KEEPERS))
def server(request):
    kind, start = KEEPERS[request.param]
    with start() as address:
        yield kind, address


@pytest.fixture
def keeper(server, namespace, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    kind, address = server
    return kind(address, f"vcci/{namespace}")


@pytest.fixture
def store(client, namespace, keeper):
    def run(*secrets: dict, more: dict | None = None, **options) -> dict:
        given = {keeper.option: {**keeper.settings, **(more or {})}}
        return run_secrets(client, read(list(secrets), namespace), Options(name=namespace, **given, **options))

    return run


@pytest.fixture
def cluster(client, namespace):
    """What the Secrets of this test hold, and how others write there."""

    class Cluster:
        path = f"/api/v1/namespaces/{namespace}/secrets"

        def values(self, name: str = "db") -> dict[str, str]:
            data = client.get("v1", "Secret", name, namespace).get("data") or {}
            return {key: base64.b64decode(text).decode() for key, text in data.items()}

        def edit(self, values: dict[str, str | None], name: str = "db") -> None:
            data = {k: v if v is None else base64.b64encode(v.encode()).decode() for k, v in values.items()}
            query = {"fieldManager": "kubectl-edit"}
            client.request("PATCH", f"{self.path}/{name}", body={"data": data}, content_type=MERGE_PATCH, query=query)

        def delete(self, name: str = "db") -> None:
            client.request("DELETE", f"{self.path}/{name}")

        def create(self, values: dict[str, str], name: str = "db", **more) -> None:
            metadata = {"name": name, **more.pop("metadata", {})}
            body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values, **more}
            client.request("POST", self.path, body=body, query={"fieldManager": "by-hand"})

    return Cluster()


def changed(result: dict) -> dict[str, list[str]]:
    return {name.split("/")[1]: one["changed_keys"] for name, one in result["secrets"].items()}


def test_values_are_kept_there_and_reach_the_cluster(store, keeper, cluster, client, namespace) -> None:
    planned = store(DB, APP, check=True)
    assert planned["changed"]
    assert client.get("v1", "Secret", "db", namespace) is None
    first = store(DB, APP)
    assert first["secrets"] == planned["secrets"]
    assert CANARY not in str(first)
    db = keeper.stored(namespace, "db")
    assert (cluster.values(), cluster.values("app")) == (db, {"url": f"x://{db['password']}"})
    assert db["given"] == CANARY
    for check in (True, False):
        assert not store(DB, APP, check=check)["changed"]
    # A lost cluster's values come back; a value that was changed there reaches the cluster; rotation reaches both.
    cluster.delete()
    cluster.delete("app")
    assert store(DB, APP)["changed"]
    assert cluster.values() == db
    keeper.put(namespace, "db", {**db, "password": "by hand"})
    store(DB, APP)
    assert cluster.values("app") == {"url": "x://by%20hand"}
    rotated = store(DB, APP, rotate=("db/password",))
    assert changed(rotated) == {"db": ["password"], "app": ["url"]}
    assert cluster.values() == keeper.stored(namespace, "db")
    assert keeper.stored(namespace, "db")["password"] not in ("by hand", db["password"])
    assert not store(DB, APP)["changed"]


def test_a_rotation_that_ended_in_the_middle_is_finished_by_the_next_run(keeper, client, namespace) -> None:
    platform = Platform(client, namespace, {keeper.option: keeper.settings})
    platform.seal()
    platform.start()
    assert not platform.seal()["changed"]
    platform.fails = True
    with pytest.raises(VcciError, match="the command failed"):
        platform.seal(rotate=["database/other"])
    platform.fails, kept = False, platform.value("database", "other")
    assert platform.seal()["changed"]
    assert [given["other"] for _pod, _command, given, _url in platform.told] == [kept, kept]
    # Before what consumes it was restarted.
    time.sleep(1.1)  # ages are told by whole seconds
    assert "restarted" not in platform.seal(rotate=["app/KEY"], restart=False)
    done = platform.seal()
    assert (done["changed"], done["restarted"]) == (True, [f"{namespace}/Deployment/key-user"])
    assert not platform.seal()["changed"]
    assert len(platform.told) == 2


# --- keys of others ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("merge", [False, True])
def test_keys_that_others_wrote_stay_as_they_are(merge, store, keeper, cluster, namespace) -> None:
    store(DB)
    keeper.put(namespace, "db", {**keeper.stored(namespace, "db"), **THEIRS})
    cluster.edit({"theirs": "in the cluster"})
    for check in (True, False):
        done = store(DB, merge=merge, check=check)
        assert (done["changed"], changed(done)) == (False, {"db": []})
    done = store({**DB, "values": {**DB["values"], "given": "new", "more": "x"}}, rotate=("db/password",), merge=merge)
    assert changed(done) == {"db": ["given", "more", "password"]}
    there = keeper.stored(namespace, "db")
    assert {key: there[key] for key in THEIRS} == THEIRS
    assert there.keys() == {*THEIRS, "given", "more", "password"}
    assert cluster.values() == {key: there[key] for key in ("given", "more", "password")} | {"theirs": "in the cluster"}


@pytest.mark.parametrize("merge", [False, True])
def test_keys_of_ours_that_are_no_longer_named_go_unless_merged(merge, store, keeper, cluster, namespace) -> None:
    labels, annotations = {"mine": "1"}, {"example.org/mine": "1"}
    store({**DB, "type": "example.org/t", "labels": labels, "annotations": annotations})
    before = keeper.stored(namespace, "db")
    keeper.put(namespace, "db", {**before, **THEIRS})
    fewer = {"name": "db", "type": "example.org/t", "values": {"other": "x"}}
    planned = store(fewer, merge=merge, check=True)
    done = store(fewer, merge=merge)
    gone = [] if merge else ["given", "password"]
    assert changed(planned) == changed(done) == {"db": sorted(["other", *gone])}
    stay = before if merge else {}
    assert keeper.stored(namespace, "db") == {**THEIRS, **stay, "other": "x"}
    assert cluster.values() == {**stay, "other": "x"}
    assert not store(fewer, merge=merge)["changed"]


def test_with_merge_labels_annotations_and_type_stay(store, client, namespace) -> None:
    store({**DB, "type": "example.org/t", "labels": {"mine": "1"}, "annotations": {"example.org/mine": "1"}})
    store({"name": "db", "type": "example.org/t", "values": {"other": "x"}, "labels": {"new": "2"}}, merge=True)
    there = client.get("v1", "Secret", "db", namespace)
    assert {"mine": "1", "new": "2"}.items() <= there["metadata"]["labels"].items()
    assert there["metadata"]["annotations"]["example.org/mine"] == "1"
    assert there["type"] == "example.org/t"


def test_a_key_that_others_wrote_is_taken_over_when_it_is_named(store, keeper, cluster, namespace) -> None:
    keeper.put(namespace, "db", {"password": "theirs", "more": "x"})
    store(DB)
    assert keeper.stored(namespace, "db") == {"password": "theirs", "more": "x", "given": CANARY}
    assert cluster.values() == {"password": "theirs", "given": CANARY}
    keeper.put(namespace, "db", {"password": {"no": "text"}})
    with pytest.raises(InputError, match="password is no text, and this task names it"):
        store(DB)
    store(DB, rotate=("db/password",))
    assert len(keeper.stored(namespace, "db")["password"]) == 32


# --- what was lost ----------------------------------------------------------------------------------------------------
LOSSES = {
    "removed there": lambda keeper, _cluster, kept, ns: keeper.put(ns, "db", {"given": kept["given"]}),
    "emptied there": lambda keeper, _cluster, kept, ns: keeper.put(ns, "db", {**kept, "password": ""}),
    "removed in the cluster": lambda _keeper, cluster, _kept, _ns: cluster.edit({"password": None}),
    "the Secret deleted": lambda _keeper, cluster, _kept, _ns: cluster.delete(),
}


@pytest.mark.parametrize("case", LOSSES)
def test_a_value_that_one_side_lost_is_put_back(case, store, keeper, cluster, namespace) -> None:
    store(DB)
    kept = keeper.stored(namespace, "db")
    LOSSES[case](keeper, cluster, kept, namespace)
    assert store(DB, check=True)["changed"]
    assert store(DB, force_conflicts=True)["changed"]
    assert keeper.stored(namespace, "db") == kept == cluster.values()
    assert not store(DB)["changed"]


@pytest.mark.parametrize("members", [{"given": CANARY}, {"given": CANARY, "password": ""}])
def test_what_both_sides_lost_comes_from_the_version_before(members, store, keeper, cluster, namespace) -> None:
    store(DB)
    kept = keeper.stored(namespace, "db")
    keeper.put(namespace, "db", members)
    cluster.delete()
    said: list[str] = []
    store(DB, say=said.append)
    assert keeper.stored(namespace, "db") == kept == cluster.values()
    assert any("password is put back" in line for line in said)
    assert kept["password"] not in str(said)


def test_what_was_edited_in_the_cluster_never_becomes_the_truth(store, keeper, cluster, namespace) -> None:
    store(DB)
    kept = keeper.stored(namespace, "db")
    cluster.edit({"password": "edited"})
    for check in (True, False):
        with pytest.raises(InputError, match="somebody else wrote password \\(kubectl-edit\\) in the cluster"):
            store(DB, check=check)
    assert keeper.stored(namespace, "db") == kept
    # Its value is only in versions before the last there; two later it is nowhere any more.
    for number in range(2):
        keeper.put(namespace, "db", {"given": CANARY, "number": number})
    with pytest.raises(InputError, match=r"db/password is gone from .* and somebody edited it in the Secret"):
        store(DB, force_conflicts=True)
    assert store(DB, rotate=("db/password",), force_conflicts=True)["changed"]
    assert cluster.values()["password"] not in ("edited", kept["password"])
    assert not store(DB)["changed"]


def test_what_was_deleted_there_is_not_replaced(store, keeper, cluster, namespace) -> None:
    store(DB)
    before = cluster.values()
    keeper.delete(namespace, "db")
    for check in (True, False):
        with pytest.raises(VcciError, match=r"restore-secret|kv undelete"):
            store(DB, check=check)
    assert cluster.values() == before


def test_values_of_the_cluster_are_taken_over_at_the_first_run(store, keeper, cluster, namespace) -> None:
    cluster.create({"password": "by-hand", "theirs": "x"})
    assert changed(store(DB)) == {"db": ["given"]}
    assert keeper.stored(namespace, "db") == {"password": "by-hand", "given": CANARY}
    assert cluster.values() == {"password": "by-hand", "given": CANARY, "theirs": "x"}
    # Who made it has no wish of its own: a later value needs no force.
    for check in (True, False):
        assert changed(store(DB, rotate=("db/password",), check=check)) == {"db": ["password"]}
    assert cluster.values() == {**keeper.stored(namespace, "db"), "theirs": "x"}
    assert not store(DB)["changed"]


# --- at the same time -------------------------------------------------------------------------------------------------
@pytest.fixture
def meanwhile(keeper):
    """Somebody else acts between what a run has read and what it writes: before each of its first so many writes."""
    with contextlib.ExitStack() as stack:

        def act(times: int, action) -> dict:
            done = itertools.count(1)

            def before(request: Request) -> None:
                if keeper.writes(request) and (number := next(done)) <= times:
                    action(number)

            return {keeper.address: stack.enter_context(passing(keeper.settings[keeper.address], before))}

        yield act


def test_what_somebody_wrote_in_between_is_not_undone(meanwhile, store, keeper, cluster, namespace) -> None:
    store(DB)
    kept = keeper.stored(namespace, "db")
    more = meanwhile(1, lambda _time: keeper.put(namespace, "db", {**kept, "password": "rotated-by-another", "t": "x"}))
    store({**DB, "values": {**DB["values"], "given": "new"}}, more=more)
    assert keeper.stored(namespace, "db") == {"password": "rotated-by-another", "given": "new", "t": "x"}
    assert cluster.values() == {"password": "rotated-by-another", "given": "new"}


def test_what_somebody_made_in_between_is_not_replaced(meanwhile, store, keeper, namespace) -> None:
    store(DB, more=meanwhile(1, lambda _time: keeper.put(namespace, "db", {"password": "theirs"})))
    assert keeper.stored(namespace, "db") == {"password": "theirs", "given": CANARY}


def test_a_rotation_is_done_once_though_it_was_overtaken(meanwhile, store, keeper, cluster, namespace) -> None:
    store(DB, APP)
    first, edits = keeper.stored(namespace, "db")["password"], []

    def edit(_time: int) -> None:
        edits.append(keeper.stored(namespace, "db")["password"])
        cluster.edit({"theirs": "x"}, "app")

    done = store(DB, APP, rotate=("db/password",), more=meanwhile(1, edit))
    assert changed(done) == {"db": ["password"], "app": ["url"]}
    there = keeper.stored(namespace, "db")["password"]
    assert there != first
    assert edits[0] in (first, there)  # whichever of the two was written first
    assert (cluster.values()["password"], cluster.values("app")["url"]) == (there, f"x://{there}")
    assert not store(DB, APP)["changed"]


def test_who_is_overtaken_again_and_again_says_so(meanwhile, store, keeper, namespace) -> None:
    store(DB)
    more = meanwhile(99, lambda time: keeper.put(namespace, "db", {**keeper.stored(namespace, "db"), "n": str(time)}))
    with pytest.raises(VcciError, match=r"vcci/.*/db was changed by somebody else since it was read"):
        store({**DB, "values": {**DB["values"], "given": "new"}}, more=more)
    assert keeper.stored(namespace, "db")["given"] == CANARY


# --- input and refusals -----------------------------------------------------------------------------------------------
def test_a_secret_that_a_controller_writes_is_refused_before_anything_is(
    client, store, keeper, cluster, namespace
) -> None:
    made = client.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body={"metadata": {"name": "boss"}})
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "boss", "controller": True}
    cluster.create({"password": "x"}, metadata={"ownerReferences": [{**owner, "uid": made["metadata"]["uid"]}]})
    with pytest.raises(InputError, match=r"belongs to ConfigMap boss.*--cascade=orphan"):
        store(APP | {"values": {"a": "x"}}, DB)
    assert not keeper.has(namespace, "app")


@pytest.mark.parametrize(
    ("secret", "more", "message"),
    [
        (DB, {"prefix": ""}, "prefix is needed"),
        (DB, {"prefix": "///"}, "prefix is needed"),
        (DB, {"prefix": 5}, "prefix: a text is needed"),
        (DB, {"prefix": "with space"}, "prefix: .*letters"),
        (DB, {"zone": "x"}, "unknown zone"),
        ({"name": "s", "values": {"a": {"base64": "/w=="}}}, {}, "binary value"),
    ],
)
def test_bad_input_is_one_clear_error(secret, more, message, store, client, namespace) -> None:
    with pytest.raises(InputError, match=message):
        store(secret, more=more)
    assert client.get("v1", "Secret", secret["name"], namespace) is None


def test_no_value_is_in_what_the_cluster_keeps_beside_it(store, keeper, cluster, client, namespace) -> None:
    copy = {
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"kind": "Secret", "data": {"given": CANARY}})
    }
    store({**DB, "annotations": {**copy, "note": "x"}}, APP)
    for secret in client.list("v1", "Secret", namespace):
        told = json.dumps({key: value for key, value in secret.items() if key != "data"})
        assert CANARY not in told
        assert "applyset.greenlang.io/digest" not in told
        assert keeper.stored(namespace, "db")["password"] not in told
    assert client.get("v1", "Secret", "db", namespace)["metadata"]["annotations"]["note"] == "x"
