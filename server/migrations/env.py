"""Runs the migrations on the connection that `server.migrate` hands over."""

from importlib import import_module
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import AutoString

from server.column_types import KEY_TYPE, JsonType
from server.db import metadata


def render_type(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:  # noqa: ANN401
    """Write our own column types by the names that a reader of a migration knows."""
    if kind != "type":
        return False
    if isinstance(item, AutoString):
        return "sa.String()"
    if isinstance(item, JsonType):
        autogen.imports.add("from server.column_types import JSON_TYPE")
        return "JSON_TYPE"
    if item is KEY_TYPE:
        autogen.imports.add("from server.column_types import KEY_TYPE")
        return "KEY_TYPE"
    return False


import_module("server.records")  # so that the metadata knows every table
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by writing it anew
    render_item=render_type,
)
context.run_migrations()
