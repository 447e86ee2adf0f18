"""Puts the server together; the only module that joins its parts."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from server.attempts import Attempts
from server.db import Database
from server.endpoint import GraphQLEndpoint
from server.entrance import Entrance
from server.export.jobs import Exporter
from server.export.plan import planner
from server.export.progress import Hub
from server.export.surveys import Surveyor
from server.files import file_routes
from server.key_uses import KeyUses
from server.links import Signer, load_secret
from server.migrate import migrate, require_current
from server.pages import page_routes
from server.resolvers.context import Services
from server.resolvers.scheduling import Scheduler
from server.settings import Settings
from server.storage import Storage


def create_app(settings: Settings | None = None) -> Starlette:
    """Build the application; nothing is opened until it starts."""
    settings = settings or Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    db = Database(settings.database)
    storage = Storage(settings.storage)
    hub = Hub(db)
    plan = planner(db.url, settings)
    exporter = Exporter(db, storage, hub, settings, plan=plan)
    surveyor = Surveyor(db, plan)
    signer = Signer(load_secret(settings), settings.link_seconds)
    key_uses = KeyUses(db)
    services = Services(
        db,
        storage,
        exporter,
        hub,
        signer,
        surveyor,
        Entrance(db, key_uses, Attempts(settings.wrong_keys_a_minute)),
        fast_path=settings.fast_path,
        smallest_cell=settings.smallest_cell,
        export_days=settings.export_days,
    )
    scheduler = Scheduler(db, exporter.wake, smallest_cell=settings.smallest_cell)
    graphql = GraphQLEndpoint(services, settings.public_url)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        await (migrate(db) if db.file else require_current(db))
        exporter.start()
        scheduler.start()
        key_uses.start()
        try:
            yield
        finally:
            await scheduler.stop()
            await exporter.stop()
            await surveyor.stop()
            await hub.close()
            await key_uses.stop()
            await db.close()

    app = Starlette(
        routes=[
            Route("/graphql", graphql),
            WebSocketRoute("/graphql", graphql),
            *file_routes(db, storage, signer),
            *page_routes(),
        ],
        lifespan=lifespan,
    )
    app.state.db = db
    app.state.key_uses = key_uses
    return app
