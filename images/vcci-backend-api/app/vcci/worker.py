# Copyright (c) 2026 GreenLang. All rights reserved.
"""The worker: takes jobs from the queue, and shows by a file that it does."""

from __future__ import annotations

import logging
import os
import socket
import time
from pathlib import Path

from celery import bootsteps, signals
from prometheus_client import Counter, Histogram, start_http_server
from sqlalchemy import func, update
from sqlalchemy.exc import OperationalError

from vcci.database import Database, Record
from vcci.logs import set_up_logs
from vcci.queue import TASK, make_queue
from vcci.settings import read_settings
from vcci.tracing import Tracer

LOG = logging.getLogger("vcci.worker")
HEARTBEAT = Path(os.environ.get("WORKER_HEARTBEAT_FILE", "/tmp/worker-heartbeat"))
HEARTBEAT_SECONDS = 5.0
JOBS = Counter("vcci_jobs_total", "Jobs by outcome.", ["outcome"])
SECONDS = Histogram("vcci_job_seconds", "Time that a job took.")

settings = read_settings()
app = make_queue(settings)
database = Database(settings, "vcci-worker")
tracer = Tracer("vcci-worker", settings.version)


class Heartbeat(bootsteps.StartStopStep):
    """Touches a file from the worker's own loop while it is connected to the queue; `worker-alive` looks at it."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    _timer = None  # a worker that never reached its queue is stopped too

    def start(self, parent) -> None:
        HEARTBEAT.touch()
        self._timer = parent.timer.call_repeatedly(HEARTBEAT_SECONDS, HEARTBEAT.touch)

    def stop(self, parent) -> None:
        HEARTBEAT.unlink(missing_ok=True)
        if self._timer:
            self._timer.cancel()

    shutdown = stop


app.steps["consumer"].add(Heartbeat)


@signals.setup_logging.connect
def _logs(**_kwargs) -> None:
    set_up_logs(settings.log_level)


@signals.worker_init.connect
def _start(**_kwargs) -> None:
    start_http_server(int(os.environ.get("METRICS_PORT", "9100")))


@signals.worker_shutdown.connect
def _stop(**_kwargs) -> None:
    database.engine.dispose()
    tracer.close()


@app.task(
    name=TASK, bind=True, autoretry_for=(OperationalError,), retry_backoff=1, retry_backoff_max=60, max_retries=None
)
def calculate(self, number: int) -> None:
    """Work out one record's emissions. Doing it twice changes nothing, for a job may be delivered again."""
    begun = time.perf_counter()
    headers = {key: value for key, value in (self.request.headers or {}).items() if isinstance(value, str)}
    with tracer.span(TASK, headers), database.session() as session:
        done = session.execute(
            update(Record)
            .where(Record.id == number, Record.status != "done")
            .values(
                status="done",
                emissions=Record.quantity * Record.factor,
                worker=socket.gethostname(),
                completed=func.now(),
            )
        )
        session.commit()
    JOBS.labels("done" if done.rowcount else "nothing to do").inc()
    SECONDS.observe(time.perf_counter() - begun)
    LOG.info("record %s: %s", number, "done" if done.rowcount else "done before, or gone")
