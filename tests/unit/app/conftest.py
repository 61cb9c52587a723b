# Copyright (c) 2026 GreenLang. All rights reserved.
"""Makes the reference application importable from its image's directory."""

from __future__ import annotations

import pathlib
import sys

IMAGE = pathlib.Path(__file__).resolve().parents[3] / "images" / "vcci-backend-api"
sys.path.insert(0, str(IMAGE / "app"))
