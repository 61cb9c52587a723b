# Copyright (c) 2026 GreenLang. All rights reserved.
"""Credentials that end in the middle of a run are asked for again where there is somebody to ask; else the error says
whose they were.

The user here may write ConfigMaps in one namespace and nothing else: that is all that a set of ConfigMaps needs."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApiError, ConfigError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

from tests.helpers import impersonating

# Gives a token that nobody accepts the first time, and afterwards what is in the file beside it: as if it had expired.
PLUGIN = """#!/bin/sh
here=$(dirname "$0")
echo asked >> "$here/asked"
token=expired
[ "$(wc -l < "$here/asked")" -gt 1 ] && token=$(cat "$here/token")
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "'"$token"'"}}'
"""


@pytest.fixture
def token(client, kubeconfig, namespace):
    """A token of a service account that may write ConfigMaps in the test's namespace."""
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "writer", "namespace": namespace}}
    subject = {"kind": "ServiceAccount", "name": "writer", "namespace": namespace}
    objects = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": rbac["metadata"]},
        {**rbac, "kind": "Role", "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]},
        {
            **rbac,
            "kind": "RoleBinding",
            "subjects": [subject],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "writer"},
        },
    ]
    apply_set(client, objects, ApplyOptions(name=None))
    impersonating(kubeconfig, f"system:serviceaccount:{namespace}:writer", objects).close()
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    return client.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/writer/token", body=body)["status"][
        "token"
    ]


def as_user(kubeconfig, folder, user):
    """The test cluster's kubeconfig with another user in it."""
    config = yaml.safe_load(kubeconfig.read_text())
    for entry in config["users"]:
        entry["user"] = user
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    return Client.from_params({"kubeconfig": str(path)})


def config_maps(namespace):
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"c{i}", "namespace": namespace},
            "data": {"i": str(i)},
        }
        for i in range(50)
    ]


def test_an_exec_plugin_is_asked_again_when_its_token_has_expired(kubeconfig, tmp_path, token, namespace):
    plugin = tmp_path / "plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o700)
    (tmp_path / "token").write_text(token)
    user = as_user(
        kubeconfig,
        tmp_path,
        {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}},
    )
    result = apply_set(user, config_maps(namespace), ApplyOptions(name="s", namespace=namespace))
    assert len(result.created) == 50
    assert (tmp_path / "asked").read_text().split() == [
        "asked",
        "asked",
    ]  # not once for each of the concurrent requests


def test_a_token_file_is_read_again_when_its_token_has_expired(kubeconfig, tmp_path, token, namespace):
    path = tmp_path / "token"
    path.write_text(token)
    user = as_user(kubeconfig, tmp_path, {"tokenFile": str(path)})
    assert (
        len(apply_set(user, config_maps(namespace), ApplyOptions(name="s", namespace=namespace, check=True)).created)
        == 50
    )
    assert apply_set(user, config_maps(namespace), ApplyOptions(name="s", namespace=namespace)).changed
    path.write_text("expired")
    user = as_user(kubeconfig, tmp_path, {"tokenFile": str(path)})
    with pytest.raises(ApiError, match="does not accept the credentials"):
        apply_set(user, config_maps(namespace), ApplyOptions(name="s", namespace=namespace))
    path.write_text(token)
    assert not apply_set(user, config_maps(namespace), ApplyOptions(name="s", namespace=namespace)).changed


def test_an_expired_token_is_named_by_its_kubeconfig(kubeconfig, tmp_path, namespace):
    user = as_user(kubeconfig, tmp_path, {"token": "expired"})
    with pytest.raises(
        ApiError, match=r"does not accept the credentials of .*kubeconfig.*; an expired token or certificate[?]"
    ):
        apply_set(user, config_maps(namespace), ApplyOptions(name="s", namespace=namespace))


def test_a_plugin_that_fails_is_named(kubeconfig, tmp_path, namespace):
    user = as_user(
        kubeconfig,
        tmp_path,
        {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/nonexistent/plugin"}},
    )
    with pytest.raises(ConfigError, match="/nonexistent/plugin"):
        apply_set(user, config_maps(namespace), ApplyOptions(name="s", namespace=namespace))
