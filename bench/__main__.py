# Copyright (c) 2026 GreenLang. All rights reserved.
"""All figures, one line each: `<name> <measured> <unit> ratio=<x> goal=<y> ok|short`. The ratio is measured against the goal where nothing else is named.

    python -m bench [name]

Clusters of the bench's own are made and removed; the platform's figures are taken on the cluster of `make site`, which must run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
STATE = Path("/var/lib/greenlang-vcci")
POOLS = [{"name": "compute"}, {"name": "memory"}, {"name": "gpu"}]


def run(*command: str, **environment: str) -> tuple[float, str]:
    """Run a command in the clone; how long it took in seconds, and what it said."""
    begun = time.monotonic()
    done = subprocess.run([str(TOOLS / command[0]), *command[1:]], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **environment})
    if done.returncode:
        sys.exit(f"bench: {' '.join(command)} failed:\n{done.stdout[-3000:]}")
    return time.monotonic() - begun, done.stdout


def cluster(**options: object) -> float:
    """Seconds that local_cluster takes with these options."""
    return run("ansible", "localhost", "-i", "localhost,", "-c", "local", "-m", "greenlang.vcci.local_cluster", "-a", json.dumps(options))[0]


def line(name: str, measured: float, unit: str, goal: float) -> None:
    """Print one figure; what is measured should not exceed the goal."""
    print(f"{name} {measured:.2f} {unit} ratio={measured / goal:.2f} goal={goal:g} {'ok' if measured <= goal else 'short'}", flush=True)


def control_plane() -> None:
    """A control plane alone, from caches."""
    took = cluster(name="bench", nodes="none", subnet="10.98.0.0/16")
    cluster(name="bench", state="absent")
    line("control-plane-start", took, "s", 6)


def nodes() -> None:
    """Three real nodes Ready with all images loaded, from caches; started again; and their idle memory."""
    took = cluster(name="bench", nodes="real", subnet="10.98.0.0/16", pools=POOLS)
    again = cluster(name="bench", nodes="real", subnet="10.98.0.0/16", pools=POOLS)
    time.sleep(20)
    pids = {json.loads(path.read_text())["pid"] for path in (STATE / "bench").rglob("run/*.json")}
    memory = sum(_resident(pid) for pid in pids) / 1024**3
    cluster(name="bench", state="absent")
    line("three-nodes-ready", took, "s", 45)
    line("cluster-started-again", again, "s", 2)
    line("cluster-idle-memory", memory, "GiB", 2.5)


def _resident(pid: int) -> int:
    """Bytes that a process has for itself, and its share of what it shares."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(text.split()[1]) for text in lines if text.startswith("Pss:")) * 1024


def site_again() -> None:
    """site.yml on the converged platform."""
    took, said = run("ansible-playbook", "site.yml", "-i", "inventories/local")
    if "changed=0" not in said:
        sys.exit("bench: the platform was not converged; run `make site` first")
    line("site-again", took, "s", 15)


def applyset() -> None:
    """applyset against kubectl, on a control plane of its own; each line has its own ratio."""
    cluster(name="bench", nodes="none", subnet="10.98.0.0/16")
    state = STATE / "bench"
    _took, said = run("python", "bench/applyset.py", VCCI_TEST_KUBECONFIG=str(state / "kubeconfig"), VCCI_TEST_KUBECTL=str(state / "bin/kubectl"))
    cluster(name="bench", state="absent")
    print(said, end="", flush=True)


FIGURES: dict[str, Callable[[], None]] = {"control_plane": control_plane, "nodes": nodes, "site_again": site_again, "applyset": applyset}

if __name__ == "__main__":
    chosen = sys.argv[1:] or list(FIGURES)
    unknown = [name for name in chosen if name not in FIGURES]
    if unknown:
        sys.exit(f"bench: no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    for name in chosen:
        FIGURES[name]()
