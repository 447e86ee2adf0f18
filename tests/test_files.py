"""Links and downloads: who holds a link gets that file, in whole or in parts, and nothing else."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import delete, insert, update
from sqlmodel import col
from starlette.applications import Starlette

from server.db import Database
from server.files import file_routes
from server.links import Purpose, Signer
from server.records.collaborators import Collaborator
from server.records.experiments import Experiment
from server.records.exports import Export, ExportedExperiment
from server.records.users import User
from server.storage import Storage
from server.timestamps import now
from tests.factories import (
    Row,
    a_grant,
    a_participant,
    a_recording,
    a_room,
    a_user,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio

CONTENT = bytes(range(256)) * 5000  # more than a chunk
SHA256 = "ab" * 32


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
    reader: Row
    """Whose links they are, unless a test says otherwise: an administrator's."""

    async def get(
        self, path: str, purpose: Purpose, key: int, method: str = "GET", **headers: str
    ) -> httpx2.Response:
        token = self.signer.sign(purpose, key, self.reader.key)
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
        reader = a_user(role="ADMINISTRATOR")
        await save(db, reader)
        yield Server(db, storage, signer, clock, http, reader)


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
        "filename*=UTF-8''Gesichter%20%22%C3%A4%22%2C__%E9%9D%A2.csv"
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
    assert answer.headers["cache-control"] == "private, no-store"


async def test_a_broken_download_goes_on_only_with_the_same_file(server: Server) -> None:
    key = await an_export(server)
    same = await server.download(key, range="bytes=5-", if_range=f'"{SHA256}"')
    other = await server.download(key, range="bytes=5-", if_range='"another"')
    assert (same.status_code, same.content) == (206, CONTENT[5:])
    assert (other.status_code, other.content) == (200, CONTENT)


@pytest.mark.parametrize(
    "asked",
    [
        "lines=0-9",  # not a unit of ours
        "bytes=9-0",
        "bytes=a-b",
        "bytes=-",
        "bytes=",
        "bytes",
        "bytes=0-9,x",
        "bytes=1_0-20",
        f"bytes=0-{'9' * 5000}",
    ],
)
async def test_a_range_that_means_nothing_asks_for_the_whole_file(
    server: Server, asked: str
) -> None:
    answer = await server.download(await an_export(server), range=asked)
    assert (answer.status_code, answer.content) == (200, CONTENT)


async def test_ranges_past_the_end_are_left_out_of_several(server: Server) -> None:
    key = await an_export(server)
    answer = await server.download(key, range="Bytes=99999999-, 0-4 ,, 88888888-99999999")
    assert (answer.status_code, answer.content) == (206, CONTENT[:5])
    assert answer.headers["content-range"] == f"bytes 0-4/{len(CONTENT)}"
    none = await server.download(key, range="bytes=99999999-,-0")
    assert (none.status_code, none.content) == (416, b"")


async def test_an_open_end_is_the_end_of_the_file(server: Server) -> None:
    key = await an_export(server)
    for asked in ("bytes=0-", "bytes=0-99999999", "bytes=-99999999"):
        answer = await server.download(key, range=asked)
        assert (answer.status_code, answer.content) == (206, CONTENT)
        last = len(CONTENT) - 1
        assert answer.headers["content-range"] == f"bytes 0-{last}/{len(CONTENT)}"


async def test_a_head_request_has_no_ranges(server: Server) -> None:
    key = await an_export(server)
    head = await server.download(key, "HEAD", range="bytes=0-9")
    assert head.status_code == 200
    assert head.headers["content-length"] == str(len(CONTENT))
    assert (await server.download(key, "HEAD", range="bytes=99999999-")).status_code == 200


@pytest.mark.parametrize("known", [f'"{SHA256}"', f'"other", W/"{SHA256}"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_the_client_has_is_not_sent_again(
    server: Server, known: str, method: str
) -> None:
    key = await an_export(server)
    answer = await server.download(key, method, if_none_match=known, range="bytes=0-9")
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == f'"{SHA256}"'
    assert answer.headers["cache-control"] == "private, no-store"
    other = await server.download(key, if_none_match='"other"')
    assert (other.status_code, other.content) == (200, CONTENT)


async def test_a_part_of_a_file_that_changed_is_refused_if_so_asked(server: Server) -> None:
    key = await an_export(server)
    for wanted in ('"other"', f'W/"{SHA256}"'):
        answer = await server.download(key, if_match=wanted, range="bytes=0-9")
        assert (answer.status_code, answer.content) == (412, b"")
    same = await server.download(key, if_match=f'"other", "{SHA256}"', range="bytes=0-9")
    assert (same.status_code, same.content) == (206, CONTENT[:10])


async def test_a_weak_tag_does_not_let_a_download_go_on(server: Server) -> None:
    key = await an_export(server)
    weak = await server.download(key, range="bytes=5-", if_range=f'W/"{SHA256}"')
    assert (weak.status_code, weak.content) == (200, CONTENT)
    dated = (await server.download(key, "HEAD")).headers["last-modified"]
    by_date = await server.download(key, range="bytes=5-", if_range=dated)
    assert (by_date.status_code, by_date.content) == (206, CONTENT[5:])


async def test_a_changed_file_is_sent_whole_even_where_the_old_one_was_longer(
    server: Server,
) -> None:
    key = await an_export(server)
    answer = await server.download(key, range="bytes=99999999-", if_range='"another"')
    assert (answer.status_code, answer.content) == (200, CONTENT)


async def test_no_name_leads_out_of_a_folder(server: Server) -> None:
    answer = await server.download(await an_export(server, file_name="../../a\\b\x7f.csv"))
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\".._.._a_b_.csv\"; filename*=UTF-8''.._.._a_b_.csv"
    )


