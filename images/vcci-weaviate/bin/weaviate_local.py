# Copyright (c) 2026 GreenLang. All rights reserved.
"""The member in this pod, asked as its administrator.

Inputs: WEAVIATE_LOCAL (http://127.0.0.1:8081), KEY_ADMINISTRATOR.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any

URL = os.environ.get("WEAVIATE_LOCAL", "http://127.0.0.1:8081")
LIMIT = 30  # seconds for an answer


def ask(method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Status and content; any answer counts. Raises OSError when there is none."""
    request = urllib.request.Request(URL + path, method=method)
    request.add_header("Authorization", f"Bearer {os.environ['KEY_ADMINISTRATOR']}")
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, data, LIMIT) as answer:
            text, status = answer.read(), answer.status
    except urllib.error.HTTPError as exc:
        text, status = exc.read(), exc.code
    try:
        return status, json.loads(text or b"null")
    except ValueError:
        return status, text.decode(errors="replace")


def expect(method: str, path: str, body: object = None, *good: int) -> Any:
    status, content = ask(method, path, body)
    if status not in (good or (200, 201, 204)):
        raise RuntimeError(f"{method} {path}: {status} {content}")
    return content
