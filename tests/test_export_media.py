"""Recorded media in exports: on request, in the folder of their room, piece by piece."""

from pathlib import Path
from typing import Any

import pytest

from server.db import Database
from server.records import RecordType
from server.records.exports import Anonymization
from tests.factories import Row, a_participant, a_recording, a_room, a_user, an_experiment, save
from tests.warm_worker import ONE, Worker, exported

pytestmark = pytest.mark.anyio

KEEP, REMOVE = Anonymization.KEEP, Anonymization.REMOVE_IDENTIFIERS
LARGE = 48 << 20


@pytest.fixture
async def experiment(db: Database, tmp_path: Path) -> Row:
    """Two rooms: a large file, a small one, one that is not in the store, one that never was."""
    owner = a_user()
    experiment = an_experiment(owner)
    rooms = [a_room(experiment, room_id=f"room_{n}") for n in (1, 2)]
    ada, bob = (
        a_participant(room, participant_id=f"{'ada' * 9}{n}") for n, room in enumerate(rooms)
    )
    stored = {"recordings/large.webm": b"\x1a\x45" * (LARGE // 2), "recordings/b/hum.wav": b"RIFF"}
    for key, content in stored.items():
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    recordings = [
        a_recording(ada, recording_id="rec_1", storage_key="recordings/large.webm"),
        a_recording(ada, recording_id="rec_2", storage_key="recordings/gone.webm"),
        a_recording(ada, recording_id="rec_3"),
        a_recording(
            bob, recording_id=f"rec_{bob['participant_id']}", storage_key="recordings/b/hum.wav"
        ),
    ]
    await save(db, owner, experiment, *rooms, ada, bob, *recordings)
    return experiment


async def made(worker: Worker, db: Database, folder: Path, experiment: Row, **recipe: Any) -> Any:
    types = [RecordType.RECORDINGS]
    return await exported(worker, db, folder, experiments=[experiment], types=types, **recipe)


def media_in(export: Any) -> dict[str, int]:
    return {path: len(data) for path, data in export.members().items() if "/media/" in path}


async def test_files_lie_in_the_folder_of_their_room(
    worker: Worker, db: Database, tmp_path: Path, experiment: Row
) -> None:
    export = await made(worker, db, tmp_path, experiment, include_media=True, anonymization=KEEP)

    ada, bob = f"{'ada' * 9}0", f"{'ada' * 9}1"
    assert media_in(export) == {
        f"room_1/media/{ada}_rec_1.webm": LARGE,
        f"room_2/media/{bob}_rec_{bob}.wav": 4,
    }
    ledger = export.json("metadata.json")["media"]
    missing = [{"reason": "FILE_MISSING", "count": 1}]
    assert ledger == {"selected": 3, "written": 2, "withheld": missing}
    assert export.manifest["media"] == ledger


async def test_names_tell_nobody_and_the_archive_says_that_the_pictures_do(
    worker: Worker, db: Database, tmp_path: Path, experiment: Row
) -> None:
    export = await made(worker, db, tmp_path, experiment, include_media=True, anonymization=REMOVE)

    assert set(media_in(export)) == {
        "room_1/media/P0001_rec_1.webm",
        "room_2/media/P0002_rec_P0002.wav",
    }
    assert "with_media" in export.path.name
    assert export.json("metadata.json")["privacy"].startswith("IDENTIFIABLE MEDIA")


@pytest.mark.parametrize("packaging", [{}, {"packaging": ONE}], ids=["ZIP", "one file"])
async def test_what_is_left_out_for_what_it_shows_is_counted(
    worker: Worker, db: Database, tmp_path: Path, experiment: Row, packaging: dict[str, Any]
) -> None:
    export = await made(worker, db, tmp_path, experiment, anonymization=REMOVE, **packaging)

    withheld = [{"reason": "IDENTIFIERS", "count": 3}]
    assert export.manifest["media"] == {"selected": 3, "written": 0, "withheld": withheld}


async def test_whoever_keeps_identifiers_and_asks_for_no_media_gets_none(
    worker: Worker, db: Database, tmp_path: Path, experiment: Row
) -> None:
    export = await made(worker, db, tmp_path, experiment, anonymization=KEEP)

    assert media_in(export) == {}
    assert export.manifest["media"] is None
