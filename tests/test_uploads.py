"""Files of recordings come in by a signed link: whole and as declared, or nothing of them."""

import asyncio
import errno
import fcntl
import os
from collections.abc import AsyncGenerator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, update
from sqlmodel import col

from server import bodies
from server.records.audit import AuditAction, AuditEntry
from server.records.experiments import Experiment
from server.records.recordings import Recording
from server.resolvers.context import Services
from server.resolvers.uploads import UploadTerms
from server.storage import CHUNK, Storage
from server.uploading import keeping
from tests.conftest import Api, opened
from tests.factories import Row, a_recording, a_user, save
from tests.sending import Lab, a_lab

pytestmark = pytest.mark.anyio

WEBM = b"\x1aE\xdf\xa3" + bytes(range(256)) * 20
OTHER = WEBM[:-1] + b"!"
UPLOAD = """mutation($input: RecordingUploadInput!) { recordingUploadCreate(input: $input) {
  userErrors { code field message } upload { uploadUrl method expiresAt maxBytes } } }"""


@dataclass
class Studio:
    """A recording without a file, and whoever may send it."""

    lab: Lab
    recording: Row
    data_dir: Path

    async def payload(self, **changes: Any) -> dict[str, Any]:
        given = {
            "experimentId": self.lab.experiment["experiment_id"],
            "recordingId": self.recording["recording_id"],
            "fileName": "face.webm",
            "fileSize": len(WEBM),
            **changes,
        }
        data = await self.lab.api.ask(UPLOAD, self.lab.key, input=given)
        payload: dict[str, Any] = data["recordingUploadCreate"]
        return payload

    async def link(self, **changes: Any) -> str:
        payload = await self.payload(**changes)
        assert payload["userErrors"] == []
        url: str = payload["upload"]["uploadUrl"]
        return url

    async def refusal(self, **changes: Any) -> tuple[str, str | None]:
        [error] = (await self.payload(**changes))["userErrors"]
        return error["code"], (error["field"] or [None])[-1]

    async def put(
        self, body: bytes | AsyncGenerator[bytes] = WEBM, url: str | None = None, **headers: str
    ) -> httpx2.Response:
        url = url or await self.link()
        return await self.lab.api.http.put(url, content=body, headers=headers)

    def signed(self, **changes: Any) -> str:
        """Return the address of a link with terms that the mutation may not agree to."""
        services: Services = self.lab.api.app.state.services
        terms = asdict(UploadTerms("face.webm", len(WEBM))) | changes
        key = self.recording.key
        token = services.signer.sign("upload", key, self.lab.owner.key, terms)
        return f"/recordings/{key}/upload?token={token}"

    async def shown(self) -> dict[str, Any]:
        query = """query($id: String!) { room(roomId: $id) { recordings(first: 1) { nodes {
          recordingId fileName fileSize format downloadUrl } } } }"""
        data = await self.lab.api.ask(query, self.lab.key, id=self.lab.room["room_id"])
        recording: dict[str, Any] = data["room"]["recordings"]["nodes"][0]
        return recording

    async def uploads(self) -> list[bool]:
        """Return what the audit log tells of uploads: whether each was allowed."""
        told = select(col(AuditEntry.allowed)).where(col(AuditEntry.action) == AuditAction.UPLOAD)
        async with self.lab.api.db.read() as tx:
            return list(await tx.scalars(told.order_by(col(AuditEntry.id))))

    def stored(self) -> list[bytes]:
        return [path.read_bytes() for path in (self.data_dir / "files").glob("**/*.*")]

    def drafts(self) -> list[Path]:
        return list((self.data_dir / "uploads").glob("*"))

    async def has_nothing(self) -> bool:
        is_there = (await self.shown())["downloadUrl"] is not None
        return not (is_there or self.stored() or self.drafts())


async def a_studio(api: Api, data_dir: Path) -> Studio:
    lab = await a_lab(api)
    recording = a_recording(lab.person)
    await save(api.db, recording)
    return Studio(lab, recording, data_dir)


@pytest.fixture
async def studio(any_api: Api, tmp_path: Path) -> Studio:
    return await a_studio(any_api, tmp_path)


async def in_pieces(data: bytes, size: int) -> AsyncGenerator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def one_by_one(pieces: list[bytes]) -> AsyncGenerator[bytes]:
    for piece in pieces:
        yield piece


def a_form(*files: bytes, head: bytes = b'name="f"; filename="x.webm"') -> bytes:
    parts = (
        b"--cut\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + file for file in files
    )
    return b"\r\n".join((*parts, b"--cut--\r\n"))


FORM = {"Content-Type": "multipart/form-data; boundary=cut"}


