"""Finding text within text, upper and lower case alike in every script, the same everywhere.

Databases disagree: SQLite's LIKE and lower() know ASCII alone, and an export's worker has no
functions of ours; PostgreSQL's ILIKE asks the locale. So the pattern itself names each letter's
cases, `[üÜ][bB]er`, as a GLOB for SQLite and a regular expression for PostgreSQL. (SQLite looks at
a text up to its first NUL, if it holds one; PostgreSQL holds none.)
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Boolean, ColumnElement, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_CASED = 0x1E944
"""Where Unicode's letters that have cases end: beyond, each character is its own."""


class _Matches(FunctionElement[bool]):
    """Whether a column matches a pattern, given as a GLOB and as a regular expression.

    A statement has a parameter for what is compiled, and for nothing else.
    """

    type = Boolean()
    inherit_cache = True


def contains(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Return the clause that a column holds a text somewhere, whatever the case of its letters."""
    return _Matches(column, literal(f"*{_glob(text)}*"), literal(_regex(text)))


def starts_with(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Return the clause that a column begins with a text, whatever the case of its letters."""
    return _Matches(column, literal(f"{_glob(text)}*"), literal(f"^{_regex(text)}"))


def _glob(text: str) -> str:
    return "".join(f"[{each}]" if len(each) > 1 or each in "*?[" else each for each in _sets(text))


def _regex(text: str) -> str:
    return "".join(
        f"[{each}]" if len(each) > 1 else each if each.isalnum() else f"\\{each}"
        for each in _sets(text)
    )


def _sets(text: str) -> list[str]:
    """Return for each character of a text all that count as it."""
    cases = _cases()
    return [cases.get(character, character) for character in text]


@cache
def _cases() -> Mapping[str, str]:
    """Map each letter that has cases to all of them: 70 ms, once."""
    alike = defaultdict[str, str](str)
    for character in map(chr, range(_CASED)):
        alike[_folded(character)] += character
    return {each: cases for cases in alike.values() if len(cases) > 1 for each in cases}


def _folded(character: str) -> str:
    """Return what stands for a letter's cases: one character, so that `ß` is not `ss`."""
    folds = (character.casefold(), character.lower(), character)
    return next(folded for folded in folds if len(folded) == 1)


@compiles(_Matches)
def _as_regex(element: _Matches, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    column, _, regex = element.clauses
    return f"({compiler.process(column, **options)} ~ {compiler.process(regex, **options)})"


@compiles(_Matches, "sqlite")
def _as_glob(element: _Matches, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    column, glob, *_ = element.clauses
    return f"({compiler.process(column, **options)} GLOB {compiler.process(glob, **options)})"
