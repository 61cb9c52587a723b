# Copyright (c) 2026 GreenLang. All rights reserved.
"""Makes the collection importable from a plain clone."""

from __future__ import annotations

import pathlib
import sys

COLLECTIONS = str(pathlib.Path(__file__).resolve().parents[3] / "collections")
if COLLECTIONS not in sys.path:
    sys.path.insert(0, COLLECTIONS)
