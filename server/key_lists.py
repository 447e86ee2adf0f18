"""Lists of keys as a table: one parameter, however many there are."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Dialect,
    SQLColumnExpression,
    TableValuedAlias,
    Text,
    bindparam,
    column,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


class _KeyList(TypeDecorator[Sequence[Any]]):
    """Keys, or texts, as a JSON array."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> str:
        return orjson.dumps(list(value or ())).decode()


def keys(name: str | None, values: Sequence[int] = ()) -> BindParameter[Any]:
    """Return a parameter that takes a list of keys, by a name if it has one."""
    return bindparam(name, list(values), _KeyList())


def listed(values: Sequence[int] | ColumnElement[Any]) -> TableValuedAlias:
    """Return keys as a table, with columns `key` (to sort by for their order) and `value`.

    They may be what a column of JSON holds.

    One parameter however many there are: databases take only some thousands, and a statement that
    does not change with their number is compiled once.
    """
    parameter = values if isinstance(values, ColumnElement) else keys(None, values)
    return _Elements(parameter).table_valued(column("key", BigInteger), column("value", BigInteger))


def among(
    place: SQLColumnExpression[Any], values: Sequence[int] | BindParameter[Any]
) -> ColumnElement[bool]:
    """Return the clause that keeps some keys, any number of them."""
    return _Among(place, values if isinstance(values, BindParameter) else keys(None, values))


def among_texts(place: SQLColumnExpression[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """Return the clause that keeps some texts, any number of them."""
    return _AmongTexts(place, bindparam(None, list(values), _KeyList()))


class _Elements(FunctionElement[Any]):
    """The elements of a JSON array, as rows."""

    inherit_cache = True


class _Among(FunctionElement[bool]):
    """Whether a key is an element of a JSON array.

    Not of type Boolean: SQLite would be asked for `(…) = 1`, which no index helps to find.
    """

    inherit_cache = True


class _AmongTexts(FunctionElement[bool]):
    """Whether a text is an element of a JSON array; see `_Among`."""

    inherit_cache = True


@compiles(_Elements, "sqlite")
def _in_sqlite(element: _Elements, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Elements, "postgresql")
def _in_postgresql(element: _Elements, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    keys = compiler.process(element.clauses, **options)
    elements = f"jsonb_array_elements_text(CAST({keys} AS JSONB)) WITH ORDINALITY AS e (text, key)"
    return f"(SELECT key, CAST(text AS BIGINT) AS value FROM {elements})"  # noqa: S608 - no text from outside


@compiles(_AmongTexts, "sqlite")
@compiles(_Among, "sqlite")
def _is_in_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    place, keys = (compiler.process(each, **options) for each in element.clauses)
    return f"({place} IN (SELECT value FROM json_each({keys})))"  # noqa: S608 - no text from outside


@compiles(_Among, "postgresql")
def _is_in_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    """Compare with an array: a planner sees what is in it, and finds those keys in an index."""
    place, keys = (compiler.process(each, **options) for each in element.clauses)
    return f"({place} = ANY (CAST(string_to_array(btrim({keys}, '[]'), ',') AS BIGINT[])))"


@compiles(_AmongTexts, "postgresql")
def _text_is_in_postgresql(element: _AmongTexts, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    place, texts = (compiler.process(each, **options) for each in element.clauses)
    elements = f"SELECT jsonb_array_elements_text(CAST({texts} AS JSONB))"
    return f"({place} = ANY (ARRAY({elements})))"
