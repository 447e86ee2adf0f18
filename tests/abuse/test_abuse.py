"""A server that is attacked refuses each attack in two seconds, and serves others meanwhile."""

import socket
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.abuse.attacks import Attack
from tests.abuse.bodies import ASKED, BODIES, CANCEL
from tests.abuse.documents import DOCUMENTS, LIMITED
from tests.abuse.heads import HEADS, REBINDING, SMUGGLING
from tests.abuse.ids import IDS
from tests.abuse.target import VIEWER, Bystander, Target, attacked
from tests.abuse.wire import Answer, exchange, request
from tests.conftest import answering, free_port
from tests.promises import promised

pytestmark = [pytest.mark.repeats, pytest.mark.promised]

SECONDS = promised(2)
MOST_MEMORY = 150 << 20
PAGES = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[tuple[Target, Bystander]]:
    with attacked(tmp_path_factory.mktemp("attacked")) as server:
        yield server


@pytest.fixture
def target(server: tuple[Target, Bystander]) -> Generator[Target]:
    """A server; whatever a test does to it, others are served and its memory is bounded."""
    attacked, bystander = server
    begun = time.monotonic()
    yield attacked
    assert bystander.waited(begun) < SECONDS, "others had to wait"
    assert attacked.peak - attacked.begun_with < MOST_MEMORY, "it took too much memory"


def require_refused(attack: Attack, answer: Answer) -> None:
    assert answer.code in attack.codes, (attack.name, answer.status, answer.body[:300])
    assert answer.status in attack.statuses or not attack.statuses, (attack.name, answer.status)
    assert answer.status < 500 or answer.status in (501, 505), (attack.name, answer.status)
    assert answer.seconds < SECONDS, (attack.name, answer.seconds)


ATTACKS = [*DOCUMENTS, *BODIES, *HEADS, *REBINDING]


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
def test_an_attack_is_refused(target: Target, attack: Attack) -> None:
    require_refused(attack, attack.send(target))


def test_what_two_servers_could_read_in_two_ways_is_refused(target: Target) -> None:
    """At once, as each waits for the end of its connection: nothing more must come over it."""
    with ThreadPoolExecutor(len(SMUGGLING)) as together:
        sent = together.map(lambda attack: (attack, attack.send(target)), SMUGGLING)
        for attack, answer in list(sent):
            require_refused(attack, answer)


def test_ids_names_cursors_and_links_that_were_never_given_lead_nowhere(target: Target) -> None:
    for attack in IDS:
        require_refused(attack, attack.send(target))


def test_attacks_at_once_take_no_more_memory_and_leave_others_served(target: Target) -> None:
    attacks = [*DOCUMENTS, *BODIES, *HEADS] * 2
    with ThreadPoolExecutor(8) as together:
        sent = list(together.map(lambda attack: (attack, attack.send(target)), attacks))
    for attack, answer in sent:
        assert answer.code in attack.codes, (attack.name, answer.status, answer.body[:300])


def test_a_flood_of_unfinished_requests_makes_room_for_others(target: Target) -> None:
    """More connections than there may be: those that ask for nothing go first."""
    begun = f"GET / HTTP/1.1\r\nHost: {target.host}\r\n".encode()
    with ExitStack() as held:
        connections = [held.enter_context(opened(target.port, begun)) for _ in range(300)]
        assert target.post(ASKED).status == 200
        said = [_count(each) for each in connections]
    assert 0 in said, "none was closed without a word, to make room"


def opened(port: int, begun: bytes) -> socket.socket:
    """Return a connection over which something was begun."""
    connection = socket.create_connection(("127.0.0.1", port), SECONDS * 5)
    connection.sendall(begun)
    return connection


