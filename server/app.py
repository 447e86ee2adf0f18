"""Puts the server together; the only module that joins its parts."""

import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from server.db import Database
from server.endpoint import GraphQLEndpoint
from server.export.jobs import Exporter, Planner
from server.export.plan import make_plan
from server.export.progress import Hub
from server.export.recipe import Recipe
from server.files import file_routes
from server.links import Signer, load_secret
from server.migrate import migrate
from server.pages import page_routes
from server.resolvers.context import Services
from server.settings import Settings
from server.storage import Storage


def create_app(settings: Settings | None = None) -> Starlette:
    """Build the application; nothing is opened until it starts."""
    settings = settings or Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    db = Database(settings.database)
    storage = Storage(settings.storage)
    hub = Hub(db)
    exporter = Exporter(db, storage, hub, settings, plan=_planner(db, settings))
    signer = Signer(load_secret(settings), settings.link_seconds)
    services = Services(db, exporter, hub, signer)
    graphql = GraphQLEndpoint(services, settings.public_url)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        await migrate(db)
        exporter.start()
        gc.freeze()  # what is loaded by now stays: the collector need not look at it again
        try:
            yield
        finally:
            await exporter.stop()
            await hub.close()
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
    return app


def _planner(db: Database, settings: Settings) -> Planner:
    async def plan(tx: AsyncConnection, export: Row[Any], folder: str) -> object:
        recipe = Recipe.model_validate(export.recipe)
        return await make_plan(
            tx, recipe, database_url=db.url, storage_url=settings.storage, key_prefix=folder
        )

    return plan
