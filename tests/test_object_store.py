"""A store with S3's API in the place of a folder: all that is done with files is done there."""

import io
import os
import re
import time
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import obstore
import pytest
from obstore.store import S3Store

from server import storage as storage_module
from server.presigned import signed_again
from server.storage import Storage
from tests.command import hyperdata
from tests.factories import START
from tests.faults.service import EXPERIMENT, PEOPLE, ROOM, Away, Service, record, until
from tests.faults.traffic import Traffic
from tests.object_store import CREDENTIALS, ObjectStore
from tests.sending import INGEST
from tests.studio import UPLOAD, WEBM

pytestmark = pytest.mark.repeats

MEDIA = """query ($id: String!) { room(roomId: $id) {
  recordings { nodes { recordingId downloadUrl fileSize } } } }"""
FOLLOWED = """{ auditLog(first: 100) { nodes { action resource allowed } } }"""
PREVIEW = "query ($id: ID!) { experimentDeletePreview(id: $id) { preview { mediaCount confirm } } }"
DELETE = """mutation ($id: ID!, $confirm: String!) {
  experimentDelete(id: $id, confirm: $confirm) { deletedId userErrors { code message } } }"""
GLOBAL = "query ($id: String!) { experiment(experimentId: $id) { id } }"
RECEIPT = '{ erasures(experimentId: "exp_steady") { nodes { status receipt } } }'
FILM = "Anna's film, ü.webm"


class Home:
    """A server whose files are in an object store."""

    def __init__(self, folder: Path, objects: ObjectStore) -> None:
        self.objects = objects
        self.place = objects.bucket()
        self.service = Service(folder)
        self.settings = {
            **objects.environment,
            "HYPERDATA_STORAGE_URL": self.place,
            "HYPERDATA_ERASURE_GRACE_DAYS": "0",
        }

    def link(self, recording_id: str, size: int) -> str:
        file = {"fileName": FILM, "fileSize": size}
        asked = {"experimentId": EXPERIMENT, "recordingId": recording_id, **file}
        payload = self.service.ask(UPLOAD, input=asked)["recordingUploadCreate"]
        assert payload["userErrors"] == []
        url: str = payload["upload"]["uploadUrl"]
        return url

    def recordings(self) -> dict[str, str | None]:
        """Return the link of each recording's file, by the recording's id."""
        nodes = self.service.ask(MEDIA, id=ROOM)["room"]["recordings"]["nodes"]
        return {node["recordingId"]: node["downloadUrl"] for node in nodes}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, object_store: ObjectStore) -> Iterator[Home]:
    made = Home(tmp_path_factory.mktemp("home"), object_store)
    with made.service.up(**made.settings):
        sent = [record(1_000_000 + number) for number in range(100)]
        for recording in ("rec_film", "rec_late"):
            place = {"roomId": ROOM, "participantId": PEOPLE[0], "timestamp": START}
            own = {"recordingId": recording, "kind": "VIDEO", "status": "completed"}
            sent.append({"dataType": "RECORDINGS", **place, **own})
        taken = made.service.ask(INGEST, records=sent)["recordsIngest"]
        assert taken["acceptedCount"] == len(sent), taken
        yield made


def test_a_recording_is_sent_there_and_played_from_there(home: Home) -> None:
    assert httpx2.put(home.link("rec_film", len(WEBM)), content=WEBM).status_code == 200
    [key] = home.objects.keys(home.place)
    assert key.startswith("recordings/")
    assert home.objects.read(home.place, key) == WEBM

    link = home.recordings()["rec_film"]
    assert link is not None
    sent_on = httpx2.get(link)
    assert sent_on.status_code == 307
    there = urlsplit(sent_on.headers["location"])
    assert f"http://{there.netloc}" == home.objects.endpoint
    assert parse_qs(there.query)["X-Amz-Expires"] == ["3600"]

    played = httpx2.get(link, headers={"Range": "bytes=5-99"}, follow_redirects=True)
    assert (played.status_code, played.content) == (206, WEBM[5:100])
    assert played.headers["content-type"] == "video/webm"
    name = "filename*=UTF-8''Anna%27s%20film%2C%20%C3%BC.webm"
    assert played.headers["content-disposition"].startswith("inline; ")
    assert name in played.headers["content-disposition"]
    entries = home.service.ask(FOLLOWED)["auditLog"]["nodes"]
    assert [entry["action"] for entry in entries].count("DOWNLOAD") == 1, "later parts are one"


def test_an_export_is_written_there_and_fetched_by_the_command_line(
    home: Home, tmp_path: Path
) -> None:
    asked = ("export", "--url", home.service.url, "--experiment", EXPERIMENT, "--media")
    done = hyperdata(
        *asked,
        "--anonymization",
        "keep",
        "--output",
        tmp_path / "all.zip",
        environment={"HYPERDATA_API_KEY": home.service.key},
    )
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "all.zip").read_bytes()
    [key] = [key for key in home.objects.keys(home.place) if key.startswith("exports/")]
    assert home.objects.read(home.place, key) == written
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        [film] = [name for name in archive.namelist() if name.endswith(".webm")]
        assert archive.read(film) == WEBM


