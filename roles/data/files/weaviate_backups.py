# Copyright (c) 2026 GreenLang. All rights reserved.
"""Weaviate's backups, as JSON, asked in a member's container as who may manage them."""

import os
import sys
import urllib.request

URL = os.environ.get("WEAVIATE_LOCAL", "http://127.0.0.1:8081") + "/v1/backups/s3"
QUESTION = urllib.request.Request(URL, headers={"Authorization": f"Bearer {os.environ['KEY_BACKUP']}"})
with urllib.request.urlopen(QUESTION, timeout=30) as answer:
    sys.stdout.write(answer.read().decode())
