# Copyright (c) 2026 GreenLang. All rights reserved.
"""A run that says that it did something did it; what others put into an object stays; what a version before noted is
understood. With the real controller."""

from __future__ import annotations

import base64
import datetime
import pathlib
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import notes
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run as run_secrets
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

from tests.helpers import PATIENCE, eventually

pytestmark = pytest.mark.usefixtures("controller")
MERGE = "application/merge-patch+json"
Sealing = Callable[..., dict[str, Any]]


@pytest.fixture
def seal(client: Client, namespace: str) -> Sealing:
    def run(values: dict[str, Any], *, secret: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        wanted = read([{"name": "s", "values": values, **(secret or {})}], namespace)
        result = run_secrets(client, wanted, Options(name=namespace, wait_timeout=PATIENCE, **options))
        return {**result, "keys": result["secrets"][f"{namespace}/s"]["changed_keys"]}

    return run


@pytest.fixture
def values(client: Client, namespace: str) -> Callable[[], dict[str, bytes]]:
    def of() -> dict[str, bytes]:
        data = client.get("v1", "Secret", "s", namespace)["data"]
        return {key: base64.b64decode(text) for key, text in data.items()}

    return of


def patch(client: Client, namespace: str, body: dict[str, Any], manager: str, kind: str = "sealedsecrets") -> None:
    group = "/apis/bitnami.com/v1alpha1" if kind == "sealedsecrets" else "/api/v1"
    path = f"{group}/namespaces/{namespace}/{kind}/s"
    client.request("PATCH", path, body=body, content_type=MERGE, query={"fieldManager": manager})


def sealed(client: Client, namespace: str) -> dict[str, Any]:
    return client.get("bitnami.com/v1alpha1", "SealedSecret", "s", namespace)


def test_what_kubernetes_cannot_change_is_refused_before_anything_is_written(seal, client, namespace) -> None:
    first = {"type": "kubernetes.io/basic-auth"}
    seal({"username": "x"}, secret=first)
    before = sealed(client, namespace)["metadata"]["resourceVersion"]
    for check in (True, False):
        with pytest.raises(InputError, match=r"has type kubernetes.io/basic-auth, which Kubernetes never changes"):
            seal({"username": "x"}, check=check)
        with pytest.raises(InputError, match="only makes new ones so"):
            seal({"username": "x"}, secret={**first, "immutable": True}, check=check)
    assert sealed(client, namespace)["metadata"]["resourceVersion"] == before
    # The way on that the message names.
    patch(client, namespace, {"spec": {"template": {"type": "Opaque"}}}, "somebody")
    client.request("DELETE", f"/api/v1/namespaces/{namespace}/secrets/s")
    # The controller, which has failed at it again and again, takes its time; the next run does not wait for that.
    seal({"username": "x"})
    assert client.get("v1", "Secret", "s", namespace)["type"] == "Opaque"
    assert not seal({"username": "x"})["changed"]


def test_an_immutable_secret_keeps_its_values(seal, values) -> None:
    for immutable in (True, "yes"):
        seal({"a": "x"}, secret={"immutable": immutable})
    with pytest.raises(InputError, match="is immutable, and a would change"):
        seal({"a": "y"}, secret={"immutable": True})
    with pytest.raises(InputError, match="ask for immutable: true"):
        seal({"a": "x"}, secret={"immutable": "no"})
    assert values() == {"a": b"x"}
    assert not seal({"a": "x"}, secret={"immutable": True})["changed"]


@pytest.mark.parametrize("fields", [{"labels": {"l": "1"}}, {"annotations": {"a": "1"}}], ids=["labels", "annotations"])
def test_labels_and_annotations_are_awaited_as_values_are(fields, seal, client, namespace) -> None:
    seal({"a": "x"})
    [(name, wanted)] = fields.items()
    assert seal({"a": "x"}, secret=fields)["changed"]
    assert wanted.items() <= client.get("v1", "Secret", "s", namespace)["metadata"][name].items()
    one = sealed(client, namespace)
    assert one["status"]["observedGeneration"] == one["metadata"]["generation"]


@pytest.mark.parametrize("merge", [False, True])
def test_keys_that_the_template_makes_change_nothing(merge: bool, seal, values, client, namespace) -> None:
    seal({"a": "x", "p": {"generate": {}}})
    before = values()["p"]
    patch(client, namespace, {"spec": {"template": {"data": {"conf": "user={{ .a }}"}}}}, "gitops")
    eventually(lambda: values().get("conf") == b"user=x", "the controller renders it")
    assert not seal({"a": "x", "p": {"generate": {}}})["changed"]
    seal({"a": "y", "p": {"generate": {}}}, merge=merge)
    assert values() == {"a": b"y", "p": before, "conf": b"user=y"}
    assert not seal({"a": "y", "p": {"generate": {}}}, merge=merge)["changed"]
    with pytest.raises(InputError, match=r"spec.template.data of its SealedSecret has conf too"):
        seal({"conf": "z"}, merge=merge)


def test_with_merge_everything_that_is_not_named_stays(seal, values, client, namespace) -> None:
    seal({"foo": {"generate": {}}}, secret={"type": "example.com/x", "labels": {"t": "1"}, "annotations": {"u": "2"}})
    patch(client, namespace, {"metadata": {"labels": {"l": "3"}, "annotations": {"m": "4"}}}, "gitops")
    before = values()
    for check in (True, False):
        merged = seal({"new": "x"}, merge=True, check=check)
        assert (merged["changed"], merged["keys"]) == (True, ["new"])
    assert values() == {**before, "new": b"x"}
    secret, one = client.get("v1", "Secret", "s", namespace), sealed(client, namespace)
    assert (secret["type"], secret["metadata"]["labels"]["t"], secret["metadata"]["annotations"]["u"]) == (
        "example.com/x",
        "1",
        "2",
    )
    assert (one["metadata"]["labels"]["l"], one["metadata"]["annotations"]["m"]) == ("3", "4")
    assert not seal({"new": "x"}, merge=True)["changed"]
    gone = seal({"new": "x"}, secret={"type": "example.com/x"})
    assert (gone["keys"], values()) == (["foo"], {"new": b"x"})


def test_a_new_template_around_the_same_generated_part(seal, values) -> None:
    how = {"length": 20}
    seal({"a": {"generate": how, "compose": "app-${generated}"}})
    part = values()["a"].removeprefix(b"app-")
    assert len(part) == 20
    for template, becomes in (("${generated}", b"%s"), ("a${generated}", b"a%s"), ("<${generated|url}>", b"<%s>")):
        spec = {"a": {"generate": how, "compose": template}}
        planned = seal(spec, check=True)
        assert (planned["keys"], seal(spec)["keys"]) == (["a"], ["a"])
        assert values()["a"] == becomes % part
        assert not seal(spec)["changed"]


def test_what_the_version_before_noted_is_understood(seal, values, client, namespace, tmp_path: pathlib.Path) -> None:
    """It noted when a value changed, and nothing else."""
    spec = {"a": {"generate": {"length": 40}}, "dsn": {"generate": {}, "compose": "x://m:${generated|url}@h"}, "q": "y"}
    options = {"directory": str(tmp_path), "fingerprint_key": "k" * 32}
    seal(spec, **options)
    before = values()
    new = (notes.HELD, notes.PARTS, notes.SEEN, notes.ENDS, notes.FINGERPRINT_KEY)
    patch(client, namespace, {"metadata": {"annotations": dict.fromkeys(new)}}, "greenlang.vcci")
    assert "keys" in seal(spec, check=True)
    converged = seal(spec, **options)
    assert (converged["keys"], values()) == ([], before)
    assert not seal(spec, **options)["changed"]
    moved = {**spec, "dsn": {"generate": {}, "compose": "y://m:${generated|url}@elsewhere"}}
    seal(moved, **options)
    part = before["dsn"].removeprefix(b"x://m:").removesuffix(b"@h")
    assert values() == {**before, "dsn": b"y://m:" + part + b"@elsewhere"}


def test_ages_are_still_told(seal, client, namespace) -> None:
    seal({"a": {"generate": {}}})
    told = notes.texts(sealed(client, namespace)["metadata"]["annotations"], notes.CHANGED)
    assert abs(datetime.datetime.fromisoformat(told["a"]) - datetime.datetime.now(datetime.UTC)).days <= 1
