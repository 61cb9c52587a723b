# Copyright (c) 2026 GreenLang. All rights reserved.
"""The report on SealedSecrets, by its plugin; no value is in it."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run as run_secrets
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

from tests.helpers import PATIENCE, play

CANARY = "canary-in-the-report"
pytestmark = pytest.mark.usefixtures("controller")


def test_what_the_report_says(client, namespace, kubeconfig, tmp_path) -> None:
    names = ["good", "edited", "aged", "broken"]
    secrets = [
        {"name": name, "scope": "namespace-wide", "values": {"a": CANARY, "b": {"generate": {}}}} for name in names
    ]
    run_secrets(client, read(secrets, namespace), Options(name=namespace, wait_timeout=PATIENCE))
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets"
    merge = "application/merge-patch+json"
    old = {
        "metadata": {
            "annotations": {
                "vcci.greenlang.io/changed": json.dumps({"a": "2026-01-01T00:00:00Z", "b": "2999-01-01T00:00:00Z"})
            }
        }
    }
    client.request("PATCH", f"{path}/aged", body=old, content_type=merge)
    edit = {"data": {"a": base64.b64encode(b"by hand").decode()}}
    client.request("PATCH", f"/api/v1/namespaces/{namespace}/secrets/edited", body=edit, content_type=merge)
    cipher = client.get("bitnami.com/v1alpha1", "SealedSecret", "broken", namespace)["spec"]["encryptedData"]["a"]
    client.request(
        "PATCH", f"{path}/broken", body={"spec": {"encryptedData": {"a": cipher[:-8] + "AAAAAAA="}}}, content_type=merge
    )
    pod = {
        "containers": [{"name": "c", "image": "x/y:1", "envFrom": [{"secretRef": {"name": "good"}}]}],
        "restartPolicy": "Never",
    }
    job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "user"}}
    job["spec"] = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    client.request("POST", f"/apis/batch/v1/namespaces/{namespace}/cronjobs", body=job)

    task = {
        "greenlang.vcci.sealed_secret_info": {
            "kubeconfig": str(kubeconfig),
            "namespaces": [namespace],
            "rotation_days": 90,
        }
    }
    results, said = play(tmp_path, [task], "-vvvv")
    found = {name.split("/")[1]: one for name, one in results[0]["secrets"].items()}
    told = {name: (one["decrypts"], one["equal"], one["overdue"], one["consumers"]) for name, one in found.items()}
    assert told == {
        "good": (True, True, [], ["CronJob/user"]),
        "edited": (True, False, [], []),
        "aged": (True, True, ["a"], []),
        "broken": (False, False, [], []),
    }
    assert all(one["scope"] == "namespace-wide" and one["keys"] == ["a", "b"] for one in found.values())
    assert all(one["on_newest_key"] for name, one in found.items() if name != "broken")
    newest = results[0]["sealing_keys"][0]
    assert newest["secrets"] >= 4
    assert found["good"]["sealing_keys"] == [newest["name"]]
    lines = {line.split()[0].split("/")[-1]: line for line in results[0]["table"]}
    assert "NO" in lines["broken"]
    assert "CronJob/user" in lines["good"]
    client.request("DELETE", f"{path}/broken")
    assert CANARY not in said
    assert base64.b64encode(CANARY.encode()).decode() not in said