async def test_a_file_that_was_sent_is_the_recordings(studio: Studio) -> None:
    payload = await studio.payload(mediaType="video/webm;codecs=vp9")
    upload = payload["upload"]
    assert (upload["method"], upload["maxBytes"]) == ("PUT", 2 << 30)
    sent = await studio.put(url=upload["uploadUrl"])
    assert sent.status_code == 200, sent.text
    digest = sha256(WEBM).hexdigest()
    recording_id = studio.recording["recording_id"]
    told = {"recordingId": recording_id, "fileSize": len(WEBM), "sha256": digest}
    assert sent.json() == told
    shown = await studio.shown()
    named = (shown["fileName"], shown["fileSize"], shown["format"])
    assert named == ("face.webm", len(WEBM), "webm")
    got = await studio.lab.api.http.get(shown["downloadUrl"])
    assert (got.content, got.headers["etag"]) == (WEBM, f'"{digest}"')
    assert got.headers["content-type"] == "video/webm"
    assert studio.drafts() == []
    assert await studio.uploads() == [True]


@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_a_form_may_be_cut_anywhere(studio: Studio, size: int) -> None:
    content = WEBM + b"\r\n--cu\r\n--cut" + WEBM  # nearly the end, again and again
    url = await studio.link(fileSize=len(content), sha256=sha256(content).hexdigest())
    body = in_pieces(a_form(content), size)
    sent = await studio.lab.api.http.post(url, content=body, headers=FORM)
    assert sent.status_code == 200, sent.text
    assert studio.stored() == [content]


async def test_the_form_of_a_browser_is_taken(studio: Studio) -> None:
    url = await studio.link()
    files = {"file": ("ü.webm", WEBM, "video/webm")}
    sent = await studio.lab.api.http.post(url, files=files)
    assert sent.status_code == 200, sent.text
    assert studio.stored() == [WEBM]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (a_form(WEBM, WEBM), 400),
        (a_form(), 400),
        (a_form(WEBM, head=b'name="f"'), 400),
        (a_form(WEBM)[:-9], 400),
        (b"x" * 100, 400),
        (a_form(WEBM, head=b'name="f"; filename="x.webm"\r\nContent-Type: image/png'), 415),
        (a_form(OTHER[4:]), 415),
    ],
)
async def test_a_form_of_anything_else_is_refused(studio: Studio, body: bytes, status: int) -> None:
    url = await studio.link()
    sent = await studio.lab.api.http.post(url, content=body, headers=FORM)
    assert sent.status_code == status
    assert await studio.has_nothing()
    plain = await studio.lab.api.http.post(url, content=WEBM)
    assert plain.status_code == 415


async def test_what_a_record_says_of_its_format_stays(studio: Studio) -> None:
    async with studio.lab.api.db.write() as tx:
        await tx.execute(update(Recording).values(format="WebM", file_name="a", file_size=1))
    assert (await studio.put()).status_code == 200
    shown = await studio.shown()
    named = (shown["fileName"], shown["fileSize"], shown["format"])
    assert named == ("face.webm", len(WEBM), "WebM")


async def test_the_same_again_changes_nothing_and_nothing_is_overwritten(studio: Studio) -> None:
    url, other = await studio.link(), await studio.link()
    first = await studio.put(url=url)
    again = await studio.put(in_pieces(WEBM, 1000), url=other)
    assert (again.status_code, again.json()) == (200, first.json())
    refused = await studio.put(OTHER, url=other)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (
        409,
        "ALREADY_THERE",
    )
    assert (await studio.put(url=await studio.link())).json() == first.json()
    assert await studio.refusal(fileSize=len(WEBM) + 1) == ("ALREADY_THERE", None)
    assert await studio.refusal(sha256="0" * 64) == ("ALREADY_THERE", None)
    assert (studio.stored(), studio.drafts()) == ([WEBM], [])
    assert await studio.uploads() == [True]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (WEBM[:-1], {}, 422),
        (WEBM + b"!", {}, 422),
        ([WEBM[:-1]], {}, 422),
        ([WEBM, b"!"], {}, 422),
        (OTHER, {}, 422),
        (b"", {}, 422),
        ([], {}, 415),
        (b"\x89PNG" + WEBM[4:], {}, 415),
        (WEBM, {"Content-Type": "text/html"}, 415),
        (WEBM, {"Content-Type": "video/mp4"}, 415),
        (WEBM, {"Content-Encoding": "gzip"}, 415),
        (a_form(WEBM), FORM, 422),
    ],
)
async def test_what_is_not_as_declared_leaves_nothing(
    studio: Studio, body: bytes | list[bytes], headers: dict[str, str], status: int
) -> None:
    url = await studio.link(sha256=sha256(WEBM).hexdigest())
    sent = body if isinstance(body, bytes) else one_by_one(body)
    refused = await studio.put(sent, url=url, **headers)
    assert refused.status_code == status
    assert refused.json()["errors"][0]["message"].endswith(".")
    assert await studio.has_nothing()
    assert (await studio.put(url=url)).status_code == 200


