"""What a server keeps to itself, as its operator wants: its schema, and what was meant."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Api, opened
from tests.factories import a_user, save

pytestmark = pytest.mark.anyio

MISTAKES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("{ viewer { nam } }", {}),
    ("{ viewr { name } }", {}),
    ("{ experiments(frst: 1) { totalCount } }", {}),
    ("{ viewer { ... on Viewr { name } } }", {}),
    ('{ experiments(filter: {nme: {equals: "x"}}) { totalCount } }', {}),
    (
        "query($f: ExperimentFilter) { experiments(filter: $f) { totalCount } }",
        {"f": {"nam": {"equals": "x"}}},
    ),
)


async def a_key(api: Api) -> str:
    user = a_user()
    await save(api.db, user)
    return await api.key_of(user.key)


async def test_in_production_errors_do_not_say_what_may_be_meant(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as helpful, opened(tmp_path / "b", production=True) as terse:
        keys = await a_key(helpful), await a_key(terse)
        for query, variables in MISTAKES:
            for _ in range(2):  # then as a document that is known, where it is valid
                told = [
                    await api.refusal(query, key, **variables)
                    for api, key in zip((helpful, terse), keys, strict=True)
                ]
                (code, message), (same_code, less) = told
                assert "Did you mean" in message
                assert "Did you mean" not in less
                assert (code, re.sub(r" Did you mean .*?\?", "", message)) == (same_code, less)


async def test_the_schema_is_not_shown_where_it_is_not_to_be(tmp_path: Path) -> None:
    async with opened(tmp_path, introspection=False) as api:
        key = await a_key(api)
        for query in (
            "{ __schema { types { name } } }",
            '{ a: __type(name: "Query") { name } viewer { name } }',
            "{ ...f } fragment f on Query { ... { __schema { queryType { name } } } }",
        ):
            code, message = await api.refusal(query, key)
            assert code == "GRAPHQL_VALIDATION_FAILED"
            assert "does not show its schema" in message
        for _ in range(2):
            data = await api.ask("{ __typename viewer { __typename } }", key)
            assert data == {"__typename": "Query", "viewer": {"__typename": "Viewer"}}
