"""A large file goes through a real server to disk: never through its memory, nor half into it."""

import os
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from subprocess import Popen

import anyio
import httpx2
import pytest

from server.api_keys import issue
from server.db import Database
from server.migrate import migrate
from tests.conftest import answering, free_port
from tests.factories import a_participant, a_recording, a_room, a_user, an_experiment, save

LARGE = 100 << 20
MOST_MORE = 60 << 10
"""kB by which the server may grow."""

HEAD, BLOCK = b"\x1aE\xdf\xa3".ljust(1024), os.urandom(1 << 20)
LINK = """mutation($input: RecordingUploadInput!) { recordingUploadCreate(input: $input) {
  userErrors { message } upload { uploadUrl } } }"""
BEFORE = b'--cut\r\nContent-Disposition: form-data; name="f"; filename="a.webm"\r\n\r\n'
AFTER = b"\r\n--cut--\r\n"


@dataclass
class Home:
    """A server on a folder of its own, with recordings `rec_1` to `rec_3` that have no file."""

    folder: Path
    port: int
    key: str

    @contextmanager
    def up(self) -> Generator["Popen[bytes]"]:
        environment = {**os.environ, "HYPERDATA_DATA_DIR": str(self.folder)}
        command = ("serve", "--port", str(self.port))
        with answering(self.port, *command, environment=environment) as process:
            yield process

    def link(self, recording_id: str, size: int, **terms: str) -> str:
        file = {"fileName": "a.webm", "fileSize": size, **terms}
        asked = {"experimentId": "exp_a", "recordingId": recording_id, **file}
        answer = httpx2.post(
            f"http://127.0.0.1:{self.port}/graphql",
            json={"query": LINK, "variables": {"input": asked}},
            headers={"X-API-Key": self.key},
        )
        url: str = answer.json()["data"]["recordingUploadCreate"]["upload"]["uploadUrl"]
        return url

    def drafts(self) -> list[Path]:
        return list((self.folder / "uploads").glob("*"))

    def stored(self) -> list[Path]:
        return list((self.folder / "files").glob("**/*.webm"))


async def _prepared(folder: Path) -> str:
    db = Database(f"sqlite+aiosqlite:///{folder}/hyperdata.db")
    await migrate(db)
    owner = a_user()
    experiment = an_experiment(owner, experiment_id="exp_a")
    room = a_room(experiment)
    person = a_participant(room)
    recordings = [a_recording(person, recording_id=f"rec_{n}") for n in (1, 2, 3)]
    await save(db, owner, experiment, room, person, *recordings)
    async with db.write() as tx:
        key = await issue(tx, owner.key, "test", ("*",))
    await db.close()
    return key


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, free_port(), anyio.run(_prepared, tmp_path))


def large() -> Iterator[bytes]:
    yield HEAD
    for _ in range(LARGE // len(BLOCK)):
        yield BLOCK


def a_form() -> Iterator[bytes]:
    yield BEFORE
    yield from large()
    yield AFTER


def peak(process: "Popen[bytes]") -> int:
    """Return the most memory that a process ever had, in kB."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
    assert found is not None
    return int(found[1])


def test_the_server_grows_no_larger_for_a_large_file(home: Home) -> None:
    digest = sha256()
    for block in large():
        digest.update(block)
    size, expected = LARGE + len(HEAD), digest.hexdigest()
    with home.up() as process:
        urls = [home.link(each, size, sha256=expected) for each in ("rec_1", "rec_2")]
        before = peak(process)
        body = httpx2.put(urls[0], content=large(), headers={"Content-Length": str(size)})
        kind = {"Content-Type": "multipart/form-data; boundary=cut"}
        form = httpx2.post(urls[1], content=a_form(), headers=kind)
        grown = peak(process) - before
    for answer in (body, form):
        assert answer.status_code == 200, answer.text
        assert answer.json()["sha256"] == expected
    assert [path.stat().st_size for path in home.stored()] == [size, size]
    assert home.drafts() == []
    assert grown < MOST_MORE


def test_what_breaks_off_leaves_nothing_nor_does_a_server_that_is_killed(home: Home) -> None:
    def breaking() -> Iterator[bytes]:
        yield HEAD
        yield BLOCK * 2
        wait_for(lambda: len(home.drafts()) == 1)
        raise ConnectionAbortedError

    def killing(process: "Popen[bytes]") -> Iterator[bytes]:
        yield HEAD
        yield BLOCK * 2
        wait_for(lambda: len(home.drafts()) == 1)
        process.kill()
        process.wait()
        yield BLOCK

    with home.up() as process:
        with suppress(ConnectionAbortedError):
            httpx2.put(home.link("rec_1", LARGE), content=breaking())
        wait_for(lambda: home.drafts() == [])
        with pytest.raises(httpx2.TransportError):
            httpx2.put(home.link("rec_2", LARGE), content=killing(process))
    assert len(home.drafts()) == 1
    with home.up():
        assert home.drafts() == []
        again = httpx2.put(home.link("rec_2", len(HEAD)), content=HEAD)
        assert again.status_code == 200, again.text
    assert [path.read_bytes() for path in home.stored()] == [HEAD]


def wait_for(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
