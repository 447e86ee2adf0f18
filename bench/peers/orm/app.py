"""An idiomatic server: Strawberry's own view over SQLModel entities, sessions and dataloaders."""

import os
from typing import Any

from loaders import loaders
from schema import schema
from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from strawberry.asgi import GraphQL

engine = create_async_engine(
    f"sqlite+aiosqlite:///file:{os.environ['BENCH_DATABASE']}?mode=ro&uri=true", pool_size=8
)
sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def tune(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for setting in ("query_only=1", "mmap_size=1073741824", "cache_size=-65536"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


class View(GraphQL):
    async def get_context(self, request: Request, response: Response) -> dict[str, Any]:
        return {"request": request, "sessions": sessions, **loaders(sessions)}


app = Starlette()
app.add_route("/graphql", View(schema, graphql_ide=None))
