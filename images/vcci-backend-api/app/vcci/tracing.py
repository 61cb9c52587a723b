# Copyright (c) 2026 GreenLang. All rights reserved.
"""Traces by OpenTelemetry where a collector is named (OTEL_EXPORTER_OTLP_ENDPOINT); else nothing is even imported."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Tracer:
    """Spans of one service; without a collector every method does nothing."""

    def __init__(self, service: str, version: str) -> None:
        self._tracer = None
        if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
            return
        from opentelemetry import propagate
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._provider = TracerProvider(resource=Resource.create({"service.name": service, "service.version": version}))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("vcci")
        self._propagate = propagate

    @contextmanager
    def span(self, name: str, carrier: Mapping[str, str]) -> Iterator[None]:
        """A span below the one that `carrier` (request or message headers) tells of."""
        if self._tracer is None:
            yield
            return
        with self._tracer.start_as_current_span(name, context=self._propagate.extract(dict(carrier))):
            yield

    def headers(self) -> dict[str, str]:
        """What tells the next service of the current span."""
        carrier: dict[str, str] = {}
        if self._tracer is not None:
            self._propagate.inject(carrier)
        return carrier

    def close(self) -> None:
        if self._tracer is not None:
            self._provider.shutdown()
