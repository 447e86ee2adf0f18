"""Taking jobs out of PostgreSQL's queue: each is given to one process, and again if that dies.

A job only says that something is to be done; what, and by whom, is the business of the rows that it
is about. So a job that is done twice, or that finds nothing, does no harm, and none that is over is
kept. What is due at intervals is queued once a tick, whichever processes there are.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Job, Status
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from server.logs import whereabouts

AGAIN_SECONDS = 5
"""How long until a job that failed is tried again."""

LOST_SECONDS = 1.0
"""How long until one connects again, once the database was away."""

POLL_SECONDS = 2.0
"""How often it is looked for jobs of which nothing was heard."""

PATIENCE_SECONDS = 10.0
"""How long one waits for a connection."""

CONNECTIONS = 3
"""How many connections a queue may have, beside the one that listens."""

Work = Callable[[asyncio.Event], Awaitable[None]]
"""Does what a job says; ends soon once the event is set, and is then done again by others."""

log = logging.getLogger(__name__)
for _name in ("procrastinate", "psycopg"):  # they would tell of each job, and texts of errors
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class _Again(Exception):
    """A job is to be done again, after some seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class _Retries(BaseRetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        seconds = exception.seconds if isinstance(exception, _Again) else AGAIN_SECONDS
        return RetryDecision(retry_in={"seconds": seconds})


@dataclass(frozen=True)
class Queue:
    """What a process does of a queue, and how much of it at once.

    name   of the queue
    tasks  what is done, by name; `every` says which are due by themselves, by a cron expression
           whose sixth field is of seconds
    """

    name: str
    tasks: Mapping[str, Work]
    at_once: int
    every: Mapping[str, str] = field(default_factory=dict[str, str])


class Consumer:
    """Does the jobs of a queue until it is told to stop, and for as long as there is a database.

    silence  after how many seconds without a sign of life a process is taken for dead
    """

    def __init__(self, uri: str, queue: Queue, silence: float) -> None:
        self._uri = uri
        self._queue = queue
        self._silence = silence
        self._doing: set[str] = set()
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the background."""
        assert self._running is None
        self._stopping.clear()
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Take no more jobs, and wait for those that are being done."""
        self._stopping.set()
        if self._running is not None:
            await self._running
            self._running = None

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._consume()
            except Exception as error:
                why = whereabouts(error.__cause__ or error)
                log.warning("The queue %s is out of reach: %s", self._queue.name, why)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOST_SECONDS):
                    await self._stopping.wait()

    async def _consume(self) -> None:
        """Do jobs until told to stop, or until the connection is lost."""
        app = self._app()
        if not await self._lasts(asyncio.ensure_future(app.open_async())):
            return
        sweeping = asyncio.create_task(self._sweep(app))
        working = app.run_worker_async(
            queues=[self._queue.name],
            concurrency=self._queue.at_once,
            delete_jobs="always",
            install_signal_handlers=False,
            fetch_job_polling_interval=POLL_SECONDS,
            update_heartbeat_interval=self._silence / 3,
            stalled_worker_timeout=self._silence,
        )
        try:
            await self._look(app)
            if await self._lasts(asyncio.create_task(working)):
                log.warning("The queue %s was lost", self._queue.name)
        finally:
            sweeping.cancel()
            await asyncio.wait({sweeping})
            await app.close_async()

    async def _look(self, app: App) -> None:
        """Have it looked for what was to be done before there was anybody to hear of it."""
        for name in self._queue.tasks.keys() - self._queue.every.keys():
            for _ in range(self._queue.at_once):
                await app.configure_task(name, queue=self._queue.name).defer_async()

    async def _lasts(self, doing: "asyncio.Future[Any]") -> bool:
        """Wait for the end of something; False if it was broken off, as this is to stop."""
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if doing.done():
            doing.result()
            return True
        doing.cancel()  # procrastinate then waits for the jobs that are being done
        await asyncio.wait({doing})
        return False

    def _app(self) -> App:
        app = App(
            connector=PsycopgConnector(
                conninfo=self._uri, min_size=1, max_size=CONNECTIONS, timeout=PATIENCE_SECONDS
            )
        )
        for name, work in self._queue.tasks.items():
            if (cron := self._queue.every.get(name)) is None:
                app.task(name=name, queue=self._queue.name, retry=_Retries())(
                    self._guarded(name, work)
                )
                continue
            # due again while it waits, it is one; a `lock` would have those who fetch at once fail
            task = app.task(name=name, queue=self._queue.name, queueing_lock=name)
            app.periodic(cron=cron)(task(self._guarded(name, work)))
        return app

    def _guarded(self, name: str, work: Work) -> Callable[..., Awaitable[None]]:
        async def guarded(**_given: object) -> None:
            if name in self._queue.every and name in self._doing:
                return  # it is due again, and not done yet
            self._doing.add(name)
            try:
                await work(self._stopping)
            except Exception as error:  # it is not told with its text, as procrastinate would
                log.error("The job %s could not be done yet: %s", name, whereabouts(error))
                if name in self._queue.every:
                    return  # until the next tick
                raise _Again(AGAIN_SECONDS) from None
            finally:
                self._doing.discard(name)
            if self._stopping.is_set() and name not in self._queue.every:
                raise _Again(0)

        return guarded

    async def _sweep(self, app: App) -> None:
        """Put back what processes had taken that are dead, or silent for too long."""
        while True:
            await asyncio.sleep(self._silence / 2)
            try:
                await app.job_manager.prune_stalled_workers(self._silence)
                stalled = await app.job_manager.get_stalled_jobs(
                    queue=self._queue.name, seconds_since_heartbeat=self._silence
                )
                for job in stalled:
                    await self._put_back(app, job)
            except Exception as error:
                log.warning("Lost jobs could not be looked for: %s", whereabouts(error))

    async def _put_back(self, app: App, job: Job) -> None:
        """Have a job done by others; one that is due at intervals is queued anyway."""
        if job.task_name in self._queue.every:
            await app.job_manager.finish_job_by_id_async(
                job_id=job.id or 0, status=Status.FAILED, delete_job=True
            )
        else:
            await app.job_manager.retry_job(job)