@pytest.mark.parametrize(
    ("suffix", "head"),
    [
        ("mp4", b"\0\0\0\x20ftypisom"),
        ("m4a", b"\0\0\0\x20ftypM4A "),
        ("mov", b"\0\0\0\x08wide"),
        ("ogg", b"OggS"),
        ("opus", b"OggS"),
        ("mp3", b"ID3\x04"),
        ("MP3", b"\xff\xfb\x90"),
        ("wav", b"RIFF\n\n\n\nWAVE"),
        ("flac", b"fLaC"),
    ],
)
async def test_every_container_is_known_by_its_beginning(
    studio: Studio, suffix: str, head: bytes
) -> None:
    url = await studio.link(fileName=f"a.{suffix}", fileSize=100)
    assert (await studio.put(b"<html>".ljust(100), url=url)).status_code == 415
    assert (await studio.put(head.ljust(100), url=url)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"fileName": "face.exe"}, ("BAD_USER_INPUT", "fileName")),
        ({"fileName": "../face.webm"}, ("BAD_USER_INPUT", "fileName")),
        ({"fileName": "a\n.webm"}, ("BAD_USER_INPUT", "fileName")),
        ({"fileName": "a" * 251 + ".webm"}, ("BAD_USER_INPUT", "fileName")),
        ({"fileSize": 0}, ("BAD_USER_INPUT", "fileSize")),
        ({"fileSize": (2 << 30) + 1}, ("BAD_USER_INPUT", "fileSize")),
        ({"mediaType": "video/mp4"}, ("BAD_USER_INPUT", "mediaType")),
        ({"mediaType": "text/webm"}, ("BAD_USER_INPUT", "mediaType")),
        ({"sha256": "f" * 63}, ("BAD_USER_INPUT", "sha256")),
        ({"recordingId": "rec_none"}, ("NOT_FOUND", "recordingId")),
        ({"experimentId": "exp_none"}, ("NOT_FOUND", "recordingId")),
    ],
)
async def test_no_link_is_given_for_what_cannot_be_sent(
    studio: Studio, changes: dict[str, Any], refusal: tuple[str, str]
) -> None:
    assert await studio.refusal(**changes) == refusal
    noted = [False] if refusal[0] == "NOT_FOUND" else []
    assert await studio.uploads() == noted


async def test_a_link_is_for_one_file_for_a_while(studio: Studio) -> None:
    url = await studio.link()
    other = a_recording(studio.lab.person)
    await save(studio.lab.api.db, other)
    key = f"/{studio.recording.key}/"
    media = url.replace("/upload?", "/media?")
    for wrong in (url.replace(key, f"/{other.key}/"), url[:-2], url.partition("?")[0]):
        refused = await studio.put(url=wrong)
        assert refused.status_code == 403
    assert (await studio.lab.api.http.get(media)).status_code == 403, "it is for sending alone"
    signer = studio.lab.api.app.state.services.signer
    signer._clock = lambda now=signer._clock: now() + 901
    expired = await studio.put(url=url)
    assert expired.json()["errors"][0]["extensions"]["code"] == "LINK_EXPIRED"
    assert await studio.uploads() == [False] * 4
    assert await studio.has_nothing()


async def test_no_file_is_larger_than_any_may_be(tmp_path: Path, any_url: str) -> None:
    async with opened(tmp_path, database_url=any_url, upload_max_bytes=1000) as api:
        studio = await a_studio(api, tmp_path)
        assert await studio.refusal(fileSize=1001) == ("BAD_USER_INPUT", "fileSize")
        small = studio.signed(file_size=1000)
        form = a_form(WEBM * 20)
        answers = [
            await studio.put(url=studio.signed()),  # made when more was allowed
            await studio.put(WEBM, url=small),
            await studio.put(in_pieces(WEBM, 600), url=small),
            await api.http.post(small, content=form, headers=FORM),
            await api.http.post(small, content=in_pieces(form, 600), headers=FORM),
        ]
        assert [each.status_code for each in answers] == [413] * 5
        assert await studio.has_nothing()


