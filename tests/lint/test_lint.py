# Copyright (c) 2026 GreenLang. All rights reserved.
"""The linters, each with all of its rules and nothing skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

TOOLS = Path(sys.executable).parent
# ansible-test wants this script before anything else and would fetch it; this one installs pip from Python itself.
GET_PIP = """
import subprocess, sys
subprocess.run([sys.executable, "-m", "ensurepip"], check=True)
wanted = [argument for argument in sys.argv[1:] if not argument.startswith("--no-")]
sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", *wanted], check=False).returncode)
"""


def run(*command: str, cwd: Path = ROOT) -> None:
    """Run a tool of this environment; show what it says when it fails."""
    environment = {**os.environ, "PATH": f"{TOOLS}:{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-6000:]


@pytest.mark.parametrize("command", [
    ("ruff", "check", "."),
    ("mypy", "plugins"),
    ("ansible-lint", "--offline"),
], ids=lambda command: command[0])
def test_lint(command: tuple[str, ...]) -> None:
    run(str(TOOLS / command[0]), *command[1:])


def test_sanity(tmp_path: Path) -> None:
    """ansible-test wants the collection at a path that ends in its name, so it runs in a clone."""
    script = Path.home() / ".ansible/test/cache/get_pip_24_2.py"
    if not script.exists():
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(GET_PIP)
    clone = tmp_path / "ansible_collections/greenlang/vcci"
    run("git", "clone", "--quiet", str(ROOT), str(clone))
    run(str(TOOLS / "ansible-test"), "sanity", "--venv", "--requirements", "--python", f"{sys.version_info[0]}.{sys.version_info[1]}", cwd=clone)
