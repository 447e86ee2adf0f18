"""Traces for OpenTelemetry: a span an operation, with its name, its type and how it came out.

Nothing that was asked for is in it, neither arguments nor documents: those hold people's data, and
secrets. The packages are an extra, and are loaded only by a server that is told where to send.
"""

from time import time_ns
from typing import TYPE_CHECKING

from server.observing.operations import Operation

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter


class NoTracing(Exception):
    """The packages for traces are not installed; the message says what to do."""


class Tracer:
    """Sends a span for each operation that ended, some at a time, from a thread of its own."""

    def __init__(self, endpoint: str, exporter: "SpanExporter | None" = None) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace import SpanKind, Status, StatusCode
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as missing:
            raise NoTracing(
                "HYPERDATA_OTLP_ENDPOINT is set, and the packages for traces are not there: "
                "install hyperstudy-data[opentelemetry]."
            ) from missing
        resource = Resource.create({"service.name": "hyperdata"})
        self._provider: TracerProvider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=endpoint))
        )
        self._tracer = self._provider.get_tracer("server")
        self._propagator = TraceContextTextMapPropagator()
        self._kind, self._failed = SpanKind.SERVER, Status(StatusCode.ERROR)

    def ended(self, operation: Operation, seconds: float) -> None:
        """Make a span of an operation that has just ended, in the trace that its request names."""
        ended = time_ns()
        parent = operation.request.traceparent if operation.request is not None else None
        span = self._tracer.start_span(
            f"{operation.kind or 'graphql'} {operation.name}".rstrip(),
            self._propagator.extract({"traceparent": parent}) if parent else None,
            self._kind,
            {
                "graphql.operation.name": operation.name,
                "graphql.operation.type": operation.kind,
                "hyperdata.outcome": operation.outcome,
                "hyperdata.request_id": operation.id,
                "hyperdata.sql_statements": operation.statement_count,
            },
            start_time=ended - int(seconds * 1e9),
        )
        if operation.outcome == "INTERNAL":
            span.set_status(self._failed)
        span.end(ended)

    def close(self) -> None:
        """Send what is not sent yet."""
        self._provider.shutdown()
