"""Carrying out a plan: reading, writing, and making sure that nothing was lost on the way."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from server.export.aggregate_files import write_aggregates
from server.export.archives import Archive
from server.export.contents import Contents
from server.export.documents import Document
from server.export.files import Files, Stand
from server.export.manifests import Manifest, metadata, recipe
from server.export.media_files import Media
from server.export.reading import reader
from server.export.reports import Report, Say
from server.export.spool import Job, Spool, spool
from server.export.store import publish
from server.export.tables import Plan


class RowsLost(Exception):
    """Other records were written than were selected."""


def run(plan: Plan, say: Say) -> dict[str, Any]:
    """Write a plan's file; return what is to be said of it once it is in its place."""
    with (
        reader(plan.database_uri) as source,
        spool(Path(plan.spool), _job(plan)) as file,
    ):
        contents = Contents(source, plan)
        report = Report(say, sum(contents.selected.values()), lambda: file.size)
        report.rows = file.state.get("rows", 0)
        report.tell("Reading the selection")
        media = Media(plan, source, contents)
        manifest = _write(plan, contents, media, report, file)
        ledger = manifest.ledger(contents.selected, contents.sealed)
        if not all(map(_adds_up, ledger)):
            contents.count()
            ledger = manifest.ledger(contents.selected, contents.sealed)
        if not all(map(_adds_up, ledger)):
            raise RowsLost
        media_ledger = media.ledger(len(manifest.media), len(manifest.missing))
        shown: dict[str, Any] = {
            "files": manifest.files,
            "ledger": ledger,
            "media": media_ledger,
            "recipe": recipe(plan, contents),
        }
        if plan.packaging == "SINGLE_FILE":
            shown["metadata"] = metadata(plan, contents)
        publish(file, plan)
    return {
        "storage_key": plan.storage_key,
        "file_name": plan.file_name,
        "bytes": file.size,
        "sha256": file.sha256,
        "rows": sum(contents.selected.values()),
        "manifest": shown,
    }


def _job(plan: Plan) -> Job:
    """Describe the writing; files are told apart by all of a plan but how and where they go."""
    what = replace(plan, storage_key="", spool="", checkpoint_seconds=0.0)
    identity = hashlib.sha256(orjson.dumps(what)).hexdigest()
    return Job(identity, attempt=plan.storage_key, seconds=plan.checkpoint_seconds)


def _adds_up(entry: dict[str, Any]) -> bool:
    withheld = sum(each["count"] for each in entry["withheld"])
    return bool(entry["selected"] == entry["written"] + withheld)


def _write(plan: Plan, contents: Contents, media: Media, report: Report, file: Spool) -> Manifest:
    if plan.anonymization == "AGGREGATE_ONLY":
        return write_aggregates(plan, contents, report, file)
    if plan.packaging == "ZIP":
        archive = Archive(plan, contents, media, report, file)
        archive.write()
        return archive.manifest
    if plan.format == "JSON":
        document = Document(plan, contents, report, file)
        document.write()
        return document.manifest
    return _write_table(plan, contents, report, file)


def _write_table(plan: Plan, contents: Contents, report: Report, file: Spool) -> Manifest:
    """Write the one table of a plan as a file of its own."""
    [table] = plan.records

    def pause(stand: Stand) -> None:
        file.checkpoint(lambda: {"rows": stand.rows, "reached": stand.reached})

    stand = Stand(file.state["rows"], tuple(file.state["reached"])) if file.state else Stand()
    files = Files(plan, contents, report)
    rows = files.records(table, contents.rooms.keys, file.write, pause, stand)
    manifest = Manifest()
    manifest.note(plan.file_name, table.data_type, rows, file.size, file.sha256)
    return manifest
