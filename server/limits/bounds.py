"""The bounds of a document and of its variables, and how one is told that they are passed."""

from collections.abc import Mapping
from typing import Any, cast

from server.errors import TooComplex

TOKENS = 15_000
DEPTH = 15
FIELDS = 5_000
ALIASES = 250
DIRECTIVES = 250
DUPLICATES = 100
BREADTH = 500
FRAGMENTS = 250
OPERATIONS = 50
NESTING = 100
"""How deep selections may lie in one another, inline fragments and fragments counted."""
INTROSPECTION_DEPTH = 20
INTROSPECTION_LISTS = 3
"""How many lists of the schema's own may lie in one another, as `fields { type { fields } }`."""
LIST_LENGTH = 10_000
STRING_LENGTH = 1_000_000
VALUE_DEPTH = 100

_DESCRIBED: Mapping[str, tuple[str, str]] = {
    "tokens": ("The document has", "tokens: send it in parts, or values as variables"),
    "depth": ("The fields lie", "levels deep: ask for what lies deeper by its id"),
    "fields": ("The document selects", "fields, fragments written out: send it in parts"),
    "aliases": ("The document has", "aliases, fragments written out: send it in parts"),
    "directives": ("The document has", "directives, fragments written out: leave some out"),
    "duplicates": ("A selection names", "fields again that it has already: name each once"),
    "breadth": ("A selection has", "entries: send it in parts"),
    "fragments": ("The document defines", "fragments: leave out those that it can do without"),
    "operations": ("The document holds", "operations: send those that are to be executed"),
    "nesting": ("The selections lie", "levels deep: write them with fewer fragments"),
    "introspection depth": ("The introspection is", "levels deep: ask for types by `__type`"),
    "introspection": ("The introspection has", "lists in one another: ask by `__type`"),
    "list": ("A list has", "values: send it in parts"),
    "string": ("A text has", "characters: shorten it"),
    "value": ("A value is", "levels deep: it is to be flatter"),
    "cost": ("The operation may cost", "points: ask for smaller pages, with `first`, or for less"),
}


def refuse_beyond(what: str, found: int, most: int) -> None:
    """Raise TooComplex if there is more than there may be."""
    if found > most:
        begin, end = _DESCRIBED[what]
        thing, _, advice = end.partition(": ")
        shown = f"{found:,}" if found < 10**12 else "far too many"
        raise TooComplex(f"{begin} {shown} {thing}; at most {most:,} are allowed: {advice}.")


def check_variables(variables: Mapping[str, Any] | None) -> None:
    """Raise TooComplex if a value is too large, or too deep."""
    for value in (variables or {}).values():
        if type(value) is str:
            refuse_beyond("string", len(value), STRING_LENGTH)
        elif isinstance(value, list | dict):
            _check_within(cast("list[Any] | dict[str, Any]", value))


def _check_within(value: list[Any] | dict[str, Any]) -> None:
    """Go through a value, level by level."""
    level: list[list[Any] | dict[str, Any]] = [value]
    depth = 0
    while level:
        depth += 1
        refuse_beyond("value", depth, VALUE_DEPTH)
        below: list[list[Any] | dict[str, Any]] = []
        for each in level:
            if isinstance(each, list):
                refuse_beyond("list", len(each), LIST_LENGTH)
            within = each if isinstance(each, list) else each.values()
            for one in within:
                if type(one) is str:
                    if len(one) > STRING_LENGTH:
                        refuse_beyond("string", len(one), STRING_LENGTH)
                elif isinstance(one, list | dict):
                    below.append(cast("list[Any] | dict[str, Any]", one))
        level = below