@dataclass
class Paused:
    """A body that stops before its last byte, until it is told to go on."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.came, self.go_on = asyncio.Event(), asyncio.Event()

    async def body(self) -> AsyncGenerator[bytes]:
        yield self._content[:-1]
        self.came.set()
        await self.go_on.wait()
        yield self._content[-1:]


async def test_of_two_that_are_sent_at_once_the_first_that_is_whole_stays(studio: Studio) -> None:
    paused = [Paused(each) for each in (WEBM, OTHER, WEBM)]
    urls = [await studio.link() for _ in paused]
    sending = [
        asyncio.create_task(studio.put(each.body(), url=url))
        for each, url in zip(paused, urls, strict=True)
    ]
    for each in paused:
        await each.came.wait()
    assert len(studio.drafts()) == 3
    for each in paused:
        each.go_on.set()
    statuses = [(await each).status_code for each in sending]
    assert sorted(statuses) in ([200, 200, 409], [200, 409, 409])
    kept = OTHER if statuses[1] == 200 else WEBM
    assert (studio.stored(), studio.drafts()) == ([kept], [])
    assert await studio.uploads() == [True]


async def test_whoever_lost_the_right_meanwhile_sent_it_for_nothing(studio: Studio) -> None:
    paused, heir = Paused(WEBM), a_user()
    await save(studio.lab.api.db, heir)
    sending = asyncio.create_task(studio.put(paused.body()))
    await paused.came.wait()
    async with studio.lab.api.db.write() as tx:
        await tx.execute(update(Experiment).values(owner_key=heir.key))
    paused.go_on.set()
    assert (await sending).status_code == 404
    assert (studio.stored(), studio.drafts()) == ([], [])


@pytest.mark.parametrize("at", ["the store", "the recording"])
async def test_what_cannot_be_stored_or_given_any_more_is_taken_back(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """When the store has the file already, or a part of it."""
    heir, put_file = a_user(), Storage.put_file
    await save(studio.lab.api.db, heir)

    async def stored(storage: Storage, key: str, path: Path) -> None:
        await put_file(storage, key, path)
        assert studio.stored() == [WEBM]
        if at == "the store":
            raise OSError(errno.EIO, "broken")
        async with studio.lab.api.db.write() as tx:
            await tx.execute(update(Experiment).values(owner_key=heir.key))

    monkeypatch.setattr(Storage, "put_file", stored)
    assert (await studio.put()).status_code == (500 if at == "the store" else 404)
    assert (studio.stored(), studio.drafts()) == ([], [])


async def test_who_comes_when_too_many_send_is_told_to_come_again(
    tmp_path: Path, any_url: str
) -> None:
    async with opened(tmp_path, database_url=any_url, uploads_at_once=1) as api:
        studio = await a_studio(api, tmp_path)
        paused = Paused(WEBM)
        sending = asyncio.create_task(studio.put(paused.body()))
        await paused.came.wait()
        refused = await studio.put()
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        paused.go_on.set()
        assert (await sending).status_code == 200


async def test_who_sends_nothing_is_cut_off(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SILENT_SECONDS", 0.05)
    assert (await studio.put(Paused(WEBM).body())).status_code == 408
    assert await studio.has_nothing()


async def test_what_is_broken_off_leaves_nothing(studio: Studio) -> None:
    paused = Paused(WEBM)
    sending = asyncio.create_task(studio.put(paused.body()))
    await paused.came.wait()
    assert len(studio.drafts()) == 1
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert await studio.has_nothing()


async def test_a_full_disk_is_told(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    url = await studio.link()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        refused = await studio.put(url=url)
    assert refused.status_code == 507
    assert await studio.has_nothing()


async def test_what_a_crash_leaves_is_swept_away(
    tmp_path: Path, any_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that no recording has go; one that a recording has, or somebody still writes, stays."""
    async with opened(tmp_path, database_url=any_url) as api:
        studio = await a_studio(api, tmp_path)
        with _unable_to_tell(monkeypatch):
            assert (await studio.put()).status_code == 500
        [left] = studio.drafts()
        assert studio.stored() == [WEBM]
        assert (await studio.shown())["downloadUrl"] is None
        writing = left.with_name("7-theirs.webm")
        writing.write_bytes(WEBM)
    with writing.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        async with opened(tmp_path, database_url=any_url):
            assert (studio.stored(), studio.drafts()) == ([], [writing])
    async with opened(tmp_path, database_url=any_url) as api:
        studio.lab.api = api
        assert (studio.stored(), studio.drafts()) == ([], [])
        assert (await studio.put()).status_code == 200
        [stored] = (tmp_path / "files").glob("**/*.webm")
        (tmp_path / "uploads" / stored.name).write_bytes(WEBM)
    async with opened(tmp_path, database_url=any_url):
        assert (studio.stored(), studio.drafts()) == ([WEBM], [])


@contextmanager
def _unable_to_tell(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have transactions fail when the store has the file already."""

    async def broken(*_arguments: object, **_options: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(keeping, "add", broken)
        yield


async def test_a_large_file_is_written_block_by_block(studio: Studio) -> None:
    content = WEBM[:4] + os.urandom(3 * CHUNK)
    url = await studio.link(fileSize=len(content), sha256=sha256(content).hexdigest())
    assert (await studio.put(in_pieces(content, 70_000), url=url)).status_code == 200
    assert studio.stored() == [content]
