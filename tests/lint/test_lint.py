# Copyright (c) 2026 GreenLang. All rights reserved.
"""The linters, each with all of its rules and nothing skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

TOOLS = Path(sys.executable).parent


def run(*command: str, cwd: Path = ROOT) -> None:
    """Run a tool of this environment; show what it says when it fails."""
    environment = {**os.environ, "NO_COLOR": "1"}
    nothing = subprocess.DEVNULL  # ansible-test wants a standard input, which a worker of tests may not have
    done = subprocess.run(command, cwd=cwd, text=True, stdin=nothing, capture_output=True, check=False, env=environment)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("ansible-lint", "--offline"),
        ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "."),
        ("antsibull-changelog", "lint"),
    ],
    ids=" ".join,
)
def test_lint(command: tuple[str, ...]) -> None:
    run(str(TOOLS / command[0]), *command[1:])
