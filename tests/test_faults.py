"""What the server stands on fails for a while: it comes back by itself, and has lost nothing.

Records are sent and read all the while. Whoever cannot be served is told BUSY, or that nobody is
there; nobody is told INTERNAL; and what was acknowledged is there afterwards.
"""

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.faults.disks import no_space, small_disk
from tests.faults.service import Service
from tests.faults.traffic import BATCH, Traffic
from tests.postgres import Server as Postgres
from tests.promises import promised

pytestmark = [pytest.mark.repeats, pytest.mark.promised]

QUICK = promised(2)
"""Seconds in which somebody who reads must be answered, whatever holds up those who write."""


def seconds(short: float, long: float) -> pytest.MarkDecorator:
    """Have a fault last that long in each run of all tests, and in a soak."""
    return pytest.mark.parametrize("lasting", [short, pytest.param(long, marks=pytest.mark.soak)])


@dataclass(frozen=True)
class Home:
    """A server on a small disk of its own, and the file that says how far off its clock is."""

    service: Service
    process: "subprocess.Popen[bytes]"
    folder: Path
    clock: Path
    mounted: bool

    def set_clock(self, off: int) -> None:
        draft = self.clock.with_suffix(".new")
        draft.write_text(str(off))
        draft.replace(self.clock)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Have another process, as far as SQLite can tell, hold the lock on the database."""
        with closing(sqlite3.connect(self.folder / "hyperdata.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder, clock = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("clock") / "seconds"
    clock.write_text("0")
    with small_disk(folder) as mounted:
        service = Service(folder)
        with service.up("-m", "tests.faults.shifted", str(clock)) as process:
            yield Home(service, process, folder, clock, mounted)


@seconds(2, 10)
def test_a_database_that_another_process_has_locked(home: Home, lasting: float) -> None:
    with Traffic(home.service).going_on() as traffic:
        traffic.wait_for_more()
        with home.locked():
            acknowledged, reads = len(traffic.acknowledged), traffic.reads
            time.sleep(lasting)
            assert len(traffic.acknowledged) - acknowledged <= BATCH  # what was under way just then
            assert traffic.reads - reads > lasting
        traffic.wait_for_more()
    assert (traffic.away, traffic.unread) == (0, 0)
    assert traffic.slowest_read < QUICK


@pytest.mark.soak
def test_a_database_that_stays_locked_for_longer_than_anybody_waits(home: Home) -> None:
    with Traffic(home.service).going_on() as traffic:
        traffic.wait_for_more()
        with home.locked():
            time.sleep(40)
        traffic.wait_for_more()
    assert traffic.away > 0
    assert traffic.unread == 0
    assert traffic.slowest_read < QUICK


@seconds(2, 10)
def test_a_disk_that_is_full(home: Home, lasting: float) -> None:
    with Traffic(home.service).going_on() as traffic:
        traffic.wait_for_more()
        with no_space(home.folder, home.process.pid, mounted=home.mounted):
            reads = traffic.reads
            time.sleep(lasting)
            assert traffic.reads - reads > lasting
        traffic.wait_for_more()
        home.service.completed(home.service.export())
    assert traffic.away > 0


@seconds(3, 10)
def test_a_store_that_is_gone(home: Home, lasting: float) -> None:
    service = home.service
    files, elsewhere = home.folder / "files", home.folder / "elsewhere"
    with Traffic(service).going_on() as traffic:
        traffic.wait_for_more()
        before = service.completed(service.export())
        files.rename(elsewhere)
        files.write_text("no folder")
        again = service.export(before["manifest"]["recipe"]["snapshot"])
        download = httpx2.get(before["downloadUrl"])
        assert download.status_code == 503
        assert download.json()["errors"][0]["extensions"] == {"code": "BUSY"}
        time.sleep(lasting)
        assert service.look(again)["status"] in {"CREATED", "RUNNING"}
        files.unlink()
        elsewhere.rename(files)
        assert service.completed(again)["sha256"] == before["sha256"]
        assert httpx2.get(before["downloadUrl"]).status_code == 200
        traffic.wait_for_more()
    assert (traffic.away, traffic.unread) == (0, 0)


HOUR = 3600


@pytest.mark.parametrize(
    "jumps", [[HOUR, -HOUR], pytest.param([HOUR, 0, -HOUR, HOUR, 0] * 4, marks=pytest.mark.soak)]
)
def test_a_clock_that_jumps(home: Home, jumps: list[int]) -> None:
    service = home.service
    with Traffic(service).going_on() as traffic:
        traffic.wait_for_more()
        before = service.completed(service.export())
        for jump in jumps:
            again = service.export(before["manifest"]["recipe"]["snapshot"])
            home.set_clock(jump)
            assert service.completed(again)["sha256"] == before["sha256"]
            traffic.wait_for_more()
        home.set_clock(0)
    assert (traffic.away, traffic.unread) == (0, 0)


@seconds(1, 10)
def test_a_postgresql_that_dies_and_comes_again(
    tmp_path: Path, postgres: Postgres, lasting: float
) -> None:
    service = Service(tmp_path, postgres.lasting())
    with service.up(), Traffic(service).going_on() as traffic:
        traffic.wait_for_more()
        before = service.completed(service.export())
        again = service.export(before["manifest"]["recipe"]["snapshot"])
        postgres.die()
        time.sleep(lasting)
        postgres.rise()
        traffic.wait_for_more()
        assert service.completed(again)["sha256"] == before["sha256"]
    assert traffic.away + traffic.unread > 0
