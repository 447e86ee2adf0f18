"""What is done without being asked at that moment: exports, schedules, and chores.

In a server, or in a process of its own (`hyperdata worker`). A server over a file looks for
itself whether anything is due. In PostgreSQL it is queued, and whoever writes exports takes it:
each tick of a chore is one job in the whole installation, however many processes there are.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from server.chores import Chore, Chores
from server.db import Database
from server.erasure.pieces import Tools
from server.erasure.running import Eraser
from server.export.addresses import database_uri
from server.export.jobs import Exporter, Jobs
from server.export.plan import planner
from server.export.progress import Hub
from server.links import Signer
from server.partitions.moving import Partitioner
from server.resolvers.requesters import may_still_export
from server.resolvers.retaining import Retention
from server.resolvers.scheduling import Scheduler
from server.sealing.sealer import Sealer
from server.settings import Settings
from server.storage import Storage
from server.webhooks.delivering import Deliveries
from server.webhooks.sending import Sender

SCHEDULES = "schedules"

EVERY: Mapping[str, str] = {
    SCHEDULES: "* * * * * */2",
    "webhooks": "* * * * * */2",
    "withdrawals": "* * * * * */5",
    "retention": "* * * * * */5",
    "erasures": "* * * * * */5",
    "partitions": "* * * * * */5",
}
"""When chores are due in the whole installation: every two seconds, and every five."""


class Background:
    """Starts and stops what goes on in the background.

    exporter  has the exports written
    chores    what is looked for in this process, whether or not others do the same
    """

    def __init__(
        self, db: Database, storage: Storage, hub: Hub, signer: Signer, settings: Settings
    ) -> None:
        plan = planner(db.url, settings)
        is_queued = db.file is None
        self.exporter = Exporter(
            db,
            storage,
            hub,
            settings,
            plan=plan,
            allowed=may_still_export,
            consume=partial(_exports, db, settings) if is_queued else None,
        )
        wake = self.exporter.wake
        self._scheduler = Scheduler(db, wake, smallest_cell=settings.smallest_cell)
        tools = Tools(db, storage, signer, settings.spool, settings.uploads)
        chores: dict[str, Chore] = {
            "withdrawals": Sealer(db, storage).run,
            "retention": Retention(db, storage, wake),
            "webhooks": Deliveries(db, Sender(loopback=settings.webhook_loopback)),
            "erasures": Eraser(tools),
            "partitions": Partitioner(
                db, settings.partition_from_rows, settings.partitions_max
            ).run,
        }
        self.chores = Chores(chores)
        self._queued: Jobs | None = None
        self._looks = not is_queued if settings.chores is None else settings.chores
        if is_queued and settings.chores is None and settings.export_workers:
            self._queued = _due(
                db, settings, {**chores, SCHEDULES: _without_event(self._scheduler.tick)}
            )

    def start(self) -> None:
        """Begin."""
        self.exporter.start()
        if self._looks:
            self._scheduler.start()
            self.chores.start()
        if self._queued is not None:
            self._queued.start()

    async def stop(self) -> None:
        """Stop, once each step that is under way is done; exports go back into the queue."""
        await self.chores.stop()
        await self._scheduler.stop()
        if self._queued is not None:
            await self._queued.stop()
        await self.exporter.stop()


def _exports(db: Database, settings: Settings, take: Chore, at_once: int) -> Jobs:
    from server.queueing.consumer import Consumer, Queue  # is there with PostgreSQL alone

    queue = Queue("exports", {"write exports": take}, at_once)
    return Consumer(database_uri(db.url), queue, settings.lease_seconds)


def _due(db: Database, settings: Settings, chores: Mapping[str, Chore]) -> Jobs:
    from server.queueing.consumer import Consumer, Queue

    queue = Queue("chores", chores, len(chores), EVERY)
    return Consumer(database_uri(db.url), queue, settings.lease_seconds)


def _without_event(tick: Callable[[], Awaitable[None]]) -> Chore:
    async def chore(_stopping: object) -> None:
        await tick()

    return chore
