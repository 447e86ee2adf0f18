"""The export worker as a process: how it fails, how it ends, and what it must never load."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, select

from server.db import Database
from server.export.reports import Report
from server.export.tables import Plan, Query
from server.records import RecordType
from server.records.participants import Participant
from server.records.tallies import Tally
from tests.factories import Row, a_participant, a_room, a_user, an_event, an_experiment, save
from tests.warm_worker import CSV, ONE, carry_out, plan_of, recipe_of, visible, working

pytestmark = pytest.mark.anyio


@pytest.fixture
def db(any_db: Database) -> Database:
    """Either kind of database."""
    return any_db


@pytest.fixture
async def plan(db: Database, tmp_path: Path) -> Plan:
    """A plan for three events in one CSV file."""
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    person = a_participant(room)
    await save(db, owner, experiment, room, person, *(an_event(person, onset=n) for n in range(3)))
    recipe = await recipe_of(db, rooms=[room], types=[RecordType.EVENTS], packaging=ONE, format=CSV)
    return await plan_of(db, tmp_path / "files", recipe)


def endless(plan: Plan) -> Plan:
    """Make a plan that is never done: its rows come again and again."""
    [table] = plan.records
    rows = table.rows.among(plan.room_keys)
    again = (
        "UNION ALL SELECT again.* FROM "
        "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n) "
        f"CROSS JOIN ({rows.sql}) again"
    )
    if rows.sampled is None:
        query = replace(rows, sql=f"SELECT * FROM ({rows.sql}) {again}")
    else:  # parameters have no numbers, and the first row, which is asked for, only shows the types
        again = again.replace(rows.sql, rows.sampled) + " WHERE again.id > 0"
        query = replace(
            rows,
            sql=f"SELECT * FROM ({rows.sql}) UNION ALL SELECT * FROM ({rows.sql}) WHERE false",
            sampled=f"SELECT * FROM ({rows.sampled}) {again}",
            parameters=rows.parameters * 2,
        )
    return replace(plan, records=(replace(table, rows=query),))


def eventually(holds: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return held


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_loads_no_second_sqlite_and_nothing_heavy() -> None:
    code = (
        "import sys, server.export.worker as w; w._prepared(); "
        "import server.export.reading_postgres; "
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    alone = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=alone
    )
    modules = set(loaded.stdout.decode().split())
    assert "adbc_driver_sqlite" in modules
    assert not modules & {
        *("sqlite3", "_sqlite3", "aiosqlite", "sqlalchemy", "sqlmodel"),
        *("pydantic", "strawberry", "starlette"),
    }


async def test_one_worker_does_job_after_job_also_after_one_that_failed(
    plan: Plan, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    with working() as worker:
        assert carry_out(worker, plan, files).done["rows"] == 3
        broken = replace(plan, database_uri="file:/nowhere.db?mode=ro")
        worker.say(broken.command("broken"))
        message = worker.hear()
        assert (message["job"], message["failed"]["code"]) == ("broken", "INTERNAL")
        assert "/nowhere" not in message["failed"]["message"]
        assert carry_out(worker, plan, files).done["rows"] == 3


async def test_a_store_that_takes_nothing_is_a_failure_of_its_own(
    plan: Plan, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file where a folder must be")
    nowhere = replace(plan, storage_url=(tmp_path / "taken").as_uri())
    with working() as worker:
        worker.say(nowhere.command("job"))
        while "progress" in (message := worker.hear()):
            pass
    assert message["failed"]["code"] == "STORAGE_FAILED"
    assert message["failed"]["message"].startswith("The file could not be written to storage.")


async def test_a_file_that_lacks_rows_is_not_made(plan: Plan, tmp_path: Path) -> None:
    [table] = plan.records
    four = replace(table.selected, sql="SELECT 4", parameters=())
    short = replace(plan, records=(replace(table, selected=four, tallied=four),))
    with working() as worker:
        worker.say(short.command("job"))
        while "progress" in (message := worker.hear()):
            pass
    assert message["failed"]["code"] == "RECORDS_CHANGED"
    assert "not what was selected" in message["failed"]["message"]
    assert visible(tmp_path / "files") == []


async def test_tallies_tell_how_many_rows_come_and_records_if_those_are_wrong(
    plan: Plan, db: Database, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    [table] = plan.records
    uncounted = replace(table.selected, sql="SELECT 'not asked'", parameters=())
    by_tallies = replace(plan, records=(replace(table, selected=uncounted),))
    async with db.write() as tx:
        values = Participant.expressions()
        [found] = (await tx.execute(select(*values.values()))).mappings()
    await save(db, an_event(Row(Participant, {**found}), onset=9))  # after the snapshot
    with working() as worker:
        told = carry_out(worker, by_tallies, files)
        async with db.write() as tx:
            await tx.execute(delete(Tally))
        counted = carry_out(worker, plan, files)
    assert (told.progress[0]["total"], counted.progress[0]["total"]) == (3, 0)
    for made in (told, counted):
        assert made.done["rows"] == 3
        [entry] = made.done["manifest"]["ledger"]
        assert (entry["selected"], entry["written"]) == (3, 3)


async def test_progress_tells_rows_bytes_and_the_room(plan: Plan) -> None:
    with working() as worker:
        worker.say(endless(plan).command("job"))
        first = worker.hear()["progress"]
        later = [worker.hear()["progress"] for _ in range(4)]
    assert (first["rows"], first["total"]) == (0, 3)
    assert [step["rows"] for step in later] == sorted(step["rows"] for step in later)
    assert later[-1]["message"] == "Writing events, room 1 of 1"
    assert later[-1]["bytes"] > 0


def test_progress_is_told_at_most_four_times_a_second() -> None:
    said: list[dict[str, Any]] = []
    report = Report(said.append, total=1_000_000, size=lambda: 7)
    started = time.monotonic()
    for _ in range(1_000_000):
        report.tell("Writing", rows=1)
    assert 1 <= len(said) <= 1 + 4 * (time.monotonic() - started)
    assert report.rows == 1_000_000


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
async def test_a_signal_ends_it_at_once_and_nothing_is_visible(
    plan: Plan, tmp_path: Path, end: signal.Signals
) -> None:
    with working() as worker:
        worker.say(endless(plan).command("job"))
        worker.hear()
        worker.process.send_signal(end)
        assert worker.process.wait(20) == -end
    assert visible(tmp_path / "files") == []


async def test_it_ends_when_its_input_does_in_the_middle_of_a_job(
    plan: Plan, tmp_path: Path
) -> None:
    with working() as worker:
        worker.say(endless(plan).command("job"))
        worker.hear()
        assert worker.process.stdin is not None
        worker.process.stdin.close()
        assert worker.process.wait(20) == 0
    assert visible(tmp_path / "files") == []


PARENT = """
import subprocess, sys, time
worker = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
worker.stdout.readline()
worker.stdin.write(sys.stdin.buffer.readline())
worker.stdin.flush()
worker.stdout.readline()
print(worker.pid, flush=True)
time.sleep(600)
"""


def killed_in_the_middle(plan: Plan) -> int:
    """Kill the parent of a worker that has a job; return the worker's process id."""
    command = [sys.executable, "-c", PARENT, sys.executable, "-m", "server.export.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(endless(plan).command("job"))
        parent.stdin.flush()
        worker = int(parent.stdout.readline())
        assert is_running(worker)
        parent.kill()
    return worker


async def test_a_killed_parent_leaves_no_worker_and_no_file(plan: Plan, tmp_path: Path) -> None:
    worker = killed_in_the_middle(plan)
    assert eventually(lambda: not is_running(worker))
    assert visible(tmp_path / "files") == []


EXPLAIN = """
import sys, orjson
from importlib import import_module
driver, uri, queries = orjson.loads(sys.stdin.buffer.read())
with import_module(driver).connect(uri) as tx, tx.cursor() as cursor:
    if driver.startswith('adbc_driver_postgresql'):
        for dear in ('seqscan', 'sort'):  # the tables are too small for either to be
            cursor.execute(f'SET enable_{dear} = off')
        cursor.adbc_statement.set_options(**{'adbc.postgresql.use_copy': 'false'})
    for sql, parameters in queries:
        cursor.execute(sql, parameters)
        print(*(row[-1] for row in cursor.fetchall()), sep=chr(10))
"""


def steps_of(uri: str, queries: list[Query]) -> str:
    """Return how the worker's own driver has the database go about some queries."""
    sqlite = uri.startswith("file:")
    driver = f"adbc_driver_{'sqlite' if sqlite else 'postgresql'}.dbapi"
    explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
    explained = [(f"{explain} {query.sql}", query.parameters) for query in queries]
    asked = orjson.dumps([driver, uri, explained])
    told = subprocess.run([sys.executable, "-c", EXPLAIN], input=asked, capture_output=True)
    assert told.returncode == 0, told.stderr
    return told.stdout.decode()


@pytest.mark.parametrize("data_type", RecordType)
async def test_records_are_read_in_the_order_of_an_index(
    db: Database, tmp_path: Path, data_type: RecordType
) -> None:
    owner = a_user()
    experiment = an_experiment(owner)
    room = a_room(experiment)
    person = a_participant(room)
    await save(db, owner, experiment, room, person)
    whole = {"experiments": [experiment], "rooms": [room], "participants": [person]}
    queries: list[Query] = []
    for selection in (whole, {"experiments": [experiment]}, {"rooms": [room]}):
        recipe = await recipe_of(db, types=[data_type], **selection)
        beyond = dict.fromkeys(recipe.bounds, 1 << 40)  # as if there were many rows to choose among
        plan = await plan_of(db, tmp_path, recipe.model_copy(update={"bounds": beyond}))
        [table] = plan.records
        queries += [table.rows, *([table.json.rows] if table.json else [])]
    steps = steps_of(plan.database_uri, [query.among([room.key]) for query in queries])
    name = data_type.value.model.__tablename__
    if db.file:
        found = f"SEARCH {name} USING INDEX ix_{name}_room_key_timestamp"
    else:
        found = f"Index Cond: ((room_key = ANY ('{{{room.key}}}'::bigint[]))"
    assert steps.count(found) == len(queries), steps
    assert "TEMP B-TREE" not in steps
