# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a run writes down for later ones, as annotations of JSON: key to what is noted of it. No value is in any. Pure.

What somebody damaged is as if it had not been written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PREFIX = "vcci.greenlang.io/"
CHANGED = PREFIX + "changed"  # when its value last changed, by the clock of the control node: for ages in days
HELD = PREFIX + "held"  # since when the Secret holds its value, by the clock of the API server: for restarts
PARTS = PREFIX + "parts"  # where in a composed value its generated part is
SEEN = PREFIX + "seen"  # the resourceVersion of a Secret of which the controller has said that it holds what is sealed
ENDS = PREFIX + "ends"  # of a manifest: when a certificate ends
FINGERPRINTS = PREFIX + "fingerprints"  # of a manifest: keyed fingerprints of what was asked for
FINGERPRINT_KEY = PREFIX + "fingerprint-key"  # of a manifest: a text that tells whether two keys are the same


def noted(annotations: Mapping[str, str], name: str) -> dict[str, Any]:
    try:
        found = json.loads(annotations.get(name) or "{}")
    except (ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def texts(annotations: Mapping[str, str], name: str) -> dict[str, str]:
    """The same, of which only texts can be right."""
    return {key: value for key, value in noted(annotations, name).items() if isinstance(value, str)}


def note(name: str, content: Mapping[str, Any]) -> dict[str, str]:
    """The annotation; none without content."""
    return {name: json.dumps(dict(sorted(content.items())))} if content else {}
