# Copyright (c) 2026 GreenLang. All rights reserved.
"""The plugin sealed_secret with the real controller."""

from __future__ import annotations

import base64
import pathlib
import threading
import uuid

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run as run_secrets
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.stores.objects import FEW
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

from tests.helpers import PATIENCE, eventually, play
from tests.integration.secrets.controller import newest_certificate

CANARY = f"canary-{uuid.uuid4()}"
pytestmark = pytest.mark.usefixtures("controller")


@pytest.fixture
def seal(client, namespace):
    """Seal in this process; the result."""

    def run(secrets: list[dict], **options) -> dict:
        return run_secrets(client, read(secrets, namespace), Options(name=namespace, wait_timeout=PATIENCE, **options))

    return run


@pytest.fixture
def plays(kubeconfig, namespace, tmp_path):
    """Run the plugin in a play of several tasks; their results, and everything that was said."""

    def run(tasks: list[dict], *flags: str) -> tuple[list[dict], str]:
        common = {"kubeconfig": str(kubeconfig), "namespace": namespace, "name": namespace, "wait_timeout": PATIENCE}
        each = [{"greenlang.vcci.sealed_secret": {**common, **task}, "ignore_errors": True} for task in tasks]
        # The canary itself is in no file and in no argument: only in the environment, as an unlocked vault would be in
        # memory.
        cache = {
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "facts"),
            # Folders of its own: what other plays write and remove meanwhile is none of this test's.
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
            "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
        }
        return play(tmp_path, each, *flags, environment={"CANARY": CANARY, **cache})

    return run


@pytest.fixture
def values(client, namespace):
    def read(name: str) -> dict[str, bytes]:
        return {
            key: base64.b64decode(text) for key, text in client.get("v1", "Secret", name, namespace)["data"].items()
        }

    return read


def patch(client, namespace: str, name: str, body: dict) -> None:
    client.request(
        "PATCH",
        f"/api/v1/namespaces/{namespace}/secrets/{name}",
        body=body,
        content_type="application/merge-patch+json",
    )


def wanted(given: str = CANARY) -> list[dict]:
    return [
        {
            "name": "strict",
            "values": {
                "password": {"generate": {}},
                "given": given,
                "empty": {"value": ""},
                "binary": {"base64": "AAH/"},
            },
        },
        {
            "name": "wide",
            "scope": "namespace-wide",
            "values": {"url": {"compose": "x://${strict/password|url}:${strict/given|url}@h"}},
        },
        {
            "name": "widest",
            "scope": "cluster-wide",
            "values": {"a.b-c_d": "ünicode"},
            "type": "example.com/kind",
            "labels": {"a": "b"},
        },
    ]


def test_check_unsealed_and_unchanged(seal, values, client, namespace) -> None:
    planned = seal(wanted(), check=True)
    assert planned["changed"]
    assert client.get("bitnami.com/v1alpha1", "SealedSecret", "strict", namespace) is None
    first = seal(wanted())
    assert (first["changed"], first["secrets"], first["msg"]) == (True, planned["secrets"], planned["msg"])
    strict = values("strict")
    assert (strict["given"], strict["empty"], strict["binary"]) == (CANARY.encode(), b"", b"\x00\x01\xff")
    assert values("wide")["url"] == f"x://{strict['password'].decode()}:{CANARY}@h".encode()
    assert values("widest")["a.b-c_d"] == "ünicode".encode()
    widest = client.get("v1", "Secret", "widest", namespace)
    assert (widest["type"], widest["metadata"]["labels"]["a"]) == ("example.com/kind", "b")
    for check in (True, False):
        again = seal(wanted(), check=check)
        assert not again["changed"]
        assert not any(state["changed_keys"] for state in again["secrets"].values())


def test_a_changed_value_reaches_what_is_composed_from_it(seal, values, namespace) -> None:
    seal(wanted())
    before = values("strict")
    changed = seal(wanted("other"))
    assert changed["secrets"][f"{namespace}/strict"]["changed_keys"] == ["given"]
    assert changed["secrets"][f"{namespace}/wide"]["changed_keys"] == ["url"]
    assert changed["secrets"][f"{namespace}/widest"]["changed_keys"] == []
    assert values("strict")["password"] == before["password"]
    assert values("wide")["url"].endswith(b":other@h")


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({"data": {"password": base64.b64encode(b"by hand").decode()}}, ["password"]),
        ({"data": {"given": base64.b64encode(b"by hand").decode()}}, ["given"]),
        ({"data": {"given": None}}, ["given"]),
        ({"data": {"more": "eA=="}}, ["binary", "empty", "given", "password"]),
    ],
    ids=["generated", "given", "removed", "added"],
)
def test_what_was_changed_by_hand_is_put_back(seal, values, client, namespace, body: dict, keys: list[str]) -> None:
    seal(wanted())
    before = values("strict")
    patch(client, namespace, "strict", body)
    predicted = seal(wanted(), check=True)
    assert predicted["secrets"][f"{namespace}/strict"]["changed_keys"] == keys
    assert seal(wanted())["changed"]
    assert values("strict") == before
    assert not seal(wanted())["changed"]


