# Copyright (c) 2026 GreenLang. All rights reserved.
"""Keeps what tasks return, beside the output that users see."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.executor.task_result import CallbackTaskResult
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: results
type: aggregate
short_description: Adds the result of each task as a line of JSON to the file that VCCI_TEST_RESULTS names
description: [For tests.]
requirements: [enabled in configuration]
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "results"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        self.keep(result)

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        self.keep(result, failed=True)

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        self.keep(result, skipped=True)

    def keep(self, result: CallbackTaskResult, **state: Any) -> None:
        with Path(os.environ["VCCI_TEST_RESULTS"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps({**result.result, **state}, default=str) + "\n")
