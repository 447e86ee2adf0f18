"""Repeating an export by what it says of itself, and telling whether it came the same."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
from pydantic import ValidationError

from server.client.packages import PackageUnreadable, open_package
from server.client.statements import Recipe, Statement, why_not
from server.errors import ExpectedFailure


class NoRecipe(ExpectedFailure):
    """The file tells of no export that could be repeated."""

    code = "NO_RECIPE"


@dataclass(frozen=True)
class Comparison:
    """The members of two exports of one recipe, by path below their folder."""

    same: list[str]
    different: list[str]
    only_before: list[str]
    only_now: list[str]

    @property
    def all_same(self) -> bool:
        return not (self.different or self.only_before or self.only_now)


def stated_in(path: Path) -> Statement:
    """Return what an export says of itself: a ZIP, a folder, a `metadata.json` or a manifest."""
    if path.suffix.lower() == ".json" and path.is_file():
        try:
            told: Any = orjson.loads(path.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise NoRecipe(f"{path} cannot be read as JSON.") from error
    else:
        told = open_package(path).metadata
    try:
        return Statement.model_validate(told)
    except ValidationError as error:
        raise PackageUnreadable(f"{path} does not tell of an export: {why_not(error)}.") from error


def recipe_in(path: Path) -> tuple[Recipe, Statement]:
    """Return the recipe in a file, and all else that it states; NoRecipe if there is none."""
    stated = stated_in(path)
    if stated.recipe is None:
        raise NoRecipe(
            f"{path} holds no recipe: its export was made before there were any. Name what to "
            "export by options."
        )
    return stated.recipe, stated


def input_again(recipe: Recipe) -> dict[str, Any]:
    """Return the input that asks for the same rows once more."""
    asked = {name: value for name, value in recipe.input.items() if name != "idempotencyKey"}
    return {**asked, "snapshot": recipe.snapshot}


def compare(before: Statement, now: Statement) -> Comparison:
    """Compare the files of two exports by their SHA-256; a single file's name does not matter."""
    old, new = _hashes(before), _hashes(now)
    both = old.keys() & new.keys()
    return Comparison(
        same=sorted(path for path in both if old[path] == new[path]),
        different=sorted(path for path in both if old[path] != new[path]),
        only_before=sorted(old.keys() - new.keys()),
        only_now=sorted(new.keys() - old.keys()),
    )


def _hashes(stated: Statement) -> dict[str, str]:
    if stated.packaging == "SINGLE_FILE" and len(stated.files) == 1:
        return {"the file": stated.files[0].sha256}
    return {_inside(file.path): file.sha256 for file in stated.files}


def _inside(path: str) -> str:
    """Return a path below the one folder that everything lies in: it is named by the day."""
    parts = PurePosixPath(path).parts
    return "/".join(parts[1:]) or path
