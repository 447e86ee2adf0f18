"""Attacks by ids, names, cursors and links that were changed, or never given."""

import json
from collections.abc import Callable
from urllib.parse import quote

from tests.abuse.attacks import Attack
from tests.abuse.target import Target
from tests.abuse.wire import Answer

PATHS = (
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/hyperdata.db",
    "..\\..\\hyperdata.db",
    "/etc/passwd",
    "file:///etc/passwd",
    "x\0.webm",
    "．．／etc/passwd",
    "....//....//etc/passwd",
    "a" * 5000,
    "'; DROP TABLE experiment; --",
    "{{7*7}}${7*7}",
)
"""What is no id, and no name of a file."""

NO_SUCH_ID = ("", "BAD_USER_INPUT", "NOT_FOUND")
NO_ADDRESS = ("", "NOT_FOUND", "BAD_REQUEST", "METHOD_NOT_ALLOWED", "LINK_INVALID")
CURSOR = "query($after: String) { experiments(first: 1, after: $after) { pageInfo { endCursor } } }"
RECORDINGS = """
  query { experiments { nodes { recordings(first: 1) { nodes { id downloadUrl } } } } }
"""
UPLOAD = """
  mutation($file: String!) {
    recordingUploadCreate(
      input: {experimentId: $file, recordingId: $file, fileName: $file, fileSize: 1}
    ) { userErrors { code } }
  }
"""
LOOK_UPS = {
    "node": "query($id: ID!) { node(id: $id) { id } }",
    "experiment": "query($id: String!) { experiment(experimentId: $id) { id } }",
    "room": "query($id: String!) { room(roomId: $id) { id } }",
    "participant": "query($id: String!) { participant(roomId: $id, participantId: $id) { id } }",
    "export": "query($id: ID!) { export(id: $id) { id } }",
}


def _without_leak(answer: Answer) -> Answer:
    for told in (b"root:", b"SQLite format", b"Traceback", b"/site-packages/", b"CREATE TABLE"):
        assert told not in answer.body
    return answer


def _looked_up(field: str, path: str) -> Attack:
    def send(target: Target) -> Answer:
        answer = _without_leak(target.ask(LOOK_UPS[field], id=path))
        said = json.loads(answer.body)
        assert (said.get("data") or {}).get(field) is None, said
        return answer

    return Attack(f"{field} {path[:30]!r}", send, NO_SUCH_ID)


def _uploaded(path: str) -> Attack:
    def send(target: Target) -> Answer:
        answer = target.ask(UPLOAD, file=path)
        assert b'"data":null' not in answer.body, answer.body
        [error, *_] = json.loads(answer.body)["data"]["recordingUploadCreate"]["userErrors"]
        assert error["code"] in ("NOT_FOUND", "BAD_USER_INPUT")
        return answer

    return Attack(f"a file named {path[:30]!r}", send, ("",), (200,))


def _gone_to(address: str) -> Attack:
    def send(target: Target) -> Answer:
        return _without_leak(target.send("GET", address))

    return Attack(f"GET {address[:40]}", send, NO_ADDRESS, (400, 403, 404, 405))


def _addresses() -> list[str]:
    quoted = [quote(path, safe="/%.") for path in PATHS]
    return [
        template % path
        for template in (
            "/static/%s",
            "/static/assets/%s",
            "/exports/%s/download",
            "/recordings/%s/media",
        )
        for path in quoted
    ]


def _changed(name: str, change: Callable[[str], str]) -> Attack:
    """Return an attack by a cursor that is not as it was given."""

    def send(target: Target) -> Answer:
        if "cursor" not in target.found:
            page = target.data(CURSOR)["experiments"]["pageInfo"]
            target.found["cursor"] = page["endCursor"]
        return target.ask(CURSOR, after=change(target.found["cursor"]))

    return Attack(f"a cursor {name}", send, ("INVALID_CURSOR",))


def _link(name: str, change: Callable[[str], str]) -> Attack:
    """Return an attack by a link that is not as it was signed."""

    def send(target: Target) -> Answer:
        if "link" not in target.found:
            listed = target.data(RECORDINGS)["experiments"]["nodes"]
            links = [row["downloadUrl"] for each in listed for row in each["recordings"]["nodes"]]
            target.found["link"] = next(filter(None, links)).removeprefix(target.url)
        link = target.found["link"]
        assert change(link) != link
        return _without_leak(target.send("GET", change(link)))

    return Attack(f"a link {name}", send, ("LINK_INVALID", "LINK_EXPIRED"), (403,))


def _flipped(text: str, at: int) -> str:
    """Return a text with another letter at a place; counted from its end if below 0."""
    at %= len(text)
    return text[:at] + ("B" if text[at] == "A" else "A") + text[at + 1 :]


IDS = [
    *(_looked_up(field, path) for field in LOOK_UPS for path in PATHS),
    *map(_uploaded, PATHS),
    *map(_gone_to, _addresses()),
    _changed("cut short", lambda cursor: cursor[:-4]),
    _changed("of another letter", lambda cursor: _flipped(cursor, 2)),
    _changed("with more behind it", lambda cursor: cursor + "AAAA"),
    _changed("that is a path", lambda _: PATHS[0]),
    _changed("that is empty", lambda _: ""),
    _changed("of 1 MB", lambda cursor: cursor * (1_000_000 // len(cursor))),
    _link("signed otherwise", lambda link: _flipped(link, -20)),
    _link("with other content", lambda link: _flipped(link, link.index("token=") + 8)),
    _link("for another recording", lambda link: link.replace("/recordings/", "/recordings/9")),
    _link(
        "for another purpose",
        lambda link: link.replace("/recordings/", "/exports/").replace("/media", "/download"),
    ),
    _link("without a signature", lambda link: link.partition("?")[0]),
    _link("with an empty one", lambda link: link.partition("=")[0] + "="),
    _link("with one of 20 KB", lambda link: link + "A" * 20_000),
]
