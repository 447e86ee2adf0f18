"""What an export says of itself: `metadata.json` of a ZIP, `FILE.manifest.json` beside a file."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

METADATA = "metadata.json"
DICTIONARY = "data_dictionary.json"
MEDIA = "media"
"""The folder of a room's recorded files."""

AGGREGATED = "AGGREGATE_ONLY"
"""The degree of anonymization at which no number of records is stated: it could be of a few."""

ASIDE = ".manifest.json"
"""What is put behind a single file's name for the name of its manifest."""

Count = Annotated[int, Field(ge=0, strict=True)]


class _Stated(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True
    )


class StatedFile(_Stated):
    """A file, its size in bytes, and the SHA-256 of its bytes."""

    path: str
    data_type: str | None = None
    row_count: Count
    bytes: Count
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class Withheld(_Stated):
    """Rows that were selected and are not in the files."""

    reason: str
    count: Count


class LedgerEntry(_Stated):
    """What became of the selected rows of a data type."""

    data_type: str
    selected: Count
    written: Count
    withheld: list[Withheld] = []


class StatedColumn(_Stated):
    """A column, by its name."""

    name: str


class StatedTable(_Stated):
    """The columns of a table's files; none if they are those of all tables."""

    columns: list[StatedColumn] = []


class DataDictionary(_Stated):
    """The tables, by their names; `columns` are those of tables that have none of their own."""

    columns: list[StatedColumn] = []
    tables: dict[str, StatedTable] = {}

    def columns_of(self, *names: str) -> set[str] | None:
        """Return the columns of the first of these tables that there is; None if there is none."""
        tables = {plain(name): table for name, table in self.tables.items()}
        for name in map(plain, names):
            if name in tables:
                return {column.name for column in tables[name].columns or self.columns}
        return None


class MediaEntry(_Stated):
    """What became of the recorded files."""

    selected: Count
    written: Count
    withheld: list[Withheld] = []


class Recipe(_Stated):
    """What was asked for, where the snapshot ended, and what wrote it."""

    input: dict[str, Any]
    snapshot: str
    software: str | None = None


class Statement(_Stated):
    """All that is checked; `counts` is what was selected, by the tables' names."""

    title: str | None = None
    anonymization: str | None = None
    packaging: str | None = None
    files: list[StatedFile]
    ledger: list[LedgerEntry] | None = None
    counts: dict[str, Count] | None = None
    media: MediaEntry | None = None
    recipe: Recipe | None = None


def why_not(error: ValidationError) -> str:
    """Say what is wrong with a statement, in a line that holds no value of it."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or "it"
    return f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def plain(name: str) -> str:
    """Return a name such that `CHAT_MESSAGES` and `chatMessages` are the same."""
    return name.replace("_", "").replace("-", "").lower()