def test_a_download_from_there_that_breaks_off_is_gone_on_with(home: Home, tmp_path: Path) -> None:
    home.objects.cuts += [2000, 3000]
    home.objects.fetches.clear()
    done = hyperdata(
        *("export", "--url", home.service.url, "--experiment", EXPERIMENT, "--format", "ndjson"),
        *("--output", tmp_path / "all.zip"),
        environment={"HYPERDATA_API_KEY": home.service.key},
    )
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "all.zip").read_bytes()
    assert written in [
        home.objects.read(home.place, key)
        for key in home.objects.keys(home.place)
        if key.startswith("exports/")
    ]
    ranges = [re.search(rb"(?i)range: bytes=(\d+)-", asked) for asked in home.objects.fetches]
    begun = [int(found[1]) if found else 0 for found in ranges]
    assert begun[0] == 0 < begun[1] < begun[2] < len(written)


@pytest.mark.parametrize("lasting", [0, pytest.param(30, marks=pytest.mark.soak)])
def test_while_the_store_is_busy_nothing_ends_wrong(home: Home, lasting: float) -> None:
    undisturbed = home.service.export()
    file = home.service.completed(undisturbed)
    snapshot = file["manifest"]["recipe"]["snapshot"]
    with Traffic(home.service).going_on() as traffic:
        traffic.wait_for_more()
        with home.objects.down():
            asked = [home.service.export(snapshot) for _ in range(10)]
            late = httpx2.put(home.link("rec_late", len(WEBM)), content=WEBM, timeout=60)
            assert (late.status_code, late.headers["retry-after"]) == (429, "1"), late.text
            assert late.json()["errors"][0]["extensions"]["code"] == "BUSY"
            assert httpx2.get(f"{home.service.url}/readyz").status_code == 503
            before = len(traffic.acknowledged)
            traffic.wait_for_more()
            assert len(traffic.acknowledged) > before
            time.sleep(lasting)
        exports = [home.service.completed(export) for export in asked]
        assert {export["sha256"] for export in exports} == {file["sha256"]}
        again = httpx2.put(home.link("rec_late", len(WEBM)), content=WEBM)
        assert again.status_code == 200
    assert home.recordings()["rec_late"] is not None
    assert home.objects.unfinished(home.place) == []


def test_what_is_erased_is_deleted_there(home: Home) -> None:
    id_ = home.service.ask(GLOBAL, id=EXPERIMENT)["experiment"]["id"]
    preview = home.service.ask(PREVIEW, id=id_)["experimentDeletePreview"]["preview"]
    assert preview["mediaCount"] == 2
    deleted = home.service.ask(DELETE, id=id_, confirm=preview["confirm"])["experimentDelete"]
    assert deleted["userErrors"] == []

    def told() -> dict[str, Any]:
        [erasure] = home.service.ask(RECEIPT)["erasures"]["nodes"]
        if erasure["receipt"] is None:
            raise Away
        receipt: dict[str, Any] = erasure["receipt"]
        return receipt

    assert until(told)["deleted"]["mediaFiles"] == 2
    assert home.objects.keys(home.place) == []


def test_the_doctor_tries_the_store_and_tells_of_versions(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    place = object_store.bucket()
    environment = {
        **object_store.environment,
        "HYPERDATA_STORAGE_URL": place,
        "HYPERDATA_DATA_DIR": str(tmp_path),
    }
    told = hyperdata("doctor", environment=environment).stdout
    assert "Files can be written, read and deleted." in told
    assert "versions" not in told
    bucket = place.removeprefix("s3://").partition("/")[0]
    versions = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    httpx2.put(f"{object_store.behind}/{bucket}?versioning", content=versions).raise_for_status()
    told = hyperdata("doctor", environment=environment).stdout
    assert "suspend versioning" in told
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in told


@pytest.mark.anyio
async def test_uploads_that_nobody_goes_on_with_are_taken_back(
    object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = object_store.bucket()
    storage = Storage(place, object_store.endpoint)
    base = f"{object_store.behind}/{place.removeprefix('s3://')}"
    for key in ("exports/1/1/a b&c.csv", "exports/2/1/ü.csv"):
        httpx2.post(f"{base}/{key}?uploads").raise_for_status()
    with monkeypatch.context() as younger:  # the store says that it all began in 2010
        younger.setattr(storage_module, "ABANDONED", timedelta(days=365 * 100))
        assert await storage.abort_unfinished() == 0, "somebody may go on"
    assert len(object_store.unfinished(place)) == 2
    assert await storage.abort_unfinished() == 2
    assert object_store.unfinished(place) == []


@pytest.mark.anyio
async def test_files_may_pass_through_the_server_or_by_another_name(
    object_store: ObjectStore,
) -> None:
    place, behind = object_store.bucket(), "https://files.lab.example"
    told = Storage(place, object_store.endpoint, origin=behind)
    assert told.origins == (behind,)
    link = told.signed_url("exports/a.csv", "GET", 60, {"content-type": "text/csv"})
    assert (link or "").startswith(f"{behind}/")
    hidden = Storage(place, object_store.endpoint, redirected=False)
    assert (hidden.origins, hidden.signed_url("a", "GET", 60, {})) == ((), None)
    assert Storage(place, object_store.endpoint).origins == (object_store.endpoint,)


def test_a_link_is_signed_as_the_client_of_the_store_signs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {**CREDENTIALS, "AWS_SESSION_TOKEN": "a/token+"}.items():
        monkeypatch.setenv(name, value)
    store: Any = S3Store("bucket", prefix="data")
    link = obstore.sign(store, "GET", "exports/7/a b,ü+.csv", timedelta(seconds=60))
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    ours, theirs = urlsplit(signed_again(link, "GET", secret, {})), urlsplit(link)
    assert ours[:3] == theirs[:3]
    assert parse_qs(ours.query) == parse_qs(theirs.query)
