"""Whether an export that was repeated from a recipe came out the same, member by member."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.client.packages import Problem, open_package
from server.client.recipes import Comparison, compare
from server.client.statements import Statement
from server.client.verifying import verify
from server.commands.shown import Shown


@dataclass(frozen=True)
class Repeated:
    """How the files compare, and what is wrong with those that came."""

    comparison: Comparison
    software: tuple[str | None, str | None]
    problems: list[Problem] = field(default_factory=list[Problem])

    @property
    def all_same(self) -> bool:
        return self.comparison.all_same and not self.problems

    def as_json(self) -> dict[str, Any]:
        found = self.comparison
        return {
            "allSame": self.all_same,
            "same": found.same,
            "different": found.different,
            "onlyBefore": found.only_before,
            "onlyNow": found.only_now,
            "softwareBefore": self.software[0],
            "softwareNow": self.software[1],
            "problems": [{"path": p.path, "message": p.message} for p in self.problems],
        }

    def tell(self, say: Callable[[str], object]) -> None:
        found = self.comparison
        for path in found.different:
            say(f"different  {path}")
        for path in found.only_before:
            say(f"missing    {path}")
        for path in found.only_now:
            say(f"new        {path}")
        for problem in self.problems:
            say(f"damaged    {problem.path}: {problem.message}")
        count = len(found.same)
        total = count + len(found.different) + len(found.only_before) + len(found.only_now)
        verdict = "The same" if self.all_same else "NOT the same"
        say(f"{verdict} as the recipe's export: {count:,} of {total:,} files, byte by byte.")


def repeated(before: Statement, file: Path, show: Shown) -> Repeated:
    """Compare a file with what the export that it repeats states, after checking it."""
    verdict = verify(open_package(file))
    now = verdict.statement
    old = before.recipe.software if before.recipe else None
    new = now.recipe.software if now.recipe else None
    if old and new and old != new:
        show.note(f"Warning: the recipe was written by {old}, this server runs {new}.")
    return Repeated(compare(before, now), (old, new), verdict.problems)
