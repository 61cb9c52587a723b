# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every playbook starts from any folder, with the collections path of AWX, and out of an installed collection."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.helpers import PATIENCE, ROOT
from tests.lint.test_sanity import working_tree

PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
INVENTORY = ("-i", str(ROOT / "inventories" / "local"))
GUARD = "Make sure that all is given, and that this is the cluster of the environment"
# It outranks ansible.cfg.
AWX = "/runner/requirements_collections:~/.ansible/collections:/usr/share/ansible/collections"
# What may be in a working tree, and in no build of it.
RUBBISH = [
    ".venv/bin/python",
    ".cache/binaries/helm",
    ".mypy_cache/a.json",
    ".ansible/roles/a",
    "build/a.html",
    "production-sealing-keys.vault.yml",
    "inventories/production/group_vars/vcci_production/secrets.vault.yml",
    "greenlang-vcci-0.9.0.tar.gz",
    "site.retry",
]


def run(program: str, *arguments: str, cwd: Path, collections: str = AWX) -> str:
    """Run a program of Ansible's with the collections path given and no other setting of Ansible; its output."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    settings |= {"ANSIBLE_COLLECTIONS_PATH": collections, "NO_COLOR": "1", "COLUMNS": "200"}
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    done = subprocess.run(command, cwd=cwd, env=settings, text=True, capture_output=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_listing(listing: str, playbooks: list[str]) -> None:
    """Each playbook is listed with its plays, each play with the guard first."""
    listed = re.split(r"^playbook: .*?(\w+)(?:\.yml)?$", listing, flags=re.MULTILINE)[1:]
    assert listed[::2] == playbooks
    plays = re.findall(r"play #\d+ \(platform\): (.*)\tTAGS: .*\n +tasks:\n +(.*)\tTAGS: \[(.*)\]", listing)
    assert len(plays) == listing.count("  play #")
    for play, first, tags in plays:
        assert first == GUARD, play
        assert "always" in tags, play
    assert listing.count("greenlang.vcci.") >= len(playbooks)


@pytest.mark.parametrize(
    ("folder", "prefix"), [(ROOT, "playbooks/"), (ROOT / "playbooks", ""), (Path("/"), f"{ROOT}/playbooks/")]
)
def test_every_playbook_starts_from_any_folder(folder: Path, prefix: str) -> None:
    names = [f"{prefix}{playbook}.yml" for playbook in PLAYBOOKS]
    check_listing(run("ansible-playbook", *names, *INVENTORY, "--list-tasks", cwd=folder), PLAYBOOKS)


@pytest.mark.parametrize("folder", [ROOT, Path("/")])
def test_the_site_starts_from_any_folder(folder: Path) -> None:
    check_listing(
        run("ansible-playbook", os.path.relpath(ROOT / "site.yml", folder), *INVENTORY, "--list-tasks", cwd=folder),
        ["site"],
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as a package, built of a working tree in which more lies about than is committed."""
    folder = tmp_path_factory.mktemp("build")
    working_tree(folder / "tree")
    for name in RUBBISH:
        (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "tree" / name).write_text("rubbish", encoding="utf-8")
    run("ansible-galaxy", "collection", "build", "tree", "--output-path", ".", cwd=folder)
    [package] = folder.glob("*.tar.gz")
    return package


def test_the_package_is_what_is_committed(built: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=built.parent / "tree", text=True, capture_output=True, check=True
    ).stdout.split("\n")
    with tarfile.open(built) as package:
        packed = {member.name for member in package if not member.isdir()}
    clone_alone = {"galaxy.yml", "playbooks/collections", "collections/ansible_collections/greenlang/vcci"}
    assert packed - {"MANIFEST.json", "FILES.json"} == set(filter(None, tracked)) - clone_alone
    assert built.stat().st_size < 2**21


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collections path with the package installed, and nothing of this clone."""
    path = tmp_path_factory.mktemp("installed")
    run(
        "ansible-galaxy",
        "collection",
        "install",
        str(built),
        "-p",
        str(path),
        "--no-deps",
        "--offline",
        cwd=path,
        collections=str(path),
    )
    return path


def test_every_playbook_starts_out_of_an_installed_collection(installed: Path) -> None:
    names = [f"greenlang.vcci.{playbook}" for playbook in PLAYBOOKS]
    listing = run("ansible-playbook", *names, *INVENTORY, "--list-tasks", cwd=installed, collections=str(installed))
    check_listing(listing, PLAYBOOKS)
    assert str(ROOT) not in listing


def test_an_installed_collection_plans_the_whole_site(installed: Path) -> None:
    """With its own roles, plugins, templates and shared values; in check mode, and of a cluster that is not there."""
    nowhere = ("-e", "cluster_local_name=nowhere", "--check")
    planned = run(
        "ansible-playbook", "greenlang.vcci.site", *INVENTORY, *nowhere, cwd=installed, collections=str(installed)
    )
    recap = re.search(r"ok=(\d+) +changed=(\d+) +unreachable=0 +failed=0 ", planned)
    assert recap, planned
    assert int(recap[2]) >= 15
