# Copyright (c) 2026 GreenLang. All rights reserved.
"""What etcd says of pods after a restore, or after a power cut, is of another time: Services lead to who is gone.

A pod that says Ready, and whose address nobody in its cgroup has, is Ready no more until its kubelet says so: as the
node lifecycle controller does it for the pods of a node that is lost (k8s.io/kubernetes pkg/controller/nodelifecycle).
Kubelets compare what they know with what is told of their pods every 10 s, and after each start.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import Conflict, NotFound
from ..kubernetes.client import Client
from . import host, objects
from .layout import Layout

PATCH = "application/strategic-merge-patch+json"
LOCAL = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")
DOUBTED = ("Ready", "ContainersReady")


def doubt(client: Client, layout: Layout) -> list[str]:
    """Take Ready from pods that do not run as they say; their names, as `namespace/name`."""
    ready = [pod for pod in client.list("v1", "Pod") if objects.is_ready(pod)]
    found = []
    for pod in ready:
        if pod["status"].get("podIP") not in _addresses(layout, pod):
            meta = pod["metadata"]
            said = [{"type": kind, "status": "False", "reason": "NodeDidNotSay"} for kind in DOUBTED]
            path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
            body = {"metadata": {"uid": meta["uid"]}, "status": {"conditions": said}}
            with contextlib.suppress(NotFound, Conflict):  # it is gone, or another has its name
                client.request("PATCH", path, body=body, content_type=PATCH)
                found.append(f"{meta['namespace']}/{meta['name']}")
    return found


def _addresses(layout: Layout, pod: dict[str, Any]) -> Iterator[str]:
    """The IPv4 addresses that processes of a pod have; none when it does not run."""
    roots = host.cgroups(f"{layout.cgroup}/{pod['spec'].get('nodeName', '')}/kubepods")
    own = f"pod{pod['metadata']['uid']}"
    folders = (folder / own for root in roots for folder in (root, root / "burstable", root / "besteffort"))
    for process in host.processes(folder for folder in folders if folder.is_dir()):
        try:
            yield from LOCAL.findall(Path(f"/proc/{process}/net/fib_trie").read_text(encoding="utf-8"))
        except OSError:  # it has ended
            continue
