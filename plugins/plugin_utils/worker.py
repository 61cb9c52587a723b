# Copyright (c) 2026 GreenLang. All rights reserved.
"""A worker of Ansible runs one task: it ends with the process that started it, since nobody else would read what it
finds out, and does not look for garbage."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
from collections.abc import Iterator

PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have the kernel send SIGTERM to this worker when the process that forked it is gone, even by kill -9.

    Ansible's handler of it ends what the worker has started too. Does nothing in a process that is no worker, whose
    parent may be a shell that ends by design, and where the kernel is not Linux.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        return
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent.pid:  # it went before the kernel knew
        os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """No search for cycles within the block, and in a worker none after it: each would walk all that the task holds,
    and Ansible's own objects. Of a run with 17,000 objects that was half of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was and multiprocessing.parent_process() is None:
            gc.enable()
