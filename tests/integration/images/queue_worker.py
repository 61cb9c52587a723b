# Copyright (c) 2026 GreenLang. All rights reserved.
"""A worker on the reference application's queue, whose jobs are lines of a file."""

from __future__ import annotations

import os
from pathlib import Path

from vcci.queue import TASK, make_queue
from vcci.settings import read_settings

app = make_queue(read_settings())


@app.task(name=TASK)
def write(number: int) -> None:
    with Path(os.environ["DONE"]).open("a", encoding="utf-8") as done:
        done.write(f"{number}\n")
