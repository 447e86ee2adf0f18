"""What is said of an export before it is made is what it then is."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from server.db import Database
from server.export.recipe import Recipe
from server.records import RecordType
from server.records.users import User
from tests.asking import Lab, a_lab, key_of
from tests.conftest import Api, opened
from tests.demo_data import DYADS
from tests.factories import (
    A_RECORD,
    Row,
    a_chat_message,
    a_participant,
    a_recording,
    a_room,
    a_sparse_rating,
    an_event,
    save,
)
from tests.job_queue import export_of, files
from tests.warm_worker import Worker, carry_out, plan_of

pytestmark = pytest.mark.anyio

ESTIMATE = """query ($input: ExportInput!) { exportEstimate(input: $input) {
  rows { dataType rows } totalRows bytes seconds sampled smallestGroup
  identifyingColumns { dataType column how kept }
  freeTextHits { dataType column sampled hits foreseen }
  withheld { reason dataType count explanation } } }"""

FORMATS = ("CSV", "JSON")
LEVELS = ("KEEP", "REMOVE_IDENTIFIERS")
WAYS = [(kind, level) for kind in FORMATS for level in LEVELS]
LARGE = 50_000
"""Bytes of a file whose size must be foreseen."""


async def estimate(api: Api, key: str, **wanted: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask(ESTIMATE, key, input=wanted))["exportEstimate"]
    return found


@pytest.fixture
async def demo_api(demo: Path, tmp_path: Path) -> AsyncGenerator[Api]:
    shutil.copy(demo / "demo.db", tmp_path / "hyperdata.db")
    async with opened(tmp_path) as api:
        yield api


async def owner_key(api: Api) -> str:
    async with api.db.read() as tx:
        owner = await tx.scalar(select(col(User.id)).where(col(User.role) == "ADMINISTRATOR"))
    assert owner is not None
    return await api.key_of(owner)


async def size_of(api: Api, key: str, worker: Worker, folder: Path, **wanted: Any) -> int:
    """Return the size of an export's file, which is really written."""
    created = "mutation ($input: ExportInput!) { exportCreate(input: $input) { export { id } } }"
    made = (await api.ask(created, key, input=wanted))["exportCreate"]["export"]
    row = await export_of(api.db, key_of(made["id"]))
    plan = await plan_of(api.db, folder, Recipe.model_validate(row.recipe))
    size: int = carry_out(worker, plan, folder).done["bytes"]
    return size


async def is_foreseen(
    api: Api, key: str, worker: Worker, folder: Path, **wanted: Any
) -> dict[str, Any]:
    """Check an estimate against the export itself; return it."""
    foreseen = await estimate(api, key, **wanted)
    size = await size_of(api, key, worker, folder, **wanted)
    assert size > LARGE
    assert abs(foreseen["bytes"] / size - 1) <= 0.2, (wanted, foreseen["bytes"], size)
    return foreseen


@pytest.mark.parametrize(("kind", "level"), WAYS)
async def test_the_size_of_the_demo_s_exports_is_foreseen(
    demo_api: Api, worker: Worker, tmp_path: Path, kind: str, level: str
) -> None:
    key = await owner_key(demo_api)
    how = {"format": kind, "anonymization": level}
    everything = {"experimentIds": [DYADS, "exp_solorating01", "exp_groupchat01"], **how}
    ratings = {"experimentIds": [DYADS], "dataTypes": ["CONTINUOUS_RATINGS"], **how}
    for wanted in (
        everything,
        {"experimentIds": [DYADS], **how},
        {"experimentIds": [DYADS], "dataTypes": ["EVENTS"], **how},
        ratings,
        {**ratings, "packaging": "SINGLE_FILE"},
        {**ratings, "filter": {"continuousRatings": {"value": {"gte": 0.4}}}},
    ):
        found = await is_foreseen(demo_api, key, worker, tmp_path / "made", **wanted)
        assert found["sampled"] == (found["totalRows"] > 20_000)
        assert found["seconds"] > 0
    if kind == "JSON":
        one = {**everything, "packaging": "SINGLE_FILE"}
        await is_foreseen(demo_api, key, worker, tmp_path / "made", **one)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> tuple[Path, Lab]:
    """A file of odd data, to be copied, and whose they are."""
    folder = tmp_path_factory.mktemp("odd")
    shutil.copy(migrated_file, folder / "hyperdata.db")

    async def make() -> Lab:
        async with opened(folder) as api:
            lab = await a_lab(api, folder)
            await fill(api.db, lab)
            return lab

    return folder / "hyperdata.db", asyncio.run(make())


