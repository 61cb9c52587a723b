# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is asked of a local cluster's etcd itself, through its own gateway of JSON, and of its program etcdutl.

Nothing else talks to etcd but the API server: snapshots, and the comparison of a restored one.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import VcciError, brief
from ..waiting import until
from .layout import Layout

PORT, PEER_PORT = 2379, 2380
TRAILER = 32  # bytes after a snapshot: the SHA-256 of all before
PATIENCE = 60.0  # seconds without a byte
START = 30.0  # seconds until one that was started must answer
REGISTRY, REGISTRY_END, PAGE = "/registry/", "/registry0", 500
BUMP = 1_000_000_000  # revisions that a restored etcd is ahead, so that nobody who watches takes the past for news


class Etcd:
    """The running etcd of a cluster."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def status(self) -> dict[str, Any]:
        """Its version, sizes in bytes and revision."""
        (answer,) = self._ask("/v3/maintenance/status")
        return answer

    def snapshot(self, target: BinaryIO) -> str:
        """Write a snapshot; the SHA-256 of all of it. VcciError when it did not arrive whole."""
        whole, content, held = hashlib.sha256(), hashlib.sha256(), b""
        for answer in self._ask("/v3/maintenance/snapshot"):
            blob = base64.b64decode(answer["result"]["blob"]) if "result" in answer else b""
            if "error" in answer:
                raise VcciError(f"etcd ended the snapshot: {brief(str(answer['error']))}. Remedy: run this again")
            target.write(blob)
            whole.update(blob)
            held += blob
            content.update(held[:-TRAILER])
            held = held[-TRAILER:]
        if held != content.digest():
            raise VcciError("the snapshot did not arrive whole: its digest is another. Remedy: run this again")
        return whole.hexdigest()

    def objects(self) -> dict[str, tuple[int, str]]:
        """All that the API server keeps, as of one moment: key → the revision that wrote it, and a digest of it."""
        found: dict[str, tuple[int, str]] = {}
        wanted: dict[str, Any] = {"key": REGISTRY, "range_end": REGISTRY_END, "limit": PAGE}
        while True:
            (page,) = self._ask("/v3/kv/range", {name: _encoded(name, value) for name, value in wanted.items()})
            for pair in page.get("kvs", ()):
                digest = hashlib.sha256(base64.b64decode(pair["value"])).hexdigest()
                found[base64.b64decode(pair["key"]).decode()] = int(pair["mod_revision"]), digest
            if not page.get("more"):
                return found
            wanted = {**wanted, "key": f"{max(found)}\0", "revision": page["header"]["revision"]}

    def wait_objects(self) -> dict[str, tuple[int, str]]:
        """The same of one that has just been started."""
        last: list[VcciError] = []

        def answer() -> dict[str, tuple[int, str]] | None:
            try:
                return self.objects()
            except VcciError as exc:
                last[:] = [exc]
                return None

        return until(answer, START, late=lambda _waited: last[0], pause=0.2)

    def _ask(self, path: str, body: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        pki, host = self._layout.pki, self._layout.loopback
        try:
            context = ssl.create_default_context(cafile=str(pki / "etcd-ca.crt"))
            client = pki / "apiserver-etcd-client"
            context.load_cert_chain(f"{client}.crt", f"{client}.key")
            connection = http.client.HTTPSConnection(host, PORT, timeout=PATIENCE, context=context)
            try:
                connection.request("POST", path, json.dumps(body or {}), {"Content-Type": "application/json"})
                response = connection.getresponse()
                if response.status != http.HTTPStatus.OK:
                    raise VcciError(
                        f"etcd answered {response.status}: {brief(response.read(500).decode(errors='replace'))}"
                    )
                for line in response:
                    yield json.loads(line)
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise VcciError(
                f"etcd of cluster {self._layout.name!r} does not answer ({brief(str(exc))}). "
                f"Remedy: start the cluster (make up), then run this again"
            ) from exc


def inspect(etcdutl: Path, snapshot: Path) -> dict[str, Any]:
    """What etcd's own program finds in a snapshot after it has checked it: revision, totalKey, totalSize, version."""
    found: dict[str, Any] = json.loads(_run(etcdutl, "snapshot", "status", str(snapshot), "--write-out=json"))
    return found


def unpack(etcdutl: Path, snapshot: Path, layout: Layout, target: Path, *, bump: bool) -> None:
    """Make a data directory out of a snapshot, for the etcd of `layout`.

    bump  revisions go on far beyond those of the snapshot, as Kubernetes asks for: else whoever watched the etcd that
          was there before would miss what happens from now on.
    """
    peer = f"https://{layout.loopback}:{PEER_PORT}"
    ahead = [f"--bump-revision={BUMP}", "--mark-compacted"] if bump else []
    cluster = [f"--name={layout.name}", f"--initial-cluster={layout.name}={peer}"]
    where = [f"--initial-advertise-peer-urls={peer}", f"--data-dir={target}"]
    _run(etcdutl, "snapshot", "restore", str(snapshot), *cluster, *where, *ahead)


def _run(etcdutl: Path, *arguments: str) -> str:
    done = subprocess.run([etcdutl, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise VcciError(
            f"etcdutl {arguments[0]} {arguments[1]} failed: {brief(last, 300)}. Remedy: take another snapshot"
        )
    return done.stdout


def _encoded(name: str, value: Any) -> Any:
    return base64.b64encode(value.encode()).decode() if name in ("key", "range_end") else value
