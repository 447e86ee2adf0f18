"""The two ways of executing a document that are compared, and what is compared of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import strawberry
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from server.schema import schema as product
from tests.execution.toy import State
from tests.execution.toy_schema import toy_schema

Executor = type[StrawberryGraphQLCoreExecutionContext]

PLAIN: Executor = StrawberryGraphQLCoreExecutionContext
FAST: Executor = product.execution_context_class  # type: ignore[assignment] # Strawberry's, or ours


@dataclass(frozen=True)
class Pair:
    """One schema, executed in two ways."""

    plain: strawberry.Schema
    fast: strawberry.Schema

    @classmethod
    def of(cls, variant: str, executor: Executor = FAST) -> "Pair":
        return cls(toy_schema(variant, PLAIN), toy_schema(variant, executor))


async def answer(
    schema: strawberry.Schema,
    document: str,
    variables: Mapping[str, Any] | None = None,
    operation: str | None = None,
    *,
    merged: bool = False,
) -> str:
    """Return all that a client would see, as text; where the spec leaves an order free, sorted.

    `merged` counts several errors that left one null as one: which is told of is then free.
    """
    try:
        result = await schema.execute(
            document, dict(variables or {}), State(), operation_name=operation
        )
    except Exception as failure:  # the transport's to tell, but it must be the same one
        return repr(failure)
    errors: list[Any] = [error.formatted for error in result.errors or ()]
    if merged:
        errors = one_a_null(result.data, errors)
    shown = {"data": result.data, "errors": in_order(errors, serial=is_serial(document))}
    return json.dumps(shown, default=repr)


def one_a_null(data: Any, errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return errors; of those that left a null higher up only where it is."""
    kept: dict[str, dict[str, Any]] = {}
    for error in errors:
        path = error.get("path")
        if path is not None and (place := _nulled(data, path)) != path:
            error = {"path": place, "message": "something within"}
        kept[json.dumps(error)] = error
    return list(kept.values())


def _nulled(data: Any, path: list[Any]) -> list[Any]:
    for depth, step in enumerate(path):
        if data is None:
            return path[:depth]
        data = data[step]
    return path


def in_order(errors: list[dict[str, Any]], *, serial: bool) -> list[dict[str, Any]]:
    """Return errors in an order that does not depend on which field was sooner.

    The fields of a mutation come one after the other; so must their errors.
    """
    if not serial:
        return sorted(errors, key=_place)
    by_field = groupby(errors, lambda error: error.get("path", [None])[0])
    return [error for _, group in by_field for error in sorted(group, key=_place)]


def _place(error: Mapping[str, Any]) -> str:
    return json.dumps([error.get("path"), error["message"], error.get("locations")])


def is_serial(document: str) -> bool:
    """Tell whether a document, which may be none, begins with a mutation."""
    return document.lstrip().startswith("mutation")