def test_a_sealed_secret_that_was_edited_by_hand_stops_the_run_unless_it_is_forced(seal, client, namespace) -> None:
    seal(wanted())
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets/widest"
    client.request(
        "PATCH",
        path,
        query={"fieldManager": "somebody"},
        body={"metadata": {"labels": {"a": "c"}}},
        content_type="application/merge-patch+json",
    )
    with pytest.raises(VcciError, match=r"(?s)widest.*labels.*'somebody'.*force_conflicts"):
        seal(wanted())
    assert seal(wanted(), force_conflicts=True)["changed"]
    assert client.request("GET", path)["metadata"]["labels"]["a"] == "b"
    assert not seal(wanted())["changed"]


def test_a_deleted_secret_comes_back_with_its_values(seal, values, client, namespace) -> None:
    seal(wanted())
    before = values("strict")
    client.request("DELETE", f"/api/v1/namespaces/{namespace}/secrets/strict")
    seal(wanted())
    assert values("strict") == before


def test_a_deleted_sealed_secret_comes_back_with_its_values_while_the_secret_is_there(
    seal, values, client, namespace
) -> None:
    seal(wanted())
    before = values("strict")
    # As it is for a moment after a SealedSecret was deleted: the Secret names an owner that is gone. A finalizer holds
    # it there.
    patch(client, namespace, "strict", {"metadata": {"finalizers": ["example.com/held"]}})
    client.request("DELETE", f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets/strict")
    let_go = threading.Timer(3, patch, (client, namespace, "strict", {"metadata": {"finalizers": None}}))
    let_go.start()
    assert seal(wanted())["changed"]
    let_go.join()
    assert values("strict") == before
    assert not seal(wanted())["changed"]


def test_a_secret_made_by_hand_is_taken_over_with_consent_only(seal, values, client, namespace) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    data = {"password": base64.b64encode(b"by hand").decode()}
    client.request(
        "POST", path, body={"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "strict"}, "data": data}
    )
    for check in (True, False):
        with pytest.raises(InputError, match="belongs to no SealedSecret"):
            seal(wanted(), check=check)
    assert client.list("bitnami.com/v1alpha1", "SealedSecret", namespace) == []
    patch(client, namespace, "strict", {"metadata": {"annotations": {"sealedsecrets.bitnami.com/managed": "true"}}})
    assert seal(wanted())["changed"]
    assert values("strict")["password"] == b"by hand"
    assert not seal(wanted())["changed"]


def test_a_scope_changes_with_consent_only(seal, values) -> None:
    secret = {"name": "s", "values": {"a": CANARY}}
    seal([secret])
    wide = [{**secret, "scope": "cluster-wide"}]
    with pytest.raises(InputError, match="allow_scope_change") as refused:
        seal(wide)
    assert CANARY not in str(refused.value)
    assert seal(wide, allow_scope_change=True)["changed"]
    assert values("s")["a"] == CANARY.encode()
    assert not seal(wide)["changed"]


def test_what_is_no_longer_wanted_is_pruned_when_asked(seal, client, namespace) -> None:
    seal(wanted())
    seal(wanted()[:1], prune=True)
    assert client.get("bitnami.com/v1alpha1", "SealedSecret", "widest", namespace) is None
    assert client.get("bitnami.com/v1alpha1", "SealedSecret", "strict", namespace) is not None


def test_merge_leaves_other_keys(seal, values) -> None:
    seal([{"name": "s", "values": {"a": CANARY, "b": "one"}}])
    merged = seal([{"name": "s", "values": {"b": "two", "c": "three"}}], merge=True)
    assert next(iter(merged["secrets"].values()))["changed_keys"] == ["b", "c"]
    assert values("s") == {"a": CANARY.encode(), "b": b"two", "c": b"three"}
    assert not seal([{"name": "s", "values": {"b": "two"}}], merge=True)["changed"]
    seal([{"name": "s", "values": {"b": "two"}}])
    assert values("s") == {"b": b"two"}


def test_manifests_stay_byte_for_byte_with_and_without_the_cluster(
    seal, values, client, namespace, sealing_keys, tmp_path
) -> None:
    certificate = tmp_path / "sealing.pem"
    certificate.write_bytes(newest_certificate(sealing_keys))
    options = {"directory": str(tmp_path / "sealed"), "fingerprint_key": "k" * 32}
    path = tmp_path / "sealed" / namespace / "strict.yml"
    assert seal(wanted(), **options)["files"]
    before = path.read_bytes()
    assert not seal(wanted(), **options)["changed"]
    offline = {**options, "cluster": False, "certificate": str(certificate)}
    assert not seal(wanted(), **offline)["changed"]
    assert path.read_bytes() == before
    kept = values("strict")["password"]
    changed = seal(wanted("other")[:1], **offline)
    assert changed["secrets"][f"{namespace}/strict"]["changed_keys"] == ["given"]
    client.request(
        "PATCH",
        f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets/strict",
        body=yaml.safe_load(path.read_text()),
        content_type="application/merge-patch+json",
    )
    eventually(lambda: values("strict")["given"] == b"other", "the controller unseals what was written")
    assert values("strict")["password"] == kept


def test_a_certificate_in_a_file_seals_without_the_controllers_key(seal, values, sealing_keys, tmp_path) -> None:
    path = tmp_path / "sealing.pem"
    path.write_bytes(newest_certificate(sealing_keys))
    result = seal([{"name": "s", "values": {"a": CANARY}}], certificate=str(path), controller_namespace="nowhere")
    assert result["certificate"]["fingerprint"].startswith("SHA256:")
    assert values("s")["a"] == CANARY.encode()


def test_many_secrets_are_listed(seal, client, namespace) -> None:
    many = [{"name": f"s{number}", "values": {"a": {"generate": {}}}} for number in range(FEW + 1)]
    seal(many)
    before = client.requests
    assert not seal(many)["changed"]
    assert client.requests - before < 8


GIVEN = "{{ lookup('ansible.builtin.env', 'CANARY') }}"
ONE = [{"name": "s", "values": {"a": GIVEN}}]
BAD_INPUT = [
    (
        {"secrets": [{"name": "s", "values": {"a": {"generate": {"length": GIVEN}}}}]},
        "secrets[0] s: values.a.generate.length: a number",
    ),
    ({"secrets": [{"name": "s", "values": {"a b": GIVEN}}]}, "secrets[0] s: key 'a b' is invalid"),
    ({"secrets": [{"name": "s", "values": {"schlüssel": GIVEN}}]}, "secrets[0] s: key 'schlüssel' is invalid"),
    ({"secrets": [{"name": "größe", "values": {"a": GIVEN}}]}, "name must be lower-case letters"),
    ({"secrets": ONE, "cluster": False}, "certificate: needed without a cluster"),
    ({"secrets": ONE, "certificate_fingerprint": "SHA256:wrong"}, "and SHA256:wrong is expected"),
    ({"secrets": ONE, "rotate": ["s/a"]}, "rotate: s/a: no generated key"),
    ({"secrets": ONE, "host": "https://127.0.0.1:9", "kubeconfig": None, "validate_certs": False}, "127.0.0.1:9"),
    ({"secrets": [{"name": "s", "values": {"a": [GIVEN]}}]}, "secrets[0] s: values.a: a text, or one of"),
    ({"secrets": [{"name": "s", "values": {"a": ""}}]}, "secrets[0] s: values.a: is empty"),
    ({"secrets": GIVEN}, "secrets: a list of dictionaries is needed"),
    ({"secrets": ONE, "certificate": "/nowhere.pem"}, "certificate: /nowhere.pem cannot be read"),
    ({"secrets": ONE, "certificate": "/etc/passwd"}, "/etc/passwd is not a PEM certificate"),
    ({"secrets": ONE, "controller_namespace": "no", "wait_timeout": 1}, "no sealing key in namespace no"),
    ({"secrets": [{"name": "s", "values": {"a": "{{ no_such_variable }}"}}]}, "no_such_variable"),
    ({"secrets": ONE, "scope": "strict"}, "Unsupported parameters: scope"),
]


def test_bad_input_is_one_clear_error_and_nothing_is_written(plays, client, namespace) -> None:
    results, said = plays([task for task, _message in BAD_INPUT], "-vvv")
    for result, (_task, message) in zip(results, BAD_INPUT, strict=True):
        assert result["failed"]
        assert message in result["msg"]
    assert CANARY not in said
    assert client.list("bitnami.com/v1alpha1", "SealedSecret", namespace) == []


def test_no_value_is_ever_said_shown_or_stored(plays, values, tmp_path) -> None:
    """The canary is looked for in everything that is printed, and in all that outlives the run.

    In diffs and results, in processes' arguments, fact caches, manifests, and on disk.
    """
    seen: list[str] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for arguments in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.append(arguments.read_text(errors="replace"))
                except OSError:
                    continue
            done.wait(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    more = {"directory": str(tmp_path / "sealed"), "fingerprint_key": GIVEN}
    tasks = [{"secrets": wanted(given), **more} for given in (GIVEN, GIVEN, "other")] + [
        {"secrets": wanted("other"), "rotate": ["strict/password"]}
    ]
    results, said = plays(tasks, "-vvvv", "--diff")
    done.set()
    watcher.join()
    assert [result["changed"] for result in results] == [True, False, True, True], results
    assert len(list((tmp_path / "sealed").rglob("*.yml"))) == 3
    secret = values("strict")
    for value in (CANARY.encode(), secret["password"]):
        for form in (value, base64.b64encode(value)):
            assert form.decode() not in said
            assert not [one for one in seen if form.decode() in one]
            assert not [path for path in tmp_path.rglob("*") if path.is_file() and form in path.read_bytes()]
