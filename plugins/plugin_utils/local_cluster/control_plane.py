# Copyright (c) 2026 GreenLang. All rights reserved.
"""etcd, API server, controller manager and scheduler of a local cluster, set up as the CIS benchmark asks of a hardened one."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import API_PORT, Layout
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.pki import Authority, kubeconfig, service_account_key, write_private
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.processes import Daemon, Processes

# The order of stopping: without etcd the API server hangs for a minute.
ORDER = ("cloud-controller-manager", "kube-scheduler", "kube-controller-manager", "kwok", "kube-apiserver", "etcd")
READY_SECONDS = 60
# In flight at once (reads, changes), twice upstream's defaults: this server has one user, who applies thousands of objects.
READS, CHANGES = 800, 400
# Memory for time: a young heap of Go's default is collected all the time while thousands of objects are written.
COLLECTION = {"GOGC": "200"}

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": ["system:kube-scheduler", "system:kube-proxy", "system:apiserver", "system:kube-controller-manager"]},
        {"level": "None", "userGroups": ["system:nodes"], "verbs": ["get", "list", "watch", "update", "patch"]},
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi/*"]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}, {"group": "", "resources": ["events"]}]},
        {"level": "Metadata"},  # who did what to which object; never a body, so never a Secret
    ],
}


class ControlPlane:
    """The control plane's daemons, certificates and client."""

    def __init__(self, layout: Layout, parts: dict[str, Path]) -> None:
        self._layout, self._parts = layout, parts
        self.processes = Processes(layout.state / "run", layout.state / "logs", None)

    def credentials(self) -> Authority:
        """Make certificates and kubeconfigs that are missing or near their end; return the cluster's authority."""
        layout, pki = self._layout, self._layout.pki
        authority, etcd, front = Authority(pki, "ca"), Authority(pki, "etcd-ca"), Authority(pki, "front-proxy-ca")
        service_account_key(pki)
        service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
        authority.issue(pki / "apiserver", "kube-apiserver", None,
                        [*service, "localhost", layout.api_address, layout.loopback, layout.address((128 << 8) + 1)], server=True)
        authority.issue(pki / "apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters")
        etcd.issue(pki / "etcd", "etcd", None, ["localhost", layout.loopback], server=True)
        etcd.issue(pki / "apiserver-etcd-client", "kube-apiserver-etcd-client")
        front.issue(pki / "front-proxy-client", "front-proxy-client")
        for user in ("kube-controller-manager", "kube-scheduler", "cloud-controller-manager"):
            authority.issue(pki / user, f"system:{user}", None, ["localhost", layout.loopback], server=True)  # as kubeadm names them
            kubeconfig(pki / f"{user}.kubeconfig", layout.server, authority, (pki / f"{user}.crt", pki / f"{user}.key"), layout.name)
        admin = authority.issue(pki / "admin", "kubernetes-admin", "system:masters")
        kubeconfig(layout.kubeconfig, layout.server, authority, admin, f"vcci-{layout.name}")
        self._policies()
        return authority

    def _policies(self) -> None:
        encryption, audit = self._layout.pki / "encryption.json", self._layout.pki / "audit-policy.json"
        if not encryption.exists():
            key = base64.b64encode(os.urandom(32)).decode()
            providers = [{"secretbox": {"keys": [{"name": "key1", "secret": key}]}}, {"identity": {}}]
            write_private(encryption, json.dumps({
                "apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
                "resources": [{"resources": ["secrets"], "providers": providers}]}).encode())
        write_private(audit, json.dumps(AUDIT_POLICY).encode())

    def metrics_certificate(self) -> tuple[Path, Path]:
        """What metrics-server serves with, so that the API server can verify it."""
        names = ["metrics-server.kube-system.svc", "metrics-server.kube-system"]
        return Authority(self._layout.pki, "ca").issue(self._layout.pki / "metrics-server", "metrics-server", None, names, server=True)

    def daemons(self) -> list[Daemon]:
        """The daemons in the order in which they start."""
        layout, pki = self._layout, self._layout.pki
        kubernetes, client = self._parts["kubernetes"], f"https://{layout.loopback}:2379"
        etcd = Daemon("etcd", [
            str(self._parts["etcd"] / "etcd"), f"--name={layout.name}", f"--data-dir={layout.state / 'etcd'}",
            f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls=https://{layout.loopback}:2380", f"--initial-advertise-peer-urls=https://{layout.loopback}:2380",
            f"--initial-cluster={layout.name}=https://{layout.loopback}:2380",
            f"--cert-file={pki / 'etcd.crt'}", f"--key-file={pki / 'etcd.key'}", f"--trusted-ca-file={pki / 'etcd-ca.crt'}", "--client-cert-auth",
            f"--peer-cert-file={pki / 'etcd.crt'}", f"--peer-key-file={pki / 'etcd.key'}", f"--peer-trusted-ca-file={pki / 'etcd-ca.crt'}",
            "--peer-client-cert-auth", "--log-level=warn", "--auto-compaction-retention=1h", "--quota-backend-bytes=8589934592",
        ], [pki / "etcd.crt"], COLLECTION)
        serving = [f"--bind-address={layout.loopback}", "--profiling=false"]
        apiserver = Daemon("kube-apiserver", [
            str(kubernetes / "kube-apiserver"), f"--bind-address={layout.api_address}", f"--secure-port={API_PORT}",
            *([f"--advertise-address={layout.api_address}"] if layout.kind == "real" else ["--endpoint-reconciler-type=none"]),
            f"--etcd-servers={client}", f"--etcd-cafile={pki / 'etcd-ca.crt'}",
            f"--etcd-certfile={pki / 'apiserver-etcd-client.crt'}", f"--etcd-keyfile={pki / 'apiserver-etcd-client.key'}",
            f"--tls-cert-file={pki / 'apiserver.crt'}", f"--tls-private-key-file={pki / 'apiserver.key'}", f"--client-ca-file={pki / 'ca.crt'}",
            f"--kubelet-certificate-authority={pki / 'ca.crt'}", "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-client-certificate={pki / 'apiserver-kubelet-client.crt'}", f"--kubelet-client-key={pki / 'apiserver-kubelet-client.key'}",
            "--authorization-mode=Node,RBAC", "--anonymous-auth=false", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
            f"--service-account-key-file={pki / 'sa.pub'}", f"--service-account-signing-key-file={pki / 'sa.key'}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local", f"--service-cluster-ip-range={layout.service_cidr}",
            f"--encryption-provider-config={pki / 'encryption.json'}",
            f"--audit-policy-file={pki / 'audit-policy.json'}", f"--audit-log-path={layout.state / 'logs' / 'audit.log'}",
            "--audit-log-maxsize=50", "--audit-log-maxbackup=4", "--audit-log-maxage=30", "--audit-log-mode=batch",
            f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}", "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User", f"--proxy-client-cert-file={pki / 'front-proxy-client.crt'}",
            f"--proxy-client-key-file={pki / 'front-proxy-client.key'}", "--enable-aggregator-routing=true",
            f"--max-requests-inflight={READS}", f"--max-mutating-requests-inflight={CHANGES}", "--profiling=false",
            "--tls-min-version=VersionTLS12",
        ], [pki / "apiserver.crt", pki / "encryption.json", pki / "audit-policy.json"], COLLECTION)
        # Thousands of namespaces at once wait for their default service accounts at upstream's client rate of 20 requests a second.
        manager = Daemon("kube-controller-manager", [
            str(kubernetes / "kube-controller-manager"), *serving, "--leader-elect=false", "--kube-api-qps=300", "--kube-api-burst=600",
            *self._user("kube-controller-manager"), f"--root-ca-file={pki / 'ca.crt'}", f"--service-account-private-key-file={pki / 'sa.key'}",
            "--use-service-account-credentials=true", f"--cluster-signing-cert-file={pki / 'ca.crt'}", f"--cluster-signing-key-file={pki / 'ca.key'}",
            "--allocate-node-cidrs=false", f"--service-cluster-ip-range={layout.service_cidr}", "--terminated-pod-gc-threshold=200",
        ], [pki / "kube-controller-manager.crt"])
        scheduler = Daemon("kube-scheduler", [
            str(kubernetes / "kube-scheduler"), *serving, "--leader-elect=false", "--kube-api-qps=300", "--kube-api-burst=600",
            *self._user("kube-scheduler"),
        ], [pki / "kube-scheduler.crt"])
        cloud = Daemon("cloud-controller-manager", [
            str(kubernetes / "cloud-controller-manager"), *serving, "--leader-elect=false", *self._user("cloud-controller-manager"),
            f"--load-balancer-cidr={layout.load_balancer_cidr}", "--concurrent-service-syncs=1", "--cloud-provider=local",
            "--webhook-bind-address=" + layout.loopback,
        ], [pki / "cloud-controller-manager.crt"])
        return [etcd, apiserver, manager, scheduler, *([] if layout.kind == "none" else [cloud])]

    def _user(self, name: str) -> list[str]:
        pki = self._layout.pki
        path = pki / f"{name}.kubeconfig"
        return [f"--kubeconfig={path}", f"--authentication-kubeconfig={path}", f"--authorization-kubeconfig={path}",
                f"--tls-cert-file={pki / name}.crt", f"--tls-private-key-file={pki / name}.key"]

    def client(self, **options: float) -> Client:
        """A client with the administrator's kubeconfig."""
        return Client.from_params({"kubeconfig": str(self._layout.kubeconfig)}, **options)

    def stale(self) -> list[str]:
        """The names of daemons that do not run, or run otherwise than they should."""
        return [daemon.name for daemon in self.daemons() if not self.processes.current(daemon)]

    def start(self, progress: Callable[[str], None], prepare: Callable[[], None]) -> list[str]:
        """Start what does not run; `prepare` is called when the API server is ready, before the controllers start; return what was started."""
        self.credentials()
        (self._layout.state / "etcd").mkdir(mode=0o700, exist_ok=True)
        etcd, apiserver, *others = self.daemons()
        started = [daemon.name for daemon in (etcd, apiserver) if self.processes.ensure(daemon)]
        self.wait_ready(progress)
        prepare()
        return started + [daemon.name for daemon in others if self.processes.ensure(daemon)]

    def wait_ready(self, progress: Callable[[str], None]) -> None:
        """Wait for the API server's /readyz, watching that its process and etcd's live."""
        begun, said = time.monotonic(), 0.0
        while True:
            try:
                self.client(retry_for=0, timeout=5).text("/readyz")
                return
            except VcciError as exc:
                last = exc
            for name in ("etcd", "kube-apiserver"):
                if self.processes.pid(name) is None:
                    raise VcciError(f"{name} ended while starting; its last words:\n{self.processes.last_lines(name)}\n"
                                    f"Remedy: the whole log is {self.processes.logs / name}.log.")
            waited = time.monotonic() - begun
            if waited > READY_SECONDS:
                raise VcciError(f"the API server at {self._layout.server} is not ready after {READY_SECONDS} s ({last}); its last words:\n"
                                f"{self.processes.last_lines('kube-apiserver')}")
            if waited - said > 5:
                said = waited
                progress(f"waiting for the API server … {waited:.0f} s")
            time.sleep(0.1)

    def check_alive(self) -> None:
        """Raise when a daemon ended soon after its start."""
        for name in self.stale():
            raise VcciError(f"{name} ended after its start; its last words:\n{self.processes.last_lines(name)}\n"
                            f"Remedy: the whole log is {self.processes.logs / name}.log.")

    def stop(self) -> list[str]:
        """Stop the daemons, etcd last."""
        return self.processes.stop(ORDER)
