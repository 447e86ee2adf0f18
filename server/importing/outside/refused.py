"""What was refused of an import: each record in a file, and all of it in a few lines."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import orjson

from server.errors import BadUserInput
from server.importing.outside.sources import Sent
from server.ingest.refusals import Refusal


@dataclass
class Reason:
    """Why some were refused: how many, and where the first of them was, without its values."""

    code: str
    count: int
    example: str


@dataclass
class Report:
    """Counts what was refused, and writes it down where that is wanted: a record a line."""

    stream: IO[bytes] | None = None
    reasons: dict[str, Reason] = field(default_factory=dict[str, Reason])

    @property
    def count(self) -> int:
        return sum(reason.count for reason in self.reasons.values())

    def add(self, sent: Sent, refusal: Refusal) -> None:
        example = f"{sent.file}, row {sent.row}: {refusal.message}"
        reason = self.reasons.setdefault(refusal.code, Reason(refusal.code, 0, example))
        reason.count += 1
        if self.stream is not None:
            told = {
                "file": sent.file,
                "row": sent.row,
                "code": refusal.code,
                "field": refusal.field,
                "message": refusal.message,
                "record": sent.record,
            }
            self.stream.write(orjson.dumps(told, default=str, option=orjson.OPT_APPEND_NEWLINE))


@contextmanager
def reporting(path: Path | None) -> Generator[Report]:
    """Open a report: a file that only its owner may read, as it holds people's data."""
    if path is None:
        yield Report()
        return
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as wrong:
        raise BadUserInput(f"The report cannot be written to {path}.", ["report"]) from wrong
    with os.fdopen(number, "wb") as stream:
        yield Report(stream)
