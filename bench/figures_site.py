# Copyright (c) 2026 GreenLang. All rights reserved.
"""The main job: the whole platform from caches, once more, and from nothing at all."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from bench.figure import NAME, ROOT, STATE, SUBNET, figures, line, no_cluster, ratio, timed

KINDS = [
    *("namespace", "service", "configmap", "serviceaccount", "resourcequota", "limitrange", "networkpolicy"),
    *("deployment", "statefulset", "cronjob", "horizontalpodautoscaler", "poddisruptionbudget", "storageclass"),
    *("role", "rolebinding", "clusterrole", "clusterrolebinding", "crd"),
    *("sealedsecret", "certificate", "clusterissuer", "issuer"),
]
OF_THE_SERVER = [
    *("managedFields", "uid", "resourceVersion", "creationTimestamp", "generation"),
    *("ownerReferences", "finalizers"),
]
ARGUMENTS = ["-e", f"cluster_local_name={NAME}", "-e", f"cluster_local_subnet={SUBNET}"]


def play(*playbooks: str) -> tuple[float, str]:
    return timed("ansible-playbook", *playbooks, "-i", "inventories/local", *ARGUMENTS)


def rendered(folder: Path) -> Path:
    """A manifest of what the site applied, as the cluster has it, without what only a server writes."""
    found = json.loads(kubectl("get", ",".join(KINDS), "-A", "-l", "applyset.kubernetes.io/part-of", "-o", "json"))[
        "items"
    ]
    for item in found:
        item.pop("status", None)
        for key in OF_THE_SERVER:
            item["metadata"].pop(key, None)
    path = folder / "site.yml"
    path.write_text(yaml.dump_all(found, Dumper=yaml.CSafeDumper, explicit_start=True), encoding="utf-8")
    return path


def kubectl(*arguments: str) -> str:
    return timed(str(STATE / NAME / "bin" / "kubectl"), "--kubeconfig", str(STATE / NAME / "kubeconfig"), *arguments)[1]


@figures("site", "site-cached", "site-again", "site-again-kubectl")
def site() -> Iterator[str]:
    with no_cluster():
        cached = play("site.yml", "playbooks/verify.yml")[0]
        yield line("site-cached", cached, "s", 300, "from nothing running to verified")
        runs = [play("site.yml") for _turn in range(3)]
        everything = "".join(text for _took, text in runs)
        changed = max(int(number) for number in re.findall(r"changed=(\d+)", everything))
        took = sorted(seconds for seconds, _text in runs)
        note = f"changed={changed} min={took[0]:.1f} median={took[1]:.1f} max={took[2]:.1f}"
        yield line("site-again", took[1], "s", 4, note, good=changed == 0)
        with tempfile.TemporaryDirectory() as folder:
            path = rendered(Path(folder))
            theirs = []
            for _turn in range(4):  # the first only makes kubectl a manager of its own
                begun = time.monotonic()
                kubectl("apply", "--server-side", "--force-conflicts", "-f", str(path))
                theirs.append(time.monotonic() - begun)
        peer = sorted(theirs[1:])[1]
        yield ratio("site-again-kubectl", took[1], peer, 4, f"theirs={peer:.2f} s")


def cold(folder: Path, *command: str) -> tuple[float, str]:
    """Run a command in a fresh clone with empty caches, as on a machine that never saw this project."""
    clone = folder / "clone"
    timed("git", "clone", "--quiet", str(ROOT), str(clone))
    caches = {
        "XDG_CACHE_HOME": str(folder / "cache"),
        "GOCACHE": str(folder / "gocache"),
        "GOMODCACHE": str(folder / "gomodcache"),
        "GOFLAGS": "-modcacherw",
        "PIP_NO_CACHE_DIR": "1",
        "ANSIBLE_CONFIG": str(clone / "ansible.cfg"),
    }
    return timed(*command, environment=caches, folder=clone)


@figures("site-cold", "site-cold", "site-cold-build", long=True)
def site_cold() -> Iterator[str]:
    with no_cluster(), tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        took, text = cold(Path(folder), "make", "site", f"ARGS={' '.join(ARGUMENTS)}")
        built = sum(int(seconds) for seconds in re.findall(r"building \S+ \(\d+ of \d+\): done in (\d+) s", text))
        yield line("site-cold", took / 60, "min", 28)
        yield line("site-cold-build", built / 60, "min", 18)


@figures("ci-cold", long=True)
def ci_cold() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    begun = time.monotonic()
    try:
        cold(folder, ".ci/run")
        yield line("ci-cold", (time.monotonic() - begun) / 60, "min", 60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
