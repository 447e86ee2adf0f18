"""What the person at the command line asks of an import."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from server import timestamps
from server.errors import BadUserInput
from server.importing.outside.cells import moment
from server.importing.outside.kinds import SourceKind, kind_at
from server.importing.outside.sources import Wishes


@dataclass(frozen=True)
class Asked:
    """What is to be imported, and how, in the words of the command line."""

    path: Path
    format: str | None = None
    mapping: Path | None = None
    report: Path | None = None
    owner: str | None = None
    into: str | None = None
    start: str | None = None
    time_zone: str = "UTC"
    dry_run: bool = False

    @cached_property
    def kind(self) -> SourceKind:
        if self.format is None:
            return kind_at(self.path, self.mapping)
        try:
            return SourceKind(self.format)
        except ValueError:
            known = ", ".join(f"`{each}`" for each in SourceKind)
            raise BadUserInput(f"`--format` is one of {known}.", ["format"]) from None

    @cached_property
    def wishes(self) -> Wishes:
        try:
            zone = ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise BadUserInput(
                "`--time-zone` is a name such as Europe/Berlin.", ["timeZone"]
            ) from None
        if self.into is not None and not self.into.startswith("exp_"):
            raise BadUserInput("`--into` is the id of an experiment, `exp_…`.", ["into"])
        return Wishes(self.into, self._start(zone), zone)

    def require_export(self) -> None:
        """Raise BadUserInput if anything is asked that an export of ours says itself."""
        if self.mapping or self.report or self.wishes != Wishes():
            raise BadUserInput(
                "An export of ours says all of that itself: `--into`, `--mapping`, `--start`, "
                "`--time-zone` and `--report` are for data from elsewhere."
            )

    def _start(self, zone: ZoneInfo) -> int | None:
        if self.start is None:
            return None
        read = moment(self.start, zone)
        try:
            return timestamps.parse(read) if isinstance(read, str) else read
        except ValueError:
            raise BadUserInput(
                "`--start` is a moment such as 2026-03-01T09:00:00.", ["start"]
            ) from None
