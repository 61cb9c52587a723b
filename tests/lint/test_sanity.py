# Copyright (c) 2026 GreenLang. All rights reserved.
"""ansible-test sanity. What it is told to overlook, and why, is in tests/sanity/ignore-2.19.txt."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.helpers import ROOT
from tests.lint.test_lint import TOOLS, run

# ansible-test looks for this script before it would fetch one, and runs it in each environment that it makes; this one
# takes pip from Python itself.
# Not in this process: ensurepip hides the user's pip settings from the process that imports it.
GET_PIP = """
import subprocess, sys
subprocess.run([sys.executable, "-m", "ensurepip"], check=True)
wanted = [argument for argument in sys.argv[1:] if not argument.startswith("--no-")]
sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", *wanted], check=False).returncode)
"""


def working_tree(target: Path) -> None:
    """A copy of what is, or would be, committed; ansible-test wants a path that ends in the collection's name."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_symlink() or (ROOT / name).exists():  # deleted files are still listed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    run("git", "init", "--quiet", cwd=target)
    run("git", "add", "--all", cwd=target)


def test_sanity(tmp_path: Path) -> None:
    script = Path.home() / ".ansible/test/cache/get_pip_24_2.py"
    if not script.exists():
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(GET_PIP, encoding="utf-8")
    collection = tmp_path / "ansible_collections" / "greenlang" / "vcci"
    working_tree(collection)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    run(str(TOOLS / "ansible-test"), "sanity", "--color", "no", "--python", version, cwd=collection)
