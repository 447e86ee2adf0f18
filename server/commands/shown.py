"""What a command shows while it works: a bar on a terminal, lines elsewhere, or nothing.

All of it goes to standard error; standard output is for the outcome.
"""

import sys
import time
from select import select
from typing import Protocol

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
)
from rich.table import Column
from rich.text import Text

from server.client.exports import Export

LINE_SECONDS = 2.0
"""How often a line is written where there is no bar."""

_BLINK_SECONDS = 0.2


class Shown(Protocol):
    """What is told of a command's work."""

    asks: bool
    """Whether somebody is there to answer."""

    def note(self, line: str) -> None: ...
    def progress(self, export: Export) -> None: ...
    def bytes(self, activity: str, done: int, total: int) -> None: ...
    def stop(self) -> None: ...


class Silence:
    """Nothing is shown."""

    asks = False

    def note(self, line: str) -> None:
        pass

    def progress(self, export: Export) -> None:
        pass

    def bytes(self, activity: str, done: int, total: int) -> None:
        pass

    def stop(self) -> None:
        pass


class Lines:
    """A line now and then, for logs."""

    asks = False

    def __init__(self) -> None:
        self._said = ""
        self._at = time.monotonic()

    def note(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - it is what is shown

    def progress(self, export: Export) -> None:
        of = f" of {export.total_rows:,}" if export.total_rows is not None else ""
        rows = f" ({export.percent:.0f} %, {export.rows:,}{of} rows)" if export.rows else ""
        self._say(f"{export.message}{rows}", now=export.ended or not self._said)

    def bytes(self, activity: str, done: int, total: int) -> None:
        self._say(f"{activity}: {decimal(done)} of {decimal(total)}", now=False)

    def stop(self) -> None:
        pass

    def _say(self, line: str, *, now: bool) -> None:
        waited = time.monotonic() - self._at
        if line != self._said and (now or waited >= LINE_SECONDS):
            self._said, self._at = line, time.monotonic()
            self.note(line)


class _Amount(ProgressColumn):
    """How much of how much, in the task's own unit, and how fast bytes come."""

    def render(self, task: Task) -> Text:
        done, total = int(task.completed), task.total
        if not task.fields["bytes"]:
            rows = f"{done:,} of {int(total):,} rows" if total else ""
            return Text(rows, style="progress.download")
        speed = task.finished_speed or task.speed
        rate = f", {decimal(int(speed))}/s" if speed else ""
        return Text(
            f"{decimal(done)} of {decimal(int(total or 0))}{rate}", style="progress.download"
        )


class Bars:
    """A bar for each thing that takes its time."""

    asks = sys.stdin is not None and sys.stdin.isatty()

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}", table_column=Column(ratio=3, no_wrap=True)),
            BarColumn(bar_width=None, table_column=Column(ratio=2)),
            TaskProgressColumn(),
            _Amount(table_column=Column(no_wrap=True)),
            console=self.console,
            expand=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def note(self, line: str) -> None:
        self.console.print(line, markup=False, soft_wrap=True)

    def progress(self, export: Export) -> None:
        total = export.total_rows if export.rows or export.ended else None
        self._show("rows", export.message, export.rows, total, in_bytes=False)

    def bytes(self, activity: str, done: int, total: int) -> None:
        self._show(activity, activity, done, total, in_bytes=True)

    def stop(self) -> None:
        self._bars.stop()

    def _show(self, key: str, text: str, done: int, total: int | None, *, in_bytes: bool) -> None:
        shown = escape(text)
        if key not in self._tasks:
            self._bars.start()
            self._tasks[key] = self._bars.add_task(
                shown, total=total, completed=done, bytes=in_bytes
            )
        self._bars.update(self._tasks[key], description=shown, completed=done, total=total)


def shown(*, quiet: bool) -> Shown:
    """Return what fits where standard error leads."""
    if quiet:
        return Silence()
    return Bars() if sys.stderr.isatty() else Lines()


def yes(question: str) -> bool:
    """Ask somebody at a terminal; to press Enter is to agree."""
    print(f"\n{question} [Y/n] ", end="", file=sys.stderr, flush=True)  # noqa: T201
    if sys.platform != "win32":
        # A Ctrl-C that comes just before reading begins would wait for the next key.
        while not select([sys.stdin], [], [], _BLINK_SECONDS)[0]:
            pass
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")
