# Copyright (c) 2026 GreenLang. All rights reserved.
"""What must run longer than tests may: `make soak`, or `python -m tests.soak [<name> …]`. Prints a table of trials.

A trial is a function `soak` in a file of this folder, named after it: it runs as long as it must, and returns what it
found, in a few words. It fails by an AssertionError, or pytest.fail, for what must not be.
"""

from __future__ import annotations

import importlib
import sys
import time
import traceback
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT / "images/vcci-backend-api/app")]  # as Ansible and images have them
FORM = "{:<28} {:>8}  {:<6} {}"


def main() -> int:
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    if unknown := set(sys.argv[1:]).difference(names):
        raise SystemExit(f"error: no trial is called {', '.join(sorted(unknown))}. Remedy: some of {', '.join(names)}")
    failed = 0
    print(FORM.format("trial", "minutes", "result", "found"))
    for name in [name for name in names if name in sys.argv[1:] or not sys.argv[1:]]:
        begun = time.monotonic()
        try:
            result, found = "ok", importlib.import_module(f"tests.soak.{name}").soak()
        except (AssertionError, pytest.fail.Exception) as exc:
            where = traceback.extract_tb(exc.__traceback__)[-1]
            said = str(exc) or f"{where.filename}:{where.lineno}: {where.line}"
            result, found, failed = "FAILED", said, failed + 1
        print(FORM.format(name, f"{(time.monotonic() - begun) / 60:.1f}", result, found), flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
