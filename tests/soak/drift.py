# Copyright (c) 2026 GreenLang. All rights reserved.
"""Drift by the server's own schemas, for longer than tests may: tests/integration/applyset/test_schemas.py."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.helpers import ROOT

EXAMPLES, ASKED = 200_000, 5_000


def soak() -> str:
    settings = {"VCCI_TEST_DRIFT_EXAMPLES": str(EXAMPLES), "VCCI_TEST_DRIFT_ASKED": str(ASKED)}
    command = [sys.executable, "-m", "pytest", "-q", "tests/integration/applyset/test_schemas.py"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return f"{EXAMPLES} examples by the model, {ASKED} by the server"
