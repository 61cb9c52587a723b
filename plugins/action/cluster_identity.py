# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin cluster_identity: its documentation is in plugins/modules/cluster_identity.py."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError, brief
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

NAME, NAMESPACE = "vcci-cluster-identity", "kube-system"


class ActionModule(Action):
    """Compare the cluster's recorded environment with the inventory's."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "environment_name": {"type": "str", "required": True},
        "claim": {"type": "bool", "default": False},
        "assume_empty": {"type": "bool", "default": False},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        client = self.connect_unless_assumed(args)
        if client is None:
            return {"changed": args["claim"], "identity": {"environment": args["environment_name"]}}
        found = client.get("v1", "ConfigMap", NAME, NAMESPACE)
        if found is not None:
            return {"identity": self._compared(client, found.get("data") or {}, args["environment_name"])}
        if not args["claim"]:
            raise VcciError(
                f"{client.server} was not prepared by this collection: it has no ConfigMap {NAMESPACE}/{NAME}. "
                f"Remedy: run the layer cluster first (site.yml, or playbooks/cluster.yml)."
            )
        identity = {"environment": args["environment_name"], "provider": "existing"}
        wanted = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "data": identity,
        }
        done = apply_set(client, [wanted], ApplyOptions(name="cluster-identity", namespace=NAMESPACE, check=self.check))
        return {"changed": done.changed, "identity": identity}

    @staticmethod
    def _compared(client: Client, identity: dict[str, str], environment: str) -> dict[str, str]:
        is_for, named = brief(identity.get("environment"), 30), brief(environment, 30)
        if identity.get("environment") != environment:
            raise VcciError(
                f"environment_name: {client.server} is the cluster of environment {is_for!r}, not of {named!r}; "
                f"nothing was changed. Remedy: use the inventory of {is_for!r}, or the kubeconfig of {named!r}; "
                f"to rehearse an environment on another cluster, set cluster_rehearsal and create that cluster for it."
            )
        return identity
