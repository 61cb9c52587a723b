# Copyright (c) 2026 GreenLang. All rights reserved.
"""A drill: a snapshot is restored beside the running cluster, and what is in it compared with the cluster's objects.

An etcd and an API server of their own, on a loopback address of their own, with certificates of their own; no
controllers, so that nothing in it changes. What was not written since the snapshot must be in there, byte by byte, and
the API server must be able to read it: Secrets too, with the cluster's key.
"""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import VcciError
from ..kubernetes.client import Client
from ..waiting import until
from . import etcd, preflight, snapshots
from .building import locked
from .control_plane import ControlPlane
from .layout import Layout, parse_subnet
from .processes import Processes
from .snapshots import Place, Snapshot
from .swap import DATA

NAME = "drill"
NETWORKS = range(255, 249, -1)  # second numbers of the /16 that gives the drill its loopback address
SHOWN = 10
READY = 120  # seconds until its API server must be ready

Held = Mapping[str, tuple[int, str]]  # key → revision, digest


@dataclass(frozen=True)
class Difference:
    """What a snapshot holds, compared with what is there now."""

    same: int
    changed: int  # written since, or new
    deleted: int  # since
    wrong: list[str]  # keys that must be in it as they are now, and are not


def compare(held: Held, now: Held, revision: int) -> Difference:
    """`revision` is the snapshot's: what was written up to it cannot be otherwise in it."""
    old = {key: value for key, value in now.items() if value[0] <= revision}
    wrong = sorted(key for key, value in old.items() if held.get(key) != value)
    deleted = len(held.keys() - now.keys())
    return Difference(len(old) - len(wrong), len(now) - len(old), deleted, wrong)


def counts(held: Held) -> dict[str, int]:
    """How many of each kind, as etcd calls them."""
    return dict(sorted(Counter(key.split("/")[2] for key in held).items()))


def drill(
    place: Place, chosen: Snapshot, programs: Mapping[str, Path], say: Callable[[str], None]
) -> dict[str, object]:
    """VcciError when the snapshot cannot be restored, or holds other than it must."""
    with locked(place.layout.state / ".drill.lock", say, "a drill of this cluster"), _scratch(place) as layout:
        with snapshots.opened(place, chosen.file) as content:
            etcd.unpack(place.etcdutl, content, layout, layout.state / DATA, bump=False)
        control = _Store(layout, programs)
        try:
            return _compared(place, chosen, control, say)
        finally:
            control.stop()


def _compared(place: Place, chosen: Snapshot, control: _Store, say: Callable[[str], None]) -> dict[str, object]:
    say("etcd starts from the snapshot")
    held = control.held()
    difference = compare(held, etcd.Etcd(place.layout).objects(), chosen.header["revision"])
    if difference.wrong:
        named = ", ".join(difference.wrong[:SHOWN])
        raise VcciError(
            f"{chosen.file}: {len(difference.wrong)} objects are otherwise in it than in the cluster, though nobody "
            f"wrote them since: {named}. Remedy: take another snapshot, and keep this one to look at",
            difference.wrong,
        )
    say("an API server starts on it")
    with control.client(say) as client:
        secrets, namespaces = client.list("v1", "Secret"), client.list("v1", "Namespace")
    return {
        "objects": len(held),
        "kinds": counts(held),
        "same": difference.same,
        "changed_since": difference.changed,
        "deleted_since": difference.deleted,
        "readable": {"secrets": len(secrets), "namespaces": len(namespaces)},
    }


class _Store:
    """etcd and API server alone, which nobody supervises: they end with the drill."""

    def __init__(self, layout: Layout, programs: Mapping[str, Path]) -> None:
        self._layout, self._control = layout, ControlPlane(layout, programs)
        self._processes = Processes(layout.state / "run", layout.state / "logs", None)

    def held(self) -> dict[str, tuple[int, str]]:
        """What etcd holds before an API server has written to it."""
        self._control.credentials()
        self._processes.ensure(self._control.daemons()[0])
        return etcd.Etcd(self._layout).wait_objects()

    @contextlib.contextmanager
    def client(self, say: Callable[[str], None]) -> Iterator[Client]:
        """Of an API server that has been started."""
        self._processes.ensure(self._control.daemons()[1])

        def ready() -> bool:
            try:
                with self._control.client(retry_for=0, timeout=5) as client:
                    return bool(client.text("/readyz"))
            except VcciError:
                return False

        def late(waited: int) -> VcciError:
            words = self._processes.last_lines("kube-apiserver")
            return VcciError(f"no API server is ready on the snapshot after {waited} s; its last words:\n{words}")

        until(ready, READY, say, awaited=lambda: "the API server", late=late, pause=0.2)
        with self._control.client() as client:
            yield client

    def stop(self) -> None:
        self._processes.stop(["kube-apiserver", "etcd"])


@contextlib.contextmanager
def _scratch(place: Place) -> Iterator[Layout]:
    """A cluster's directory with the key of the real one's Secrets; it goes when the block ends."""
    state = place.layout.state / NAME
    _Store(_layout(state, NETWORKS[0]), {}).stop()  # what a drill that was killed left
    shutil.rmtree(state, ignore_errors=True)
    try:
        (state / "pki").mkdir(mode=0o700, parents=True)
        shutil.copy2(place.layout.pki / "encryption.json", state / "pki")
        yield _free(state)
    finally:
        shutil.rmtree(state, ignore_errors=True)


def _free(state: Path) -> Layout:
    for number in NETWORKS:
        layout = _layout(state, number)
        with contextlib.suppress(VcciError):
            preflight.check_free(layout)
            return layout
    raise VcciError(
        f"no loopback address 127.{NETWORKS[-1]}.0.1 … 127.{NETWORKS[0]}.0.1 is free for a drill. "
        f"Remedy: end what listens there"
    )


def _layout(state: Path, number: int) -> Layout:
    return Layout(NAME, parse_subnet(f"10.{number}.0.0/16"), state, "none", [])
