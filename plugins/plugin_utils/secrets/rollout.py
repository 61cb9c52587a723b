# Copyright (c) 2026 GreenLang. All rights reserved.
"""What follows a new value: servers that keep it are told on their standard input, and workloads that consume it are restarted."""

from __future__ import annotations

import base64
import datetime
import time
from collections.abc import Callable

from ..errors import InputError, VcciError, WaitTimeout
from ..kubernetes import kstatus as _kstatus
from ..kubernetes.client import Client
from ..kubernetes.exec import CommandFailed, execute
from . import consumers as _sealed_consumers
from .consumers import name_of
from .values import Wanted

MERGE_PATCH = "application/merge-patch+json"
MANAGER = "greenlang.vcci.restart"
PAUSE = 0.5


class Rollout:
    """`run` executes a command in a container; see _exec."""

    def __init__(self, client: Client, tell: Callable[[str], None], timeout: float, run: Callable[..., str] = execute) -> None:
        self.client, self.tell, self.timeout, self.run = client, tell, timeout, run

    # --- servers -----------------------------------------------------------------------------------------------------
    def pods_to_tell(self, secret: Wanted) -> list[str]:
        """The pods of a Secret's server. An error while one of them is not ready: it would not learn the new value."""
        kind, name = str(secret.tell["workload"]).split("/")
        workload = self.client.get("apps/v1", kind, name, secret.namespace)
        if workload is None or (workload.get("spec") or {}).get("replicas") == 0:
            return []
        pods = _sealed_consumers.pods_of(workload, self.client.list("v1", "Pod", secret.namespace))
        late = [pod["metadata"]["name"] for pod in pods if _kstatus.status(pod)[0] != _kstatus.READY]
        if late or len(pods) < (workload.get("spec") or {}).get("replicas", 1):
            raise InputError(
                f"Secret {secret}: {kind}/{name} must be told of the new value and is not ready"
                f"{' (' + ', '.join(late) + ')' if late else ''}: nothing was changed; run this again when it is"
            )
        return sorted(pod["metadata"]["name"] for pod in pods)

    def reach(self, secret: Wanted, pods: list[str]) -> None:
        """Whether commands can be run in these pods at all, whatever this one says: a value that its server cannot learn must not be written."""
        for pod in pods:
            try:
                self.run(self.client, secret.namespace, pod, secret.tell["container"], ["true"], b"")
            except CommandFailed:
                continue
            except VcciError as exc:
                raise VcciError(f"Secret {secret}: its server cannot be told of a new value, so that nothing was changed: {exc.message}") from exc

    def tell_servers(self, secret: Wanted, pods: list[str], data: dict[str, bytes]) -> None:
        """Each command in all pods before the next command: who is told to use a value is told after all who must accept it."""
        given = "".join(f"{key} {base64.b64encode(value).decode()}\n" for key, value in sorted(data.items())).encode()
        for command in secret.tell["commands"]:
            for pod in pods:
                self.tell(f"telling {secret.namespace}/{pod} of the new values of {secret.name}")
                self.run(self.client, secret.namespace, pod, secret.tell["container"], command, given)

    # --- consumers ---------------------------------------------------------------------------------------------------
    def consumers(self, wanted: list[Wanted], renewed: dict[str, set[str]], times: dict[str, dict[str, str]]) -> list[dict]:
        """Workloads with a key that got a new value now, or since their pods started; servers that need a restart come last."""
        found: dict[str, dict] = {}
        known: dict[str, tuple[list[dict], list[dict]]] = {}
        last: set[str] = set()
        never: set[str] = set()
        for secret in wanted:
            if secret.tell:
                (last if secret.tell.get("restart") else never).add(f"{secret.namespace}/{secret.tell['workload']}")
        for namespace in sorted({w.namespace for w in wanted}):
            workloads = [one for kind in _sealed_consumers.RESTARTABLE for one in self.client.list("apps/v1", kind, namespace)]
            known[namespace] = (workloads, self.client.list("v1", "Pod", namespace) if workloads else [])
        for secret in wanted:
            workloads, pods = known[secret.namespace]
            now = _sealed_consumers.consumers(workloads, secret.name, renewed[str(secret)]) if renewed[str(secret)] else []
            for workload in workloads:
                if workload in now or _sealed_consumers.stale(workload, pods, secret.name, times[str(secret)]):
                    found[f"{secret.namespace}/{name_of(workload)}"] = workload
        return [found[name] for name in sorted(set(found) - never, key=lambda name: (name in last, name))]

    def restart(self, workloads: list[dict], last: set[str]) -> None:
        """All at once, each in its own rolling way; servers after their clients, one after the other."""
        groups = [[w for w in workloads if name_of(w) not in last], *([w] for w in workloads if name_of(w) in last)]
        for group in groups:
            for workload in group:
                self.tell(f"restarting {workload['metadata']['namespace']}/{name_of(workload)}")
                stamp = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
                body = {"spec": {"template": {"metadata": {"annotations": {_sealed_consumers.RESTARTED: stamp}}}}}
                self.client.request("PATCH", self.path(workload), query={"fieldManager": MANAGER}, body=body, content_type=MERGE_PATCH)
            self.await_rolled_out(group)

    def path(self, workload: dict) -> str:
        metadata = workload["metadata"]
        return self.client.resource("apps/v1", workload["kind"]).path(metadata["namespace"], metadata["name"])

    def await_rolled_out(self, workloads: list[dict]) -> None:
        deadline, said, pending = time.monotonic() + self.timeout, time.monotonic(), list(workloads)
        while pending:
            states = [(w, *_kstatus.status({**self.client.request("GET", self.path(w)), "kind": w["kind"]})) for w in pending]
            failed = next(((w, why) for w, state, why in states if state == _kstatus.FAILED), None)
            if failed:
                raise VcciError(f"{name_of(failed[0])} does not start with the new values: {failed[1]}")
            late = [(w, why) for w, state, why in states if state != _kstatus.READY]
            if not late:
                return
            if time.monotonic() > deadline:
                raise WaitTimeout(f"not restarted in {self.timeout:g} s: " + ", ".join(f"{name_of(w)} ({why})" for w, why in late))
            if time.monotonic() - said > 3:
                said = time.monotonic()
                self.tell("waiting for " + ", ".join(f"{name_of(w)} ({why})" for w, why in late))
            pending = [w for w, _why in late]
            time.sleep(PAUSE)
