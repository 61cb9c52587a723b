# Copyright (c) 2026 GreenLang. All rights reserved.
"""The flags of the control plane's daemons, as the CIS benchmark asks of a hardened one
(docs/hardening.md). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .daemon import CIPHERS, Daemon
from .layout import API_PORT, Layout

# In the order in which they stop: without etcd the API server hangs for a minute.
NAMES = (
    "cloud-controller-manager",
    "kube-scheduler",
    "kube-controller-manager",
    "kwok",
    "kube-apiserver",
    "etcd",
)
# In flight at once (reads, changes), twice upstream's defaults: this server has one user, who applies thousands of
# objects.
READS, CHANGES = 800, 400
# Memory for time: a young heap of Go's default is collected all the time while thousands of objects are written.
COLLECTION = {"GOGC": "200"}
# Thousands of namespaces at once wait for their default service accounts at upstream's client rate of 20 requests a
# second.
RATE = ["--leader-elect=false", "--kube-api-qps=300", "--kube-api-burst=600"]
# Simulated nodes do not die: a machine so busy that KWOK reports them late must not make their pods unready.
PATIENCE = ["--node-monitor-grace-period=10m"]
# Watches never end by themselves: without a bound the server that stops waits for them, and is killed in the end.
DRAIN = "--shutdown-watch-termination-grace-period=1s"
# Who did what to which object; never a body, so never a Secret.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "None",
            "users": [
                "system:kube-scheduler",
                "system:kube-proxy",
                "system:apiserver",
                "system:kube-controller-manager",
            ],
        },
        {"level": "None", "userGroups": ["system:nodes"], "verbs": ["get", "list", "watch", "update", "patch"]},
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi/*"]},
        {
            "level": "None",
            "resources": [
                {"group": "coordination.k8s.io", "resources": ["leases"]},
                {"group": "", "resources": ["events"]},
            ],
        },
        {"level": "Metadata"},
    ],
}

# Events are written by whoever has something to say: of one namespace, and of one user, only so many a second count.
ADMISSION = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AdmissionConfiguration",
    "plugins": [
        {
            "name": "EventRateLimit",
            "configuration": {
                "apiVersion": "eventratelimit.admission.k8s.io/v1alpha1",
                "kind": "Configuration",
                "limits": [
                    {"type": "Namespace", "qps": 50, "burst": 500, "cacheSize": 4096},
                    {"type": "Server", "qps": 500, "burst": 5000},
                ],
            },
        }
    ],
}


def daemons(layout: Layout, parts: Mapping[str, Path]) -> list[Daemon]:
    """The daemons in the order in which they start; `parts` has the directories of their programs."""
    programs = parts["kubernetes"]
    controllers = [_controller_manager(layout, programs), _scheduler(layout, programs)]
    cloud = [] if layout.kind == "none" else [_cloud_controller_manager(layout, programs)]
    return [_etcd(layout, parts["etcd"]), _api_server(layout, programs), *controllers, *cloud]


def _etcd_url(layout: Layout) -> str:
    return f"https://{layout.loopback}:2379"


def _etcd(layout: Layout, programs: Path) -> Daemon:
    pki, client, peer = layout.pki, _etcd_url(layout), f"https://{layout.loopback}:2380"
    argv = [
        str(programs / "etcd"),
        f"--name={layout.name}",
        f"--data-dir={layout.state / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster={layout.name}={peer}",
        f"--cert-file={pki / 'etcd.crt'}",
        f"--key-file={pki / 'etcd.key'}",
        f"--trusted-ca-file={pki / 'etcd-ca.crt'}",
        "--client-cert-auth",
        f"--peer-cert-file={pki / 'etcd.crt'}",
        f"--peer-key-file={pki / 'etcd.key'}",
        f"--peer-trusted-ca-file={pki / 'etcd-ca.crt'}",
        "--peer-client-cert-auth",
        "--log-level=warn",
        "--auto-compaction-retention=1h",
        "--quota-backend-bytes=8589934592",
    ]
    return Daemon("etcd", argv, [pki / "etcd.crt"], COLLECTION)


def _api_server(layout: Layout, programs: Path) -> Daemon:
    pki = layout.pki
    reached = [f"--advertise-address={layout.api_address}"]
    argv = [
        str(programs / "kube-apiserver"),
        f"--bind-address={layout.api_address}",
        f"--secure-port={API_PORT}",
        *(reached if layout.kind == "real" else ["--endpoint-reconciler-type=none"]),
        *_storage(layout),
        *_identities(pki),
        f"--service-cluster-ip-range={layout.service_cidr}",
        f"--encryption-provider-config={pki / 'encryption.json'}",
        *_audit(layout),
        f"--admission-control-config-file={pki / 'admission.json'}",
        *_aggregation(pki),
        f"--max-requests-inflight={READS}",
        f"--max-mutating-requests-inflight={CHANGES}",
        DRAIN,
        "--profiling=false",
        "--tls-min-version=VersionTLS12",
        f"--tls-cipher-suites={','.join(CIPHERS)}",
    ]
    inputs = [pki / "apiserver.crt", pki / "encryption.json", pki / "audit-policy.json", pki / "admission.json"]
    return Daemon("kube-apiserver", argv, inputs, COLLECTION)


def _storage(layout: Layout) -> list[str]:
    pki = layout.pki
    return [
        f"--etcd-servers={_etcd_url(layout)}",
        f"--etcd-cafile={pki / 'etcd-ca.crt'}",
        f"--etcd-certfile={pki / 'apiserver-etcd-client.crt'}",
        f"--etcd-keyfile={pki / 'apiserver-etcd-client.key'}",
    ]


def _identities(pki: Path) -> list[str]:
    """How the API server shows who it is, and knows and admits others."""
    return [
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={pki / 'apiserver-kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'apiserver-kubelet-client.key'}",
        "--authorization-mode=Node,RBAC",
        "--anonymous-auth=false",
        "--enable-admission-plugins=NodeRestriction,EventRateLimit",
        "--allow-privileged=true",
        f"--service-account-key-file={pki / 'sa.pub'}",
        f"--service-account-signing-key-file={pki / 'sa.key'}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        "--service-account-extend-token-expiration=false",  # upstream's: a pod's token of an hour lives for a year
    ]


def _audit(layout: Layout) -> list[str]:
    return [
        f"--audit-policy-file={layout.pki / 'audit-policy.json'}",
        f"--audit-log-path={layout.state / 'logs' / 'audit.log'}",
        "--audit-log-maxsize=100",
        "--audit-log-maxbackup=10",
        "--audit-log-maxage=30",
        "--audit-log-mode=batch",
    ]


def _aggregation(pki: Path) -> list[str]:
    """How API servers behind this one know who asks."""
    return [
        f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki / 'front-proxy-client.crt'}",
        f"--proxy-client-key-file={pki / 'front-proxy-client.key'}",
        "--enable-aggregator-routing=true",
    ]


def _controller_manager(layout: Layout, programs: Path) -> Daemon:
    name, pki = "kube-controller-manager", layout.pki
    argv = [
        str(programs / name),
        *_serving(layout),
        *RATE,
        *_user(name, pki),
        f"--root-ca-file={pki / 'ca.crt'}",
        f"--service-account-private-key-file={pki / 'sa.key'}",
        "--use-service-account-credentials=true",
        f"--cluster-signing-cert-file={pki / 'ca.crt'}",
        f"--cluster-signing-key-file={pki / 'ca.key'}",
        "--allocate-node-cidrs=false",
        f"--service-cluster-ip-range={layout.service_cidr}",
        "--terminated-pod-gc-threshold=12500",  # upstream's; each tenant's quota counts its own
        *(PATIENCE if layout.kind == "simulated" else []),
    ]
    return Daemon(name, argv, [pki / f"{name}.crt"])


def _scheduler(layout: Layout, programs: Path) -> Daemon:
    name, pki = "kube-scheduler", layout.pki
    argv = [str(programs / name), *_serving(layout), *RATE, *_user(name, pki)]
    return Daemon(name, argv, [pki / f"{name}.crt"])


def _cloud_controller_manager(layout: Layout, programs: Path) -> Daemon:
    name, pki = "cloud-controller-manager", layout.pki
    argv = [
        str(programs / name),
        *_serving(layout),
        "--leader-elect=false",
        *_user(name, pki),
        f"--load-balancer-cidr={layout.load_balancer_cidr}",
        "--concurrent-service-syncs=1",
        f"--load-balancer-routes={'true' if layout.kind == 'real' else 'false'}",
        "--cloud-provider=local",
        f"--webhook-bind-address={layout.loopback}",
    ]
    return Daemon(name, argv, [pki / f"{name}.crt"])


def _serving(layout: Layout) -> list[str]:
    return [f"--bind-address={layout.loopback}", "--profiling=false"]


def _user(name: str, pki: Path) -> list[str]:
    """As whom a controller asks the API server, and what it serves with."""
    path = pki / f"{name}.kubeconfig"
    return [
        f"--kubeconfig={path}",
        f"--authentication-kubeconfig={path}",
        f"--authorization-kubeconfig={path}",
        f"--tls-cert-file={pki / name}.crt",
        f"--tls-private-key-file={pki / name}.key",
    ]
