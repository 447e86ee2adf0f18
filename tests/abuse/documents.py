"""Attacks by documents that are short to write and long to carry out."""

import json
from collections.abc import Mapping
from typing import Any

from tests.abuse.attacks import Attack

TOO_COMPLEX = ("QUERY_TOO_COMPLEX",)
NOT_PARSED = (*TOO_COMPLEX, "GRAPHQL_PARSE_FAILED", "BAD_USER_INPUT")
NOT_VALID = (*TOO_COMPLEX, "GRAPHQL_VALIDATION_FAILED")
NOT_USABLE = (*TOO_COMPLEX, "BAD_USER_INPUT")


def _attack(
    name: str,
    query: str,
    codes: tuple[str, ...],
    variables: Mapping[str, Any] | None = None,
) -> Attack:
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    return Attack(name, lambda target: target.post(body), codes)


def _nested(outside: str, inside: str, times: int) -> str:
    """Return a selection within itself: `outside` has a %s for what is selected in it."""
    for _ in range(times):
        inside = outside % inside
    return inside


_ROOMS = "rooms(first: %d) { nodes { experiment { %%s } } }"
_FRAGMENTS = 24
_DOUBLED = " ".join(
    f"fragment f{n} on Experiment {{ a: rooms {{ nodes {{ experiment {{ ...f{n + 1} }} }} }} "
    f"b: rooms {{ nodes {{ experiment {{ ...f{n + 1} }} }} }} }}"
    for n in range(_FRAGMENTS)
)

DOCUMENTS = [
    _attack(
        "an unknown directive, 5,000 times", f"{{ viewer {{ name {'@no ' * 5000}}} }}", NOT_VALID
    ),
    _attack(
        "a directive that may stand once, 2,000 times",
        f"{{ viewer {{ name {'@skip(if: false) ' * 2000}}} }}",
        NOT_VALID,
    ),
    _attack(
        "fragments that hold each other",
        "{ viewer { ...a } } fragment a on Viewer { ...b } fragment b on Viewer { ...a }",
        NOT_VALID,
    ),
    _attack(
        "2,000 fragments that nobody uses",
        "{ viewer { name } } "
        + " ".join(f"fragment f{n} on Viewer {{ name }}" for n in range(2000)),
        NOT_VALID,
    ),
    _attack("a document 50,000 selections deep", "{ a " * 50_000, NOT_PARSED),
    _attack("a list 50,000 brackets deep", f"{{ nodes(ids: {'[' * 50_000}) }}", NOT_PARSED),
    _attack("a type 50,000 brackets deep", f"query($a: {'[' * 50_000}) {{ a }}", NOT_PARSED),
    _attack("a text that does not end", '{ node(id: "' + "x" * 1_000_000, NOT_PARSED),
    _attack(
        "20,000 ids",
        "query($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        NOT_USABLE,
        {"ids": ["x"] * 20_000},
    ),
    _attack(
        "a filter 300 deep",
        "query($f: ExperimentFilter) { experiments(filter: $f) { totalCount } }",
        (*NOT_USABLE, "GRAPHQL_VALIDATION_FAILED"),
        {"f": json.loads('{"not": ' * 300 + "{}" + "}" * 300)},
    ),
    _attack(
        "a page of a milliard", "{ experiments(first: 1000000000) { totalCount } }", NOT_USABLE
    ),
    _attack("a page below none", "{ experiments(first: -1) { totalCount } }", NOT_USABLE),
    _attack(
        "a page larger than any integer",
        f"{{ experiments(first: {'9' * 10_000}) {{ totalCount }} }}",
        (*NOT_USABLE, "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"),
    ),
]
"""Refused by what the server has always checked."""

LIMITED = [
    _attack(
        "5,000 aliases",
        "{ " + " ".join(f"a{n}: viewer {{ name }}" for n in range(5000)) + " }",
        TOO_COMPLEX,
    ),
    _attack(
        "fragments that double at each step",
        f"{{ experiments {{ nodes {{ ...f0 }} }} }} {_DOUBLED} "
        f"fragment f{_FRAGMENTS} on Experiment {{ name }}",
        TOO_COMPLEX,
    ),
    _attack(
        "the schema, deeper and deeper",
        "{ __schema { types { " + _nested("fields { type { %s } }", "name", 14) + " } } }",
        TOO_COMPLEX,
    ),
    _attack(
        "the schema's wrapped types, 100 deep",
        "{ __schema { types { fields { type { "
        + _nested("ofType { %s }", "name", 100)
        + " } } } } }",
        TOO_COMPLEX,
    ),
    _attack(
        "rooms of experiments of rooms, 30 deep",
        "{ experiments { nodes { " + _nested(_ROOMS % 1, "name", 30) + " } } }",
        TOO_COMPLEX,
    ),
    _attack("the same field 20,000 times", f"{{ viewer {{ {'name ' * 20_000} }} }}", TOO_COMPLEX),
    _attack(
        "400,000 tokens",
        f"{{ viewer {{ name }} }} # \n {{ {'a ' * 400_000} }}",
        (*TOO_COMPLEX, "GRAPHQL_PARSE_FAILED"),
    ),
    _attack(
        "pages of pages of pages",
        "{ experiments(first: 100) { nodes { " + _nested(_ROOMS % 100, "name", 4) + " } } }",
        TOO_COMPLEX,
    ),
    _attack(
        "a skipped directive on each of 3,000 fields",
        "{ viewer { " + "name @include(if: true) " * 3000 + "} }",
        TOO_COMPLEX,
    ),
]
"""Refused by limits on what a document may ask."""