async def fill(db: Database, lab: Lab) -> None:
    """Store many records of very different lengths, in rooms of very different sizes."""
    chance = Random(1)
    letters = 'abcdefghij klmno,"\n=é😀'

    def text(longest: int) -> str:
        return "".join(chance.choices(letters, k=chance.randrange(longest)))

    for size in (13_000, 7_000, 2_000, 300, 20, 1):
        room = a_room(lab.experiment)
        person = a_participant(room, email=f"{size}@example.org")
        rows: list[Row] = []
        for n in range(size):
            onset = chance.randrange(-5_000, 600_000)
            rows.append(
                a_sparse_rating(
                    person,
                    onset=onset,
                    value={text(3) or "k": chance.random(), "answer": text(60)},
                )
            )
            if n % 3 == 0:
                rows.append(an_event(person, onset=onset, content=text(400)))
            if n % 40 == 0:
                message = f"{text(9)} write to {size}@example.org"
                rows.append(a_chat_message(person, onset=onset, content=message))
        await save(db, room, person, *sorted(rows, key=lambda row: row.model.__name__))


@pytest.mark.parametrize(("kind", "level"), WAYS)
async def test_the_size_of_odd_data_is_foreseen(
    odd: tuple[Path, Lab], worker: Worker, tmp_path: Path, kind: str, level: str
) -> None:
    file, lab = odd
    shutil.copy(file, tmp_path)
    how = {**lab.here, "format": kind, "anonymization": level}

    async with opened(tmp_path) as api:
        for wanted in (
            how,
            {**how, "dataTypes": ["EVENTS"], "packaging": "SINGLE_FILE"},
            {**how, "dataTypes": ["SPARSE_RATINGS"], "packaging": "SINGLE_FILE"},
            {**how, "filter": {"events": {"onset": {"lt": 100_000}}}},
        ):
            found = await is_foreseen(api, lab.key, worker, tmp_path / "made", **wanted)
    said = {each["dataType"]: each for each in found["freeTextHits"] if each["hits"]}
    chats = said["CHAT_MESSAGES"]
    assert chats["hits"] == chats["sampled"] > 0
    assert chats["foreseen"] == {e["dataType"]: e["rows"] for e in found["rows"]}["CHAT_MESSAGES"]
    assert "EVENTS" not in said


async def test_a_small_export_is_made_to_tell_its_size(
    api: Api, worker: Worker, tmp_path: Path
) -> None:
    lab = await a_lab(api, tmp_path)
    person = a_participant(lab.room)
    await save(api.db, person, *(make(person) for make in A_RECORD.values()))
    for wanted in (
        lab.here,
        {**lab.here, "format": "JSON", "packaging": "SINGLE_FILE"},
        {"participants": [{"roomId": lab.room["room_id"], "participantId": "%"}]},
    ):
        if "participants" in wanted:
            wanted["participants"][0]["participantId"] = person["participant_id"]
        found = await estimate(api, lab.key, **wanted)
        size = await size_of(api, lab.key, worker, tmp_path / "made", **wanted)
        assert not found["sampled"]
        assert abs(found["bytes"] - size) <= 64  # times and sums in it are others by then
    assert files(tmp_path) == []


@pytest.fixture
async def lab(any_api: Api, tmp_path: Path) -> Lab:
    return await a_lab(any_api, tmp_path)


async def test_rows_are_counted_as_they_would_be_exported(lab: Lab) -> None:
    others = [a_participant(lab.room) for _ in range(2)]
    events = [an_event(other, onset=n) for other in others for n in range(-2, 3)]
    room = a_room(lab.experiment)
    await save(lab.api.db, *others, *events, room, a_participant(room))
    both = {**lab.here, "dataTypes": ["EVENTS", "RECORDINGS"]}

    async def rows(**wanted: Any) -> list[int]:
        found = await estimate(lab.api, lab.key, **wanted)
        counted = [entry["rows"] for entry in found["rows"]]
        assert found["totalRows"] == sum(counted)
        return counted

    assert await rows(**both) == [11, 0]
    assert await rows(**both, filter={"events": {"onset": {"lt": 0}}}) == [5, 0]
    assert await rows(**{**both, "experimentIds": [], "roomIds": [room["room_id"]]}) == [0, 0]
    first = await lab.created(**both)
    await save(lab.api.db, an_event(lab.person), a_recording(lab.person))
    assert await rows(**both, since=first) == [1, 1]


