# Copyright (c) 2026 GreenLang. All rights reserved.
"""The job queue, as the API fills it and the worker empties it, and Redis itself."""

from __future__ import annotations

from celery import Celery
from redis import Redis
from redis.sentinel import Sentinel

from vcci.settings import Settings

TASK = "vcci.calculate"
QUEUE = "default"


def make_queue(settings: Settings) -> Celery:
    """Jobs are acknowledged when done: one whose worker died is done by another. Results are rows, not messages."""
    queue = Celery("vcci", broker=settings.broker)
    queue.conf.update(
        broker_transport_options=settings.broker_options,
        broker_use_ssl=settings.redis_tls or None,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A server that hands its role over refuses what it was asked (READONLY, UNBLOCKED): connect anew, do not end.
        broker_channel_error_retry=True,
        broker_pool_limit=2,
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        # Nobody asks workers by this way; who listens there reads for ever when the server has gone, and takes no job.
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        task_serializer="json",
        accept_content=["json"],
        task_publish_retry_policy={"max_retries": 3, "interval_start": 0.1, "interval_step": 0.3},
    )
    return queue


def make_redis(settings: Settings) -> Redis:
    """The master, by way of the sentinels when they are known."""
    timeouts = {
        "socket_timeout": settings.check_timeout,
        "socket_connect_timeout": settings.check_timeout,
        "health_check_interval": 10,
    }
    if not settings.sentinels:
        return Redis.from_url(settings.redis, **settings.redis_tls, **timeouts)
    given = {**settings.redis_user, **timeouts}
    return Sentinel(list(settings.sentinels), sentinel_kwargs=given).master_for(settings.master, **given)
