"""The process that makes a small export and looks at it, so that a large one can be foreseen.

    in   {"job": …, "plan": {…}, "identified": {…}}
    out  {"job": …, "survey": {"bytes": …, "seconds": …, "files": […], "ledger": […], "hits": […]}}

`identified` is the same with what must be known of people, so that texts can be looked through.
It speaks as the worker does, and is one: what it makes is deleted at once.
"""

import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.export import worker

if TYPE_CHECKING:
    from server.export.contents import Contents
    from server.export.tables import Plan, RecordTable

Say = Callable[[dict[str, Any]], None]


def _prepared() -> Callable[[bytes, Say], None]:
    import orjson

    from server.export.tables import read_plan

    def answer(line: bytes, say: Say) -> None:
        asked = orjson.loads(line)
        job = asked["job"]
        try:
            seen = survey(read_plan(asked["plan"]), read_plan(asked["identified"]))
        except Exception:  # one job must not take the process with it
            traceback.print_exc()
            say({"job": job, "failed": {}})
        else:
            say({"job": job, "survey": seen})

    return answer


def survey(plan: "Plan", identified: "Plan") -> dict[str, Any]:
    """Carry out a plan, and say how large its files are and how many texts tell who people are."""
    from dataclasses import replace

    from server.export.running import run

    with tempfile.TemporaryDirectory(prefix="hyperdata-survey-") as folder:
        begun = time.monotonic()
        store, spool = Path(folder, "store"), Path(folder, "spool")
        here = replace(plan, storage_url=store.as_uri(), storage_endpoint=None, spool=str(spool))
        made = run(here, lambda _: None)
        seconds = time.monotonic() - begun
        packed = _packed(store / made["storage_key"], plan.packaging)
    files = [
        {**file, "packed": packed.get(file["path"], file["bytes"])}
        for file in made["manifest"]["files"]
    ]
    return {
        "bytes": made["bytes"],
        "seconds": seconds,
        "files": files,
        "ledger": made["manifest"]["ledger"],
        "hits": _hits(identified),
    }


def _packed(path: Path, packaging: str) -> dict[str, int]:
    """Return how many bytes each member of a ZIP takes."""
    if packaging != "ZIP":
        return {}
    from zipfile import ZipFile

    with ZipFile(path) as archive:
        return {member.filename: member.compress_size for member in archive.infolist()}


def _hits(plan: "Plan") -> list[dict[str, Any]]:
    """Count the values of free text that would be changed so that they tell nobody's identity."""
    from dataclasses import replace

    from server.export.contents import Contents
    from server.export.reading import reader
    from server.export.tables import Identifying

    with reader(plan.database_uri) as source:
        shown, hidden = Contents(source, replace(plan, identities=None)), Contents(source, plan)
        return [
            {"dataType": table.data_type, "column": column, "values": values, "hits": hits}
            for table in plan.records
            if (free := [c.name for c in table.columns if c.identifies is Identifying.IN_TEXT])
            for column, (values, hits) in _hits_in(table, free, shown, hidden).items()
        ]


def _hits_in(
    table: "RecordTable", free: list[str], shown: "Contents", hidden: "Contents"
) -> dict[str, list[int]]:
    from server.export.arrow import pc

    counts = {column: [0, 0] for column in free}
    both = (contents.records(table, contents.rooms.keys) for contents in (shown, hidden))
    for here, there in zip(*((part.rows for part in parts) for parts in both), strict=True):
        for column, count in counts.items():
            changed = pc.sum(pc.not_equal(here[column], there[column]).fill_null(False)).as_py()  # noqa: FBT003 - pyarrow's own
            count[0] += len(here[column]) - here[column].null_count
            count[1] += changed or 0
    return counts


if __name__ == "__main__":
    worker.main(_prepared)