async def test_the_smallest_room_is_named_by_its_size(lab: Lab) -> None:
    await save(lab.api.db, *(a_participant(lab.room) for _ in range(2)))
    pair = a_room(lab.experiment)
    await save(lab.api.db, pair, a_participant(pair), a_participant(pair), a_room(lab.experiment))

    assert (await estimate(lab.api, lab.key, **lab.here))["smallestGroup"] == 2
    alone = {"roomIds": [lab.room["room_id"]]}
    assert (await estimate(lab.api, lab.key, **alone))["smallestGroup"] == 3


async def test_what_identifies_is_listed(lab: Lab) -> None:
    wanted = {**lab.here, "dataTypes": ["CHAT_MESSAGES"]}
    found = (await estimate(lab.api, lab.key, **wanted))["identifyingColumns"]

    listed = {(e["dataType"], e["column"], e["how"]) for e in found}
    assert listed == {
        (None, "participantId", "DIRECT"),
        (None, "email", "DIRECT"),
        (None, "ipAddress", "DIRECT"),
        (None, "userAgent", "QUASI"),
        ("CHAT_MESSAGES", "participantId", "DIRECT"),
        ("CHAT_MESSAGES", "senderId", "DIRECT"),
        ("CHAT_MESSAGES", "senderName", "DIRECT"),
        ("CHAT_MESSAGES", "recipientIds", "DIRECT"),
        ("CHAT_MESSAGES", "content", "FREE_TEXT"),
    }
    assert not any(each["kept"] for each in found)
    kept = await estimate(lab.api, lab.key, **wanted, anonymization="KEEP")
    assert all(each["kept"] for each in kept["identifyingColumns"])


async def test_what_is_left_out_is_said(lab: Lab) -> None:
    person = a_participant(lab.room, email="ada@example.org")
    recordings = [a_recording(person, storage_key=key, file_size=9) for key in ("a.mp4", None)]
    await save(lab.api.db, person, *recordings)

    found = (await estimate(lab.api, lab.key, **lab.here))["withheld"]

    assert [(e["reason"], e["dataType"], e["count"]) for e in found] == [
        ("IDENTIFIERS", "RECORDINGS", 1),
        ("IDENTIFIERS", None, 1),
    ]
    assert "`includeMedia`" in found[0]["explanation"]
    assert "`email`" in found[1]["explanation"]
    assert (await estimate(lab.api, lab.key, **lab.here, anonymization="KEEP"))["withheld"] == []


async def test_texts_that_tell_who_somebody_is_are_found(api: Api, tmp_path: Path) -> None:
    lab = await a_lab(api, tmp_path)
    person = lab.person["participant_id"]
    texts = ["hello", "I am ada@example.org", f"see {person}", "from 10.1.2.3", "Grace is here"]
    said = [a_chat_message(lab.person, content=text, sender_name="Grace") for text in texts]
    answers = [a_sparse_rating(lab.person, value=value) for value in (4, {"name": "x", "a": 1})]
    await save(api.db, *said, *answers)

    for level in ("KEEP", "REMOVE_IDENTIFIERS"):
        found = await estimate(api, lab.key, **lab.here, anonymization=level)
        hits = {(e["dataType"], e["column"]): e for e in found["freeTextHits"]}
        chat = hits["CHAT_MESSAGES", "content"]
        assert (chat["sampled"], chat["hits"], chat["foreseen"]) == (5, 4, 4)
        assert hits["SPARSE_RATINGS", "value"]["hits"] == 1
        assert hits["EVENTS", "content"]["hits"] == 0


async def test_an_estimate_needs_the_rights_of_the_export(lab: Lab) -> None:
    other = await a_lab(lab.api, lab.folder)
    reader = await lab.api.key_of(lab.owner.key, "read:*")
    for key, code in ((other.key, "NOT_FOUND"), (reader, "FORBIDDEN")):
        assert (await lab.api.refusal(ESTIMATE, key, input=lab.here))[0] == code
    assert (await lab.api.refusal(ESTIMATE, lab.key, input={}))[0] == "BAD_USER_INPUT"


async def test_every_type_has_a_row_even_of_nothing(lab: Lab) -> None:
    found = await estimate(lab.api, lab.key, **lab.here)

    assert [entry["dataType"] for entry in found["rows"]] == [each.name for each in RecordType]
