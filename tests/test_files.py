"""Links and downloads: who holds a link gets that file, in whole or in parts, and nothing else."""

import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import insert
from sqlmodel import col
from starlette.applications import Starlette

from server.db import Database
from server.files import file_routes
from server.links import LinkExpired, LinkInvalid, Purpose, Signer, load_secret
from server.records.exports import Export
from server.settings import Settings
from server.storage import Storage, UnsafeKey
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


# Links


def test_a_link_holds_for_its_time_and_no_longer() -> None:
    clock = Clock()
    signer = Signer("secret", 3600, clock)
    token = signer.sign("export", 7)
    clock.seconds += 3600
    signer.check("export", token, 7)
    clock.seconds += 1
    with pytest.raises(LinkExpired, match="read downloadUrl again"):
        signer.check("export", token, 7)


def test_a_link_holds_for_one_thing_and_one_purpose() -> None:
    signer = Signer("secret", 3600)
    token = signer.sign("export", 7)
    signer.check("export", token, 7)
    tampered = token[:-1] + ("A" if token[-1] != "A" else "B")
    other = Signer("other", 3600).sign("export", 7)
    for_recording = signer.sign("recording", 7)
    for_another = signer.sign("export", 8)
    for wrong in (for_another, for_recording, other, tampered, f"x{token}", "", "\0é.b.c"):
        with pytest.raises(LinkInvalid, match="read downloadUrl again"):
            signer.check("export", wrong, 7)


def test_the_secret_is_made_once_and_is_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    secret = load_secret(settings)
    assert len(bytes.fromhex(secret)) == 32
    assert load_secret(settings) == secret
    [kept] = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert load_secret(Settings(data_dir=tmp_path / "other")) != secret


def test_the_secret_of_the_operator_comes_first(tmp_path: Path) -> None:
    assert load_secret(Settings(data_dir=tmp_path, secret=SecretStr("mine"))) == "mine"
    assert list(tmp_path.iterdir()) == []


# Downloads


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


# The store


@pytest.fixture(params=["local", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    folder = tmp_path / "a folder, ü"
    return Storage(folder.as_uri() if request.param == "local" else "memory:///")


async def test_files_are_kept_listed_and_deleted(storage: Storage) -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        yield CONTENT[:7]
        yield CONTENT[7:]

    await storage.put("exports/1/1/a b.csv", pieces())
    await storage.put("exports/1/10/ü.csv", b"x")
    await storage.put("media/c.webm", b"y")
    assert await storage.size("exports/1/1/a b.csv") == len(CONTENT)
    assert await storage.size("exports/1/1/none") is None
    read = b"".join([chunk async for chunk in storage.stream("exports/1/1/a b.csv")])
    part = b"".join([chunk async for chunk in storage.stream("exports/1/1/a b.csv", (7, 300))])
    assert (read, part) == (CONTENT, CONTENT[7:300])
    assert sorted(await storage.keys("exports")) == ["exports/1/1/a b.csv", "exports/1/10/ü.csv"]
    assert await storage.keys("nothing") == []

    await storage.delete_prefix("exports/1/1")
    await storage.delete_prefix("exports/1/1")
    assert await storage.keys("exports") == ["exports/1/10/ü.csv"]
    await storage.delete("exports/1/10/ü.csv")
    await storage.delete("exports/1/10/ü.csv")
    assert await storage.keys("exports") == []
    assert await storage.keys("media") == ["media/c.webm"]


async def test_no_key_leads_out_of_a_local_store(tmp_path: Path) -> None:
    storage = Storage((tmp_path / "files").as_uri())
    (tmp_path / "files/link").symlink_to(tmp_path)
    outside = tmp_path / "secret"
    outside.write_text("secret")
    for key in ("../secret", "a/../../secret", str(outside), "link/secret", "", ".", "a\0b"):
        with pytest.raises(UnsafeKey):
            storage.local_path(key)
        with pytest.raises(UnsafeKey):
            await storage.delete_prefix(key)
    assert outside.exists()
    assert storage.local_path("exports/1.zip") == tmp_path / "files/exports/1.zip"
    assert Storage("memory:///").local_path("exports/1.zip") is None
