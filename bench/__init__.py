# Copyright (c) 2026 GreenLang. All rights reserved.
"""Measures; the collection is imported from the plain clone."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "collections"))
