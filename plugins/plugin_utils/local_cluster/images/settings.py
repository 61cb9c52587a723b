# Copyright (c) 2026 GreenLang. All rights reserved.
"""How pip and apt reach their registries from inside a build: as on this machine. Pure."""

from __future__ import annotations

import re

PIP = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout", "retries")
APT = re.compile(r'Acquire::((https?)::(Proxy|Proxy::.*|Timeout)|Check-Valid-Until|Check-Date|Retries|ForceIPv4) "')


def pip_settings(listing: str, authority: str) -> str:
    """A pip configuration file out of what `pip config list` prints; a build finds certificates at `authority`."""
    kept = {}
    for line in listing.splitlines():
        match = re.match(r"(?:global|install|:env:)\.([a-z-]+)='(.*)'$", line)
        if match and match[1] in PIP:
            kept[match[1].replace("default-", "")] = match[2]
    if authority:
        kept["cert"] = authority
    return "[global]\n" + "".join(f"{key} = {value}\n" for key, value in sorted(kept.items()))


def apt_settings(dump: str, authority: str) -> str:
    """The part of the output of `apt-config dump` that says how to reach an archive."""
    kept = [line for line in dump.splitlines() if APT.match(line)]
    if authority:
        kept.append(f'Acquire::https::CAInfo "{authority}";')
    return "\n".join(kept) + "\n"


def debian_archive(targets: str) -> list[str]:
    """The first Debian archive of `apt-get indextargets --format "$(LABEL) $(REPO_URI)"`, or none."""
    lines = [line for line in targets.splitlines() if line.startswith("Debian ")]
    return [line.split()[1] for line in lines[:1]]
