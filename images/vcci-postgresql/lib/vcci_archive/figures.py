# Copyright (c) 2026 GreenLang. All rights reserved.
"""What Prometheus reads: the state that the sidecar keeps, and what waits at the moment of asking."""

from __future__ import annotations

import dataclasses
import http.server
import os
import threading

from . import settings

NAMES = {
    "primary": "Whether this member is the primary, and archives",
    "reachable": "Whether the archive answered when it was asked last",
    "failing": "Whether the last file of WAL that was to be archived was not",
    "archived_timestamp_seconds": "When a file of WAL was archived last",
    "waiting_bytes": "WAL that waits for the archive",
    "waiting_limit_bytes": "WAL that may wait; what is beyond is given up",
    "gap": "Whether WAL was given up, and no backup has been taken since",
    "backup_timestamp_seconds": "When the last good backup ended",
    "backup_full_timestamp_seconds": "When the last good full backup ended",
    "backups": "Good backups in the archive",
    "request_failed": "Whether the last backup that was asked for was not made",
    "former_data_kept": "Whether the data from before a restore is still kept",
    "repository_free_bytes": "Free room where the archive is, if it is a volume",
    "repository_size_bytes": "Room where the archive is, if it is a volume",
}


@dataclasses.dataclass
class State:
    """What the sidecar found last."""

    primary: bool = False
    reachable: bool = True
    failing: bool = False
    archived: float = 0.0
    backup: float = 0.0
    full: float = 0.0
    backups: int = 0
    request_failed: bool = False


def figures(state: State) -> dict[str, float]:
    """Name → value. Of a replica only that it is one: whatever else it knows is of another time."""
    found: dict[str, float] = {"primary": state.primary}
    found |= {"former_data_kept": settings.BEFORE.exists()}
    if not state.primary:
        return found
    found |= {"reachable": state.reachable, "failing": state.failing, "gap": settings.GAP.exists()}
    found |= {"waiting_bytes": settings.waiting(), "waiting_limit_bytes": settings.queue_max()}
    found |= {"archived_timestamp_seconds": state.archived, "backup_timestamp_seconds": state.backup}
    found |= {
        "backup_full_timestamp_seconds": state.full,
        "backups": state.backups,
        "request_failed": state.request_failed,
    }
    if os.environ.get("POSTGRES_ARCHIVE") == "volume":
        room = os.statvfs(os.environ["POSTGRES_ARCHIVE_PATH"])
        found |= {
            "repository_free_bytes": room.f_bavail * room.f_frsize,
            "repository_size_bytes": room.f_blocks * room.f_frsize,
        }
    return found


def text(found: dict[str, float]) -> str:
    """As Prometheus reads it. Pure."""
    lines = []
    for name, value in found.items():
        lines += [f"# HELP vcci_archive_{name} {NAMES[name]}.", f"# TYPE vcci_archive_{name} gauge"]
        lines.append(f"vcci_archive_{name} {float(value):.0f}")
    return "\n".join([*lines, ""])


def serve(state: State, port: int) -> None:
    """Answer in a thread of its own, as long as the process runs."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                body = text(figures(state)).encode()
            except OSError as exc:
                self.send_error(500, str(exc))
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
            pass

    host = os.environ.get("POSTGRES_ARCHIVE_LISTEN") or ""
    server = http.server.ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
