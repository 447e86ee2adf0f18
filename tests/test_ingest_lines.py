"""Lines of records over `POST /ingest`: the rules of batches, whatever comes, however it is cut."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.records import RecordType
from tests.conftest import Api, opened
from tests.factories import a_participant, a_room, a_user, an_experiment, save
from tests.sending import Lab, a_lab, a_sent

pytestmark = pytest.mark.anyio

NDJSON = "application/x-ndjson"


@pytest.fixture
async def api(any_api: Api) -> Api:
    return any_api


@pytest.fixture
async def lab(api: Api) -> Lab:
    return await a_lab(api)


async def posted(
    lab: Lab, body: bytes | AsyncGenerator[bytes], media_type: str = NDJSON, **headers: str
) -> httpx2.Response:
    known = {"X-API-Key": lab.key, "Content-Type": media_type}
    return await lab.api.http.post("/ingest", content=body, headers={**known, **headers})


def lines(records: Iterable[object]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in records)


async def told(response: httpx2.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert answer["acceptedCount"] + answer["refusedCount"] == answer["sentCount"]
    return answer


async def test_lines_are_stored_and_told_as_batches_are(lab: Lab) -> None:
    records = [lab.sent(each) for each in RecordType]
    bad = lab.sent(RecordType.CONTINUOUS_RATINGS, value=2)
    answer = await told(await posted(lab, lines([*records, bad])))
    assert (answer["acceptedCount"], answer["refusedCount"]) == (7, 1)
    [refused] = answer["refused"]
    assert (refused["index"], refused["code"], refused["field"]) == (7, "OUT_OF_RANGE", "value")
    again = await told(await posted(lab, lines([*records, bad])))
    assert (again["unchangedCount"], again["refusedCount"]) == (7, 1)
    [kept] = await lab.quarantine()
    assert kept["record"] == bad


async def test_chunks_may_be_cut_anywhere(lab: Lab) -> None:
    body = b"\r\n\n" + lines(lab.sent(content="ü" * n) for n in range(20))

    async def drops() -> AsyncGenerator[bytes]:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    answer = await told(await posted(lab, drops()))
    assert answer["acceptedCount"] == answer["sentCount"] == 20


async def test_the_last_line_needs_no_end(lab: Lab) -> None:
    answer = await told(await posted(lab, lines([lab.sent()]).rstrip()))
    assert answer["acceptedCount"] == 1


async def test_more_lines_than_a_batch_holds_are_stored_batch_by_batch(lab: Lab) -> None:
    records = [lab.sent(RecordType.CONTINUOUS_RATINGS) for _ in range(5_100)]
    records[5_050]["value"] = "high"
    answer = await told(await posted(lab, lines(records)))
    assert (answer["acceptedCount"], answer["refused"][0]["index"]) == (5_099, 5_050)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "NOT_JSON"),
        (b"\xff\xfe", "NOT_JSON"),
        (b"NaN", "NOT_JSON"),
        (b"null", "NOT_AN_OBJECT"),
        (b'"' + b"a" * 1024 * 1024 + b'"', "TOO_LARGE"),
    ],
    ids=str,
)
async def test_a_line_that_is_no_record_stays_aside_and_the_others_are_stored(
    lab: Lab, line: bytes, code: str
) -> None:
    answer = await told(await posted(lab, lines([lab.sent()]) + line + b"\n" + lines([lab.sent()])))
    assert (answer["acceptedCount"], answer["refusedCount"]) == (2, 1)
    [kept] = await lab.quarantine()
    assert kept["code"] == code
    assert len(str(kept["record"])) <= 10_000


async def test_who_may_not_send_is_told_so_and_nothing_is_read(lab: Lab) -> None:
    key, lab.key = lab.key, "hst_live_wrong"
    assert (await posted(lab, lines([lab.sent()]))).status_code == 401
    lab.key = await lab.api.key_of(lab.owner.key, "read:*")
    refused = await posted(lab, lines([lab.sent()]))
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    lab.key = key
    wrong = await posted(lab, lines([lab.sent()]), media_type="application/json")
    assert wrong.status_code == 415
    packed = await posted(lab, lines([lab.sent()]), **{"Content-Encoding": "gzip"})
    assert packed.status_code == 415
    assert await lab.records(RecordType.EVENTS, "eventId") == []


async def test_a_cookie_alone_adds_nothing(lab: Lab) -> None:
    answer = await lab.api.http.post(
        "/ingest", content=lines([lab.sent()]), headers={"Content-Type": NDJSON}
    )
    assert answer.status_code == 401


async def test_who_comes_when_too_many_are_adding_is_told_to_come_again(
    tmp_path: Path, any_url: str
) -> None:
    async with opened(tmp_path, database_url=any_url, ingest_at_once=1) as api:
        await _one_after_the_other(await a_lab(api))


async def _one_after_the_other(lab: Lab) -> None:
    first, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncGenerator[bytes]:
        yield lines([lab.sent()])
        first.set()
        await go_on.wait()
        yield lines([lab.sent()])

    sending = asyncio.create_task(posted(lab, slow()))
    await first.wait()
    refused = await posted(lab, lines([lab.sent()]))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert refused.json()["errors"][0]["extensions"]["code"] == "BUSY"
    go_on.set()
    assert (await told(await sending))["acceptedCount"] == 2
    assert (await told(await posted(lab, lines([lab.sent()]))))["acceptedCount"] == 1


async def test_records_for_several_experiments_are_told_apart(api: Api, lab: Lab) -> None:
    other = an_experiment(lab.owner)
    room = a_room(other)
    person = a_participant(room)
    stranger = a_user()
    await save(api.db, other, room, person, stranger)
    record = lab.sent()
    twin = a_sent(RecordType.EVENTS, room, person, eventId=record["eventId"])
    answer = await told(await posted(lab, lines([record, twin])))
    assert answer["acceptedCount"] == 2
