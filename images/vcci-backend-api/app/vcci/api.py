# Copyright (c) 2026 GreenLang. All rights reserved.
"""The API: health, metrics, records that are written, read and handed to a worker, and documents that are searched."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from anyio import to_thread
from celery import Celery
from fastapi import APIRouter, FastAPI, HTTPException, Query, Request, Response
from kombu.exceptions import OperationalError as QueueError
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, Info, generate_latest
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.responses import JSONResponse

from vcci.checks import Checks, is_ready
from vcci.database import Database, Record
from vcci.documents import Documents
from vcci.logs import set_up_logs
from vcci.queue import TASK, make_queue, make_redis
from vcci.settings import Settings, read_settings
from vcci.tracing import Tracer
from vcci.weaviate import Weaviate, WeaviateError

LOG = logging.getLogger("vcci.api")
REQUESTS = Counter("vcci_http_requests_total", "Requests by method, route and status.", ["method", "route", "status"])
SECONDS = Histogram("vcci_http_request_seconds", "Time to answer, by method and route.", ["method", "route"])
BUILD = Info("vcci_build", "What runs here.")


class NewRecord(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")
    quantity: float = Field(ge=0, allow_inf_nan=False)
    factor: float = Field(default=1.0, ge=0, allow_inf_nan=False)


class ShownRecord(BaseModel):
    """What a client sees; `status` is queued or done."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str
    quantity: float
    factor: float
    status: str
    emissions: float | None
    worker: str | None
    created: datetime
    completed: datetime | None


class NewDocument(BaseModel):
    """What a client sends to be found later."""

    model_config = ConfigDict(extra="forbid")
    title: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=20000)


def make_app(settings: Settings) -> FastAPI:
    """The application; it starts whatever is reachable, and says by its readiness what is not."""
    set_up_logs(settings.log_level)
    BUILD.info({"version": settings.version, "environment": settings.environment})
    database, queue, redis = Database(settings, "vcci-backend-api"), make_queue(settings), make_redis(settings)
    documents = None
    if settings.weaviate:
        documents = Documents(Weaviate(settings.weaviate, settings.weaviate_key, settings.weaviate_authority))
    checks = Checks(settings, database, redis, documents)
    tracer = Tracer("vcci-backend-api", settings.version)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # Threads beyond the database's connections would only wait for one, and cost memory.
        to_thread.current_default_thread_limiter().total_tokens = 2 * settings.pool_size + 2
        LOG.info("started %s in %s", settings.version, settings.environment)
        yield
        LOG.info("stopping")
        queue.close()
        database.engine.dispose()
        tracer.close()

    app = FastAPI(title="VCCI Scope 3 Carbon Intelligence Platform", version=settings.version, lifespan=lifespan)
    app.include_router(_health(checks, settings))
    app.include_router(_records(f"/api/{settings.api_version}/records", database, queue, tracer))
    if documents:
        app.include_router(_documents(f"/api/{settings.api_version}", documents))

    @app.middleware("http")
    async def measure(request: Request, call_next) -> Response:
        begun = time.perf_counter()
        with tracer.span(f"{request.method} {request.url.path}", request.headers):
            response = await call_next(request)
        route = getattr(request.scope.get("route"), "path", "none")
        REQUESTS.labels(request.method, route, response.status_code).inc()
        SECONDS.labels(request.method, route).observe(time.perf_counter() - begun)
        return response

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    def database_lost(_request: Request, exc: SQLAlchemyError) -> JSONResponse:
        LOG.warning("database: %s", exc)
        return JSONResponse({"detail": "the database does not answer; try again"}, 503, {"Retry-After": "5"})

    @app.exception_handler(WeaviateError)
    def search_lost(_request: Request, exc: WeaviateError) -> JSONResponse:
        LOG.warning("weaviate: %s", exc)
        return JSONResponse({"detail": "the search does not answer; try again"}, 503, {"Retry-After": "5"})

    return app


def _health(checks: Checks, settings: Settings) -> APIRouter:
    router = APIRouter()

    @router.get("/health", include_in_schema=False)
    @router.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live", "version": settings.version}

    @router.get("/health/ready")
    def ready(response: Response) -> dict:
        found = checks.run()
        good = is_ready(found)
        response.status_code = 200 if good else 503
        return {"status": "ready" if good else "not ready", "checks": found, "version": settings.version}

    @router.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def _records(prefix: str, database: Database, queue: Celery, tracer: Tracer) -> APIRouter:
    router = APIRouter(prefix=prefix, tags=["records"])

    @router.post("", status_code=201)
    def create(new: NewRecord, response: Response, request: Request) -> ShownRecord:
        database.ensure_schema()
        with database.session() as session:
            record = Record(**new.model_dump())
            session.add(record)
            session.commit()
            try:
                queue.send_task(TASK, args=[record.id], headers=tracer.headers())
            except QueueError as exc:
                # A row that no worker will ever see would stay "queued" for good.
                session.delete(record)
                session.commit()
                LOG.warning("queue: %s", exc)
                raise HTTPException(503, "the job queue does not answer; try again", {"Retry-After": "5"}) from exc
        response.headers["Location"] = f"{request.url.path}/{record.id}"
        return ShownRecord.model_validate(record)

    @router.get("")
    def show_newest(limit: int = Query(default=20, ge=1, le=200)) -> list[ShownRecord]:
        database.ensure_schema()
        with database.session() as session:
            return [
                ShownRecord.model_validate(record)
                for record in session.scalars(select(Record).order_by(Record.id.desc()).limit(limit))
            ]

    @router.get("/{number}")
    def show(number: int) -> ShownRecord:
        database.ensure_schema()
        with database.session() as session:
            record = session.get(Record, number) if 0 < number < 2**31 else None
        if record is None:
            raise HTTPException(404, f"no record {number}")
        return ShownRecord.model_validate(record)

    return router


def _documents(prefix: str, documents: Documents) -> APIRouter:
    router = APIRouter(prefix=prefix, tags=["documents"])

    @router.post("/documents", status_code=201)
    def store(new: NewDocument) -> dict[str, str]:
        return {"id": documents.add(new.title, new.text)}

    @router.get("/search")
    def search(
        q: str = Query(min_length=1, max_length=1000), limit: int = Query(default=5, ge=1, le=50)
    ) -> dict[str, list[dict]]:
        return {"documents": documents.search(q, limit)}

    return router


def __getattr__(name: str) -> FastAPI:
    """`app`, made from the environment when the server asks for it and not when a test imports this module."""
    if name != "app":
        raise AttributeError(name)
    return make_app(read_settings())
