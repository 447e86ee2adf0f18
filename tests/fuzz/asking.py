"""A fuzzed server: each document is asked with each key and without one, and each answer judged."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx2
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.conftest import LiveServer
from tests.fuzz.messages import awaited
from tests.fuzz.secrets import Demo

_LAST = "the last"

MOST_SECONDS = 10
"""How long an answer may take, on a busy machine."""


class Fuzzed:
    """A server, and what was found out about it so far."""

    def __init__(self, server: LiveServer) -> None:
        self.demo = Demo(server.data_dir)
        self.codes: Counter[str] = Counter()
        self._url = f"{server.url}/graphql"
        self._process = server.process
        self._keys = dict(server.keys)
        self._hidden = self.demo.hidden(server.keys)
        self._http = httpx2.Client(timeout=MOST_SECONDS)

    def close(self) -> None:
        self._http.close()

    def judge(self, document: str) -> None:
        """Ask a document in every way; AssertionError if an answer is not as it must be."""
        refused = self._http.post(self._url, json={"query": document})
        assert refused.status_code == 401, (refused.status_code, document)
        assert "data" not in refused.json(), document
        for who, key in self._keys.items():
            answer = self._post(document, key)
            assert answer.status_code < 500, (answer.status_code, who, answer.text, document)
            self._sound(answer.json(), document)
            self._tight(answer.text, who, document)
        assert self._process.poll() is None, document

    def converse(self, sent: Sequence[str | bytes]) -> None:
        """Send messages over a socket, with each key; AssertionError if one finds a bug."""
        address = self._url.replace("http", "ws", 1)
        for who, key in self._keys.items():
            with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
                init = {"type": "connection_init", "payload": {"X-API-Key": key}}
                socket.send(json.dumps(init))
                try:
                    for message in (*sent, json.dumps({"type": "ping", "payload": {_LAST: True}})):
                        socket.send(message)
                    self._hear(socket, who, sent)
                except ConnectionClosed:
                    code = socket.close_code
                    self.codes[str(code)] += 1
                    assert code not in (1006, 1011, 4500), (code, who, sent)
        assert self._process.poll() is None, sent

    def _hear(self, socket: ClientConnection, who: str, sent: Sequence[str | bytes]) -> None:
        """Judge what is sent until all that was asked is answered, and the last ping."""
        left = awaited(sent) | {_LAST}
        while left:
            text = str(socket.recv(MOST_SECONDS))
            said = json.loads(text)
            self.codes[said["type"]] += 1
            self._tight(text, who, str(sent))
            assert '"INTERNAL"' not in text, (text, who, sent)
            if said["type"] in ("complete", "error"):
                left.discard(said["id"])
            elif said["type"] == "pong":
                left -= (said.get("payload") or {}).keys()

    def _post(self, document: str, key: str) -> httpx2.Response:
        return self._http.post(self._url, json={"query": document}, headers={"X-API-Key": key})

    def _sound(self, answer: Any, document: str) -> None:
        errors = answer.get("errors", [])
        assert errors or isinstance(answer.get("data"), dict), (answer, document)
        for error in errors:
            code = error["extensions"]["code"]
            self.codes[code] += 1
            assert code != "INTERNAL", (error, document)
        self.codes["answered"] += not errors

    def _tight(self, text: str, who: str, document: str) -> None:
        plain = json.dumps(json.loads(text), ensure_ascii=False)
        found = [each for each in self._hidden[who] if each in plain and each not in document]
        assert not found, (who, found, plain[:2000], document)
