# Copyright (c) 2026 GreenLang. All rights reserved.
"""The control plane of a local cluster: its certificates, its start and end, and the administrator's client."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..errors import VcciError
from ..files import write_whole
from ..kubernetes.client import Client
from ..waiting import until
from .control_plane_daemons import ADMISSION, AUDIT_POLICY, NAMES, daemons
from .daemon import Daemon
from .daemons import Daemons
from .doubt import doubt
from .held import Held
from .layout import Layout
from .pki import Authority, kubeconfig, service_account_key
from .swap import settle

NOTHING = Held()
READY_SECONDS = 180  # a loaded machine takes minutes; a daemon that ends ends the wait
SERVICE = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
METRICS_SERVER = ["metrics-server.kube-system.svc", "metrics-server.kube-system"]


class ControlPlane:
    """The control plane's daemons, certificates and client.

    `parts` has the directories of programs; stopping needs none.
    """

    def __init__(self, layout: Layout, parts: Mapping[str, Path], held: Held = NOTHING) -> None:
        self._layout, self._parts, state = layout, parts, layout.state
        self.processes = Daemons(state, "", state / "logs", state / "run", None, held.daemons())

    # --- certificates ------------------------------------------------------------------------------------------------
    def credentials(self) -> Authority:
        """Make certificates and kubeconfigs that are missing or near their end; return the cluster's authority."""
        layout, pki = self._layout, self._layout.pki
        authority, etcd, front = Authority(pki, "ca"), Authority(pki, "etcd-ca"), Authority(pki, "front-proxy-ca")
        service_account_key(pki)
        host_only = ["localhost", layout.loopback]
        server = [*SERVICE, "localhost", layout.api_address, layout.loopback, layout.service_address]
        authority.issue(pki / "apiserver", "kube-apiserver", None, server, server=True)
        authority.issue(pki / "apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters")
        etcd.issue(pki / "etcd", "etcd", None, host_only, server=True)
        etcd.issue(pki / "apiserver-etcd-client", "kube-apiserver-etcd-client")
        front.issue(pki / "front-proxy-client", "front-proxy-client")
        for user in ("kube-controller-manager", "kube-scheduler", "cloud-controller-manager"):  # as kubeadm names them
            files = authority.issue(pki / user, f"system:{user}", None, host_only, server=True)
            kubeconfig(pki / f"{user}.kubeconfig", layout.server, authority, files, layout.name)
        admin = authority.issue(pki / "admin", "kubernetes-admin", "system:masters")
        kubeconfig(layout.kubeconfig, layout.server, authority, admin, f"vcci-{layout.name}")
        self._policies()
        return authority

    def metrics_certificate(self) -> tuple[str, str]:
        """Certificate and key (PEM) with which metrics-server serves, so that the API server can verify it."""
        path, authority = self._layout.pki / "metrics-server", Authority(self._layout.pki, "ca")
        certificate, key = authority.issue(path, "metrics-server", None, METRICS_SERVER, server=True)
        return certificate.read_text(encoding="utf-8"), key.read_text(encoding="utf-8")

    def _policies(self) -> None:
        encryption, audit = self._layout.pki / "encryption.json", self._layout.pki / "audit-policy.json"
        if not encryption.exists():
            key = base64.b64encode(os.urandom(32)).decode()
            providers = [{"secretbox": {"keys": [{"name": "key1", "secret": key}]}}, {"identity": {}}]
            configuration = {
                "apiVersion": "apiserver.config.k8s.io/v1",
                "kind": "EncryptionConfiguration",
                "resources": [{"resources": ["secrets"], "providers": providers}],
            }
            write_whole(encryption, json.dumps(configuration), 0o600)  # without it, etcd's Secrets are lost
        write_whole(audit, json.dumps(AUDIT_POLICY), 0o600, durable=False)
        write_whole(self._layout.pki / "admission.json", json.dumps(ADMISSION), 0o600, durable=False)

    # --- its life ----------------------------------------------------------------------------------------------------
    def daemons(self) -> list[Daemon]:
        """The daemons in the order in which they start."""
        return daemons(self._layout, self._parts)

    def runs(self) -> bool:
        """Whether any of it runs: its ports and addresses are its own then."""
        return any(self.processes.pid(name) for name in NAMES)

    def stale(self) -> list[str]:
        """The names of daemons that do not run, or run otherwise than they should."""
        return [daemon.name for daemon in self.daemons() if not self.processes.current(daemon)]

    def start(self, say: Callable[[str], None], prepare: Callable[[], None]) -> list[str]:
        """Start what does not run; return what was started.

        `prepare` is called when the API server is ready, before the controllers start.
        """
        self.credentials()
        if self.processes.pid("etcd") is None:
            settle(self._layout)
        (self._layout.state / "etcd").mkdir(mode=0o700, exist_ok=True)
        etcd, api_server, *others = self.daemons()
        started = [daemon.name for daemon in (etcd, api_server) if self.processes.ensure(daemon)]
        self.wait_ready(say)
        if started and self._layout.kind == "real":
            with self.client() as client:
                doubt(client, self._layout)
        prepare()
        return started + [daemon.name for daemon in others if self.processes.ensure(daemon)]

    def wait_ready(self, say: Callable[[str], None]) -> None:
        """Wait for the API server's /readyz, watching that its process and etcd's live."""
        last: list[VcciError] = []

        def ready() -> bool:
            try:
                with self.client(retry_for=0, timeout=5) as client:
                    client.text("/readyz")
            except VcciError as exc:
                last[:] = [exc]
                for name in ("etcd", "kube-apiserver"):
                    if self.processes.fails(name):
                        raise self._ended(name, "while starting") from exc
                return False
            return True

        def late(_waited: int) -> VcciError:
            words = f"{self.processes.last_lines('kube-apiserver')}\n{self._remedy('kube-apiserver')}"
            where = f"the API server at {self._layout.server}"
            return VcciError(f"{where} is not ready after {READY_SECONDS} s ({last[0]}); its last words:\n{words}")

        until(ready, READY_SECONDS, say, awaited=lambda: "the API server", late=late, pause=0.1, longest=0.1)

    def check_alive(self) -> None:
        """Raise when a daemon ended soon after its start."""
        for name in self.stale():
            raise self._ended(name, "after its start")

    def stop(self) -> list[str]:
        """Stop the daemons, etcd last."""
        return self.processes.stop(NAMES)

    @contextmanager
    def client(self, **options: float) -> Iterator[Client]:
        """A client with the administrator's kubeconfig, which is closed at the block's end."""
        client = Client.from_params({"kubeconfig": str(self._layout.kubeconfig)}, **options)
        try:
            yield client
        finally:
            client.close()

    def _ended(self, name: str, when: str) -> VcciError:
        return VcciError(
            f"{name} ended {when}; its last words:\n{self.processes.last_lines(name)}\n{self._remedy(name)}"
        )

    def _remedy(self, name: str) -> str:
        return f"Remedy: the whole log is {self.processes.logs / name}.log; run again, it goes on from here."
