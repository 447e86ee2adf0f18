"""Files of recordings come in by a signed link: whole and as declared, or nothing of them."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from server.records import RecordType
from server.records.recordings import Recording
from server.storage import CHUNK
from tests.conftest import Api, opened
from tests.factories import a_recording, save
from tests.studio import FORM, OTHER, WEBM, Studio, a_form, a_studio, in_pieces, one_by_one

pytestmark = pytest.mark.anyio


@pytest.fixture
async def studio(any_api: Api, tmp_path: Path) -> Studio:
    return await a_studio(any_api, tmp_path)


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


async def test_a_record_sent_again_is_the_same_though_its_file_says_more_by_now(
    studio: Studio,
) -> None:
    record = studio.lab.sent(RecordType.RECORDINGS, recordingId="rec_named", fileName="raw.bin")
    assert (await studio.lab.ingest(record))["unchangedCount"] == 0
    assert (await studio.put(url=await studio.link(recordingId="rec_named"))).status_code == 200
    assert (await studio.lab.ingest(record))["unchangedCount"] == 1
    other = await studio.lab.ingest({**record, "status": "failed"})
    assert [each["code"] for each in other["refused"]] == ["ID_TAKEN"]


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


async def test_a_large_file_is_written_block_by_block(studio: Studio) -> None:
    content = WEBM[:4] + os.urandom(3 * CHUNK)
    url = await studio.link(fileSize=len(content), sha256=sha256(content).hexdigest())
    assert (await studio.put(in_pieces(content, 70_000), url=url)).status_code == 200
    assert studio.stored() == [content]
