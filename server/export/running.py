"""Carrying out a plan: reading, writing, and making sure that nothing was lost on the way."""

from typing import Any

from server.export.archives import Archive
from server.export.contents import Contents
from server.export.documents import Document
from server.export.files import Files
from server.export.manifests import Manifest, metadata, recipe
from server.export.reading import reader
from server.export.reports import Report, Say
from server.export.store import Output, output
from server.export.tables import Plan


class RowsLost(Exception):
    """Other records were written than were selected."""


def run(plan: Plan, say: Say) -> dict[str, Any]:
    """Write a plan's file; return what is to be said of it once it is in its place."""
    with reader(plan.database_uri) as source:
        contents = Contents(source, plan)
        with output(plan.storage_url, plan.storage_key) as file:
            report = Report(say, sum(contents.selected.values()), lambda: file.size)
            report.tell("Reading the selection")
            manifest = _write(plan, contents, report, file)
            ledger = manifest.ledger(contents.selected)
            if not all(map(_adds_up, ledger)):
                raise RowsLost
    shown: dict[str, Any] = {"files": manifest.files, "ledger": ledger}
    shown["recipe"] = recipe(plan, contents)
    if plan.packaging == "SINGLE_FILE":
        shown["metadata"] = metadata(plan, contents)
    return {
        "storage_key": plan.storage_key,
        "file_name": plan.file_name,
        "bytes": file.size,
        "sha256": file.sha256,
        "rows": report.rows,
        "manifest": shown,
    }


def _adds_up(entry: dict[str, Any]) -> bool:
    withheld = sum(each["count"] for each in entry["withheld"])
    return bool(entry["selected"] == entry["written"] + withheld)


def _write(plan: Plan, contents: Contents, report: Report, file: Output) -> Manifest:
    if plan.packaging == "ZIP":
        archive = Archive(plan, contents, Files(plan, contents, report), file.write)
        archive.write()
        return archive.manifest
    manifest = Manifest()
    if plan.format == "JSON":
        manifest.written.update(Document(plan, contents, report, file.write).write())
        manifest.note(plan.file_name, None, report.rows, file.size, file.sha256)
    else:
        [table] = plan.records
        rows = Files(plan, contents, report).records(table, contents.rooms.keys, file.write)
        manifest.note(plan.file_name, table.data_type, rows, file.size, file.sha256)
    return manifest
