"""Keeps several processes serving at one port: those that end are replaced, all at SIGHUP.

They share one socket, which this process holds open: who connects while one of them ends is let in
by another. Each is a program of its own, so that after a restart it is the code, and the settings,
that are there by then.
"""

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import orjson

from server.logs import configure_logging
from server.settings import Settings

START_SECONDS = 120.0
"""How long a process may take until it serves."""

DRAIN_SECONDS = 45.0
"""How long one may take to end what it is at; then it is killed."""

AGAIN_SECONDS = 1.0
"""How long until another one is started in the place of one that ended by itself."""

NOT_STARTED = 3
"""The exit code when nothing can be served, as uvicorn's."""

METRICS = "PROMETHEUS_MULTIPROC_DIR"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """What a process is given that serves with others: where, and three files that it has open.

    listening  the socket
    ready      is written to once the process serves
    alive      comes to its end when the supervisor has died
    """

    host: str
    insecure_http: bool
    listening: int
    ready: int
    alive: int

    def command(self) -> tuple[str, ...]:
        return sys.executable, "-m", "server.serving", orjson.dumps(self).decode()

    @classmethod
    def read(cls, text: str) -> "Post":
        return cls(**orjson.loads(text))


def run(settings: Settings, host: str, port: int, number: int, *, insecure_http: bool) -> None:
    """Have some processes serve until told to stop. SystemExit says why they cannot."""
    if settings.database.startswith("sqlite"):
        raise SystemExit(
            "Several processes need PostgreSQL: SQLite has one writer, and processes that take "
            "turns at it wait for seconds. Leave --workers out, or set HYPERDATA_DATABASE_URL."
        )
    configure_logging()
    try:
        listening = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise SystemExit(f"{host}:{port} cannot be listened at: {error.strerror}.") from error
    environment = {**os.environ, "HYPERDATA_DATA_DIR": str(settings.data_dir)}
    own_metrics = None if METRICS in environment else tempfile.mkdtemp(prefix="hyperdata-metrics-")
    environment.setdefault(METRICS, own_metrics or "")
    forget_the_dead(environment[METRICS])
    supervisor = Supervisor(listening, host, number, environment, insecure_http=insecure_http)
    try:
        told = asyncio.run(supervisor.run())
    finally:
        listening.close()
        if own_metrics is not None:
            shutil.rmtree(own_metrics, ignore_errors=True)
    if told is None:
        raise SystemExit(NOT_STARTED)
    signal.signal(told, signal.SIG_DFL)
    signal.raise_signal(told)  # so that whoever waits is told how it ended, as by one process


def forget_the_dead(folder: str) -> None:
    """Delete the figures of processes that are no more: they were of another time."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            name, _, pid = entry.name.removesuffix(".db").rpartition("_")
            if name and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):  # noqa: PTH110
                os.unlink(entry.path)  # noqa: PTH108 - of names, not of paths


class Supervisor:
    """Holds a number of places, in each of which one process serves."""

    def __init__(
        self,
        listening: socket.socket,
        host: str,
        number: int,
        environment: Mapping[str, str],
        *,
        insecure_http: bool,
    ) -> None:
        self._listening = listening
        self._host = host
        self._insecure_http = insecure_http
        self._environment = environment
        self._places: list[Process | None] = [None] * number
        self._all: set[Process] = set()
        self._alive, self._life = os.pipe()  # the latter closes when this process dies
        self._told: signal.Signals | None = None
        self._stopping = asyncio.Event()
        self._restart = asyncio.Event()
        self._turn = asyncio.Lock()

    async def run(self) -> signal.Signals | None:
        """Keep all places filled until told to stop; return by which signal, None if none serves.

        The first process serves before others begin: what is wrong is said once.
        """
        loop = asyncio.get_running_loop()
        for told in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(told, self._stop, told)
        loop.add_signal_handler(signal.SIGHUP, self._restart.set)
        self._places[0] = await self._started()
        if self._places[0] is not None:
            keeping = [asyncio.create_task(self._keep(each)) for each in range(len(self._places))]
            rolling = asyncio.create_task(self._roll())
            await self._stopping.wait()
            await asyncio.gather(*keeping, rolling)
        await asyncio.gather(*map(_end, list(self._all)))
        return self._told

    def _stop(self, told: signal.Signals) -> None:
        self._told = told
        self._stopping.set()
        self._restart.set()
        for process in self._all:
            _tell(process, signal.SIGTERM)

    async def _keep(self, place: int) -> None:
        """Fill a place again whenever its process ends by itself."""
        while not self._stopping.is_set():
            async with self._turn:
                process = self._places[place]
                if process is None:
                    process = self._places[place] = await self._started()
            if process is not None:
                await process.wait()
            if self._stopping.is_set() or process is not self._places[place]:
                continue  # it has been replaced
            if process is not None:
                log.error("Server process %d ended by itself: %s", process.pid, process.returncode)
            self._places[place] = None
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_SECONDS):
                    await self._stopping.wait()

    async def _roll(self) -> None:
        """Replace one process after the other, each once another serves, whenever that is asked."""
        while True:
            await self._restart.wait()
            self._restart.clear()
            for place in range(len(self._places)):
                if self._stopping.is_set():
                    return
                async with self._turn:
                    new = await self._started()
                    if new is None:
                        log.error("The new server process does not serve: the old ones stay")
                        break
                    old, self._places[place] = self._places[place], new
                if old is not None:
                    await _end(old)
            else:
                log.info("All server processes were replaced")

    async def _started(self) -> Process | None:
        """Return a process once it serves; None if it does not, and is no more."""
        heard, ready = os.pipe()
        post = Post(self._host, self._insecure_http, self._listening.fileno(), ready, self._alive)
        process = await asyncio.create_subprocess_exec(
            *post.command(),
            pass_fds=(post.listening, post.ready, post.alive),
            env=self._environment,
            start_new_session=True,  # Ctrl-C is for this process, which then ends them
        )
        os.close(ready)
        self._all.add(process)
        waiting = asyncio.create_task(self._forget(process))
        hearing = asyncio.ensure_future(asyncio.to_thread(os.read, heard, 1))
        done, _ = await asyncio.wait((hearing,), timeout=START_SECONDS)
        if not done:
            process.kill()
        serves = bool(await hearing)
        os.close(heard)
        if serves:
            return process
        await waiting
        return None

    async def _forget(self, process: Process) -> None:
        await process.wait()
        self._all.discard(process)


def _tell(process: Process, told: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(told)


async def _end(process: Process) -> None:
    """Have a process end what it is at, and wait until it has."""
    _tell(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await process.wait()
    except TimeoutError:
        log.error("Server process %d did not end: it is killed", process.pid)
        _tell(process, signal.SIGKILL)
        await process.wait()
