# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin platform_check: its documentation is in plugins/modules/platform_check.py."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

try:
    import urllib3

    MISSING: str | None = None
except ImportError as exc:
    MISSING = str(exc)

ARGUMENTS = {
    "namespace": {"type": "str", "required": True},
    "service": {"type": "str", "default": "api-gateway"},
    "api_host": {"type": "str", "required": True},
    "secret": {"type": "str", "default": "vcci-api-tls"},
    "timeout": {"type": "int", "default": 60},
}
# The parts of the platform, and where an operator looks at each.
LAYERS = {
    "cluster": "kubectl get nodes",
    "controllers": "kubectl get pods -n cert-manager",
    "secrets": "kubectl get sealedsecrets -A",
    "data": "kubectl get statefulsets -n {namespace}",
    "apps": "https://{host} at {address}",
    "observability": "kubectl port-forward svc/prometheus 9090:9090 -n vcci-observability",
    "tenant": "kubectl get namespaces -l tenant",
}
COUNTED = (
    ("v1", "Namespace"), ("v1", "Service"), ("v1", "ConfigMap"), ("v1", "ServiceAccount"), ("v1", "ResourceQuota"), ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"), ("batch/v1", "CronJob"), ("networking.k8s.io/v1", "NetworkPolicy"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"), ("policy/v1", "PodDisruptionBudget"), ("bitnami.com/v1alpha1", "SealedSecret"),
)


class ActionModule(ActionBase):
    """Ask the platform what a user would ask of it."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec({**ARGUMENTS, **connection_argument_spec()})
        if self._task.check_mode:
            return {**result, "skipped": True, "msg": "check mode: there may be nothing to ask yet"}
        if MISSING:
            return {**result, "failed": True, "msg": f"platform_check needs the Python package urllib3: {MISSING}. Remedy: pip install urllib3."}
        try:
            client = Client.from_params(args)
            address = self._address(client, args)
            answers = self._ask(self._gateway(client, args, address), args["timeout"])
            layers = self._layers(client, args, address)
        except VcciError as exc:
            return {**result, "failed": True, "msg": str(exc)}
        self._show(answers, layers)
        waiting = [layer["layer"] for layer in layers if layer["ready"] < layer["workloads"]]
        if waiting:
            message = f"workloads of {', '.join(waiting)} are not ready. Remedy: kubectl get pods -A, or run that layer's playbook."
            return {**result, "failed": True, "msg": message, "checks": answers, "layers": layers}
        return {**result, "changed": False, "checks": answers, "layers": layers, "address": address}

    @staticmethod
    def _address(client: Client, args: dict) -> str:
        service = client.get("v1", "Service", args["service"], args["namespace"])
        ingress = ((service or {}).get("status", {}).get("loadBalancer", {}).get("ingress") or [{}])[0]
        address = ingress.get("ip") or ingress.get("hostname")
        if not address:
            raise VcciError(f"Service {args['namespace']}/{args['service']} has no LoadBalancer address. Remedy: see its events (kubectl describe service).")
        return address

    @staticmethod
    def _gateway(client: Client, args: dict, address: str) -> urllib3.HTTPSConnectionPool:
        secret = client.get("v1", "Secret", args["secret"], args["namespace"])
        data = (secret or {}).get("data") or {}
        if "tls.crt" not in data:
            raise VcciError(f"Secret {args['namespace']}/{args['secret']} has no certificate yet. Remedy: kubectl describe certificate -n {args['namespace']}.")
        authority = base64.b64decode(data["ca.crt"]).decode() if data.get("ca.crt") else None
        # A name that no public DNS knows: connect to the address, and verify the certificate for the name all the same.
        return urllib3.HTTPSConnectionPool(address, server_hostname=args["api_host"], assert_hostname=args["api_host"], ca_cert_data=authority,
                                           headers={"Host": args["api_host"], "Content-Type": "application/json"}, timeout=10)

    def _ask(self, gateway: urllib3.HTTPSConnectionPool, timeout: int) -> list[dict]:
        deadline = time.monotonic() + timeout
        answers = []

        def ask(what: str, method: str, path: str, good: tuple[int, ...], body: dict | None = None, until: str | None = None) -> dict:
            begun, last = time.monotonic(), ""
            while True:
                # A write without an answer may have been done, and is not asked for again; one that was answered with 503 was not.
                again = method == "GET"
                try:
                    answer = gateway.request(method, path, body=json.dumps(body) if body else None, retries=False)
                    again = again or answer.status == 503
                    last = f"{answer.status} {answer.data[:200].decode(errors='replace')}"
                    content = json.loads(answer.data) if answer.status in good else {}
                    if answer.status in good and (until is None or content.get("status") == until):
                        answers.append({"check": what, "seconds": round(time.monotonic() - begun, 3)})
                        return content
                except (urllib3.exceptions.HTTPError, ValueError) as exc:
                    last = str(exc)
                if not again or time.monotonic() > deadline:
                    raise VcciError(f"{what}: {method} {path} through the gateway was answered with {last}. "
                                    f"Remedy: kubectl logs of api-gateway, vcci-backend-api and vcci-worker.")
                time.sleep(0.2)

        ask("liveness", "GET", "/health/live", (200,))
        ask("readiness", "GET", "/health/ready", (200,))
        written = ask("write", "POST", "/api/v1/records", (201,), {"name": "platform-check", "quantity": 2, "factor": 3})
        path = f"/api/v1/records/{written['id']}"
        ask("read", "GET", path, (200,))
        done = ask("job done by a worker", "GET", path, (200,), until="done")
        if done.get("emissions") != 6:
            raise VcciError(f"the worker's answer is {done.get('emissions')!r}, not 6. Remedy: see the log of vcci-worker.")
        return answers

    @staticmethod
    def _layers(client: Client, args: dict, address: str) -> list[dict]:
        known = {"namespace": args["namespace"], "host": args["api_host"], "address": address}
        rows: dict[str, dict[str, Any]] = {
            layer: {"layer": layer, "objects": 0, "workloads": 0, "ready": 0, "look": look.format(**known)} for layer, look in LAYERS.items()}
        for api_version, kind in COUNTED:
            try:
                items = client.list(api_version, kind, label_selector="app.kubernetes.io/managed-by=greenlang.vcci")
            except VcciError:  # a kind that this cluster does not serve has no objects
                continue
            for item in items:
                row = rows.get(item["metadata"].get("labels", {}).get("app.kubernetes.io/component", ""))
                if row is None:
                    continue
                row["objects"] += 1
                if kind in ("Deployment", "StatefulSet"):
                    row["workloads"] += 1
                    row["ready"] += item.get("status", {}).get("readyReplicas", 0) >= item["spec"].get("replicas", 1)
        return list(rows.values())

    @staticmethod
    def _show(answers: list[dict], layers: list[dict]) -> None:
        show = Display().display
        for answer in answers:
            show(f"    {answer['check']:<22} ok  {answer['seconds']:>7.3f} s")
        show(f"    {'layer':<14} {'objects':>7}  {'ready':>7}  where to look")
        for row in layers:
            ready = f"{row['ready']}/{row['workloads']}" if row["workloads"] else "-"
            show(f"    {row['layer']:<14} {row['objects']:>7}  {ready:>7}  {row['look']}")
