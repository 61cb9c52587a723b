# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every fault that has a case of Redis, VCCI_SOAK_TIMES times each (10), on a platform of the trial's own; the table
with the worst of each is in docs/faults.md."""

from __future__ import annotations

from tests.injection.redis import Redis
from tests.soak.postgresql import trials


def soak() -> str:
    return trials(Redis, {})
