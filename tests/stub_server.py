"""A server of another version, as far as `hyperdata export` asks it: one export, and its file."""

import hashlib
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAME = "exp_1_2026-11-24.zip"

ESTIMATES: list[dict[str, Any]] = [
    {"name": "Query", "kind": "OBJECT", "fields": [("exportEstimate", "ExportEstimate", "input")]},
    {
        "name": "ExportEstimate",
        "kind": "OBJECT",
        "fields": [("rows", "Int"), ("withheld", "Withheld"), ("page", "Int", "first")],
    },
    {"name": "Withheld", "kind": "OBJECT", "fields": [("reason", "Reason"), ("count", "Int")]},
    {"name": "Reason", "kind": "ENUM", "fields": None},
    {"name": "Int", "kind": "SCALAR", "fields": None},
]


@dataclass
class Stub:
    """What the server has, and what it was asked for."""

    file: bytes
    url: str = ""
    types: list[dict[str, Any]] = field(default_factory=lambda: ESTIMATES)
    inputs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    queries: list[str] = field(default_factory=list[str])

    def answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        self.queries.append(query)
        if "__schema" in query:
            return {"__schema": {"types": [_shown(each) for each in self.types]}}
        if "exportEstimate" in query:
            self.inputs.append(variables["input"])
            withheld = [{"reason": "IDENTIFIERS", "count": 3}]
            return {"exportEstimate": {"rows": 12345, "withheld": withheld}}
        if "exportCreate" in query:
            self.inputs.append(variables["input"])
            return {"exportCreate": {"userErrors": [], "export": self.export("CREATED")}}
        return {"export": self.export("COMPLETED")}

    def export(self, status: str) -> dict[str, Any]:
        return {
            "id": "RXhwb3J0OjE=",
            "status": status,
            "format": "CSV",
            "packaging": "ZIP",
            "anonymization": "KEEP",
            "snapshotAt": "2026-11-24T00:00:00.000Z",
            "fileName": NAME,
            "fileSize": str(len(self.file)),
            "sha256": hashlib.sha256(self.file).hexdigest(),
            "errorCode": None,
            "errorMessage": None,
            "progress": {
                "percent": 100,
                "completedRows": 1,
                "totalRows": 1,
                "message": "Done",
            },
            "downloadUrl": f"{self.url}/file",
        }


def _shown(named: dict[str, Any]) -> dict[str, Any]:
    fields = None if named["fields"] is None else [_field(*each) for each in named["fields"]]
    return {**named, "fields": fields}


def _field(name: str, type_: str, argument: str | None = None) -> dict[str, Any]:
    needed = [{"type": {"kind": "NON_NULL"}}] if argument else []
    inner = {"kind": "OBJECT", "name": type_, "ofType": None}
    return {"name": name, "args": needed, "type": {"kind": "LIST", "name": None, "ofType": inner}}


@contextmanager
def stubbed(file: bytes) -> Generator[Stub]:
    """Run the server until the block ends; it has no websocket."""
    stub = Stub(file)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            data = stub.answer(asked["query"], asked["variables"])
            self._send(200, json.dumps({"data": data}).encode())

        def do_GET(self) -> None:
            found = self.path == "/file"
            self._send(200 if found else 404, stub.file if found else b"")

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its base
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield stub
        finally:
            server.shutdown()
