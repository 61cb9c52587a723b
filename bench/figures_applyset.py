# Copyright (c) 2026 GreenLang. All rights reserved.
"""applyset beside kubectl and kubernetes.core; bench/applyset.py does the measuring, on an API server of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from bench.figure import NAME, ROOT, STATE, SUBNET, figures, local_cluster, no_cluster


def measure(*arguments: str) -> Iterator[str]:
    """What bench/applyset.py prints, line by line."""
    with no_cluster():
        local_cluster(nodes="none", subnet=SUBNET)
        environment = {
            "VCCI_TEST_KUBECONFIG": str(STATE / NAME / "kubeconfig"),
            "VCCI_TEST_KUBECTL": str(STATE / NAME / "bin" / "kubectl"),
            "PATH": "/usr/bin:/bin",
            "HOME": str(STATE / NAME),
        }
        command = [sys.executable, "-m", "bench.applyset", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE)
        assert process.stdout is not None
        for text in process.stdout:
            yield text.rstrip("\n")
        if process.wait():
            raise SystemExit(f"error: bench.applyset {' '.join(arguments)} ended with {process.returncode}")


def names(of: str, *shares: str) -> list[str]:
    """Of the figures of a first run and of one that finds nothing to do."""
    both = [f"{of}-{step}-{share}" for step in ("first", "unchanged") for share in shares]
    return [f"{of}-first-bare", *both]


@figures("applyset-1000", *names("applyset-1000", "floor", "own", "whole", "core"))
def thousand() -> Iterator[str]:
    yield from measure("--objects", "1000", "--rounds", "3", "--with-kubernetes-core")


@figures("applyset-secrets-1000", *names("applyset-secrets-1000", "floor", "own", "whole"))
def secrets() -> Iterator[str]:
    yield from measure("--sample", "secrets", "--objects", "1000", "--rounds", "3")


@figures("applyset-10000", "applyset-10000-memory", *names("applyset-10000", "floor", "own", "whole"))
def ten_thousand() -> Iterator[str]:
    yield from measure("--objects", "10000", "--rounds", "1")
