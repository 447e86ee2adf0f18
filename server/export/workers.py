"""Worker processes: each stays warm, writes one file at a time, and can be killed at any time."""

import asyncio
import logging
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import orjson

from server.records.exports import ExportErrorCode

WORKER = (sys.executable, "-m", "server.export.worker")
"""The command that starts a worker."""

START_SECONDS = 60.0
"""How long a worker may take to start."""

GRACE_SECONDS = 1.0
"""How long a worker may take to end when it is asked to."""

LONGEST_LINE = 1 << 28
"""Bytes that one message may have: a manifest names every file."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a worker has come."""

    rows: int
    total: int | None
    bytes: int
    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """The file is written."""

    storage_key: str
    file_name: str
    bytes: int
    sha256: str
    rows: int
    manifest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """The file cannot be written; `again` if another attempt may go better."""

    code: str
    message: str
    again: bool = False


WORKER_WAS_LOST = Failed(
    ExportErrorCode.WORKER_LOST,
    "The process that wrote this export ended before it was done, each time it was tried. "
    "Try a smaller selection; if that fails too, ask the operator to look at the server's log.",
    again=True,
)
FILE_WAS_LOST = Failed(
    ExportErrorCode.STORAGE_FAILED,
    "The file did not arrive whole in the store. "
    "Ask the operator whether the store is full or out of reach, then start the export again.",
    again=True,
)
RIGHT_WAS_LOST = Failed(
    ExportErrorCode.FORBIDDEN,
    "You may not export this any more: some of it is no longer shared with you. "
    "Ask the experiment's owner.",
)
BUG_WAS_MET = Failed(
    ExportErrorCode.INTERNAL,
    "The server could not prepare this export: its log says where. "
    "Start the export again; if that fails too, tell the operator.",
    again=True,
)


class WorkerLost(Exception):
    """The worker process ended, or does not speak as agreed."""


Message = TypeVar("Message", Progress, Done, Failed)


class WorkerProcess:
    """One warm process. It is replaced when it dies, and when its job is given up."""

    def __init__(self, argv: Sequence[str] = WORKER) -> None:
        self._argv = argv
        self._spawning: asyncio.Task[Process] | None = None
        self._logging: asyncio.Task[None] | None = None

    async def ready(self) -> Process:
        """Return the process once it can take a job; WorkerLost if none can be started."""
        if self._spawning is not None and _is_over(self._spawning):
            await self.stop()
        if self._spawning is None:
            self._spawning = asyncio.create_task(self._spawn())
        try:
            return await asyncio.shield(self._spawning)
        except OSError as error:
            raise WorkerLost("The worker's command cannot be run.") from error

    async def run(
        self, job: str, plan: object, report: Callable[[Progress], None]
    ) -> Done | Failed:
        """Have a file written. Cancelling this kills the process; WorkerLost if it dies."""
        process = await self.ready()
        try:
            return await _converse(process, job, plan, report)
        except BaseException:
            await self.stop()
            self._spawning = asyncio.create_task(self._spawn())  # warm again for the next job
            raise

    async def stop(self) -> None:
        """End the process, whatever it does, and leave nothing of it."""
        spawning, self._spawning = self._spawning, None
        if spawning is None:
            return
        spawning.cancel()
        await asyncio.wait({spawning})
        if not spawning.cancelled() and spawning.exception() is None:
            await _end(spawning.result())

    async def _spawn(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=LONGEST_LINE,
            start_new_session=True,  # Ctrl-C is for the server, which then ends its workers
        )
        self._logging = asyncio.create_task(_log_errors(process))
        try:
            async with asyncio.timeout(START_SECONDS):
                while "ready" not in await _hear(process):
                    pass
        except BaseException as error:
            await _end(process)
            if isinstance(error, TimeoutError):
                raise WorkerLost("The worker process does not get ready.") from error
            raise
        return process


def _is_over(spawning: asyncio.Task[Process]) -> bool:
    """Tell whether a process could not be started, or has ended since."""
    return spawning.done() and (
        spawning.cancelled()
        or spawning.exception() is not None
        or spawning.result().returncode is not None
    )


async def _converse(
    process: Process, job: str, plan: object, report: Callable[[Progress], None]
) -> Done | Failed:
    assert process.stdin is not None
    try:
        process.stdin.write(orjson.dumps({"job": job, "plan": plan}) + b"\n")
        await process.stdin.drain()
    except ConnectionError as error:
        raise WorkerLost("The worker process ended before it took the job.") from error
    while True:
        message = await _hear(process)
        if message.get("job") != job:
            raise WorkerLost("The worker process speaks of another job.")
        if "progress" in message:
            report(_as(Progress, message["progress"]))
        elif "done" in message:
            return _as(Done, message["done"])
        else:
            return _as(Failed, message.get("failed"))


async def _hear(process: Process) -> dict[str, Any]:
    """Return the next message, passing over what a library may print."""
    assert process.stdout is not None
    while line := await process.stdout.readline():
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError:
            message = None
        if isinstance(message, dict):
            return cast("dict[str, Any]", message)
        log.warning("Worker %d printed a line that is not a message", process.pid)
    raise WorkerLost("The worker process ended.")


def _as(kind: type[Message], values: Any) -> Message:  # noqa: ANN401 - any JSON
    try:
        return kind(**values)
    except TypeError as error:
        raise WorkerLost("The worker process said what was not agreed.") from error


async def _end(process: Process) -> None:
    """Ask a process to end, then make it; return when nothing is left of it."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


_FRAME = re.compile(r'\s*File "(?:.*[/\\])?(?P<file>[^/\\"]+)", line (?P<line>\d+)')
_EXCEPTION = re.compile(r"(?P<name>[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt))\b")


async def _log_errors(process: Process) -> None:
    """Log where a worker failed and with which exception: its messages may quote the data."""
    assert process.stderr is not None
    async for line in process.stderr:
        text = line.decode(errors="replace")
        if frame := _FRAME.match(text):
            log.warning("Worker %d: %s, line %s", process.pid, frame["file"], frame["line"])
        elif exception := _EXCEPTION.match(text):
            log.warning("Worker %d: %s", process.pid, exception["name"])
