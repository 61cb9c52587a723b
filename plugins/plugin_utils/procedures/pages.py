# Copyright (c) 2026 GreenLang. All rights reserved.
"""What contracts say, on the command line: `make help-playbook P=<name>`; `--write` brings the runbooks up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import VcciError
from . import catalogue, manual


def runbook(name: str) -> Path:
    return catalogue.ROOT / "docs" / "runbooks" / f"{name}.md"


def write() -> list[str]:
    """Have every runbook say what its contract says; the names of those that changed."""
    changed = []
    for name in catalogue.names():
        page = runbook(name).read_text(encoding="utf-8")
        wanted = manual.with_table(page, catalogue.contract(name))
        if wanted != page:
            runbook(name).write_text(wanted, encoding="utf-8")
            changed.append(name)
    return changed


def main(arguments: list[str]) -> None:
    if arguments == ["--write"]:
        print("\n".join(write()) or "nothing to change")  # noqa: T201  a command
        return
    try:
        shown = [manual.text(catalogue.contract(name)) for name in arguments]
    except VcciError as exc:
        raise SystemExit(f"error: {exc}") from exc
    everything = [f"{name:24}{catalogue.contract(name).summary}" for name in catalogue.names()] if not shown else []
    print("\n\n".join(shown) or "\n".join(everything))  # noqa: T201  a command


if __name__ == "__main__":
    main(sys.argv[1:])
