"""De-identified exports: codes for people, and nothing left that tells who they are."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import cast, literal, select, update
from sqlmodel import col

from server.column_types import JSON_TYPE
from server.db import Database
from server.export.arrow import pa, pc
from server.export.disguises import Disguise
from server.export.tables import Query
from server.records import RecordType
from server.records.events import Event
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.records.participants import Pseudonym
from tests.factories import (
    Row,
    a_chat_message,
    a_component,
    a_continuous_rating,
    a_participant,
    a_recording,
    a_room,
    a_sparse_rating,
    a_sync_metric,
    a_user,
    an_event,
    an_experiment,
    save,
)
from tests.warm_worker import (
    JSON,
    ONE,
    PARQUET,
    Worker,
    exported,
    plan_of,
    recipe_of,
    text_in,
    visible,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def db(any_db: Database) -> Database:
    """Either kind of database."""
    return any_db


REMOVE: dict[str, Any] = {"anonymization": Anonymization.REMOVE_IDENTIFIERS}

ANNA, BEN, ABSENT = "AnnaQx7TtRr2mmB0aaZZ19kLpWe4", "BenQx7TtRr2mmB0aaZZ19kLpWe41", "p-3"
EMAIL, ODD_EMAIL, IP, IP6 = "anna.s@uni-x.example", "Anna at uni x", "192.0.2.44", "2001:db8::7f"
BROWSER = "Mozilla/5.0 (AnnaPhone)"
NAMES = ("Anna Smith", "Бен", "Zoë")

SECRETS = (ANNA, BEN, ABSENT, EMAIL, ODD_EMAIL, IP, IP6, BROWSER, *NAMES, "555 0199")
OTHERS = ("other@mail.example", "198.51.100.7", "fe80::1ff:fe23:4567:890a")
"""Addresses of people whom nobody knows."""

KNOWN = " | ".join(SECRETS[:-1])
"""What is known of people, where programs write and not people."""

EVERYTHING = " | ".join((*SECRETS[:-1], *OTHERS, "ANNA SMITH", f"x{ANNA}y", f"{EMAIL}."))


class Study:
    """A room of three in which everybody tells everything, in every column that takes text."""

    def __init__(self) -> None:
        self.owner = a_user()
        self.experiment = an_experiment(
            self.owner, name=f"{KNOWN} first", description=EVERYTHING, roles=[KNOWN]
        )
        self.room = a_room(self.experiment, room_id=f"room_of_{ANNA}", completion_reason=EVERYTHING)
        self.second_room = a_room(self.experiment)
        who = {"email": EMAIL, "ip_address": IP, "user_agent": BROWSER}
        self.anna = a_participant(self.room, participant_id=ANNA, **who)
        self.ben = a_participant(self.room, participant_id=BEN, email=ODD_EMAIL, ip_address=IP6)
        self.absent = a_participant(self.second_room, participant_id=ABSENT)
        self.anna_again = a_participant(self.second_room, participant_id=ANNA)
        self.records = [
            *(row for person in (self.anna, self.ben) for row in self._records_of(person)),
            an_event(self.anna_again, content=f"Again {ANNA}"),
            a_chat_message(self.absent, sender_name="Zoë", content="I am Zoë"),
        ]

    def _records_of(self, person: Row) -> list[Row]:
        name = "Anna Smith" if person is self.anna else "Бен"
        told: dict[str, Any] = {
            "value": EVERYTHING,
            ANNA: {"deep": [EVERYTHING, {EMAIL: 1, OTHERS[0]: 2}]},
            "email": "no pattern",
            "IP-Address": [1, 2, 3],
            "Phone": "555 0199",
            "profile": {"userAgent": BROWSER, "first_name": "Somebody"},
            "big": 2**70,
        }
        return [
            an_event(
                person,
                content=EVERYTHING,
                response=told,
                component_id=f"cmp_{ANNA}",
                state_id=IP,
                state_name=EVERYTHING,
                **dict.fromkeys(("category", "component_type", "participant_role"), KNOWN),
            ),
            a_recording(
                person, file_name=f"{ANNA}_Anna Smith_video_1.webm", status=KNOWN, resolution=KNOWN
            ),
            a_chat_message(
                person,
                sender_name=name,
                content=f"=me@{EVERYTHING}",
                recipient_ids=[ANNA, BEN, ABSENT, "nobody we know"],
            ),
            a_chat_message(person, sender_id="stranger", sender_name="Stranger Danger"),
            a_sparse_rating(person, value=EVERYTHING, raw_value=[told], details=told),
            a_sparse_rating(
                person, value=5, dimension="1.2.3.4 at 14:30:45", question=EVERYTHING, labels=[told]
            ),
            a_component(person, config={"partner": ANNA, "colour": "red", **told}, variables=told),
            a_sync_metric(person),
            a_continuous_rating(person, rating_id=f"rat_{person['participant_id']}_1"),
        ]

    async def save(self, db: Database) -> None:
        people = (self.anna, self.ben, self.absent, self.anna_again)
        rooms = (self.room, self.second_room)
        await save(db, self.owner, self.experiment, *rooms, *people, *self.records)


@pytest.fixture
async def study(db: Database) -> Study:
    made = Study()
    await made.save(db)
    return made


def assert_nobody_is_in(data: bytes) -> None:
    text = text_in(data).lower()
    for secret in (*SECRETS, *OTHERS, "Somebody", "Stranger Danger", "Бен", "anna smith"):
        for spelling in (secret, json.dumps(secret)[1:-1]):
            assert spelling.lower() not in text, f"{spelling!r} was left"


async def codes_of(db: Database, experiment: Row) -> dict[str, str]:
    statement = select(col(Pseudonym.participant_id), col(Pseudonym.code)).where(
        col(Pseudonym.experiment_key) == experiment.key
    )
    async with db.read() as tx:
        rows = await tx.execute(statement)
        return {row.participant_id: row.code for row in rows}


@pytest.mark.parametrize("file_format", ExportFormat)
@pytest.mark.parametrize("packaging", ExportPackaging)
async def test_nobody_is_left_in_any_byte(
    worker: Worker,
    db: Database,
    study: Study,
    tmp_path: Path,
    file_format: ExportFormat,
    packaging: ExportPackaging,
) -> None:
    one_table = packaging is ONE and file_format is not JSON
    for types in [[data_type] for data_type in RecordType] if one_table else [list(RecordType)]:
        filters = {types[0].name: {"participant_id": {"in_": [ANNA, BEN, ABSENT]}}}
        made = await exported(
            worker,
            db,
            tmp_path,
            experiments=[study.experiment],
            participants=[study.anna],
            types=types,
            format=file_format,
            packaging=packaging,
            filters=filters,
            **REMOVE,
        )
        assert_nobody_is_in(json.dumps(made.done, ensure_ascii=False).encode())
        if packaging is ONE:
            assert_nobody_is_in(made.path.read_bytes())
        else:
            for path, content in made.members().items():
                assert_nobody_is_in(path.encode())
                assert_nobody_is_in(content)
        for entry in made.manifest["ledger"]:
            assert entry["written"] == entry["selected"] > 0


@pytest.mark.parametrize("file_format", [JSON, PARQUET])
async def test_the_hunt_finds_everybody_in_an_identifiable_export(
    worker: Worker, db: Database, study: Study, tmp_path: Path, file_format: ExportFormat
) -> None:
    made = await exported(worker, db, tmp_path, experiments=[study.experiment], format=file_format)
    text = "".join(map(text_in, made.members().values()))
    for secret in (*SECRETS, *OTHERS, "Somebody", "Stranger Danger"):
        assert secret in text


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_a_name_is_a_code_beside_an_id_that_is_not_shown(
    worker: Worker, db: Database, study: Study, tmp_path: Path, file_format: ExportFormat
) -> None:
    made = await exported(
        worker,
        db,
        tmp_path,
        experiments=[study.experiment],
        types=[RecordType.CHAT_MESSAGES],
        format=file_format,
        columns={"CHAT_MESSAGES": ("onset", "senderName")},
        **REMOVE,
    )
    codes = await codes_of(db, study.experiment)
    rows = made.stems("chat")

    assert {tuple(row) for row in rows} == {("onset", "senderName")}
    assert {row["senderName"] or "" for row in rows} == {*codes.values(), ""}
    for content in made.members().values():
        assert_nobody_is_in(content)


async def test_a_person_is_the_same_code_everywhere(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    made = await exported(
        worker, db, tmp_path, experiments=[study.experiment], format=JSON, packaging=ONE, **REMOVE
    )
    codes = await codes_of(db, study.experiment)
    anna, ben, absent = codes[ANNA], codes[BEN], codes[ABSENT]
    assert re.fullmatch(r"P\d{4}", anna)
    assert len({anna, ben, absent}) == 3

    [experiment] = made.json()["experiments"]
    first, second = experiment["rooms"]
    assert first["roomId"] == f"room_of_{anna}"
    assert [person["participantId"] for person in first["participants"]] == [anna, ben]
    assert [person["participantId"] for person in second["participants"]] == [absent, anna]
    person = first["participants"][0]
    assert (person["email"], person["ipAddress"], person["userAgent"]) == (None, None, None)
    message, from_a_stranger = person["chatMessages"]
    assert (message["senderId"], message["senderName"]) == (anna, anna)
    assert message["recipientIds"] == [anna, ben, absent, "[id removed]"]
    assert (from_a_stranger["senderId"], from_a_stranger["senderName"]) == (None, None)
    assert person["recordings"][0]["fileName"] == f"{anna}_{anna}_video_1.webm"
    event = person["events"][0]
    assert event["componentId"] == f"cmp_{anna}"
    assert event["content"].startswith(f"{anna} | {ben} | {absent} | [email removed] | ")
    assert "| [identifier removed] | [ip removed] | " in event["content"]
    assert event["content"].endswith(f"x{anna}y | [email removed].")
    response = event["response"]
    assert response["big"] == 2**70
    assert (response["email"], response["IP-Address"], response["Phone"]) == (None, None, None)
    assert response["profile"] == {"userAgent": None, "first_name": None}
    removed = response[anna]["deep"][1]
    assert (sorted(removed), sorted(removed.values())) == (
        ["[email removed]", "[email removed] 2"],
        [1, 2],  # which is which depends on how the database sorts keys
    )


async def test_what_identifies_nobody_is_left_alone(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    made = await exported(
        worker, db, tmp_path, rooms=[study.room], format=JSON, packaging=ONE, **REMOVE
    )
    person = made.json()["experiments"][0]["rooms"][0]["participants"][0]

    assert person["sparseRatings"][1]["dimension"] == "1.2.3.4 at 14:30:45"
    assert person["sparseRatings"][1]["value"] == 5
    assert person["components"][0]["config"]["colour"] == "red"


async def test_codes_are_given_once_and_for_good(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    await exported(worker, db, tmp_path, participants=[study.ben], **REMOVE)
    before = await codes_of(db, study.experiment)
    late = a_participant(study.room)
    await save(db, late)
    await exported(worker, db, tmp_path, experiments=[study.experiment], **REMOVE)
    after = await codes_of(db, study.experiment)

    assert set(before) == {ANNA, BEN, ABSENT}  # also those whom Ben may name
    assert before.items() <= after.items()
    assert len(set(after.values())) == len(after) == 4


async def test_a_person_has_another_code_in_another_experiment(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    other = an_experiment(study.owner)
    room = a_room(other)
    early = [a_participant(room) for _ in range(3)]
    anna = a_participant(room, participant_id=ANNA)
    await save(db, other, room, *early, anna, an_event(anna, content=f"I am {ANNA}"))

    made = await exported(
        worker,
        db,
        tmp_path,
        experiments=[study.experiment, other],
        types=[RecordType.EVENTS],
        packaging=ONE,
        **REMOVE,
    )
    told = {
        (row["experimentId"], row["participantId"], row["content"])
        for row in made.csv()
        if row["content"].startswith(("I am", "Again"))
    }
    here, there = await codes_of(db, study.experiment), await codes_of(db, other)
    assert here[ANNA] != there[ANNA]
    assert told == {
        (study.experiment["experiment_id"], here[ANNA], f"Again {here[ANNA]}"),
        (other["experiment_id"], there[ANNA], f"I am {there[ANNA]}"),
    }


async def test_the_two_kinds_of_export_do_not_look_alike(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    kept = await exported(worker, db, tmp_path, experiments=[study.experiment])
    removed = await exported(worker, db, tmp_path, experiments=[study.experiment], **REMOVE)

    assert removed.path.name == kept.path.name.replace(".zip", "_deidentified.zip")
    assert kept.json("metadata.json")["privacy"].startswith("IDENTIFIABLE")
    assert removed.json("metadata.json")["privacy"].startswith("DE-IDENTIFIED")


async def test_a_file_is_not_called_after_anybody(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    named = {"title": f"{study.room['room_id']}_{EMAIL}_2024-10-20"}
    removed = await exported(worker, db, tmp_path, rooms=[study.room], **named, **REMOVE)
    code = (await codes_of(db, study.experiment))[ANNA]

    assert removed.path.name == f"room_of_{code}__email_removed__2024-10-20_deidentified.zip"
    assert removed.json("metadata.json")["title"] == removed.path.stem


async def test_escapes_in_stored_json_hide_nobody(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    escaped = "".join(f"\\u{ord(character):04x}" for character in ANNA)
    stored = cast(literal(f'{{"{escaped}":"{escaped}"}}'), JSON_TYPE)
    await save(db, row := an_event(study.anna, response="x"))
    async with db.write() as tx:
        await tx.execute(update(Event).where(col(Event.id) == row.key).values(response=stored))
    made = await exported(
        worker, db, tmp_path, experiments=[study.experiment], format=JSON, **REMOVE
    )
    for content in made.members().values():
        assert escaped.encode() not in content
        assert_nobody_is_in(content)


@pytest.mark.parametrize("file_format", ExportFormat)
async def test_half_a_character_in_stored_json_stops_nothing(
    worker: Worker, file_db: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    study = Study()
    await study.save(file_db)
    await save(file_db, row := an_event(study.anna, event_id="evt_half", response="x"))
    async with file_db.write() as tx:
        statement = "UPDATE event SET response = ? WHERE id = ?"
        await tx.exec_driver_sql(statement, (f'{{"{ANNA}":"\\ud800"}}', row.key))
    made = await exported(
        worker,
        file_db,
        tmp_path,
        experiments=[study.experiment],
        types=[RecordType.EVENTS],
        format=file_format,
        columns={"EVENTS": ("eventId", "response")},
        **REMOVE,
    )
    [found] = [row for row in made.stems("events") if row["eventId"] == "evt_half"]
    response = found["response"]
    value = json.loads(response) if isinstance(response, str) else response
    assert value == {(await codes_of(file_db, study.experiment))[ANNA]: "\ud800"}
    for content in made.members().values():
        assert_nobody_is_in(content)


async def test_without_a_code_nothing_is_written(
    worker: Worker, db: Database, study: Study, tmp_path: Path
) -> None:
    plan = await plan_of(
        db, tmp_path, await recipe_of(db, experiments=[study.experiment], **REMOVE)
    )
    assert plan.identities is not None
    nobody = Query("SELECT 0, '', '' WHERE 1 = 0", ())
    forgetful = replace(plan, identities=replace(plan.identities, people=nobody))
    worker.say(forgetful.command("job"))
    assert worker.hear()["failed"]["code"] == "INTERNAL"
    assert visible(tmp_path / "exports") == []


# The detector must find whatever the exact pattern would replace

PIECES = st.sampled_from(
    [
        *(ANNA, BEN[:9], "Anna Smith", "anna", "smith", "Бен", "бен", "山田", "太郎", "p-3", "Li"),
        *("a@b.co", "@", "192.0.2.1", "1.2.3", "::1", "fe80::1", "14:30:45", "2001:db8:", ":"),
        *(" ", ".", "_", "-", "x", "7", "\n", '"', "\\", "é", "name", "e-mail"),
    ]
)
DISGUISE = Disguise(
    {ANNA: "P0001", "p-3": "P0002"},
    {"Anna Smith": "P0001", "Бен": None, "山田": None, "Li": None, "X": None, "42": None},
    {ODD_EMAIL},
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_the_detector_finds_all_texts_that_would_change(text: str) -> None:
    found = pc.match_substring_regex(pa.array([text]), DISGUISE.suspicious)[0].as_py()
    assert found or DISGUISE.text(text) == text
    found = pc.match_substring_regex(pa.array([text]), DISGUISE.known)[0].as_py()
    assert found or DISGUISE.label(text) == text


@settings(deadline=None)
@given(st.recursive(PIECES, lambda x: st.lists(x) | st.dictionaries(PIECES, x), max_leaves=6))
def test_the_detector_finds_all_json_that_would_change(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        found = pc.match_substring_regex(pa.array([text]), DISGUISE.suspicious_json)[0].as_py()
        assert found or DISGUISE.json_text(text) == text


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("Anna Smith's", "P0001's"),
        ("ANNA SMITH", "P0001"),
        ("Susanna Smithson", "Susanna Smithson"),
        ("Li likes Lima", "[name removed] likes Lima"),
        ("こんにちは山田さん", "こんにちは[name removed]さん"),
        (f"file_{ANNA}_1", "file_P0001_1"),
        ("a.b+c@d-e.co.uk, ok", "[email removed], ok"),
        ("ip:fe80::1: and 10.0.0.1:80", "ip:[ip removed]: and [ip removed]:80"),
        ("::1 and ::ffff:192.0.2.1", "[ip removed] and [ip removed]"),
        ("at 14:30:45.123, v1.2.3.4.5, std::vector", "at 14:30:45.123, v1.2.3.4.5, std::vector"),
        ("X has 42", "X has 42"),
    ],
)
def test_free_text_loses_people_and_nothing_else(text: str, changed: str) -> None:
    assert DISGUISE.text(text) == changed
