"""`hyperdata verify`, carried out."""

import hashlib
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from server.client.packages import Package, Problem, open_package
from server.client.verifying import CheckedFile, Verdict, verify
from server.commands.endings import DONE, FAILED, refuse, say, say_json
from server.commands.shown import Shown, shown
from server.errors import ExpectedFailure

_MOST_SHOWN = 60
"""Files in the table; of more, only those that something is wrong with."""

_PIECE = 1 << 20


def check(
    path: Path, manifest: Path | None, sha256: str | None, *, quiet: bool, as_json: bool
) -> int:
    """Check an export, and say what came of it; return the exit code."""
    show = shown(quiet=quiet or as_json)
    try:
        whole = _whole(path, sha256, show)
        package = open_package(path, manifest)
        verdict = verify(package, _Told(show))
    except ExpectedFailure as failure:
        show.stop()
        return refuse(failure, as_json=as_json)
    show.stop()
    verdict.problems += whole
    verdict.notes += _notes(verdict, package, sha256)
    if as_json:
        say_json(_as_json(verdict))
    else:
        _tell(verdict, quiet=quiet)
    return DONE if verdict.sound else FAILED


class _Told:
    """Shows how much of the files has been read."""

    def __init__(self, show: Shown) -> None:
        self._show = show
        self._done = 0

    def __call__(self, size: int, total: int) -> None:
        self._done += size
        self._show.bytes("Checking", self._done, total)


def _whole(path: Path, sha256: str | None, show: Shown) -> list[Problem]:
    """Compare a whole file with what the API states of it."""
    if sha256 is None:
        return []
    if not path.is_file():
        return [Problem("", "--sha256 is of a file, and this is none")]
    digest, total, done = hashlib.sha256(), path.stat().st_size, 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            done += len(piece)
            show.bytes("Hashing the whole", done, total)
    if digest.hexdigest() == sha256.strip().lower():
        return []
    return [Problem("", "the whole file's SHA-256 is not the one that was named")]


def _notes(verdict: Verdict, package: Package, sha256: str | None) -> list[str]:
    if verdict.kind == "file":
        return [f"{package.metadata_path} proves the file; nothing proves the manifest itself."]
    if sha256 is not None:
        return []
    return [
        f"{package.metadata_path} lists all files but itself: what proves it is the SHA-256 of the "
        "whole ZIP, which the API shows (--sha256 compares it)."
    ]


def _as_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "sound": verdict.sound,
        "kind": verdict.kind,
        "title": verdict.statement.title,
        "anonymization": verdict.statement.anonymization,
        "files": [
            {"path": f.stated.path, "rows": f.stated.row_count, "bytes": f.stated.bytes}
            | {"sound": f.sound}
            for f in verdict.files
        ],
        "problems": [{"path": p.path, "message": p.message} for p in verdict.problems],
        "notes": verdict.notes,
    }


def _tell(verdict: Verdict, *, quiet: bool) -> None:
    console = Console(highlight=False)
    if not quiet:
        console.print(_table(verdict))
    for problem in verdict.problems:
        where = f"{problem.path}: " if problem.path else ""
        say(f"WRONG  {where}{problem.message}")
    if quiet:
        return
    for note in verdict.notes:
        say(f"Note: {note}")
    rows = sum(file.stated.row_count for file in verdict.files)
    count, level = len(verdict.files), verdict.statement.anonymization or "not stated"
    found = "Sound" if verdict.sound else f"NOT SOUND, {len(verdict.problems):,} faults"
    say(f"{found}: {count:,} files, {rows:,} rows; anonymization: {level}.")


def _table(verdict: Verdict) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("File", overflow="fold")
    table.add_column("Rows", justify="right", no_wrap=True)
    table.add_column("Size", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    shown_files = verdict.files
    if len(shown_files) > _MOST_SHOWN:
        shown_files = [file for file in shown_files if not file.sound]
        table.caption = f"{len(verdict.files) - len(shown_files):,} sound files are not shown"
    for file in shown_files:
        table.add_row(*_row(file))
    return table


def _row(file: CheckedFile) -> tuple[str, str, str, str]:
    path = file.stated.path.partition("/")[2] or file.stated.path
    mark = "[green]ok[/]" if file.sound else "[red]WRONG[/]"
    rows = f"{file.stated.row_count:,}" if file.stated.row_count else ""
    return path.replace("[", "\\["), rows, decimal(file.stated.bytes), mark
