# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin cluster_identity: its documentation is in plugins/modules/cluster_identity.py."""

from __future__ import annotations

from ansible.plugins.action import ActionBase
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client, connection_argument_spec

NAME, NAMESPACE = "vcci-cluster-identity", "kube-system"
ARGUMENTS = {
    "environment_name": {"type": "str", "required": True},
    "claim": {"type": "bool", "default": False},
    "assume_empty": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Compare the cluster's recorded environment with the inventory's."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec({**ARGUMENTS, **connection_argument_spec()})
        if self._task.check_mode and args["assume_empty"]:
            return {**result, "changed": args["claim"], "identity": {"environment": args["environment_name"]}}
        try:
            return {**result, **self._compare(Client.from_params(args), args["environment_name"], args["claim"])}
        except VcciError as exc:
            return {**result, "failed": True, "msg": str(exc)}

    def _compare(self, client: Client, environment: str, claim: bool) -> dict:
        found = client.get("v1", "ConfigMap", NAME, NAMESPACE)
        if found is not None:
            is_for = found.get("data", {}).get("environment")
            if is_for != environment:
                raise VcciError(f"environment_name: {client.server} is the cluster of environment {is_for!r}, not of {environment!r}; nothing was changed. "
                                f"Remedy: use the inventory of {is_for!r}, or the kubeconfig of {environment!r}; "
                                f"to rehearse an environment on another cluster, set cluster_rehearsal and create that cluster for it.")
            return {"changed": False, "identity": found["data"]}
        if not claim:
            raise VcciError(f"{client.server} was not prepared by this collection: it has no ConfigMap {NAMESPACE}/{NAME}. "
                            f"Remedy: run the layer cluster first (site.yml, or playbooks/cluster.yml).")
        identity = {"environment": environment, "provider": "existing"}
        wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME, "namespace": NAMESPACE}, "data": identity}
        done = apply_set(client, [wanted], name="cluster-identity", namespace=NAMESPACE, check=self._task.check_mode)
        return {"changed": done.changed, "identity": identity}
