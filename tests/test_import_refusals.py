"""What cannot be imported is refused in a sentence, and nothing of it is in the database."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from server.db import Database
from server.errors import AlreadyThere, BadPackage, BadUserInput, NotFound
from server.records import RecordType
from server.records.experiments import Experiment
from server.records.exports import Anonymization
from server.records.participants import Participant
from server.records.rooms import Room
from server.records.users import User
from tests.factories import a_room, a_user, an_event, an_experiment, save
from tests.packages import Change, imported, in_json, is_empty, repacked, rows_of
from tests.studies import Study
from tests.warm_worker import CSV, JSON, ONE, Worker, exported

pytestmark = pytest.mark.anyio


@pytest.fixture
async def package(worker: Worker, db: Database, study: Study, tmp_path: Path) -> Path:
    """A ZIP of CSV, with an answer that is a list."""
    await save(db, an_event(study.people[0], response=[1, 2]))
    made = await exported(worker, db, tmp_path / "package", experiments=study.experiments)
    return made.path


@pytest.fixture
async def document(worker: Worker, db: Database, study: Study, tmp_path: Path) -> Path:
    """A JSON document."""
    chosen = {"experiments": study.experiments, "format": JSON, "packaging": ONE}
    made = await exported(worker, db, tmp_path / "document", **chosen)
    return made.path


async def refusal(db: Database, path: Path, kind: type[Exception] = BadPackage) -> str:
    """Return why a package is refused; nothing may be left of it."""
    with pytest.raises(kind) as refused:
        await imported(db, path)
    assert await is_empty(db, Experiment, Room, Participant, User)
    return str(refused.value)


def replacing(old: bytes, new: bytes) -> Change:
    return lambda data: data.replace(old, new, 1)


def without_last_row(data: bytes) -> bytes:
    return data[: data.rstrip().rindex(b"\n") + 1]


def saying(**values: Any) -> Change:
    def change(metadata: Any) -> None:
        metadata.update(values)

    return in_json(change)


def described(change: Callable[[list[dict[str, Any]]], None]) -> Change:
    return in_json(lambda metadata: change(metadata["columns"]["events"]))


def with_mood(columns: list[dict[str, Any]]) -> None:
    columns.append({"name": "mood"})


def without_id(columns: list[dict[str, Any]]) -> None:
    columns[:] = [column for column in columns if column["name"] != "eventId"]


def leading_out(metadata: Any) -> None:
    metadata["files"][0]["path"] = "package/../../secret.csv"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"events.csv": replacing(b"component", b"komponent")}, "is not what was exported"),
        ({"events.csv": without_last_row}, "is not what was exported"),
        ({"rooms.csv": lambda data: None}, "is not there: the package is not whole"),
        ({"metadata.json": lambda data: None}, "There is no metadata.json"),
        ({"metadata.json": lambda data: data[:-9]}, "metadata.json is not as exports write it"),
        ({"metadata.json": lambda data: b"[]"}, "its metadata name no format version"),
        ({"metadata.json": lambda data: b"{}"}, "its metadata name no format version"),
    ],
)
async def test_files_that_are_not_those_that_were_exported(
    package: Path, other: Database, changes: Mapping[str, Change], why: str
) -> None:
    assert why in await refusal(other, repacked(package, changes))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"metadata.json": saying(formatVersion=2)}, "This is format version 2"),
        ({"metadata.json": saying(anonymization="AGGREGATE_ONLY")}, "statistics only"),
        ({"metadata.json": saying(anonymization="SOME")}, "look at `anonymization`"),
        ({"metadata.json": saying(experiments=[])}, "does not say what the experiments are"),
        ({"metadata.json": saying(counts={"moods": 1})}, "Nothing here is called `moods`"),
        (
            {"metadata.json": described(with_mood)},
            "events have no column 'mood'",
        ),
        (
            {"metadata.json": described(without_id)},
            "exported without `eventId`",
        ),
        ({"metadata.json": in_json(leading_out)}, "which is not in the package"),
        ({"events.csv": replacing(b"onset", b"offset")}, "events.csv is not as exports write it"),
        ({"events.csv": replacing(b"2024-10-20T", b"2024-10-99T")}, "is not as exports write it"),
        ({"events.csv": replacing(b"Z,", b"Z,0.")}, "is not as exports write it"),
        ({"events.csv": replacing(b'"[1,2]"', b'"[1,2"')}, "is not as exports write it"),
        ({"events.csv": replacing(b",person", b",parson")}, "are of nobody who is in the package"),
        ({"events.csv": without_last_row}, "rows, and should have"),
        ({"rooms.csv": replacing(b"COMPLETED", b"LOST")}, "`status` is something else than"),
        ({"rooms.csv": replacing(b"exp_", b"exq_")}, "of no experiment that is in the package"),
        ({"participants.csv": replacing(b"room_", b"rome_")}, "in no room that is in the package"),
        ({"data_dictionary.json": lambda data: b"{"}, "data_dictionary.json is not as exports"),
        ({"data_dictionary.json": lambda data: b"[]"}, "data_dictionary.json is not as exports"),
    ],
)
async def test_what_no_export_would_say(
    package: Path, other: Database, changes: Mapping[str, Change], why: str
) -> None:
    assert why in await refusal(other, repacked(package, changes, noticed=False))


async def test_a_record_that_is_there_twice(any_other: Database, package: Path) -> None:
    def doubled(data: bytes) -> bytes:
        head, row, *_ = data.splitlines(keepends=True)
        return head + row + row

    path = repacked(package, {"events.csv": doubled}, noticed=False)

    assert "A row for the table event is there twice" in await refusal(any_other, path)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999])
async def test_what_was_not_downloaded_to_its_end(
    package: Path, document: Path, other: Database, kept: float
) -> None:
    for path in (package, document):
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * kept)])

    assert "was it downloaded to its end?" in await refusal(other, package)
    assert "ends too early" in await refusal(other, document)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"events":[\n{', b'"events":[\n{"mood":1,', "is not as exports write it"),
        (b'"events":[\n', b'"moods":[\n', "and should have"),
        (b'"onset":0', b'"onset":"0"', "is not as exports write it"),
        (b'"onset":0', b'"onset":NaN', "is not as exports write it"),
        (b'\n"experiments":[', b'\n"experiment":[', "is not as exports write it"),
        (b"\n]}\n", b"\n]}{}", "is not as exports write it"),
        (b'{"metadata":', b'{"data":', "it begins otherwise"),
        (b'"counts":{"events":', b'"counts":{"events":1', "and should have 1"),
        (b"{", b"\xff{", "is neither a ZIP nor a JSON document"),
        (b"person", b"\xff", "is not as exports write it"),
    ],
)
async def test_a_document_that_was_meddled_with(
    document: Path, other: Database, old: bytes, new: bytes, why: str
) -> None:
    rewrite(document, old, new)

    assert why in await refusal(other, document)


def rewrite(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


async def test_what_is_no_package(
    worker: Worker, db: Database, study: Study, other: Database, tmp_path: Path
) -> None:
    chosen = {"types": [RecordType.EVENTS], "format": CSV, "packaging": ONE}
    table = await exported(worker, db, tmp_path, experiments=study.experiments, **chosen)

    assert "export it again as a ZIP" in await refusal(other, table.path)
    assert "There is nothing at" in await refusal(other, tmp_path / "elsewhere")
    assert "There is no metadata.json" in await refusal(other, tmp_path)


async def test_codes_that_are_none(
    worker: Worker, db: Database, study: Study, other: Database, tmp_path: Path
) -> None:
    made = await exported(worker, db, tmp_path, experiments=study.experiments)
    level = saying(anonymization=Anonymization.REMOVE_IDENTIFIERS.value)

    path = repacked(made.path, {"metadata.json": level}, noticed=False)

    assert "participants are not codes" in await refusal(other, path)


async def test_what_is_there_already(any_other: Database, package: Path, study: Study) -> None:
    await imported(any_other, package)
    before = [await rows_of(any_other, data_type) for data_type in RecordType]

    with pytest.raises(AlreadyThere, match="is in the database already: nothing was imported"):
        await imported(any_other, package)

    assert [await rows_of(any_other, data_type) for data_type in RecordType] == before


async def test_a_room_of_that_name(package: Path, study: Study, other: Database) -> None:
    owner = a_user()
    experiment = an_experiment(owner)
    await save(other, owner, experiment, a_room(experiment, room_id=study.rooms[-1]["room_id"]))

    with pytest.raises(AlreadyThere, match=study.rooms[-1]["room_id"]):
        await imported(other, package)

    assert await is_empty(other, Participant)


async def test_owners_who_are_not_there_or_not_named(package: Path, other: Database) -> None:
    await save(other, a_user(role="ADMINISTRATOR"))
    with pytest.raises(BadUserInput, match="Say whose it will be"):
        await imported(other, package)

    await save(other, a_user(user_id="usr_one"), a_user(user_id="usr_two"))
    with pytest.raises(BadUserInput, match="Say whose it will be"):
        await imported(other, package)
    with pytest.raises(NotFound, match="no account 'usr_three'"):
        await imported(other, package, owner="usr_three")

    assert await is_empty(other, Experiment)


@pytest.mark.parametrize("event", [{"content": "\0"}, {"response": "\0"}, {"duration": 1 << 40}])
async def test_what_postgresql_cannot_keep(
    postgres_url: str,
    worker: Worker,
    db: Database,
    study: Study,
    tmp_path: Path,
    event: dict[str, Any],
) -> None:
    await save(db, an_event(study.people[0], **event))
    made = await exported(worker, db, tmp_path, experiments=study.experiments)
    target = Database(postgres_url)

    assert "This database cannot keep a value" in await refusal(target, made.path)

    await target.close()
