"""A BIDS dataset's files: what their names say, and what lies beside them applies to them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import orjson

from server.errors import BadPackage
from server.importing.outside.tables import Row, read_table

ROOT = "dataset_description.json"
EVENTS = "_events.tsv"
MISSING = "n/a"

_OTHERS = {"derivatives", "sourcedata", "code", "stimuli"}
"""Folders of a dataset that hold none of its own data."""


@dataclass(frozen=True)
class EventsFile:
    """A file of events: `entities` are what its name says, such as `{"sub": "01", "run": "1"}`."""

    root: Path
    path: Path

    @cached_property
    def name(self) -> str:
        """Its path within the dataset."""
        return self.path.relative_to(self.root).as_posix()

    @cached_property
    def entities(self) -> dict[str, str]:
        return entities_of(self.path.name)

    def labelled(self, *without: str) -> str:
        """Return what its name says, as it does, but for some of it."""
        kept = ((key, value) for key, value in self.entities.items() if key not in without)
        return "_".join(f"{key}-{value}" for key, value in kept)

    def sidecar(self) -> dict[str, Any]:
        """Return what is said of its columns: the closer to it, the more it counts."""
        said: dict[str, Any] = {}
        for folder in self._folders():
            applying = [
                (len(named), path)
                for path in folder.glob("*events.json")
                if (named := entities_of(path.name)).items() <= self.entities.items()
            ]
            for _, path in sorted(applying):
                said.update(read_json(path))
        return said

    def acquired(self) -> str | None:
        """Return when it was recorded, as the list of scans says."""
        best, found = 0, None
        for folder in self._folders():
            for path in folder.glob("*_scans.tsv"):
                for row in rows_of(path):
                    named = str(row.get("filename", ""))
                    said = entities_of(Path(named).name)
                    same = (folder / named).parent == self.path.parent
                    if same and best < len(said) and said.items() <= self.entities.items():
                        best, found = len(said), str(row.get("acq_time", MISSING))
        return found

    def _folders(self) -> Iterator[Path]:
        """Go from the dataset's root down to its own folder."""
        inside = self.path.parent.relative_to(self.root).parts
        return (self.root.joinpath(*inside[:depth]) for depth in range(len(inside) + 1))


def events_files(path: Path) -> list[EventsFile]:
    """Return the files of events at a path: a dataset, a folder of one, or one file."""
    path = path.resolve()
    if path.is_file():
        return [EventsFile(_root_of(path.parent), path)]
    root = _root_of(path)
    found = sorted(path.rglob(f"*{EVENTS}"))
    return [EventsFile(root, each) for each in found if _is_own(each.relative_to(path))]


def is_dataset(path: Path) -> bool:
    """Tell a BIDS dataset, or a part of one."""
    if path.is_file():
        return is_events(path.name)
    return path.is_dir() and ((path / ROOT).is_file() or any(path.rglob(f"sub-*{EVENTS}")))


def is_events(name: str) -> bool:
    """Tell a participant's events by a file's name."""
    return name.startswith("sub-") and name.endswith(EVENTS)


def entities_of(name: str) -> dict[str, str]:
    """Return the pairs that a file's name is made of."""
    parts = name.partition(".")[0].split("_")
    return dict(part.split("-", 1) for part in parts if "-" in part)


def rows_of(path: Path) -> Iterator[Row]:
    """Read a small table, if it is there."""
    if path.is_file():
        with path.open("rb") as stream:
            yield from read_table(stream, path.name, "\t", lambda more: None)


def read_json(path: Path) -> Mapping[str, Any]:
    """Read an object."""
    try:
        said = orjson.loads(path.read_bytes())
    except ValueError as wrong:
        raise BadPackage(f"{path.name} is no JSON that can be read.") from wrong
    if not isinstance(said, dict):
        raise BadPackage(f"{path.name} is not a JSON object.")
    return cast("Mapping[str, Any]", said)


def _root_of(folder: Path) -> Path:
    for each in (folder, *folder.parents):
        if (each / ROOT).is_file():
            return each
    return folder


def _is_own(path: Path) -> bool:
    return not any(part in _OTHERS or part.startswith(".") for part in path.parts[:-1])
