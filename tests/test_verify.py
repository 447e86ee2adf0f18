"""`hyperdata verify`: what is whole is called so, and what was done to it is found and named."""

import hashlib
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from typer.testing import CliRunner

from server.cli import app
from server.client.json_streams import JsonStream, Malformed
from server.client.packages import PackageUnreadable, open_package
from server.client.row_counts import counter_of
from server.client.verifying import verify as check
from server.db import Database
from server.records import RecordType
from tests.studies import Study
from tests.warm_worker import CSV, JSON, ONE, Exported, Worker, exported

TOP = "exp_1_2024-10-20"


def verify(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the verdict."""
    done = CliRunner().invoke(app, ["verify", "--json", *map(str, arguments)])
    assert done.stderr == ""
    return done.exit_code, json.loads(done.stdout)


def faults(*arguments: str | Path) -> list[tuple[str, str]]:
    """Return what is wrong, as (path below the top folder, message)."""
    code, verdict = verify(*arguments)
    found = [(p["path"].partition("/")[2], p["message"]) for p in verdict["problems"]]
    assert code == (1 if found else 0)
    assert verdict["sound"] == (not found)
    return found


Members = dict[str, bytes]


def read(path: Path) -> Members:
    with ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, members: Members) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def metadata_of(members: Members) -> tuple[str, dict[str, Any]]:
    [path] = [name for name in members if name.endswith("/metadata.json")]
    return path, json.loads(members[path])


def stated(members: Members, path: str) -> dict[str, Any]:
    """Return what the metadata states of a file, with its content as it is now."""
    data = members[path]
    return {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.fixture
async def whole(worker: Worker, db: Database, study: Study, tmp_path: Path) -> Exported:
    """A ZIP of CSV files, as the worker writes it."""
    return await exported(worker, db, tmp_path, experiments=study.experiments[:1])


@pytest.mark.anyio
@pytest.mark.parametrize("file_format", [CSV, JSON])
async def test_what_the_worker_wrote_is_sound(
    worker: Worker, db: Database, study: Study, tmp_path: Path, file_format: Any
) -> None:
    chosen = {"experiments": study.experiments, "format": file_format}
    packed = (await exported(worker, db, tmp_path, **chosen)).path
    code, verdict = verify(packed, "--sha256", hashlib.sha256(packed.read_bytes()).hexdigest())
    assert (code, verdict["problems"]) == (0, [])
    listed = {file["path"] for file in verdict["files"]}
    assert len(listed) > 30
    assert {name for name in read(packed) if not name.endswith("/metadata.json")} == listed
    assert verdict["anonymization"] == "KEEP"


@pytest.mark.anyio
async def test_the_unpacked_folder_is_sound_too_whatever_it_is_called(
    whole: Exported, tmp_path: Path
) -> None:
    shutil.unpack_archive(whole.path, tmp_path / "out", "zip")
    assert faults(tmp_path / "out") == []
    renamed = (tmp_path / "out" / TOP).rename(tmp_path / "renamed")
    assert faults(renamed) == []

    (renamed / "rooms.csv").unlink()
    (renamed / "notes.txt").write_text("mine")
    (renamed / "link.csv").symlink_to("/etc/passwd")
    assert set(faults(renamed)) == {
        ("rooms.csv", "it is missing"),
        ("notes.txt", "it is not listed: it was added later"),
        ("link.csv", "it is a link to another file"),
    }


@pytest.mark.anyio
@pytest.mark.parametrize("file_format", [CSV, JSON])
async def test_a_single_file_is_checked_by_its_manifest(
    worker: Worker, db: Database, study: Study, tmp_path: Path, file_format: Any
) -> None:
    types = [RecordType.EVENTS] if file_format == CSV else list(RecordType)
    one = await exported(
        worker,
        db,
        tmp_path,
        experiments=study.experiments,
        types=types,
        packaging=ONE,
        format=file_format,
    )
    manifest = {"anonymization": "KEEP", "packaging": "SINGLE_FILE", **one.manifest}
    aside = one.path.with_name(one.path.name + ".manifest.json")
    aside.write_text(json.dumps(manifest))
    assert faults(one.path) == faults(aside) == faults(one.path, "--manifest", aside) == []

    manifest["ledger"][0]["written"] += 1
    manifest["ledger"][0]["selected"] += 1
    aside.write_text(json.dumps(manifest))
    [(_, message)] = faults(one.path)
    assert "rows of EVENTS were written, the files hold" in message

    data = one.path.read_bytes()
    one.path.write_bytes(data[:-20] + b"?" + data[-19:])
    code, verdict = verify(one.path)
    assert code == 1
    assert "its content was changed: SHA-256 differs" in str(verdict["problems"])


Tampering = Callable[[Members, dict[str, Any]], None]


def _other_bytes(members: Members, metadata: dict[str, Any]) -> None:
    members[f"{TOP}/rooms.csv"] = members[f"{TOP}/rooms.csv"].replace(b"COMPLETED", b"completed")


def _more_bytes(members: Members, metadata: dict[str, Any]) -> None:
    members[f"{TOP}/rooms.csv"] += b"x" * 5_000_000


def _fewer_bytes(members: Members, metadata: dict[str, Any]) -> None:
    members[f"{TOP}/rooms.csv"] = members[f"{TOP}/rooms.csv"][:-1]


def _missing(members: Members, metadata: dict[str, Any]) -> None:
    del members[f"{TOP}/rooms.csv"]


def _extra(members: Members, metadata: dict[str, Any]) -> None:
    members[f"{TOP}/extra.csv"] = b"a\n1\n"


def _listed_twice(members: Members, metadata: dict[str, Any]) -> None:
    metadata["files"].append(metadata["files"][0])


def _wrong_count(members: Members, metadata: dict[str, Any]) -> None:
    [rooms] = [file for file in metadata["files"] if file["path"].endswith("/rooms.csv")]
    rooms["rowCount"] += 1


def _ledger_short(members: Members, metadata: dict[str, Any]) -> None:
    reasons = [{"reason": "IDENTIFIERS", "count": 2}]
    metadata["ledger"] = [
        {"dataType": entry["dataType"], "selected": entry["selected"], "written": entry["written"]}
        | ({"withheld": reasons} if entry["dataType"] == "EVENTS" else {})
        for entry in metadata["ledger"]
    ]


def _ledger_lacks_a_type(members: Members, metadata: dict[str, Any]) -> None:
    metadata["ledger"] = [e for e in metadata["ledger"] if e["dataType"] != "CHAT_MESSAGES"]


def _no_level(members: Members, metadata: dict[str, Any]) -> None:
    del metadata["anonymization"]


def _undescribed_column(members: Members, metadata: dict[str, Any]) -> None:
    path = f"{TOP}/data_dictionary.json"
    dictionary = json.loads(members[path])
    columns = dictionary["tables"]["rooms"]["columns"]
    columns[-1]["name"] = "unheardOf"
    members[path] = json.dumps(dictionary).encode()
    _state_anew(members, metadata, path)


def _undescribed_table(members: Members, metadata: dict[str, Any]) -> None:
    path = f"{TOP}/data_dictionary.json"
    dictionary = json.loads(members[path])
    del dictionary["tables"]["rooms"]
    members[path] = json.dumps(dictionary).encode()
    _state_anew(members, metadata, path)


def _open_quote(members: Members, metadata: dict[str, Any]) -> None:
    path = f"{TOP}/rooms.csv"
    members[path] += b'"never closed\n'
    _state_anew(members, metadata, path)


def _state_anew(members: Members, metadata: dict[str, Any], path: str) -> None:
    [entry] = [file for file in metadata["files"] if file["path"] == path]
    entry.update(stated(members, path))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tamper", "where", "found"),
    [
        (_other_bytes, "rooms.csv", "its content was changed: SHA-256 differs"),
        (_more_bytes, "rooms.csv", "it has more than the"),
        (_fewer_bytes, "rooms.csv", "bytes instead of"),
        (_missing, "rooms.csv", "it is missing"),
        (_extra, "extra.csv", "it is not listed: it was added later"),
        (_listed_twice, "participants.csv", "it is listed more than once"),
        (_wrong_count, "rooms.csv", "it has 2 rows instead of 3"),
        (_ledger_short, "", "the ledger of EVENTS does not add up"),
        (_ledger_lacks_a_type, "", "rows of chatmessages, which was not selected"),
        (_no_level, "metadata.json", "it does not say how far identifiers were removed"),
        (_undescribed_column, "rooms.csv", "the data dictionary does not name its columns"),
        (_undescribed_table, "rooms.csv", "the data dictionary does not describe its columns"),
        (_open_quote, "rooms.csv", "a quote is opened and never closed"),
    ],
)
async def test_whatever_was_done_to_it_is_found(
    whole: Exported, tmp_path: Path, tamper: Tampering, where: str, found: str
) -> None:
    members = read(whole.path)
    at, metadata = metadata_of(members)
    metadata["ledger"] = whole.manifest["ledger"]
    members[at] = json.dumps(metadata).encode()
    assert faults(write(tmp_path / "same.zip", members)) == []

    tamper(members, metadata)
    members[at] = json.dumps(metadata).encode()

    problems = faults(write(tmp_path / "tampered.zip", members))

    assert any(path == where and found in message for path, message in problems), problems
    assert {path for path, _ in problems} <= {where, ""}, "nothing else is blamed"


@pytest.mark.anyio
async def test_without_a_ledger_all_that_was_selected_must_be_there(
    whole: Exported, tmp_path: Path
) -> None:
    members = read(whole.path)
    at, metadata = metadata_of(members)
    metadata.pop("ledger", None)
    metadata["counts"]["events"] += 1
    members[at] = json.dumps(metadata).encode()
    [(_, message)] = faults(write(tmp_path / "short.zip", members))
    assert "rows of events were selected, the files hold" in message


@pytest.mark.anyio
async def test_a_zip_that_broke_off_is_refused_at_any_length(
    whole: Exported, tmp_path: Path
) -> None:
    data = whole.path.read_bytes()
    for length in (0, 1, len(data) // 2, len(data) - 1):
        broken = tmp_path / "broken.zip"
        broken.write_bytes(data[:length])
        code, answer = verify(broken)
        assert (code, answer["error"]["code"]) == (1, "PACKAGE_UNREADABLE")
        assert "not a whole ZIP" in answer["error"]["message"]


@pytest.mark.anyio
async def test_every_changed_byte_is_found(whole: Exported, tmp_path: Path) -> None:
    """A byte anywhere, but in what no check can cover: metadata.json, which cannot hold its own."""
    data = bytearray(whole.path.read_bytes())
    with ZipFile(whole.path) as archive:
        infos = [info for info in archive.infolist() if not info.filename.endswith("metadata.json")]
    damaged = tmp_path / "damaged.zip"
    chosen = random.Random(4)
    for info in chosen.sample(infos, 10):
        start = info.header_offset + 30 + len(info.filename)
        place = chosen.randrange(start, start + info.compress_size)
        data[place] ^= 1 << chosen.randrange(8)
        damaged.write_bytes(data)
        try:
            sound = check(open_package(damaged)).sound
        except PackageUnreadable:
            sound = False
        assert not sound
        data = bytearray(whole.path.read_bytes())


@pytest.mark.anyio
async def test_the_whole_is_compared_with_what_the_api_states(whole: Exported) -> None:
    assert faults(whole.path, "--sha256", whole.done["sha256"].upper()) == []
    [(_, message)] = faults(whole.path, "--sha256", "0" * 64)
    assert message == "the whole file's SHA-256 is not the one that was named"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("../../etc/cron.d/evil", "its path leads out of the folder"),
        ("/etc/passwd", "its path leads out of the folder"),
        (f"{TOP}\\..\\..\\evil", "its path leads out of the folder"),
        ("C:/evil", "its path leads out of the folder"),
        (f"{TOP}//evil", "its path leads out of the folder"),
    ],
)
async def test_a_path_that_leads_out_is_found_and_not_followed(
    whole: Exported, tmp_path: Path, name: str, found: str
) -> None:
    evil = write(tmp_path / "evil.zip", {**read(whole.path), name: b"x"})
    assert any(found in message for _, message in faults(evil))
    assert not (tmp_path / "evil").exists()


@pytest.mark.anyio
async def test_links_and_doubles_in_a_zip_are_found(whole: Exported, tmp_path: Path) -> None:
    evil = write(tmp_path / "evil.zip", read(whole.path))
    link = ZipInfo(f"{TOP}/link.csv")
    link.external_attr = 0o120777 << 16
    with ZipFile(evil, "a") as archive:
        archive.writestr(link, "/etc/passwd")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(f"{TOP}/rooms.csv", "other")
    messages = [message for _, message in faults(evil)]
    assert "it is a link to another file" in messages
    assert "it is there more than once" in messages


@pytest.mark.anyio
async def test_something_before_the_zip_is_found(whole: Exported, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden.zip"
    hidden.write_bytes(b"#!/bin/sh\n" + whole.path.read_bytes())
    assert ("", "something stands before its first file") in faults(hidden)


def test_a_bomb_is_read_no_further_than_what_is_stated(tmp_path: Path) -> None:
    content = b"a\n" + b"0" * 300_000_000
    files = [{"path": "x/a.csv", "dataType": "EVENTS", "rowCount": 0, "bytes": 2}]
    files[0]["sha256"] = hashlib.sha256(b"a\n").hexdigest()
    ledger = [{"dataType": "EVENTS", "selected": 0, "written": 0, "withheld": []}]
    stated = {"title": "x", "anonymization": "KEEP", "files": files, "ledger": ledger}
    bomb = tmp_path / "bomb.zip"
    write(bomb, {"x/a.csv": content, "x/metadata.json": json.dumps(stated).encode()})
    limited = f"ulimit -v 3000000; exec {sys.executable} -m server verify {bomb}"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "x/a.csv: it has more than the 2 bytes that are stated" in done.stdout


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        (b"{", "cannot be read: it is damaged"),
        (b"[]", "is not sound"),
        (b"{}", "files: field required"),
        (b'{"files": [{"path": "a"}]}', "files.0.rowCount: field required"),
        (
            b'{"files": [{"path": "a", "rowCount": -1, "bytes": 0, "sha256": "%064d"}]}' % 0,
            "files.0.rowCount",
        ),
        (b'{"files": [{"path": "a", "rowCount": 0, "bytes": 0, "sha256": "x"}]}', "sha256"),
    ],
)
def test_metadata_that_says_nothing_is_refused(tmp_path: Path, metadata: bytes, found: str) -> None:
    code, answer = verify(write(tmp_path / "odd.zip", {"x/metadata.json": metadata}))
    assert (code, answer["error"]["code"]) == (1, "PACKAGE_UNREADABLE")
    assert found in answer["error"]["message"]


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    two = write(tmp_path / "two.zip", {"a/metadata.json": b"{}", "b/metadata.json": b"{}"})
    other = write(tmp_path / "other.zip", {"a.txt": b"x"})
    for path in (tmp_path / "nothing.zip", tmp_path / "empty", tmp_path / "notes.txt", two, other):
        code, answer = verify(path)
        assert (code, answer["error"]["code"]) == (1, "PACKAGE_UNREADABLE")
        assert answer["error"]["message"].endswith(".")


@pytest.mark.anyio
async def test_what_people_see(whole: Exported, tmp_path: Path) -> None:
    def said(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "server", "verify", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    good = said(whole.path)
    assert good.returncode == 0
    assert "rooms.csv" in good.stdout
    assert "metadata.json lists all files but itself" in good.stdout
    assert good.stdout.splitlines()[-1].startswith("Sound: ")
    assert said(whole.path, "--quiet").stdout == ""

    members = read(whole.path)
    _missing(members, {})
    bad = said("--quiet", write(tmp_path / "bad.zip", members))
    assert bad.returncode == 1
    assert bad.stdout == f"WRONG  {TOP}/rooms.csv: it is missing\n"


def in_pieces(data: bytes, size: int) -> Callable[[int], bytes]:
    source = BytesIO(data)
    return lambda most: source.read(min(most, size))


def rows_in(path: str, data: bytes, size: int = 1 << 20) -> int:
    count = counter_of(path)
    assert count is not None
    return count(in_pieces(data, size)).rows.total()


CELLS = st.text(st.sampled_from('a,"\n\r\t;ä '), max_size=6)


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=12),
    st.integers(1, 9),
    st.sampled_from([("csv", ","), ("tsv", "\t")]),
    st.booleans(),
)
@settings(deadline=None)
def test_lines_are_counted_outside_of_quotes(
    cells: list[list[str]], size: int, form: tuple[str, str], ends: bool
) -> None:
    ending, separator = form
    lines = [
        separator.join('"' + cell.replace('"', '""') + '"' for cell in row)
        for row in [["x\ny", "z"], *cells]
    ]
    text = "\n".join(lines) + ("\n" if ends or not cells else "")
    assert rows_in(f"a.{ending}", ("\ufeff" + text).encode(), size) == len(cells)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.text(max_size=3), VALUES), max_size=5), st.integers(9, 99))
@settings(deadline=None, max_examples=50)
def test_json_is_counted_however_it_is_laid_out(rows: list[dict[str, Any]], size: int) -> None:
    for indent in (None, 2):
        for ascii_ in (False, True):
            text = json.dumps(rows, indent=indent, ensure_ascii=ascii_).encode(
                errors="surrogatepass"
            )
            try:
                text.decode()
            except UnicodeDecodeError:
                continue
            assert rows_in("a.json", text, size) == len(rows)
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    assert rows_in("a.ndjson", lines, size) == len(rows)


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"[{}", b"[{},]", b"[1]", b"[{}] x", b"[{} {}]", b'["\xff"]'),
        *(b"{", b'{"a" 1}', b"{1: 2}"),
    ],
)
def test_json_that_is_none_is_not_counted(text: bytes) -> None:
    with pytest.raises(Malformed):
        rows_in("a.json", text)


def test_numbers_of_any_length_are_read() -> None:
    stream = JsonStream(in_pieces(b"[" + b"9" * 10_000 + b", 1e999, -0.5]", 7))
    assert stream.value() == [10_000, 5, 4]


def test_parquet_is_counted_by_its_row_groups() -> None:
    table = pa.table({"a": range(1000), "b": ["x\n"] * 1000})
    written = BytesIO()
    parquet.write_table(table, written, row_group_size=100)
    count = counter_of("a.parquet")
    assert count is not None
    counted = count(in_pieces(written.getvalue(), 1000))
    assert (counted.rows.total(), counted.layouts[""]) == (1000, {("a", "b")})
    for broken in (b"", b"PAR1", written.getvalue()[:-1], b"\0" * 50 + written.getvalue()[-8:]):
        with pytest.raises(Malformed):
            rows_in("a.parquet", broken)


def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    peaks = []
    for rows in (1_000, 400_000):
        line = b'{"a": 1, "text": "' + b"x" * 300 + b'"}\n'
        data = line * rows
        files = [{**_entry("x/a.ndjson", data), "dataType": "EVENTS", "rowCount": rows}]
        ledger = [{"dataType": "EVENTS", "selected": rows, "written": rows}]
        stated = {"title": "x", "anonymization": "KEEP", "files": files, "ledger": ledger}
        path = tmp_path / f"{rows}.zip"
        write(path, {"x/a.ndjson": data, "x/metadata.json": json.dumps(stated).encode()})
        code = (
            "import resource, sys; from pathlib import Path;"
            "from server.client.packages import open_package;"
            "from server.client.verifying import verify;"
            "assert verify(open_package(Path(sys.argv[1]))).sound;"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        command = [sys.executable, "-c", code, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 30_000, "kB, for 125 MB more"


def _entry(path: str, data: bytes) -> dict[str, Any]:
    return {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
