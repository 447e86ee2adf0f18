"""An export of ratings from PostgreSQL against `psql`'s \\copy of the same file, byte for byte."""

import argparse
import asyncio
import filecmp
import statistics
import tempfile
from pathlib import Path
from typing import Any

from bench.exports.costs import Cost, run
from bench.exports.ours import Written, export
from bench.postgres import Filled, filled
from bench.sections import keep, number, spread, table
from server.db import Database
from server.export.plan import Places, make_plan
from server.export.recipe import Recipe, take_bounds
from server.export.tables import Plan
from server.records import RecordType
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.timestamps import Timestamp

PROMISED = 1.5
"""By how much ours must be faster, of the clock."""

MOMENT = """to_char(to_timestamp(r.timestamp / 1000.0) AT TIME ZONE 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
COPIED = f"""SELECT experiment_id AS "experimentId", room_id AS "roomId",
    participant_id AS "participantId", {MOMENT} AS timestamp, onset, rating_id AS "ratingId",
    component_id AS "componentId", value, raw_value AS "rawValue", scale_min AS "scaleMin",
    scale_max AS "scaleMax"
    FROM continuous_rating r JOIN experiment e ON e.id = r.experiment_key
    JOIN room ON room.id = r.room_key JOIN participant p ON p.id = r.participant_key
    ORDER BY r.room_key, r.timestamp, r.id""".replace("\n", " ")


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.exports.postgres", description=__doc__)
    options.add_argument("--rows", type=int, default=5_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--write", action="store_true", help="keep the table in bench/results.md")
    given = options.parse_args()
    ours: list[Written] = []
    theirs: list[Cost] = []
    with filled(given.rows) as server, tempfile.TemporaryDirectory() as folder:
        for number_ in range(given.rounds):
            plan = asyncio.run(_plan(server, Path(folder) / f"ours{number_}"))
            written = export(plan)
            ours.append(written)
            copied = Path(folder) / "copied.csv"
            theirs.append(_copy(server, copied))
            assert written.rows == given.rows, (written.rows, given.rows)
            assert filecmp.cmp(written.path, copied, shallow=False), "the files differ"
            written.path.unlink()
            print(f"round {number_ + 1}: {ours[-1].cost} against {theirs[-1]}", flush=True)
    _report(given.rows, ours, theirs, write=given.write)


def _copy(server: Filled, to: Path) -> Cost:
    command = f"\\copy ({COPIED}) TO '{to}' WITH (FORMAT csv, HEADER)"
    return run([str(server.tools / "psql"), server.dsn, "--quiet", "-c", command])


async def _plan(server: Filled, folder: Path) -> Plan:
    db = Database(server.url)
    try:
        async with db.write() as tx:
            values: dict[str, Any] = {
                "experiment_keys": (1,),
                "data_types": (RecordType.CONTINUOUS_RATINGS.name,),
                "format": ExportFormat.CSV,
                "packaging": ExportPackaging.SINGLE_FILE,
                "anonymization": Anonymization.KEEP,
                "title": "bench",
                "bounds": await take_bounds(tx),
                "snapshot_at": Timestamp(0),
            }
            places = Places(db.url, folder / "spool", f"file://{folder}/store")
            return await make_plan(tx, Recipe(**values), places, name="1", key_prefix="exports/1")
    finally:
        await db.close()


def _report(rows: int, ours: list[Written], theirs: list[Cost], *, write: bool) -> None:
    warm = [written.warm or written.cost for written in ours]
    ratios = [them.wall / us.wall for us, them in zip(warm, theirs, strict=True)]
    cold = [us.cost.wall / a_warm.wall for us, a_warm in zip(ours, warm, strict=True)]
    ways = [
        ("ours, by a warm worker, as a server keeps them", warm, "1"),
        ("ours, from a worker's start", [written.cost for written in ours], spread(cold)),
        ("`psql \\copy`, joined and formatted", theirs, spread(ratios)),
    ]
    lines = [
        [
            way,
            spread([cost.wall for cost in costs]),
            ratio,
            number(max(cost.peak for cost in costs) / 1e6),
        ]
        for way, costs, ratio in ways
    ]
    text = f"{rows:,} ratings as CSV, the same bytes; seconds of the clock.\n\n"
    text += table(["way", "seconds", "× ours", "MB of its own process"], lines)
    middle = statistics.median(ratios)
    verdict = "kept" if middle >= PROMISED else "NOT KEPT"
    text += f"\n\nPromised: {PROMISED} times as fast or more; {number(middle)}: {verdict}."
    print(text)
    if write:
        keep("Exporting from PostgreSQL", text)
    if middle < PROMISED:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
