"""Runs a process that answers nobody: it writes exports, and does what is due."""

import asyncio
import logging
import signal

from server.background import Background
from server.db import Database
from server.errors import Busy
from server.export.progress import Hub
from server.links import Signer, load_secret
from server.logs import configure_logging
from server.migrate import SchemaMismatch, migrate, require_current
from server.settings import Settings
from server.storage import Storage

log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Work until told to stop; then put back what is not done. SystemExit says why it cannot."""
    configure_logging()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_work(settings))
    except (SchemaMismatch, Busy) as error:
        raise SystemExit(str(error)) from error


async def _work(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    db = Database(settings.database)
    try:
        await (migrate(db) if db.file else require_current(db))
        storage = Storage.of(settings)
        signer = Signer(load_secret(settings), settings.link_seconds)
        background = Background(db, storage, Hub(db), signer, settings)
        background.start()
        log.info("Working: %d exports at once, and what is due", settings.export_workers)
        await stopping.wait()
        log.info("Stopping")
        await background.stop()
    finally:
        await db.close()
