"""`/healthz`, `/readyz` and `/metrics`: what supervisors and Prometheus are told."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.health import checks, readiness
from server.observing import metrics
from server.observing.metrics import MOST_NAMES, OTHER
from server.records.exports import Export, ExportStatus
from server.timestamps import now
from tests.conftest import Api, opened
from tests.factories import Row, a_user, save

pytestmark = pytest.mark.anyio


def an_export(owner: Row, number: int, **changes: Any) -> Row:
    values = {
        "id": number,
        "status": ExportStatus.CREATED,
        "created_at": now(),
        "format": "CSV",
        "packaging": "ZIP",
        "anonymization": "KEEP",
        "requested_by_key": owner.key,
        "recipe": {},
    }
    return Row(Export, {**values, **changes})


@pytest.fixture(autouse=True)
def _looking_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 0)


@pytest.fixture(autouse=True)
def _names_of_nobody_else() -> None:
    metrics._named.clear()
    metrics._kept.clear()


async def figures(api: Api, **headers: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Return all samples, by name and then by the values of their labels, in order."""
    answer = await api.http.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


async def ready(api: Api) -> tuple[int, dict[str, Any]]:
    answer = await api.http.get("/readyz")
    told: dict[str, Any] = answer.json()
    assert told["status"] == ("ok" if answer.status_code == 200 else "unavailable")
    return answer.status_code, told["checks"]


async def test_a_server_that_can_work_is_ready_on_either_database(any_api: Api) -> None:
    assert await ready(any_api) == (200, {"database": "ok", "schema": "ok", "storage": "ok"})
    store = any_api.app.state.services.storage
    assert await store.keys("probes") == []


async def test_a_server_is_alive_without_a_database_and_says_what_is_missing(api: Api) -> None:
    async with api.db.write() as tx:
        await tx.exec_driver_sql("DROP TABLE alembic_version")
    status, told = await ready(api)
    assert (status, told["database"], told["storage"]) == (503, "ok", "ok")
    assert told["schema"].startswith("The database is at version None, this server needs 0")

    with patch.object(api.db, "read", side_effect=OSError("/secret/place")):
        status, told = await ready(api)
        assert (await api.http.get("/healthz")).json() == {"status": "ok"}
        assert "hyperdata_operations_total" in (await api.http.get("/metrics")).text

    assert status == 503
    assert told == {
        "database": "It fails: OSError.",
        "schema": "It fails: OSError.",
        "storage": "ok",
    }


