"""Schedules firing: once each, with the rights of then, and all their increments are the whole."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError
from sqlmodel import col

from server.errors import ExpectedFailure
from server.records.api_keys import ApiKey
from server.records.collaborators import Collaborator
from server.records.experiments import Experiment
from server.records.export_schedules import ExportSchedule
from server.records.exports import Export
from server.records.users import User
from server.resolvers import scheduling
from server.timestamps import iso, now, parse
from tests.conftest import Api, opened
from tests.factories import Row, a_grant, a_user, an_experiment, save
from tests.job_queue import cancel, files, new_exporter, running, until, until_true
from tests.scheduled import LIST, YEAR, Lab, another_server
from tests.warm_worker import read_csv

pytestmark = pytest.mark.anyio


class Passing(ExpectedFailure):
    """What a caller would be asked to try again."""

    def __init__(self) -> None:
        super().__init__("Not now.")


@pytest.fixture
async def lab(any_api: Api, tmp_path: Path) -> Lab:
    """A lab over either kind of database."""
    return await Lab(any_api, tmp_path).save()


async def test_a_schedule_fires_when_it_is_due_and_never_before(lab: Lab) -> None:
    schedule = await lab.schedule(export={**lab.here, "reason": "backup"})
    at = parse(schedule["nextAt"])

    await lab.tick(at - 1)
    assert await lab.exports() == []
    await lab.tick(at)
    await lab.tick(at)

    [export] = await lab.exports()
    assert (export.status, export.requested_by_key) == ("CREATED", lab.owner.key)
    assert export.idempotency_key.endswith(f":{at}")
    assert export.reason == "backup"
    after = await lab.look(schedule)
    assert (after["lastAt"], after["lastMessage"]) == (schedule["nextAt"], None)
    assert parse(after["nextAt"]) == parse(iso(at).replace("2027", "2028"))
    assert [node["schedule"] for node in after["exports"]["nodes"]] == [{"id": schedule["id"]}]


async def test_what_is_asked_for_is_asked_for_again_as_it_was(lab: Lab) -> None:
    person = {"roomId": lab.room["room_id"], "participantId": lab.person["participant_id"]}
    asked = {
        "participants": [person],
        "dataTypes": ["EVENTS", "RECORDINGS"],
        "filter": {
            "events": {"onset": {"gte": -5}, "eventType": {"in": ["component.complete"]}},
            "recordings": {"not": {"kind": {"in": ["AUDIO"]}}},
        },
        "format": "JSON",
        "anonymization": "KEEP",
        "excelBom": True,
        "columns": [{"dataType": "EVENTS", "columns": ["onset"]}],
    }
    create = """mutation ($input: ExportInput!) { exportCreate(input: $input) {
      userErrors { message } } }"""
    await lab.api.ask(create, lab.key, input=asked)
    await lab.fire(await lab.schedule(export=asked))

    once, again = [export.recipe for export in await lab.exports()]
    assert again == {**once, "snapshot_at": again["snapshot_at"]}


async def test_what_was_missed_is_fired_once(lab: Lab) -> None:
    schedule = await lab.schedule()
    late = parse(schedule["nextAt"]) + 10 * YEAR

    await lab.tick(late)
    await lab.finished()
    await lab.tick(late)

    after = await lab.look(schedule)
    assert after["exports"]["totalCount"] == 1
    assert parse(after["nextAt"]) > late
    assert after["lastAt"] == iso(late)


async def test_a_schedule_waits_for_its_own_export(lab: Lab) -> None:
    schedule = await lab.schedule()
    fired = await lab.fire(schedule)

    waiting = await lab.fire(schedule)
    assert waiting == fired  # still due
    await lab.finished()
    after = await lab.fire(schedule)

    assert after["exports"]["totalCount"] == 2
    assert after["nextAt"] > fired["nextAt"]


async def test_of_several_servers_one_fires_each(lab: Lab) -> None:
    schedules = [await lab.schedule(name=f"No. {number}") for number in range(8)]
    at = parse(schedules[0]["nextAt"])

    async with another_server(lab) as second, another_server(lab) as third:
        servers = [lab.scheduler(at, db) for db in (lab.db, second, third)]
        await asyncio.gather(*(server.tick() for server in servers for _ in range(2)))

    exports = await lab.exports()
    assert len({export.schedule_key for export in exports}) == len(exports) == 8


async def found_due(lab: Lab) -> Any:
    async with lab.db.read() as tx:
        return (await tx.execute(select(ExportSchedule))).one()


async def test_what_two_servers_found_due_is_fired_by_one(lab: Lab) -> None:
    schedule = await lab.schedule()
    at = parse(schedule["nextAt"])
    found = await found_due(lab)

    await lab.scheduler(at)._attempt(found)
    await lab.finished()  # so that nothing else keeps it from firing
    await lab.scheduler(at + 1)._attempt(found)

    assert len(await lab.exports()) == 1
    assert (await lab.look(schedule))["lastAt"] == iso(at)


async def test_what_was_found_due_waits_for_an_export_that_is_tried_again(lab: Lab) -> None:
    schedule = await lab.schedule()
    before = await lab.fire(schedule)
    await lab.finished()
    found = await found_due(lab)
    async with lab.db.write() as tx:
        await tx.execute(update(Export).values(status="CREATED"))

    await lab.scheduler(found.next_at)._attempt(found)

    assert len(await lab.exports()) == 1
    assert (await lab.look(schedule))["lastAt"] == before["lastAt"]


@pytest.mark.parametrize("moment", ["taken", "queued"])
async def test_a_server_that_dies_neither_loses_a_fire_nor_doubles_it(
    lab: Lab, moment: str
) -> None:
    schedule = await lab.schedule()
    url = lab.db.url.render_as_string(hide_password=False)
    at = parse(schedule["nextAt"])
    command = [sys.executable, "-m", "tests.scheduled", url, str(at), moment]
    died = await asyncio.to_thread(
        subprocess.run, command, cwd=Path(__file__).parent.parent, check=False
    )
    assert died.returncode == -signal.SIGKILL

    assert len(await lab.exports()) == (moment == "queued")
    await lab.tick(at)

    assert len(await lab.exports()) == 1
    assert (await lab.look(schedule))["lastAt"] == schedule["nextAt"]


@pytest.mark.parametrize("trouble", [OSError, OperationalError("", None, Exception()), Passing])
async def test_trouble_that_passes_loses_no_fire(
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: type[Exception] | Exception,
) -> None:
    async def fire(*_: object) -> None:
        raise trouble

    schedule = await lab.schedule()
    with monkeypatch.context() as failing:
        failing.setattr(scheduling, "fire", fire)
        assert await lab.fire(schedule) == schedule
    assert "could not be fired yet" in caplog.text

    assert (await lab.fire(schedule))["exports"]["totalCount"] == 1


async def share(lab: Lab, colleague: Row, *, can_export: bool) -> None:
    async with lab.db.write() as tx:
        await tx.execute(delete(Collaborator).where(col(Collaborator.user_key) == colleague.key))
    await save(lab.db, a_grant(lab.experiment, colleague, can_export=can_export))


async def test_a_right_that_is_lost_ends_the_exports_and_one_that_returns_begins_them(
    lab: Lab,
) -> None:
    colleague = a_user()
    await save(lab.db, colleague)
    await share(lab, colleague, can_export=True)
    schedule = await lab.schedule(await lab.api.key_of(colleague.key))
    lab.key = await lab.api.key_of(colleague.key)

    await share(lab, colleague, can_export=False)
    after = await lab.fire(schedule)
    assert after["lastMessage"].startswith("No export: You may view this data but not export it")
    assert after["lastAt"] == schedule["nextAt"]

    async with lab.db.write() as tx:
        await tx.execute(delete(Collaborator))
    after = await lab.fire(schedule)
    assert "no longer shared with you" in after["lastMessage"]
    assert await lab.exports() == []

    await share(lab, colleague, can_export=True)
    after = await lab.fire(schedule)
    assert (after["lastMessage"], after["exports"]["totalCount"]) == (None, 1)


async def test_an_account_that_becomes_a_participants_exports_no_more(lab: Lab) -> None:
    schedule = await lab.schedule()
    async with lab.db.write() as tx:
        role = update(User).values(role="PARTICIPANT")
        await tx.execute(role.where(col(User.id) == lab.owner.key))
    await lab.tick(parse(schedule["nextAt"]))
    assert await lab.exports() == []


async def bind(lab: Lab, *experiments: Row) -> None:
    """Bind all keys to some experiments."""
    async with lab.db.write() as tx:
        await tx.execute(update(ApiKey).values(experiment_keys=[each.key for each in experiments]))


async def test_a_schedule_may_no_more_than_the_key_that_set_it_up(lab: Lab) -> None:
    narrow = await lab.api.key_of(lab.owner.key, "export:data", "read:events")
    await bind(lab, lab.experiment)
    schedule = await lab.schedule(narrow)
    async with lab.db.write() as tx:  # the key is no more, or may do more: that changes nothing
        await tx.execute(update(ApiKey).values(experiment_keys=None, scopes=["*"]))
        stored = (await tx.execute(select(ExportSchedule))).one()
        assert (stored.scopes, stored.experiment_keys) == (
            ["export:data", "read:events"],
            [lab.experiment.key],
        )
        wider = {**stored.wanted, "types": ["EVENTS", "RECORDINGS"]}
        await tx.execute(update(ExportSchedule).values(wanted=wider))

    after = await lab.fire(schedule)
    assert "lacks `read:recordings`" in after["lastMessage"]

    other = an_experiment(lab.owner)
    await save(lab.db, other)
    async with lab.db.write() as tx:
        beyond = {**stored.wanted, "experiment_ids": [other["experiment_id"]]}
        await tx.execute(update(ExportSchedule).values(wanted=beyond))
    after = await lab.fire(schedule)
    assert "not all that the schedule names is there" in after["lastMessage"]
    assert await lab.exports() == []


async def test_a_key_that_is_bound_sees_only_schedules_of_its_experiments(lab: Lab) -> None:
    other = an_experiment(lab.owner)
    await save(lab.db, other)
    ours = await lab.schedule()
    both = [lab.experiment["experiment_id"], other["experiment_id"]]
    wide = await lab.schedule(export={"experimentIds": both})
    await bind(lab, lab.experiment)

    found = (await lab.api.ask(LIST, lab.key))["exportSchedules"]
    assert [node["id"] for node in found["nodes"]] == [ours["id"]]
    assert await lab.look(wide) is None
    assert (await lab.delete(wide["id"]))["deletedId"] is None
    assert (await lab.delete(ours["id"]))["deletedId"] == ours["id"]


def within(export: Any, events: list[Row]) -> set[int]:
    """Return the keys of those events that an export holds, by its recipe."""
    recipe = export.recipe
    lowest = recipe["after"].get("EVENTS", 0)
    return {event.key for event in events if lowest < event.key <= recipe["bounds"]["EVENTS"]}


async def test_increments_hold_each_record_once_whatever_befell_one(lab: Lab) -> None:
    schedule = await lab.schedule(incremental=True)
    events = [lab.event]
    for act, arriving in (
        ("write", 0),
        ("write", 3),
        ("refuse", 2),
        ("refuse", 1),
        ("write", 2),
        ("cancel", 2),
        ("write", 0),
        ("write", 4),
    ):
        events += await lab.events(arriving) if arriving else []
        lab.act = act
        assert (await lab.fire(schedule))["lastMessage"] is None
        if act == "cancel":
            assert await cancel(lab.db, (await lab.exports())[-1].id)
        else:
            await lab.finished()

    exports = await lab.exports()
    assert [export.status for export in exports] == [
        *("COMPLETED", "COMPLETED", "FAILED", "FAILED"),
        *("COMPLETED", "CANCELED", "COMPLETED", "COMPLETED"),
    ]
    held = [within(export, events) for export in exports if export.status == "COMPLETED"]
    assert [len(keys) for keys in held] == [1, 3, 5, 2, 4]
    assert set.union(*held) == {event.key for event in events}

    nothing_new = await lab.fire(schedule)
    assert nothing_new["lastMessage"] == (
        "No export: there is no record that came since the last export."
    )
    assert nothing_new["exports"]["totalCount"] == len(exports)


async def test_an_increment_goes_on_though_the_rows_of_earlier_ones_are_gone(lab: Lab) -> None:
    schedule = await lab.schedule(incremental=True)
    await lab.fire(schedule)
    await lab.finished()
    async with lab.db.write() as tx:
        await tx.execute(delete(Export))
    events = await lab.events(2)

    await lab.fire(schedule)

    [export] = await lab.exports()
    assert within(export, [lab.event, *events]) == {event.key for event in events}


async def test_an_old_increment_that_is_written_after_all_does_not_turn_the_schedule_back(
    lab: Lab,
) -> None:
    schedule = await lab.schedule(incremental=True)
    lab.act = "refuse"
    await lab.fire(schedule)
    [old] = await lab.finished()
    lab.act = "write"
    events = [lab.event, *await lab.events(2)]
    await lab.fire(schedule)
    await lab.finished()
    async with lab.db.write() as tx:
        await tx.execute(update(Export).where(col(Export.id) == old.id).values(status="CREATED"))
    assert [export.status for export in await lab.finished()] == ["COMPLETED"] * 2

    [new] = await lab.events(1)
    await lab.fire(schedule)

    assert within((await lab.exports())[-1], [*events, new]) == {new.key}


async def test_the_last_files_are_kept_and_older_ones_deleted(lab: Lab, tmp_path: Path) -> None:
    other = await lab.schedule(name="Another")
    await lab.fire(other)
    [beside] = await lab.finished()
    schedule = await lab.schedule(keepLast=2, cron="0 2 1 1 *")
    for act in ("write", "write", "write", "refuse", "write"):
        lab.act = act
        await lab.fire(schedule)
        await lab.finished()

    every = await lab.exports()
    exports = [export for export in every if export.schedule_key != beside.schedule_key]
    assert [export.status for export in exports] == [
        *("EXPIRED", "EXPIRED", "COMPLETED", "FAILED", "COMPLETED"),
    ]
    kept = [export for export in exports if export.status == "COMPLETED"]
    assert [export.expires_at for export in kept] == [None, None]
    assert all(export.storage_key is None and export.sha256 for export in exports[:2])
    others = [export for export in every if export not in exports and export.status != "FAILED"]
    assert all(export.expires_at > export.completed_at for export in others)
    assert files(tmp_path) == sorted(export.storage_key for export in [*others, *kept])


async def test_what_is_being_written_pushes_nothing_out(lab: Lab, tmp_path: Path) -> None:
    schedule = await lab.schedule(keepLast=1)
    await lab.fire(schedule)
    [kept] = await lab.finished()
    await lab.fire(schedule)
    lab.act = "hang"
    key = (await lab.exports())[-1].id
    async with running(lab.exporter(lab.db)):
        await until(lab.db, key, "RUNNING")
        await until_true(lambda: len(files(tmp_path)) == 2)
        assert (await lab.exports())[0] == kept


async def test_a_kept_file_does_not_expire(lab: Lab, tmp_path: Path) -> None:
    kept, plain = await lab.schedule(keepLast=1), await lab.schedule(cron="0 4 1 1 *")
    await lab.fire(plain)
    await lab.fire(kept)
    await lab.finished()
    async with lab.db.write() as tx:
        passed = update(Export).where(col(Export.expires_at).is_not(None))
        await tx.execute(passed.values(expires_at=now() - 1))
    async with running(new_exporter(lab.db, lab.settings)):
        await until_true(lambda: len(files(tmp_path)) == 1)
    assert sorted(export.status for export in await lab.exports()) == ["COMPLETED", "EXPIRED"]

    shown = await lab.api.ask("{ exports { nodes { status expiresAt downloadUrl } } }", lab.key)
    [there] = [node for node in shown["exports"]["nodes"] if node["status"] == "COMPLETED"]
    assert there["expiresAt"] is None
    assert (await lab.api.http.get(there["downloadUrl"])).status_code == 200


@pytest.mark.parametrize("changes", [{"time_zone": "Mars/Olympus"}, {"wanted": {"types": []}}])
async def test_a_schedule_that_is_broken_keeps_no_other_from_firing(
    lab: Lab, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    broken = await lab.schedule()
    async with lab.db.write() as tx:
        await tx.execute(update(ExportSchedule).values(**changes))
    whole = await lab.schedule()

    await lab.tick(parse(whole["nextAt"]))
    await lab.tick(parse(whole["nextAt"]))

    assert (await lab.look(whole))["exports"]["totalCount"] == 1
    after = await lab.look(broken)
    if "wanted" in changes:
        assert "fault of the server" in after["lastMessage"]
        assert caplog.text.count("met a bug") == 1
    else:
        assert after["nextAt"] is None


async def test_an_experiment_that_is_gone_is_said_to_be(lab: Lab) -> None:
    gone = an_experiment(lab.owner)
    await save(lab.db, gone)
    both = [lab.experiment["experiment_id"], gone["experiment_id"]]
    schedule = await lab.schedule(export={"experimentIds": both})
    async with lab.db.write() as tx:
        renamed = update(Experiment).where(col(Experiment.id) == gone.key)
        await tx.execute(renamed.values(experiment_id="exp_other"))
    assert "It was deleted" in (await lab.fire(schedule))["lastMessage"]


@pytest.fixture
async def waking(tmp_path: Path) -> AsyncGenerator[Api]:
    """A server that looks by itself what is due."""
    async with opened(tmp_path, chores=True) as api:
        yield api


async def test_a_server_fires_by_itself_and_the_increments_of_a_real_worker_are_the_whole(
    waking: Api, tmp_path: Path
) -> None:
    lab = await Lab(waking, tmp_path).save()
    plain = {**lab.here, "anonymization": "KEEP", "packaging": "SINGLE_FILE"}
    schedule = await lab.schedule(incremental=True, export=plain)
    events = [lab.event]
    for arriving in (0, 3, 2):
        if arriving:
            events += await lab.events(arriving)
        async with lab.db.write() as tx:
            await tx.execute(update(ExportSchedule).values(next_at=now()))
        count = len(await lab.exports())

        async def queued(before: int = count) -> bool:
            return len(await lab.exports()) > before

        await until_true(queued)  # by the server that answers
        await lab.finished(real=True)

    exports = await lab.exports()
    tables = [
        read_csv((tmp_path / "files" / export.storage_key).read_bytes()) for export in exports
    ]
    assert [len(table) for table in tables] == [1, 3, 2]
    written = [row["eventId"] for table in tables for row in table]
    assert sorted(written) == sorted(event["event_id"] for event in events)
    assert (await lab.look(schedule))["exports"]["totalCount"] == 3
