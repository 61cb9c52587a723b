# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every fault of tests/proxy.py at every request of every verb of tests/faults.py."""

from __future__ import annotations

from tests.faults import LIMITS, Trial, cases
from tests.helpers import Client
from tests.proxy import fault_proxy
from tests.soak._cluster import place


def soak() -> str:
    with place() as (_kubeconfig, client, namespace):
        return _all(client, namespace)


def _all(client: Client, namespace: str) -> str:
    wrong, count = [], 0
    with fault_proxy(client, **LIMITS) as (proxy, connect):
        trial = Trial(client, namespace, proxy, connect)
        for case in cases(trial):
            count += 1
            try:
                trial.check(*case)
            except AssertionError as exc:
                wrong.append(str(exc))
    assert not wrong, f"{len(wrong)} of {count} ends were wrong, the first: {wrong[0]}"
    return f"{count} faults, 0 wrong ends"