async def test_only_reading_is_allowed(server: Server) -> None:
    answer = await server.download(await an_export(server), "POST")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_a_link_is_needed(server: Server) -> None:
    key = await an_export(server)
    path = f"/exports/{key}/download"
    assert error(await server.http.get(path)) == (403, "LINK_INVALID")
    assert error(await server.get(path, "export", key + 1)) == (403, "LINK_INVALID")
    assert error(await server.get(path, "recording", key)) == (403, "LINK_INVALID")
    token = server.signer.sign("export", key, server.reader.key)
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


async def test_a_store_that_cannot_sign_is_read_for_the_client(db: Database) -> None:
    async with serving(db, Storage("memory:///")) as server:
        key = await an_export(server)
        whole, head = await server.download(key), await server.download(key, "HEAD")
        assert (whole.status_code, whole.content) == (200, CONTENT)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(CONTENT))
        part = await server.download(key, range="bytes=5-", if_range=f'"{SHA256}"')
        assert (part.status_code, part.content) == (206, CONTENT[5:])
        assert part.headers["content-range"] == f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"
        for range_, if_range in (("bytes=0-3,5-9", f'"{SHA256}"'), ("bytes=0-9", '"other"')):
            again = await server.download(key, range=range_, if_range=if_range)
            assert (again.status_code, again.content) == (200, CONTENT)
        past = await server.download(key, range=f"bytes={len(CONTENT)}-")
        assert (past.status_code, past.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")
        known = await server.download(key, if_none_match=f'"{SHA256}"')
        assert (known.status_code, known.content) == (304, b"")
        await server.storage.delete("exports/1/1/faces.zip")
        assert error(await server.download(key)) == (404, "NOT_FOUND")


async def shared(server: Server, recording: Row, **grant: Any) -> Row:
    """Share a recording's experiment with a new account; make the server's links that account's."""
    colleague = a_user()
    experiment = Row(Experiment, {"id": recording["experiment_key"]})
    given = a_grant(experiment, colleague, **grant)
    await save(server.db, colleague, given)
    server.reader = colleague
    return given


async def test_a_link_to_a_recording_holds_as_long_as_the_right(server: Server) -> None:
    recording = await a_recorded_file(server)
    grant = await shared(server, recording)
    assert (await server.media(recording)).status_code == 200

    async with server.db.write() as tx:
        await tx.execute(delete(Collaborator).where(col(Collaborator.id) == grant.key))
    assert error(await server.media(recording)) == (404, "NOT_FOUND")

    await shared(server, recording, data_types=["EVENTS"])
    async with server.db.write() as tx:
        await tx.execute(update(User).values(disabled_at=now()))
    assert error(await server.media(recording)) == (403, "LINK_INVALID")


@pytest.mark.parametrize(
    "grant",
    [{"data_types": ["EVENTS"]}, {"anonymization": "REMOVE_IDENTIFIERS"}, {"expires_at": 1}],
)
async def test_who_may_not_see_who_people_are_is_sent_no_recording(
    server: Server, grant: dict[str, Any]
) -> None:
    recording = await a_recorded_file(server)
    await shared(server, recording, **grant)
    assert error(await server.media(recording)) == (404, "NOT_FOUND")


async def test_a_link_to_an_export_holds_as_long_as_the_right(server: Server) -> None:
    recording = await a_recorded_file(server)
    grant = await shared(server, recording, can_export=True)
    types = {"data_types": ["EVENTS", "RECORDINGS"]}
    key = await an_export(server, requested_by_key=server.reader.key, recipe=types)
    async with server.db.write() as tx:
        drawn_on = {"export_key": key, "experiment_key": recording["experiment_key"]}
        await tx.execute(insert(ExportedExperiment).values(**drawn_on))
    assert (await server.download(key)).status_code == 200

    async def after(**changes: Any) -> tuple[int, str]:
        async with server.db.write() as tx:
            this = col(Collaborator.id) == grant.key
            await tx.execute(update(Collaborator).where(this).values(**changes))
        answer = await server.download(key)
        return (200, "") if answer.status_code == 200 else error(answer)

    assert await after(can_export=False) == (403, "LINK_INVALID")
    assert await after(can_export=True, data_types=["EVENTS"]) == (403, "LINK_INVALID")
    assert await after(data_types=None, anonymization="AGGREGATE_ONLY") == (403, "LINK_INVALID")
    assert await after(anonymization="KEEP", expires_at=now() - 1) == (403, "LINK_INVALID")
    assert await after(expires_at=now() + 60_000) == (200, "")
    server.reader = a_user()
    await save(server.db, server.reader)
    assert error(await server.download(key)) == (404, "NOT_FOUND")
