# Copyright (c) 2026 GreenLang. All rights reserved.
"""Documentation shared by the plugins of local clusters: where these are."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  state_dir:
    description:
      - Directory of clusters' state. Default C(/var/lib/greenlang-vcci) for root, C(~/.local/state/greenlang-vcci) for
        others.
    type: path
  binaries_dir:
    description: A directory that has upstream's programs already; those found there are not built.
    type: path
"""
