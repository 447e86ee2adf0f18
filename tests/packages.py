"""Packages to import, whole or meddled with, and what an import leaves in a database."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from sqlalchemy import select
from sqlmodel import col

from server.db import Database, Stored
from server.importing.packages import Tell
from server.importing.running import Imported, import_package
from server.records import RecordType
from server.records.exports import ExportFormat, ExportPackaging
from tests.warm_worker import ONE, ZIP, Exported

Change = Callable[[bytes], bytes | None]
"""Returns what becomes of a file; None if it is taken away."""

KINDS = [*((each, ZIP) for each in ExportFormat), (ExportFormat.JSON, ONE)]
"""What can be imported: formats and packagings."""


class Unwatched:
    """Nobody wants to know how an import goes."""

    def begin(self, what: str, total: int) -> Tell:
        return lambda more: None


async def imported(db: Database, path: Path, **options: Any) -> Imported:
    return await import_package(db, path, Unwatched(), **options)


def contents(made: Exported, packaging: ExportPackaging) -> dict[str, bytes]:
    """Return every file of an export; a document is one."""
    return made.members() if packaging is ZIP else {"": made.path.read_bytes()}


def repacked(path: Path, changes: Mapping[str, Change], *, noticed: bool = True) -> Path:
    """Return a copy of a ZIP in which files, named by how they end, are changed.

    If it is to be noticed by nothing but what is in them, their hashes are made to fit.
    """
    with ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for ending, change in changes.items():
        for name in [name for name in files if name.endswith(ending)]:
            if (changed := change(files[name])) is None:
                del files[name]
            else:
                files[name] = changed
    if not noticed:
        [head] = [name for name in files if name.endswith("metadata.json")]
        metadata = json.loads(files[head])
        for file in metadata["files"]:
            file["sha256"] = hashlib.sha256(files.get(file["path"], b"")).hexdigest()
        files[head] = json.dumps(metadata).encode()
    copy = path.with_name("changed.zip")
    with ZipFile(copy, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return copy


def in_json(change: Callable[[Any], None]) -> Change:
    """Return a change of what JSON says."""

    def changed(data: bytes) -> bytes:
        value = json.loads(data)
        change(value)
        return json.dumps(value).encode()

    return changed


async def rows_of(db: Database, data_type: RecordType) -> list[dict[str, Any]]:
    """Return the public columns of all records of a type, in the order of their ids."""
    model = data_type.value.model
    expressions = model.expressions()
    wanted = [expressions[name].label(name) for name in data_type.value.public_columns]
    first = expressions[model.identity[0]]
    async with db.read() as tx:
        found = await tx.execute(select(*wanted).order_by(first, expressions["timestamp"]))
        return [dict(row._mapping) for row in found]


async def is_empty(db: Database, *models: type[Stored]) -> bool:
    async with db.read() as tx:
        found = [(await tx.execute(select(col(model.id)).limit(1))).first() for model in models]
    return not any(found)
