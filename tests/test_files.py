"""Links and downloads: who holds a link gets that file, in whole or in parts, and nothing else."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert
from sqlmodel import col
from starlette.applications import Starlette

from server.db import Database
from server.files import file_routes
from server.links import Purpose, Signer
from server.records.exports import Export
from server.storage import Storage
from server.timestamps import now
from tests.factories import Row, a_participant, a_recording, a_room, a_user, an_experiment, save

pytestmark = pytest.mark.anyio

CONTENT = bytes(range(256)) * 5000  # more than a chunk
SHA256 = "ab" * 32
S3 = {"access_key_id": "key", "secret_access_key": "secret", "region": "eu-central-1"}


@dataclass
class Clock:
    """A time that passes when a test says so."""

    seconds: float = 1_800_000_000

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Server:
    """The routes, what they serve, and a client."""

    db: Database
    storage: Storage
    signer: Signer
    clock: Clock
    http: httpx2.AsyncClient

    async def get(
        self, path: str, purpose: Purpose, key: int, method: str = "GET", **headers: str
    ) -> httpx2.Response:
        token = self.signer.sign(purpose, key)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, path, params={"token": token}, headers=names)

    async def download(self, key: int, method: str = "GET", **headers: str) -> httpx2.Response:
        return await self.get(f"/exports/{key}/download", "export", key, method, **headers)

    async def media(self, recording: Row) -> httpx2.Response:
        path = f"/recordings/{recording.key}/media"
        return await self.get(path, "recording", recording.key)


@asynccontextmanager
async def serving(db: Database, storage: Storage) -> AsyncGenerator[Server]:
    clock = Clock()
    signer = Signer("secret", 3600, clock)
    app = Starlette(routes=file_routes(db, storage, signer))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        yield Server(db, storage, signer, clock, http)


@pytest.fixture
async def server(db: Database, tmp_path: Path) -> AsyncGenerator[Server]:
    async with serving(db, Storage((tmp_path / "files").as_uri())) as server:
        yield server


async def an_export(server: Server, **changes: Any) -> int:
    """Store a completed export with its file."""
    owner = a_user()
    await save(server.db, owner)
    values = {
        "requested_by_key": owner.key,
        "recipe": {},
        "created_at": now(),
        "format": "CSV",
        "packaging": "ZIP",
        "anonymization": "KEEP",
        "status": "COMPLETED",
        "storage_key": "exports/1/1/faces.zip",
        "file_name": "faces.zip",
        "sha256": SHA256,
        "expires_at": now() + 60_000,
    }
    async with server.db.write() as tx:
        added = insert(Export).values(**{**values, **changes}).returning(col(Export.id))
        key = await tx.scalar(added)
    assert key is not None
    await server.storage.put("exports/1/1/faces.zip", CONTENT)
    return key


async def a_recorded_file(server: Server, **changes: Any) -> Row:
    """Store a recording with its file."""
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    person = a_participant(room)
    stored = {"storage_key": "recordings/rec_1.webm", "format": "webm", "file_name": "rec 1.webm"}
    recording = a_recording(person, **{**stored, **changes})
    await save(server.db, owner, experiment, room, person, recording)
    await server.storage.put("recordings/rec_1.webm", CONTENT)
    return recording


def error(answer: httpx2.Response) -> tuple[int, str]:
    [only] = answer.json()["errors"]
    assert only["message"].endswith((".", "COMPLETED"))
    assert answer.headers["cache-control"] == "private, no-store"
    return answer.status_code, only["extensions"]["code"]


async def test_an_export_is_downloaded_whole(server: Server) -> None:
    answer = await server.download(await an_export(server))
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["etag"] == f'"{SHA256}"'
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_head_request_tells_the_same_without_the_content(server: Server) -> None:
    key = await an_export(server)
    whole, head = await server.download(key), await server.download(key, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == whole.headers


async def test_a_file_keeps_its_name_in_any_language(server: Server) -> None:
    answer = await server.download(await an_export(server, file_name='Gesichter "ä",\r\n面.csv'))
    assert answer.headers["content-disposition"] == (
        'attachment; filename="Gesichter________.csv"; '
        "filename*=UTF-8''Gesichter%20%22%C3%A4%22%2C%0D%0A%E9%9D%A2.csv"
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    ("ending", "media_type"),
    [
        ("csv", "text/csv; charset=utf-8"),
        ("tsv", "text/tab-separated-values; charset=utf-8"),
        ("json", "application/json"),
        ("ndjson", "application/x-ndjson"),
        ("parquet", "application/vnd.apache.parquet"),
        ("zip", "application/zip"),
        ("other", "application/octet-stream"),
    ],
)
async def test_a_file_says_what_it_is(server: Server, ending: str, media_type: str) -> None:
    answer = await server.download(await an_export(server, file_name=f"out.{ending}"))
    assert answer.headers["content-type"] == media_type


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=1000000-", 1_000_000, None), ("bytes=-5", -5, None)],
)
async def test_a_part_is_downloaded(
    server: Server, asked: str, start: int, end: int | None
) -> None:
    part = CONTENT[start:end]
    answer = await server.download(await an_export(server), range=asked)
    first = len(CONTENT) + start if start < 0 else start
    assert (answer.status_code, answer.content) == (206, part)
    span = f"bytes {first}-{first + len(part) - 1}/{len(CONTENT)}"
    assert answer.headers["content-range"] == span
    assert answer.headers["cache-control"] == "private, no-store"


async def test_several_parts_are_downloaded_at_once(server: Server) -> None:
    answer = await server.download(await an_export(server), range="bytes=0-2,100-102")
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    assert CONTENT[0:3] in answer.content
    assert CONTENT[100:103] in answer.content


async def test_a_part_beyond_the_end_is_refused(server: Server) -> None:
    answer = await server.download(await an_export(server), range="bytes=99999999-")
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


async def test_a_broken_download_goes_on_only_with_the_same_file(server: Server) -> None:
    key = await an_export(server)
    same = await server.download(key, range="bytes=5-", if_range=f'"{SHA256}"')
    other = await server.download(key, range="bytes=5-", if_range='"another"')
    assert (same.status_code, same.content) == (206, CONTENT[5:])
    assert (other.status_code, other.content) == (200, CONTENT)


async def test_a_link_is_needed(server: Server) -> None:
    key = await an_export(server)
    path = f"/exports/{key}/download"
    assert error(await server.http.get(path)) == (403, "LINK_INVALID")
    assert error(await server.get(path, "export", key + 1)) == (403, "LINK_INVALID")
    assert error(await server.get(path, "recording", key)) == (403, "LINK_INVALID")
    token = server.signer.sign("export", key)
    server.clock.seconds += 3601
    late = await server.http.get(path, params={"token": token})
    assert error(late) == (403, "LINK_EXPIRED")


@pytest.mark.parametrize("status", ["CREATED", "RUNNING", "CANCELING", "CANCELED", "FAILED"])
async def test_what_is_not_completed_cannot_be_downloaded(server: Server, status: str) -> None:
    key = await an_export(server, status=status)
    assert error(await server.download(key)) == (404, "NOT_FOUND")


async def test_what_does_not_exist_cannot_be_downloaded(server: Server) -> None:
    assert error(await server.download(404)) == (404, "NOT_FOUND")
    answer = await server.http.get(f"/exports/{10**30}/download")
    assert error(answer) == (403, "LINK_INVALID")


async def test_an_expired_export_is_gone(server: Server) -> None:
    for changes in ({"status": "EXPIRED"}, {"expires_at": now() - 1}):
        key = await an_export(server, **changes)
        assert error(await server.download(key)) == (410, "FILE_EXPIRED")


async def test_a_file_that_is_missing_is_not_a_crash(server: Server) -> None:
    key = await an_export(server)
    await server.storage.delete("exports/1/1/faces.zip")
    assert error(await server.download(key)) == (404, "NOT_FOUND")


async def test_nothing_outside_the_store_is_sent(server: Server, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    key = await an_export(server, storage_key="../secret")
    assert error(await server.download(key)) == (404, "NOT_FOUND")


async def test_a_recording_plays_in_the_browser(server: Server) -> None:
    answer = await server.media(await a_recorded_file(server))
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "video/webm"
    assert answer.headers["content-disposition"].startswith('inline; filename="rec_1.webm"')
    audio = await server.media(await a_recorded_file(server, kind="AUDIO"))
    assert audio.headers["content-type"] == "audio/webm"


async def test_a_recording_is_never_taken_for_a_page(server: Server) -> None:
    await server.storage.put("recordings/evil.html", b"<script>")
    changes = {"storage_key": "recordings/evil.html", "file_name": "evil.html", "format": "html"}
    answer = await server.media(await a_recorded_file(server, **changes))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


async def test_a_recording_that_never_arrived_is_not_found(server: Server) -> None:
    recording = await a_recorded_file(server, storage_key=None)
    assert error(await server.media(recording)) == (404, "NOT_FOUND")


async def test_an_object_store_serves_its_files_itself(db: Database) -> None:
    async with serving(db, Storage("memory:///")) as local:
        key = await an_export(local)
    async with serving(db, Storage("s3://bucket/data", config=S3)) as server:
        answer = await server.download(key)
    assert answer.status_code == 307
    assert "/exports/1/1/faces.zip?X-Amz-" in answer.headers["location"]
    assert "X-Amz-Signature=" in answer.headers["location"]
    assert answer.headers["cache-control"] == "private, no-store"


async def test_a_store_that_cannot_sign_is_read_for_the_client(db: Database) -> None:
    async with serving(db, Storage("memory:///")) as server:
        key = await an_export(server)
        whole, head = await server.download(key), await server.download(key, "HEAD")
        assert (whole.status_code, whole.content) == (200, CONTENT)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(CONTENT))
        await server.storage.delete("exports/1/1/faces.zip")
        assert error(await server.download(key)) == (404, "NOT_FOUND")
