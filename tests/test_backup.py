"""A backup of the embedded database and its files, made while they are served, and restored."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from server.cli import app
from tests.factories import START
from tests.faults.service import EXPERIMENT, PEOPLE, ROOM, Service, ids
from tests.faults.traffic import Traffic
from tests.sending import INGEST
from tests.studio import UPLOAD, WEBM


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr


class Home:
    """A server that goes on, and somebody who adds records and files of recordings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.service = Service(folder)
        self.sent = 0

    def send(self) -> None:
        """Add a recording with its file."""
        self.sent += 1
        place = {"roomId": ROOM, "participantId": PEOPLE[0], "timestamp": START}
        own = {"recordingId": f"rec_{self.sent}", "kind": "VIDEO", "status": "completed"}
        records = [{"dataType": "RECORDINGS", **place, **own}]
        taken = self.service.insist(INGEST, records=records)["recordsIngest"]
        assert taken["acceptedCount"] == 1, taken
        content = WEBM + str(self.sent).encode()
        file = {"fileName": "a.webm", "fileSize": len(content)}
        asked = {"experimentId": EXPERIMENT, "recordingId": own["recordingId"], **file}
        upload = self.service.insist(UPLOAD, input=asked)["recordingUploadCreate"]["upload"]
        httpx2.put(upload["uploadUrl"], content=content).raise_for_status()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = Home(tmp_path_factory.mktemp("home"))
    with made.service.up():
        for _ in range(5):
            made.send()
        yield made


def stored(data_dir: Path) -> dict[str, bytes]:
    """Return the files in the store of a data folder, by their keys."""
    files = data_dir / "files"
    return {str(p.relative_to(files)): p.read_bytes() for p in files.rglob("*") if p.is_file()}


def told_by(data_dir: Path, statement: str) -> set[str]:
    """Return the one column of a statement's rows, without those that are empty."""
    with closing(sqlite3.connect(data_dir / "hyperdata.db")) as db:
        return {value for (value,) in db.execute(statement) if value}


def named(data_dir: Path) -> set[str]:
    """Return the files that recordings in a data folder name."""
    return told_by(data_dir, "SELECT storage_key FROM recording")


def rated(data_dir: Path) -> set[str]:
    return told_by(data_dir, "SELECT rating_id FROM continuous_rating")


def test_a_backup_made_while_all_goes_on_is_brought_back_whole(home: Home, tmp_path: Path) -> None:
    backups, new = tmp_path / "backups", tmp_path / "new"
    with Traffic(home.service).going_on() as traffic:
        traffic.wait_for_more()
        acknowledged, before = list(traffic.acknowledged), home.sent
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "backup", backups, "--data-dir", home.folder],
            stdout=subprocess.DEVNULL,
        )
        while process.poll() is None:
            home.send()
        assert process.returncode == 0
        traffic.wait_for_more()
    [snapshot] = backups.iterdir()
    told = run("restore", backups, "--data-dir", new)
    assert f"{new} is as {snapshot} was." in told
    assert named(new) <= stored(new).keys()
    assert before <= len(named(new)) <= home.sent
    ours = stored(home.folder)
    assert all(ours[key] == content for key, content in stored(new).items())
    assert (new / "secret").read_bytes() == (home.folder / "secret").read_bytes()
    assert ids(acknowledged) <= rated(new)


def test_a_second_one_costs_what_is_new(home: Home, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    for _ in range(3):
        run("backup", backups, "--data-dir", home.folder, "--keep", "2")
        home.send()
    first, second = sorted(backups.iterdir())
    old, new = (
        {p.name: p.stat().st_ino for p in (each / "files/recordings").iterdir()}
        for each in (first, second)
    )
    assert len(new) == len(old) + 1
    assert old.items() <= new.items(), "the same bytes, by a second name"
    assert "is whole" in run("backup", backups, "--verify")


def test_what_is_damaged_is_found_and_not_brought_back(home: Home, tmp_path: Path) -> None:
    backups, new = tmp_path / "backups", tmp_path / "new"
    run("backup", backups, "--data-dir", home.folder)
    [snapshot] = backups.iterdir()
    file = next((snapshot / "files/recordings").iterdir())
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"?")
    for command in (["backup", backups, "--verify"], ["restore", snapshot, "--data-dir", new]):
        assert "is not what was written" in run(*command, code=1)
    assert not new.exists()
    file.write_bytes(whole)
    new.mkdir()
    (new / "mine").touch()
    assert "is not empty" in run("restore", snapshot, "--data-dir", new, code=1)
    (new / "mine").unlink()
    run("restore", snapshot, "--data-dir", new)
    manifest = json.loads((snapshot / "manifest.json").read_text())
    manifest["kept"][0]["path"] = "../outside"
    (snapshot / "manifest.json").write_text(json.dumps(manifest))
    assert "files outside" in run("restore", snapshot, "--data-dir", tmp_path / "x", code=1)
    (snapshot / "manifest.json").unlink()
    assert "no snapshot" in run("restore", backups, "--data-dir", tmp_path / "x", code=1)


def test_one_that_was_killed_is_none_and_the_next_is_whole(home: Home, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    large = home.folder / "files/recordings/large.webm"
    with large.open("wb") as file:
        file.truncate(400 << 20)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "backup", backups, "--data-dir", home.folder]
        )
        deadline = time.monotonic() + 60
        while not list(backups.glob(".unfinished/files/**/*.webm")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
        process.wait()
    finally:
        large.unlink()
    assert "no snapshot" in run("backup", backups, "--verify", code=1)
    run("backup", backups, "--data-dir", home.folder)
    assert [path.name for path in backups.iterdir() if path.name.startswith(".")] == []
    assert "is whole" in run("backup", backups, "--verify")


def test_a_file_that_rows_name_and_nobody_has_is_told(demo: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    shutil.copyfile(demo / "demo.db", data / "hyperdata.db")
    shutil.copytree(demo / "recordings", data / "files/recordings")
    gone = next((data / "files/recordings").iterdir())
    gone.unlink()
    assert "1 files that rows name were not" in run("backup", tmp_path / "b", "--data-dir", data)
    assert "no data" in run("backup", tmp_path / "b", "--data-dir", tmp_path / "none", code=1)
