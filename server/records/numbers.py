"""Numbers to calculate with, in SQL: what is left out of them, and whole division."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Float, SQLColumnExpression, case, cast
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

LARGEST = 1e100
"""Beyond it numbers are left out of calculations: their squares must not overflow."""

SMALLEST = 1e-100
"""Closer to 0 than this a number is 0: PostgreSQL takes a square that underflows for an error."""

_LARGEST_FLOAT = 1.7976931348623157e308


def finite(column: SQLColumnExpression[Any]) -> ColumnElement[Any]:
    """Return a number, or null where it is infinite: JSON cannot say that."""
    return case((column.between(-_LARGEST_FLOAT, _LARGEST_FLOAT), column))


def calculable(column: SQLColumnExpression[Any]) -> ColumnElement[Any]:
    """Return a number, or null where calculating with it would overflow."""
    return case((column.between(-LARGEST, LARGEST), column))


class number_in(FunctionElement[Any]):  # noqa: N801 - it stands in SQL as a function does
    """The number that a JSON column holds, or null where it holds something else.

    Text that looks like a number is text. A number beyond LARGEST is null too. The cases are
    nested, as their order is kept then: PostgreSQL would not cast text, or 1e400, to a float.
    """

    inherit_cache = True
    type = Float()


@compiles(number_in, "sqlite")
def _number_in_text(element: number_in, compiler: SQLCompiler, **options: object) -> str:
    json = compiler.process(element.clauses, **options)
    return _bounded(f"json_type({json}) IN ('integer', 'real')", f"CAST({json} AS REAL)")


@compiles(number_in, "postgresql")
def _number_in_jsonb(element: number_in, compiler: SQLCompiler, **options: object) -> str:
    json = compiler.process(element.clauses, **options)
    return _bounded(f"jsonb_typeof({json}) = 'number'", f"CAST({json} #>> '{{}}' AS numeric)")


def _bounded(is_number: str, number: str) -> str:
    return (
        f"CASE WHEN {is_number} THEN CASE WHEN abs({number}) > {LARGEST!r} THEN NULL "
        f"WHEN abs({number}) < {SMALLEST!r} THEN 0.0 ELSE CAST({number} AS DOUBLE PRECISION) "
        "END END"
    )


def floored(column: SQLColumnExpression[Any], width: int, start: int = 0) -> ColumnElement[Any]:
    """Return in which interval a whole number lies, the first one from `start`: -1 is in the -1st.

    Databases divide towards zero, which would make the intervals about the start one.
    """
    shifted = cast(column, BigInteger) - start
    into = (shifted % width + width) % width
    return (shifted - into) // width
