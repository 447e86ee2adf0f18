"""Looking into JSON columns: paths such as `value.choice` or `items[0]`, and what lies there."""

import re
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, ColumnElement, func, literal, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from server.column_types import dump_json

LONGEST_PATH = 500
"""How many characters a path may have."""

_LONGEST_NUMBER = 400
"""How many digits a number may have that is also looked for without an exponent."""

_LARGEST = Decimal("1.7976931348623157e308")
"""The largest number that has a binary fraction."""

_STEP = re.compile(
    r"""(?: \A | (?!\A)\. ) (?: (?P<key> [^\W\d][\w-]* ) | " (?P<quoted> [^"\\\x00-\x1f]+ ) " )
      | \[ (?P<index> 0 | [1-9][0-9]{0,8} ) \]""",
    re.VERBOSE,
)

BAD_PATH = (
    "A path is keys with dots between them, and places in lists, such as `value.choice`, "
    '`items[0].id` or `"a key".b`; a key that is not letters, digits, `_` and `-` stands in quotes.'
)


def steps(path: str) -> str:
    """Return a path as SQLite and PostgreSQL both write it, `$."value"[0]`; ValueError if none."""
    written, end = "$", 0
    while end < len(path):
        step = _STEP.match(path, end)
        if step is None or len(path) > LONGEST_PATH:
            raise ValueError(BAD_PATH)
        key = step["key"] or step["quoted"]
        written += f"[{step['index']}]" if key is None else f'."{key}"'
        end = step.end()
    return written


def is_at(column: ColumnElement[Any], path: str, value: object) -> ColumnElement[bool]:
    """Return the clause that a JSON column holds a value, one of JSON's own, at a path.

    Nothing there is not `null`; a text, a number and a truth value are never equal.
    """
    return _Is(column, literal(path), *map(literal, _texts(value)))


def is_nothing_at(column: ColumnElement[Any], path: str) -> ColumnElement[bool]:
    """Return the clause that a JSON column has nothing at a path, or `null`."""
    return func.coalesce(_Is(column, literal(path), literal("null")), true())


def holds(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Return the clause that a JSON column is a list which holds a text."""
    return _Holds(column, literal(text), literal(dump_json(text)))


def is_empty(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the clause that a JSON column is a list of nothing."""
    return _Is(column, literal("$"), literal("[]"))


def _texts(value: object) -> list[str]:
    """Return how a value may be stored: a whole number as `4` or `4.0`, as it came in.

    Numbers are compared as decimals, which is what PostgreSQL does: not as binary fractions.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [dump_json(value)]
    exactly = Decimal(repr(value))
    texts = {dump_json(value)}
    if not exactly:
        texts |= {"0", "0.0", "-0.0"}
    elif exactly == exactly.to_integral_value() and exactly.adjusted() < _LONGEST_NUMBER:
        texts.add(str(int(exactly)))
    if abs(exactly) < _LARGEST and Decimal(repr(float(exactly))) == exactly:
        texts.add(dump_json(float(exactly)))
    return sorted(texts)


class _Is(FunctionElement[bool]):
    """Whether a column has one of some JSON texts at a path; null if it has nothing there."""

    type = Boolean()
    inherit_cache = True


class _Holds(FunctionElement[bool]):
    """Whether a column is a list that holds a text, given as it is and as JSON."""

    type = Boolean()
    inherit_cache = True


@compiles(_Is)
def _is_in_jsonb(element: _Is, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    column, path, text = (compiler.process(each, **options) for each in list(element.clauses)[:3])
    strictly = f"CAST('strict ' || {path} AS jsonpath)"
    return f"(jsonb_path_query_first({column}, {strictly}, '{{}}', true) = CAST({text} AS jsonb))"


@compiles(_Is, "sqlite")
def _is_in_text(element: _Is, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    column, path, *texts = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} -> {path} IN ({', '.join(texts)}))"


@compiles(_Holds)
def _holds_in_jsonb(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    column, _, text = element.clauses
    stored, asked = compiler.process(column, **options), compiler.process(text, **options)
    return f"(jsonb_typeof({stored}) = 'array' AND {stored} @> CAST({asked} AS jsonb))"


@compiles(_Holds, "sqlite")
def _holds_in_text(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    column, text, *_ = element.clauses
    stored = compiler.process(column, **options)
    listed = f"json_each(CASE json_type({stored}) WHEN 'array' THEN {stored} END) AS held"
    asked = f"held.type = 'text' AND held.value = {compiler.process(text, **options)}"
    return f"(EXISTS (SELECT 1 FROM {listed} WHERE {asked}))"  # noqa: S608 - SQLAlchemy made the parts
