"""The file of an export that holds statistics only: alone, one document, or a ZIP of tables."""

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson

from server.export.aggregates import COLUMNS, Aggregates
from server.export.arrow import Columns
from server.export.contents import Contents
from server.export.files import Write, row_count
from server.export.formats import text_of
from server.export.manifests import FORMAT_VERSION, Manifest, metadata
from server.export.reports import Report
from server.export.spool import Spool
from server.export.tables import Column, Plan, Query, Table
from server.export.zip_files import ZipWriter

_RULES = (
    "Every figure is of at least {} participants, none of whom has more than half of the records; "
    "so is whatever can be found by adding and subtracting the figures of groups. What is not "
    "listed was left out for that reason. A quantile is given only if so many participants have "
    "numbers up to it, and so many from it on."
)


def write_aggregates(plan: Plan, contents: Contents, report: Report, file: Spool) -> Manifest:
    """Write a plan's statistics as its file; return what is in it."""
    writer = _Writer(plan, contents, Aggregates(contents, report, plan.smallest_cell))
    manifest = writer.manifest
    if plan.packaging == "ZIP":
        writer.archive(file.write)
    else:
        rows = (writer.document if plan.format == "JSON" else writer.one_table)(file.write)
        manifest.note(plan.file_name, None, rows, file.size, file.sha256)
    manifest.withheld.update(writer.aggregates.withheld)
    return manifest


class _Writer:
    def __init__(self, plan: Plan, contents: Contents, aggregates: Aggregates) -> None:
        self._plan = plan
        self._contents = contents
        self.aggregates = aggregates
        self.manifest = Manifest()

    def one_table(self, write: Write) -> int:
        """Write the statistics of one data type; return how many rows they have."""
        [summary] = [each for each in self._plan.summaries if each.data_type]
        return self._table(self.aggregates.table(summary), write)

    def document(self, write: Write) -> int:
        """Write the metadata and all statistics; return how many rows they have."""
        count = 0
        about = {**metadata(self._plan, self._contents), **self._dictionary()}
        write(b'{"metadata":' + orjson.dumps(about) + b',\n"statistics":{')
        for place, summary in enumerate(self._plan.summaries):
            write((",\n" if place else "\n").encode() + orjson.dumps(summary.stem) + b":")
            count += self._table(self.aggregates.table(summary), write)
        write(b"}}\n")
        return count

    def archive(self, write: Write) -> None:
        """Write a ZIP with a table for the participants and for each data type."""
        archive = ZipWriter(write)

        def add(path: str, fill: Callable[[Write], int]) -> None:
            path = f"{self._plan.title}/{path}"
            with archive.member(path) as member:
                rows = fill(member.write)
            done = archive.members[-1]
            self.manifest.note(path, None, rows, done.size, done.sha256)

        for summary in self._plan.summaries:
            rows = self.aggregates.table(summary)
            path = f"statistics/{summary.stem}.{self._plan.format.lower()}"
            add(path, partial(self._table, rows))
        add("data_dictionary.json", partial(_write_json, self._dictionary()))
        add("metadata.json", lambda write: _write_json(self._about(), write))
        archive.close()

    def _about(self) -> dict[str, Any]:
        return {**metadata(self._plan, self._contents), "files": self.manifest.files}

    def _table(self, rows: Columns, write: Write) -> int:
        table = Table("statistics", "statistics", "statistics", COLUMNS, Query("", ()))
        text = text_of(table, self._plan, {})
        write(text.head())
        if count := row_count(rows):
            write(text.rows(rows))
        write(text.tail())
        return count

    def _dictionary(self) -> dict[str, Any]:
        return {
            "formatVersion": FORMAT_VERSION,
            "rules": _RULES.format(self._plan.smallest_cell),
            "columns": [_described(column) for column in COLUMNS],
            "tables": {
                summary.stem: {
                    "title": summary.title,
                    "numbers": [_described(column) for column in summary.numbers],
                    "categories": [_described(column) for column in summary.categories],
                }
                for summary in self._plan.summaries
            },
        }


def _write_json(value: object, write: Write) -> int:
    write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return 0


def _described(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.kind.value,
        "unit": column.unit,
        "description": column.description,
    }
