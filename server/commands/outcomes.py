"""What came of an export: said in lines, or as JSON."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.filesize import decimal

from server.client.exports import Export
from server.commands.endings import say
from server.commands.repeating import Repeated


@dataclass(frozen=True)
class Outcome:
    """The file that came, and what it is."""

    file: Path
    export: Export
    manifest: Path | None
    resumed_at: int
    repeated: Repeated | None

    def as_json(self) -> dict[str, Any]:
        return {
            "file": str(self.file),
            "manifest": str(self.manifest) if self.manifest else None,
            "exportId": self.export.id,
            "bytes": self.export.file_size,
            "sha256": self.export.sha256,
            "rows": self.export.rows,
            "anonymization": self.export.anonymization,
            "resumedAtByte": self.resumed_at,
            "repeated": self.repeated.as_json() if self.repeated else None,
        }


def tell(outcome: Outcome) -> None:
    """Say where the file is, and what proves it."""
    export = outcome.export
    size = decimal(export.file_size or 0)
    say(f"Saved {outcome.file}  ({size}, {export.rows:,} rows, {_level(export)})")
    if outcome.manifest:
        say(f"      {outcome.manifest}")
    say(f"SHA-256 {export.sha256}")
    if outcome.repeated:
        outcome.repeated.tell(say)


_LEVELS = {
    "KEEP": "IDENTIFIABLE",
    "REMOVE_IDENTIFIERS": "de-identified",
    "AGGREGATE_ONLY": "statistics only",
}
"""What the degrees of anonymization come to; another is shown as the server calls it."""


def _level(export: Export) -> str:
    return _LEVELS.get(export.anonymization, export.anonymization)
