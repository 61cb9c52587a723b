# Copyright (c) 2026 GreenLang. All rights reserved.
"""Base64 as Go reads it, in which Kubernetes and sealed-secrets are written. Pure."""

from __future__ import annotations

import base64

BREAKS = {ord("\r"): None, ord("\n"): None}  # nothing else may stand in it


def decode(text: object) -> bytes:
    """The bytes of a text that may be broken into lines. ValueError, when it is no text or no base64."""
    if not isinstance(text, str):
        raise ValueError("a text is needed")  # noqa: TRY004  whoever reads what others wrote asks for one error
    return base64.b64decode(text.translate(BREAKS), validate=True)