def test_without_room_a_client_is_told_to_come_again(tmp_path: Path) -> None:
    port = free_port()
    command = ("serve", "--port", str(port), "--data-dir", str(tmp_path))
    environment = {"HYPERDATA_CONNECTIONS_MAX": "2", "HYPERDATA_EXPORT_WORKERS": "0"}
    head = ["Host: localhost", "Content-Type: application/x-www-form-urlencoded"]
    unfinished = request("POST", "/auth/sign-in", [*head, "Content-Length: 9"])
    with answering(port, *command, environment=environment), ExitStack() as held:
        for _ in range(2):
            held.enter_context(opened(port, unfinished))
        refused = exchange(port, request("GET", "/nowhere", head))
        held.close()
        until = time.monotonic() + SECONDS * 5
        while (served := exchange(port, request("GET", "/nowhere", head))).code == "BUSY":
            assert time.monotonic() < until, "there is room again"

    assert (refused.status, refused.code) == (503, "BUSY")
    assert b"retry-after: 5" in refused.raw.lower()
    assert served.code == "NOT_FOUND"


def test_an_answer_that_nobody_reads_is_given_up(target: Target) -> None:
    """Of whoever reads nothing, no more is kept than a buffer, and soon nothing."""
    asset = httpx2.get(f"{target.url}/graphiql").text.partition('src="')[2].partition('"')[0]
    asked = request("GET", asset, [f"Host: {target.host}"])
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", target.port))
        connection.sendall(asked * 8)
        time.sleep(3.5)
        connection.settimeout(5)
        assert _count(connection) < 8 * len(httpx2.get(target.url + asset).content)


def _count(connection: socket.socket) -> int:
    """Read all that comes until a connection is closed; return how many bytes that was."""
    read = 0
    with suppress(ConnectionResetError):
        while data := connection.recv(1 << 16):
            read += len(data)
    return read


@pytest.fixture(scope="module")
def victim(server: tuple[Target, Bystander]) -> Generator[httpx2.Client]:
    """A browser in which somebody is signed in."""
    target, _ = server
    with httpx2.Client(base_url=target.url) as http:
        answer = http.post(
            "/auth/sign-in",
            data={"key": target.keys["owner"]},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert answer.status_code == 303, answer.text
        yield http


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data"])
def test_a_page_elsewhere_changes_nothing_by_a_cookie(
    target: Target, victim: httpx2.Client, kind: str
) -> None:
    asked: Any = {"query": CANCEL} if kind == "application/json" else CANCEL
    sent = {"json": asked} if kind == "application/json" else {"content": asked}
    headers = {**PAGES, "Content-Type": kind}
    answer = victim.post("/graphql", headers=headers, **sent)

    [error, *_] = answer.json()["errors"]
    assert error["extensions"]["code"] in (
        "CSRF_REFUSED",
        "BAD_USER_INPUT",
        "UNSUPPORTED_MEDIA_TYPE",
    )
    assert answer.status_code in (400, 403, 415)
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_elsewhere_is_not_told_that_it_may_ask(
    target: Target, victim: httpx2.Client
) -> None:
    asked = {**PAGES, "Access-Control-Request-Method": "POST"}
    answer = victim.request("OPTIONS", "/graphql", headers=asked)
    assert answer.status_code in (403, 405)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_page_elsewhere_opens_no_socket_by_a_cookie(
    target: Target, victim: httpx2.Client
) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in victim.cookies.items())
    address = target.url.replace("http", "ws", 1) + "/graphql"
    with connect(
        address,
        origin=Origin("https://evil.example"),
        subprotocols=[Subprotocol("graphql-transport-ws")],
        additional_headers={"Cookie": cookie},
    ) as socket:
        socket.send('{"type": "connection_init"}')
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(SECONDS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


def test_a_message_that_is_too_large_closes_its_socket(target: Target) -> None:
    address = target.url.replace("http", "ws", 1) + "/graphql"
    protocols = [Subprotocol("graphql-transport-ws")]
    with connect(address, subprotocols=protocols) as socket:
        socket.send('{"type": "connection_init", "payload": "' + "x" * (2 << 20))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(SECONDS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("attack", LIMITED, ids=[attack.name for attack in LIMITED])
def test_a_document_that_asks_too_much_is_refused(target: Target, attack: Attack) -> None:
    require_refused(attack, attack.send(target))


def test_the_server_is_as_it_was(target: Target) -> None:
    assert target.post(ASKED).status == 200
    assert target.data(VIEWER)["viewer"]["name"]
