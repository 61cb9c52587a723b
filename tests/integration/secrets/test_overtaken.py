# Copyright (c) 2026 GreenLang. All rights reserved.
"""What somebody else changes between the read and the write of a run is not undone: it is read and decided again."""

from __future__ import annotations

import base64
import contextlib
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import Overtaken
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import kubeconfig as kubeconfigs
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run as run_secrets
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

from tests.helpers import PATIENCE

pytestmark = pytest.mark.usefixtures("controller")


class Meddled(Client):
    """Lets somebody else act just before the first writes of a run, or of one kind of object."""

    meddle: Callable[[], object] | None = None
    times, at = 1, ""

    def request(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        writes = method not in ("GET", "DELETE") and self.at in path and "dryRun" not in (options.get("query") or {})
        if writes and self.meddle and self.times:
            self.times -= 1
            self.meddle()
        return super().request(method, path, **options)


class Both:
    """A run that is meddled with, and somebody else."""

    def __init__(self, client: Client, meddled: Meddled, namespace: str, key: Any) -> None:
        self.client, self.meddled, self.namespace, self.key = client, meddled, namespace, key
        self.path = f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets/t"

    def wanted(self, given: str) -> list[dict[str, Any]]:
        values = {"JWT": {"generate": {}}, "other": {"generate": {}}, "q": given}
        return [{"name": "t", "values": values}, {"name": "user", "values": {"url": {"compose": "x://${t/JWT}"}}}]

    def seal(self, given: str = "x", client: Client | None = None, **options: Any) -> dict[str, Any]:
        wanted = read(self.wanted(given), self.namespace)
        return run_secrets(
            client or self.client, wanted, Options(name=self.namespace, wait_timeout=PATIENCE, **options)
        )

    def values(self, name: str = "t") -> dict[str, bytes]:
        data = self.client.get("v1", "Secret", name, self.namespace)["data"]
        return {key: base64.b64decode(text) for key, text in data.items()}

    def patch(self, body: dict[str, Any], manager: str = "greenlang.vcci") -> None:
        kind, query = "application/merge-patch+json", {"fieldManager": manager}
        self.client.request("PATCH", self.path, body=body, content_type=kind, query=query)

    def write(self, value: bytes) -> None:
        """Somebody seals another value by hand."""
        text = crypto.seal(self.key, value, f"{self.namespace}/t".encode(), os.urandom)
        self.patch({"spec": {"encryptedData": {"JWT": text}}})


@pytest.fixture
def both(
    client: Client, namespace: str, kubeconfig: pathlib.Path, sealing_keys: list[dict[str, Any]]
) -> Iterator[Both]:
    pem = base64.b64decode(sealing_keys[0]["data"]["tls.crt"])
    with contextlib.closing(Meddled(kubeconfigs.load({"kubeconfig": str(kubeconfig)}))) as meddled:
        yield Both(client, meddled, namespace, crypto.Certificate(pem, "test").key)


def test_another_run_that_rotates_in_between(both: Both) -> None:
    both.seal()
    before = both.values()
    both.meddled.meddle = lambda: both.seal(rotate=("t/JWT",))
    done = both.seal("y", both.meddled)
    after = both.values()
    assert after["JWT"] != before["JWT"]
    assert (after["q"], after["other"], both.values("user")["url"]) == (
        b"y",
        before["other"],
        b"x://" + after["JWT"],
    )
    assert done["secrets"][f"{both.namespace}/t"]["changed_keys"] == ["q"]
    assert not both.seal("y")["changed"]


def test_another_run_that_makes_the_secrets_first(both: Both) -> None:
    first: dict[str, bytes] = {}

    def meddle() -> None:
        both.seal()
        first.update(both.values())

    both.meddled.meddle = meddle
    both.seal("x", both.meddled)
    assert both.values() == first
    assert both.values("user")["url"] == b"x://" + first["JWT"]


@pytest.mark.parametrize("rotate", [(), ("t/other",)], ids=["a given value changes", "another key is rotated"])
def test_a_value_that_is_sealed_by_hand_in_between(both: Both, rotate: tuple[str, ...]) -> None:
    both.seal()
    before = both.values()
    both.meddled.at, both.meddled.meddle = "/sealedsecrets/t", lambda: both.write(b"by hand")
    both.seal("y", both.meddled, rotate=rotate, force_conflicts=True)
    after = both.values()
    assert (after["JWT"], both.values("user")["url"], after["q"]) == (b"by hand", b"x://by hand", b"y")
    assert (after["other"] != before["other"]) == bool(rotate)


def test_what_does_not_count_does_not_stop_it(both: Both) -> None:
    both.seal()
    both.meddled.at = "/sealedsecrets/t"
    status = {"status": {"conditions": [{"type": "Another", "status": "True"}]}}
    kind = "application/merge-patch+json"
    both.meddled.meddle = lambda: both.client.request("PATCH", both.path + "/status", body=status, content_type=kind)
    assert both.seal("y", both.meddled)["changed"]
    assert both.values()["q"] == b"y"


def test_who_is_overtaken_again_and_again_says_of_what(both: Both) -> None:
    both.seal()
    before = both.values()
    both.meddled.at, both.meddled.times = "/sealedsecrets/t", 99
    numbers = iter(range(99))
    both.meddled.meddle = lambda: both.patch({"metadata": {"annotations": {"n": str(next(numbers))}}}, "somebody")
    with pytest.raises(Overtaken, match=rf"SealedSecret\S* {both.namespace}/t: was changed by somebody else"):
        both.seal("y", both.meddled)
    assert next(numbers) < 10
    assert both.values() == before
