"""Snapshots as texts: where an export's data ended, so that it can be asked for again.

A text is not signed. It says which rows to leave out, so that a forged one widens nobody's rights.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from server.errors import BadUserInput
from server.export.recipe import PARTICIPANTS, ROOMS, Recipe
from server.records import RecordType
from server.timestamps import Timestamp, now

LONGEST = 4096
"""Characters of a text that are looked at."""

_LAST_KEY = (1 << 63) - 1

Key = Annotated[int, Field(ge=0, le=_LAST_KEY)]


class Snapshot(BaseModel):
    """Where an export's data ended.

    bounds       the highest keys there were
    after        those of the export before it, of whose records none is in this one
    at           when that was
    recipe_hash  of the recipe that it was taken for; empty for one that is taken now
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    bounds: dict[str, Key]
    after: dict[str, Key] = {}
    at: Key
    recipe_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$|^$")] = ""

    @property
    def taken_at(self) -> Timestamp:
        return Timestamp(self.at)


def snapshot_text(recipe: Recipe) -> str:
    """Return the text that stands for a recipe's snapshot."""
    said = Snapshot(
        bounds=recipe.bounds,
        after=recipe.after,
        at=recipe.snapshot_at,
        recipe_hash=recipe_hash(recipe),
    )
    return urlsafe_b64encode(canonical(said.model_dump(mode="json"))).rstrip(b"=").decode()


def read_snapshot(text: str, latest: dict[str, int]) -> Snapshot:
    """Read such a text, and leave out what has not been stored yet; BadUserInput if it is none."""
    try:
        padded = text[:LONGEST] + "=" * (-len(text[:LONGEST]) % 4)
        said = Snapshot.model_validate_json(urlsafe_b64decode(padded))
    except (ValueError, ValidationError):
        said = None
    types = {data_type.name for data_type in RecordType}
    if (
        said is None
        or said.bounds.keys() != {ROOMS, PARTICIPANTS, *types}
        or said.after.keys() - types
    ):
        raise BadUserInput(
            "That is no snapshot of ours: give `snapshot` of an export's recipe as it is.",
            ["input", "snapshot"],
        )
    bounds = {name: min(key, latest[name]) for name, key in said.bounds.items()}
    return said.model_copy(update={"bounds": bounds, "at": min(said.at, now())})


def recipe_hash(recipe: Recipe) -> str:
    """Return what tells a recipe from any other: SHA-256, in hexadecimal."""
    return sha256(canonical(recipe.model_dump(mode="json"))).hexdigest()


def canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Return JSON that is the same for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
