# Copyright (c) 2026 GreenLang. All rights reserved.
"""What follows a new value: servers that keep it are told of it, and workloads that consume it are restarted.

This does I/O; who consumes what is decided in consumers.py.
"""

from __future__ import annotations

import base64
import datetime
import time
from collections.abc import Callable
from typing import Any

from ..errors import InputError, VcciError, WaitTimeout
from ..kubernetes import kstatus
from ..kubernetes.client import MERGE_PATCH, Client
from ..kubernetes.exec import CommandFailed, execute
from ..waiting import until
from . import consumers
from .consumers import name_of
from .state import SecretState
from .wanted import Wanted

SECOND = 1.0
MANAGER = "greenlang.vcci.restart"

Object = dict[str, Any]


class Rollout:
    """`run` executes a command in a container, as kubernetes/exec.py does."""

    def __init__(
        self, client: Client, say: Callable[[str], None], timeout: float, run: Callable[..., str] = execute
    ) -> None:
        self.client, self.say, self.timeout, self.run = client, say, timeout, run

    # --- servers -----------------------------------------------------------------------------------------------------
    def servers(self, states: list[SecretState], check: bool) -> list[tuple[SecretState, list[str]]]:
        """The Secrets whose servers must be told, each with their pods, which can be reached. None in check mode."""
        found = [(state, self.pods_to_tell(state.wanted)) for state in states if state.to_tell]
        if check:
            return []
        for state, pods in found:
            self.reach(state.wanted, pods)
        return [(state, pods) for state, pods in found if pods]

    def pods_to_tell(self, secret: Wanted) -> list[str]:
        """The pods of a Secret's server. An error while one of them is not ready: it would not learn the new value."""
        kind, name = str(secret.tell["workload"]).split("/")
        workload = self.client.get("apps/v1", kind, name, secret.namespace)
        spec = (workload or {}).get("spec") or {}
        if workload is None or spec.get("replicas") == 0:
            return []
        pods = consumers.pods_of(workload, self.client.list("v1", "Pod", secret.namespace))
        late = [pod["metadata"]["name"] for pod in pods if kstatus.status(pod)[0] != kstatus.READY]
        if late or len(pods) < spec.get("replicas", 1):
            raise InputError(
                f"Secret {secret}: {kind}/{name} must be told of the new value and is not ready"
                f"{' (' + ', '.join(late) + ')' if late else ''}: nothing was changed; run this again when it is"
            )
        return sorted(pod["metadata"]["name"] for pod in pods)

    def reach(self, secret: Wanted, pods: list[str]) -> None:
        """Whether commands can be run in these pods at all, whatever this one says.

        A value that its server cannot learn must not be written.
        """
        for pod in pods:
            try:
                self.run(self.client, secret.namespace, pod, secret.tell["container"], ["true"], b"")
            except CommandFailed:
                continue
            except VcciError as exc:
                why = f"its server cannot be told of a new value, so that nothing was changed: {exc.message}"
                raise VcciError(f"Secret {secret}: {why}") from exc

    def tell_servers(self, state: SecretState, pods: list[str]) -> None:
        """On standard input. Each command in all pods before the next command.

        Who is told to use a value is told after all who must accept it.
        """
        secret = state.wanted
        lines = [f"{key} {base64.b64encode(value).decode()}\n" for key, value in sorted(state.values.items())]
        given = "".join(lines).encode()
        for command in secret.tell["commands"]:
            for pod in pods:
                self.say(f"telling {secret.namespace}/{pod} of the new values of {secret.name}")
                self.run(self.client, secret.namespace, pod, secret.tell["container"], command, given)

    # --- consumers ---------------------------------------------------------------------------------------------------
    def consumers(self, states: list[SecretState]) -> list[Object]:
        """Workloads with a key that got a new value now, or since their pods started.

        Servers that need a restart come last.
        """
        found: dict[str, Object] = {}
        for namespace in sorted({state.wanted.namespace for state in states}):
            workloads: list[Object] = []
            for kind in consumers.RESTARTABLE:
                workloads += self.client.list("apps/v1", kind, namespace)
            pods = self.client.list("v1", "Pod", namespace) if workloads else []
            for state in states:
                if state.wanted.namespace == namespace:
                    found |= _outdated(state, workloads, pods)
        told = [(f"{s.wanted.namespace}/{s.wanted.tell['workload']}", s.wanted.tell) for s in states if s.wanted.tell]
        servers = {name for name, _tell in told}
        never = {name for name, tell in told if not tell.get("restart")}  # one Secret that says so is enough
        return [found[name] for name in sorted(set(found) - never, key=lambda name: (name in servers, name))]

    def restart(self, workloads: list[Object], last: set[str]) -> None:
        """All at once, each in its own rolling way; servers after their clients, one after the other.

        Pods that are as old as a value, by the whole seconds that the API server tells, count as older: new ones are
        made in a later second.
        """
        time.sleep(SECOND if workloads else 0)
        clients = [workload for workload in workloads if name_of(workload) not in last]
        servers = [workload for workload in workloads if name_of(workload) in last]
        for group in [clients, *([server] for server in servers)]:
            for workload in group:
                self._restart(workload)
            self.await_rolled_out(group)

    def _restart(self, workload: Object) -> None:
        self.say(f"restarting {workload['metadata']['namespace']}/{name_of(workload)}")
        stamp = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        body = {"spec": {"template": {"metadata": {"annotations": {consumers.RESTARTED: stamp}}}}}
        path, query = self._path(workload), {"fieldManager": MANAGER}
        self.client.request("PATCH", path, query=query, body=body, content_type=MERGE_PATCH)

    def _path(self, workload: Object) -> str:
        metadata = workload["metadata"]
        path: str = self.client.resource("apps/v1", workload["kind"]).path(metadata["namespace"], metadata["name"])
        return path

    def await_rolled_out(self, workloads: list[Object]) -> None:
        """Until all of them run what they are asked to; an error as soon as one cannot."""
        pending = [(workload, "") for workload in workloads]

        def ready() -> bool:
            pending[:] = self._late([workload for workload, _why in pending])
            return not pending

        def said() -> str:
            return ", ".join(f"{name_of(workload)} ({why})" for workload, why in pending)

        until(
            ready,
            self.timeout,
            self.say,
            awaited=said,
            late=lambda _seconds: WaitTimeout(f"not restarted in {self.timeout:g} s: {said()}"),
            pause=0.1,
            longest=0.5,
        )

    def _late(self, workloads: list[Object]) -> list[tuple[Object, str]]:
        """Those that are not ready yet, and why."""
        late = []
        for workload in workloads:
            live = {**self.client.request("GET", self._path(workload)), "kind": workload["kind"]}
            state, why = kstatus.status(live)
            if state == kstatus.FAILED:
                raise VcciError(f"{name_of(workload)} does not start with the new values: {why}")
            if state != kstatus.READY:
                late.append((workload, why))
        return late


def _outdated(state: SecretState, workloads: list[Object], pods: list[Object]) -> dict[str, Object]:
    """Of the workloads of its namespace, by name, those that run with an older value of this Secret."""
    secret = state.wanted.name
    now = consumers.consumers(workloads, secret, state.renewed) if state.renewed else []
    found = [one for one in workloads if one in now or consumers.stale(one, pods, secret, state.times)]
    return {f"{state.wanted.namespace}/{name_of(one)}": one for one in found}
