"""Ariadne: a schema by hand, plain resolvers, rows by aiosqlite, dataloaders."""

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from ariadne import load_schema_from_path, make_executable_schema
from ariadne.asgi import GraphQL
from resolvers import bindables, loaders
from starlette.applications import Starlette
from starlette.requests import Request

schema = make_executable_schema(
    load_schema_from_path(str(Path(__file__).parent / "schema.graphql")),
    *bindables,
    convert_names_case=True,
)
opened: dict[str, aiosqlite.Connection] = {}


@asynccontextmanager
async def lifespan(_app: Starlette) -> Any:
    uri = f"file:{os.environ['BENCH_DATABASE']}?mode=ro"
    async with aiosqlite.connect(uri, uri=True, cached_statements=512) as db:
        db.row_factory = aiosqlite.Row
        for setting in ("query_only=1", "mmap_size=1073741824", "cache_size=-65536"):
            await db.execute_fetchall(f"PRAGMA {setting}")
        opened["db"] = db
        yield


def context(request: Request, _data: Any) -> dict[str, Any]:
    return {"request": request, "db": opened["db"], **loaders(opened["db"])}


app = Starlette(lifespan=lifespan)
app.mount("/graphql", GraphQL(schema, context_value=context, explorer=None))
