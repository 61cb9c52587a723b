# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is sealed is the truth for what is generated, whatever happens to the Secret, and whoever may read the keys.

With the real controller.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError, WaitTimeout
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import sealing_pair
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run as run_secrets
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

from tests.helpers import PATIENCE, eventually
from tests.integration.secrets.controller import paused

pytestmark = pytest.mark.usefixtures("controller")
MERGE = "application/merge-patch+json"
WANTED = [
    {"name": "t", "values": {"JWT": {"generate": {}}, "q": "x", "tls": {"generate": {"format": "ed25519"}}}},
    {"name": "user", "values": {"url": {"compose": "x://${t/JWT}"}}},
]
RULES = [
    {"apiGroups": ["bitnami.com"], "resources": ["sealedsecrets"], "verbs": ["get", "list", "create", "patch"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create", "patch", "update"]},
]


class Place:
    """A namespace, and who seals in it."""

    def __init__(self, admin: Client, account: Client, namespace: str, options: dict[str, Any]) -> None:
        self.admin, self.account, self.namespace, self.options = admin, account, namespace, options

    def seal(self, wanted: list[dict[str, Any]] | None = None, **options: Any) -> dict[str, Any]:
        given = {"name": self.namespace, "record_namespace": self.namespace, "wait_timeout": PATIENCE, **self.options}
        return run_secrets(self.account, read(wanted or WANTED, self.namespace), Options(**{**given, **options}))

    def values(self, name: str = "t") -> dict[str, bytes]:
        data = self.admin.get("v1", "Secret", name, self.namespace)["data"]
        return {key: base64.b64decode(text) for key, text in data.items()}

    def sealed(self, name: str = "t") -> dict[str, str]:
        found = self.admin.get("bitnami.com/v1alpha1", "SealedSecret", name, self.namespace)
        return dict(found["spec"]["encryptedData"])

    def path(self, name: str = "t") -> str:
        return f"/api/v1/namespaces/{self.namespace}/secrets/{name}"

    def patch(self, body: dict[str, Any]) -> None:
        self.admin.request("PATCH", self.path(), body=body, content_type=MERGE, query={"fieldManager": "somebody"})

    def edit(self, **values: str | None) -> None:
        coded = {
            key: text if text is None else base64.b64encode(text.encode()).decode() for key, text in values.items()
        }
        self.patch({"data": coded})

    def strip(self) -> None:
        change = [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]
        body, kind = json.dumps(change).encode(), "application/json-patch+json"
        self.admin.request("PATCH", self.path(), body=body, content_type=kind)


@pytest.fixture
def certificate(sealing_keys: list[dict[str, Any]], tmp_path: pathlib.Path) -> str:
    path = tmp_path / "sealing.pem"
    path.write_bytes(base64.b64decode(max(sealing_keys, key=lambda one: one["metadata"]["name"])["data"]["tls.crt"]))
    return str(path)


@pytest.fixture(params=["keys may be read", "keys may not be read"])
def place(
    request: pytest.FixtureRequest, client: Client, namespace: str, certificate: str, kubeconfig: pathlib.Path
) -> Iterator[Place]:
    if request.param == "keys may be read":
        yield Place(client, client, namespace, {})
        return
    with contextlib.closing(sealer(client, namespace, kubeconfig)) as account:
        yield Place(client, account, namespace, {"certificate": certificate})


def sealer(client: Client, namespace: str, kubeconfig: pathlib.Path) -> Client:
    """A client of who may seal in this namespace, and read no sealing key."""
    core, rbac = f"/api/v1/namespaces/{namespace}", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    client.request("POST", f"{core}/serviceaccounts", body={"metadata": {"name": "sealer"}})
    client.request("POST", f"{rbac}/roles", body={"metadata": {"name": "sealer"}, "rules": RULES})
    subject = {"kind": "ServiceAccount", "name": "sealer", "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "sealer"}
    body = {"metadata": {"name": "sealer"}, "subjects": [subject], "roleRef": role}
    client.request("POST", f"{rbac}/rolebindings", body=body)
    token = client.request("POST", f"{core}/serviceaccounts/sealer/token", body={"spec": {}})["status"]["token"]
    return Client.from_params({"host": client.server, "api_key": token, "validate_certs": False})


HAPPENED: dict[str, Callable[[Place], object]] = {
    "removed": lambda place: place.edit(JWT=None),
    "emptied": lambda place: place.edit(JWT=""),
    "edited": lambda place: place.edit(JWT="by hand", tls="by hand"),
    "edited, and nobody knows by whom": lambda place: (place.edit(JWT="by hand"), place.strip()),
    "nobody knows who wrote what": lambda place: place.strip(),
    "all data removed": lambda place: place.patch({"data": None}),
    "somebody else wrote the same": lambda place: (
        place.edit(JWT="other") or place.edit(JWT=place.values()["JWT"].decode())
    ),
}


@pytest.mark.parametrize("case", HAPPENED)
def test_what_is_sealed_is_put_back(case: str, place: Place) -> None:
    place.seal()
    before, url = place.values(), place.values("user")
    HAPPENED[case](place)
    planned = place.seal(check=True)
    done = place.seal()
    assert (done["changed"], done["secrets"]) == (planned["changed"], planned["secrets"])
    assert (place.values(), place.values("user")) == (before, url)
    again = place.seal()
    assert (again["changed"], place.values()) == (False, before)


def test_with_the_controller_standing_still_nothing_is_made_anew(place: Place, controller: str | None) -> None:
    if controller is None:
        pytest.skip("the controller runs in a pod here")
    place.seal()
    before = place.values()
    with paused(controller):
        place.admin.request("DELETE", place.path())
        for check in (True, False):
            with pytest.raises(WaitTimeout, match=r"running"):
                place.seal(check=check, wait_timeout=1)
    eventually(lambda: place.admin.get("v1", "Secret", "t", place.namespace), "the controller makes it again")
    assert not place.seal()["changed"]
    assert place.values() == before


def test_what_no_key_unseals_is_an_error_that_names_it(client: Client, namespace: str) -> None:
    place = Place(client, client, namespace, {})
    place.seal()
    foreign = crypto.Certificate(sealing_pair(datetime.datetime.now(datetime.UTC), 30, 2048)[0], "x").key
    text = crypto.seal(foreign, b"lost", f"{namespace}/t".encode(), bytes)
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets/t"
    client.request("PATCH", path, body={"spec": {"encryptedData": {"JWT": text}}}, content_type=MERGE)
    for check in (True, False):
        with pytest.raises(InputError, match=r"what is sealed as JWT can be unsealed with none .* rotate t/JWT"):
            place.seal(check=check)
    assert place.sealed()["JWT"] == text
    with pytest.raises(VcciError, match="owned by"):
        place.seal(rotate=["t/JWT"])
    assert place.seal(rotate=["t/JWT"], force_conflicts=True)["secrets"][f"{namespace}/t"]["changed_keys"] == [
        "JWT",
        "q",
        "tls",
    ]


def test_a_new_value_that_was_sealed_and_is_not_unsealed_yet_is_not_undone(
    client: Client, namespace: str, controller: str | None, certificate: str
) -> None:
    """Somebody rotated it through git a moment ago: the Secret still has the old value."""
    if controller is None:
        pytest.skip("the controller runs in a pod here")
    place = Place(client, client, namespace, {})
    place.seal()
    key = crypto.Certificate(pathlib.Path(certificate).read_bytes(), "x").key
    text = crypto.seal(key, b"the new one", f"{namespace}/t".encode(), bytes)
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets/t"
    body = {"spec": {"encryptedData": {"JWT": text}}}
    with paused(controller):
        query = {"fieldManager": "greenlang.vcci"}
        client.request("PATCH", path, body=body, content_type=MERGE, query=query)
        planned = place.seal(check=True, wait=False)
        assert planned["secrets"][f"{namespace}/user"]["changed_keys"] == ["url"]
    place.seal(force_conflicts=True)
    assert (place.values()["JWT"], place.values("user")["url"]) == (b"the new one", b"x://the new one")


def test_a_secret_made_by_hand_is_not_adopted_with_an_empty_password(client: Client, namespace: str) -> None:
    place = Place(client, client, namespace, {})
    metadata = {"name": "t", "annotations": {"sealedsecrets.bitnami.com/managed": "true"}}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"JWT": ""}}
    client.request("POST", f"/api/v1/namespaces/{namespace}/secrets", body=body)
    for check in (True, False):
        with pytest.raises(InputError, match=r"t/JWT is to be generated, and an empty value is there"):
            place.seal(check=check)
    assert client.list("bitnami.com/v1alpha1", "SealedSecret", namespace) == []