async def test_a_store_that_is_gone_is_noticed_and_so_is_its_return(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    folder = api.app.state.services.storage.root
    caplog.set_level("INFO")
    aside = folder.with_name("aside")
    shutil.move(folder, aside)
    folder.write_text("no folder")

    status, told = await ready(api)
    assert (status, told["database"]) == (503, "ok")
    assert told["storage"].startswith("It fails: ")
    assert str(folder) not in str(told)

    folder.unlink()
    shutil.move(aside, folder)
    assert (await ready(api))[0] == 200
    said = [r.getMessage() for r in caplog.records if r.name == "server.health.readiness"]
    assert said[0].startswith("Not ready, storage: It fails")
    assert said[1:] == ["Ready again, storage"]


async def test_a_database_that_hangs_is_not_waited_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(_db: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(checks, "PATIENCE", 0.05)
    monkeypatch.setattr(checks, "database", hangs)
    status, told = await ready(api)
    assert (status, told["database"]) == (503, "No answer within 0.05 seconds.")


async def test_what_is_asked_often_is_looked_at_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 60)
    storage = api.app.state.services.storage
    with patch.object(storage, "put", side_effect=storage.put) as put:
        for _ in range(3):
            await ready(api)
    assert put.call_count == 1


async def test_operations_are_counted_by_name_type_and_outcome(api: Api) -> None:
    owner = a_user()
    await save(api.db, owner)
    key = await api.key_of(owner.key)
    before = await figures(api)

    named = "query Counted { experiments { nodes { id rooms { totalCount } } } }"
    for _ in range(3):  # the first by Strawberry, the others by the short way
        await api.ask(named, key)
    await api.post("query Counted { nothing }", key)
    await api.post('mutation Ending { exportCancel(id: "x") { userErrors { code } } }', key)
    await api.post("query Refused { auditLog { totalCount } }", key)
    after = await figures(api)

    def grown(name: str, *labels: str) -> float:
        return after[name].get(labels, 0) - before.get(name, {}).get(labels, 0)

    total = "hyperdata_operations_total"
    assert grown(total, "Counted", "OK", "query") == 3
    assert grown(total, "(invalid)", "GRAPHQL_VALIDATION_FAILED", "(invalid)") == 1
    assert grown(total, "Ending", "OK", "mutation") == 1
    assert grown("hyperdata_operation_seconds_count", "Counted", "query") == 3
    assert grown("hyperdata_loader_batch_size_count") >= 3
    assert grown("hyperdata_sql_statement_seconds_count", "read") >= 4
    assert grown("hyperdata_http_requests_total", "POST", "/graphql", "200") == 6
    assert grown("hyperdata_http_requests_total", "GET", "/metrics", "200") == 1


async def test_names_that_clients_make_up_do_not_become_metrics_without_end(api: Api) -> None:
    owner = a_user()
    await save(api.db, owner)
    key = await api.key_of(owner.key)
    for number in range(MOST_NAMES + 5):
        await api.ask(f"query Made{number}{'x' * 200} {{ viewer {{ name }} }}", key)
        await api.http.request("GET", f"/nowhere/{number}")

    found = await figures(api)

    names = {labels[0] for labels in found["hyperdata_operations_total"]}
    assert len([name for name in names if name.startswith("Made")]) == MOST_NAMES
    assert OTHER in names
    assert max(map(len, names)) <= 100
    routes = {labels[1] for labels in found["hyperdata_http_requests_total"]}
    assert not [route for route in routes if route.startswith("/nowhere")]


async def test_jobs_are_counted_by_state_with_the_age_of_the_queue(any_api: Api) -> None:
    owner = a_user()
    await save(any_api.db, owner)
    before = await figures(any_api)
    waiting = an_export(owner, 1, created_at=now() - 60_000)
    await save(any_api.db, waiting, an_export(owner, 2, status=ExportStatus.COMPLETED))

    after = await figures(any_api)

    jobs = "hyperdata_jobs"
    assert before[jobs]["export", "CREATED"] == 0
    assert before["hyperdata_export_queue_age_seconds"] == {(): 0}
    assert after[jobs]["export", "CREATED"] == after[jobs]["export", "COMPLETED"] == 1
    assert after[jobs]["erasure", "RUNNING"] == after[jobs]["webhook", "PENDING"] == 0
    assert 60 <= after["hyperdata_export_queue_age_seconds"][()] < 600


@pytest.fixture
async def guarded(tmp_path: Path, migrated_file: Path) -> AsyncGenerator[Api]:
    shutil.copyfile(migrated_file, tmp_path / "hyperdata.db")
    async with opened(tmp_path, metrics_token="t0ken-of-prometheus") as api:
        yield api


async def test_metrics_with_a_token_are_for_who_sends_it(guarded: Api) -> None:
    refused = [
        await guarded.http.get("/metrics", headers=headers)
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic t0ken"})
    ]
    for answer in refused:
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert "hyperdata" not in answer.text

    assert await figures(guarded, Authorization="Bearer t0ken-of-prometheus")


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via"])
async def test_metrics_without_a_token_are_for_this_machine_alone(api: Api, name: str) -> None:
    through = await api.http.get("/metrics", headers={name: "127.0.0.1"})
    transport = httpx2.ASGITransport(app=api.app, client=("192.0.2.7", 5000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as elsewhere:
        afar = await elsewhere.get("/metrics")

    for answer in (through, afar):
        assert answer.status_code == 403
        assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await api.http.get("/metrics")).status_code == 200


def test_processes_that_share_a_folder_are_counted_together(tmp_path: Path) -> None:
    count = """
from server.observing import metrics, scraping
metrics.operation_ended("Shared", "query", "OK", 0.2)
metrics.read_seconds(0.004)
metrics.sockets.inc()
shown = scraping.exposed([])
import sys
sys.stdout.buffer.write(shown)
scraping.leave()
"""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    run = partial(subprocess.run, [sys.executable, "-c", count], env=environment, check=True)
    run()
    both = run(capture_output=True, text=True).stdout.splitlines()
    operations = 'hyperdata_operations_total{operation="Shared",outcome="OK",type="query"} 2.0'
    assert operations in both
    read = 'hyperdata_sql_statement_seconds_bucket{connection="read",le="%s"} %s'
    assert read % ("0.0025", "0.0") in both
    assert read % ("0.005", "2.0") in both
    assert "hyperdata_websockets 1.0" in both  # the other process has ended
