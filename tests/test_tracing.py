"""Traces: what a collector of OpenTelemetry is sent of each operation, and what it never is."""

import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from server.observing.tracing import NoTracing, Tracer
from server.resolvers.listings import PageWithin
from tests.conftest import opened
from tests.factories import a_user, an_experiment, save

pytestmark = pytest.mark.anyio

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector:
    """A stub of a collector: keeps what it is sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def spans(self) -> dict[str, Span]:
        """Return all spans, by name."""
        return {
            span.name: span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }


@pytest.fixture
def collector() -> Generator[tuple[Collector, str]]:
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield kept, f"http://127.0.0.1:{server.server_port}/v1/traces"
    server.shutdown()
    thread.join()
    server.server_close()


def attributes(span: Span) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value") or "")
        for each in span.attributes
    }


async def test_each_operation_is_a_span_of_the_trace_that_asked_without_what_was_asked(
    tmp_path: Path, collector: tuple[Collector, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, endpoint = collector
    async with opened(tmp_path, otlp_endpoint=endpoint) as api:
        owner = a_user()
        await save(api.db, owner, an_experiment(owner))
        key = await api.key_of(owner.key)
        named = 'query Named { experiment(experimentId: "exp_canary") { id } }'
        for query in (named, "{ experiments { totalCount } }"):
            for _ in range(2):  # the second by the short way
                answer = await api.http.post(
                    "/graphql",
                    json={"query": query},
                    headers={"X-API-Key": key, "traceparent": f"00-{TRACE}-{PARENT}-01"},
                )
        await api.post(
            'mutation End { exportCancel(id: "exp_canary") { userErrors { code } } }', key
        )

        async def fail(*_: object) -> None:
            raise ValueError("exp_canary")

        monkeypatch.setattr(PageWithin, "load", fail)
        await api.post("query Broken { experiments { nodes { rooms { totalCount } } } }", key)

    spans = kept.spans()

    assert spans.keys() == {"query Named", "query", "mutation End", "query Broken"}
    for name in ("query Named", "query"):
        assert spans[name].trace_id.hex() == TRACE
        assert spans[name].parent_span_id.hex() == PARENT
    assert spans["mutation End"].trace_id.hex() != TRACE
    assert attributes(spans["query"]) == {
        "graphql.operation.name": "",
        "graphql.operation.type": "query",
        "hyperdata.outcome": "OK",
        "hyperdata.request_id": answer.headers["X-Request-ID"],
        "hyperdata.sql_statements": 2,
    }
    assert attributes(spans["query Broken"])["hyperdata.outcome"] == "INTERNAL"
    assert spans["query Broken"].status.code == Status.STATUS_CODE_ERROR
    assert spans["query Named"].end_time_unix_nano > spans["query Named"].start_time_unix_nano
    for body in kept.bodies:
        assert b"exp_canary" not in body
        assert key.encode() not in body


def test_without_its_packages_a_server_that_should_send_traces_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(NoTracing, match=r"install hyperstudy-data\[opentelemetry\]"):
        Tracer("http://127.0.0.1:1/v1/traces")
