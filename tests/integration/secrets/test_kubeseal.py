# Copyright (c) 2026 GreenLang. All rights reserved.
"""One table of values, sealed by us and opened by upstream's programs, and the reverse."""

from __future__ import annotations

import base64
import json
import os
import pathlib

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto as _sealing
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import sealed as _sealed
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.values import LIMIT
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import Wanted

from tests.integration.secrets.controller import newest_certificate, status

TABLE = {
    "empty": b"",
    "text": b"value",
    "unicode": "pässwörd 🌍".encode(),
    "binary": bytes(range(256)),
    "line": b"one\ntwo\n",
    "large": b"x" * (700 * 1024),
}


# In one Secret each.
DATA = {"all kinds": TABLE, "the largest": {"limit": b"\xff" * LIMIT}}


@pytest.fixture(scope="session")
def certificate(sealing_keys: list[dict], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("certificate") / "sealing.pem"
    path.write_bytes(newest_certificate(sealing_keys))
    return path


def sealed_by_us(certificate: pathlib.Path, scope: str, data: dict[str, bytes]) -> dict:
    wanted = Wanted("place", "name", scope=scope, labels={"a": "b"}, annotations={"c": "d"}, values=dict.fromkeys(data))
    key = _sealing.Certificate(certificate.read_bytes(), "controller").key
    bound_to = _sealing.label(scope, "place", "name")
    ciphertexts = {name: _sealing.seal(key, value, bound_to, os.urandom) for name, value in data.items()}
    return _sealed.build(wanted, ciphertexts, {"e": "f"}, {})


@pytest.mark.parametrize("case", DATA)
@pytest.mark.parametrize("scope", _sealing.SCOPES)
def test_upstream_opens_what_we_sealed(scope, case, certificate, sealing_keys, kubeseal, controller, tmp_path) -> None:
    data = DATA[case]
    sealed = sealed_by_us(certificate, scope, data)
    if controller and case == "all kinds":  # what kubeseal --validate asks
        assert status(f"{controller}/v1/verify", json.dumps(sealed).encode()) == 200
        moved = {**sealed, "metadata": {**sealed["metadata"], "name": "other", "namespace": "other"}}
        assert status(f"{controller}/v1/verify", json.dumps(moved).encode()) == (
            200 if scope == "cluster-wide" else 409
        )
    keys = tmp_path / "keys.json"
    keys.touch(mode=0o600)
    keys.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": sealing_keys}))
    opened = json.loads(
        kubeseal("--recovery-unseal", "--recovery-private-key", str(keys), "-o", "json", given=json.dumps(sealed))
    )
    assert {key: base64.b64decode(text or "") for key, text in opened.get("data", {}).items()} == data
    assert (opened["metadata"]["labels"], opened["metadata"]["annotations"]["c"]) == ({"a": "b", "e": "f"}, "d")


@pytest.mark.parametrize("case", DATA)
@pytest.mark.parametrize("scope", _sealing.SCOPES)
def test_we_open_what_upstream_sealed(scope, case, certificate, sealing_keys, kubeseal) -> None:
    data = DATA[case]
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "name", "namespace": "place"},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }
    sealed = json.loads(kubeseal("--cert", str(certificate), "--scope", scope, "-o", "json", given=json.dumps(secret)))
    live = _sealed.Live(sealed)
    assert live.scope == scope
    bound_to = _sealing.label(scope, "place", "name")
    keys = _sealing.private_keys(sealing_keys)
    assert {key: _sealing.unseal(keys, text, bound_to) for key, text in live.encrypted.items()} == data


def test_our_manifest_is_kubeseals(certificate, kubeseal) -> None:
    """The same Secret, but for what is random."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": "name", "namespace": "place", "labels": {"a": "b", "e": "f"}, "annotations": {"c": "d"}},
        "data": {"text": base64.b64encode(b"value").decode()},
    }
    theirs = json.loads(
        kubeseal("--cert", str(certificate), "--scope", "namespace-wide", "-o", "json", given=json.dumps(secret))
    )
    ours = sealed_by_us(certificate, "namespace-wide", {"text": b"value"})
    for one in (theirs, ours):
        one["spec"]["encryptedData"] = {key: len(text) for key, text in one["spec"]["encryptedData"].items()}
        one["metadata"].pop("labels", None)  # ours carries the labels itself, so that it can be found
        one["metadata"].pop("creationTimestamp", None)
        one["spec"]["template"]["metadata"].pop("creationTimestamp", None)
    assert ours == theirs
