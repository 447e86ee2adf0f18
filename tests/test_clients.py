"""What clients that we did not write make of the printed schema: Relay's compiler, graphql-codegen.

The fragments are made from the schema, so a new connection is asked to be fit for both by itself.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from graphql import build_schema

import server.schema
from server.records import RecordType
from tests.pagination import WAYS, Pagination, paginations

WEB = Path(__file__).parent.parent / "web"
MODULES = WEB / "node_modules"
EXAMPLES = sorted((WEB / "src" / "graphiql" / "examples").glob("*.graphql"))
PRINTED = Path(server.schema.__file__).with_name("schema.graphql")
SCHEMA = build_schema(PRINTED.read_text())
PAGINATIONS = list(paginations(SCHEMA))

RELAY = {
    "src": ".",
    "schema": "schema.graphql",
    "language": "typescript",
    "artifactDirectory": "generated",
    "eagerEsModules": True,
}
STRICTLY: dict[str, Any] = {
    "compilerOptions": {
        "target": "ES2022",
        "module": "ESNext",
        "moduleResolution": "Bundler",
        "strict": True,
        "noUncheckedIndexedAccess": True,
        "verbatimModuleSyntax": True,
        "exactOptionalPropertyTypes": True,
        "skipLibCheck": True,  # theirs is not ours to mend
        "noEmit": True,
        "types": [],
        "paths": {"*": [f"{MODULES}/*"]},
    },
    "include": ["*.ts"],
}


def run(folder: Path, *command: str | Path) -> str:
    """Return all that a program says; it must end well."""
    ended = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def assert_types_hold(folder: Path) -> None:
    (folder / "tsconfig.json").write_text(json.dumps(STRICTLY))
    assert run(folder, MODULES / ".bin" / "tsc", "--project", ".") == ""


def test_there_is_a_way_through_every_list() -> None:
    ways = {(each.parent, each.name, each.way) for each in PAGINATIONS}
    seven = {kind.value.name for kind in RecordType}
    lists = {"Experiment": {"rooms", "participants", *seven}, "Room": {"participants", *seven}}
    for parent, names in (lists | {"Participant": seven, "Query": {"experiments"}}).items():
        assert {(parent, name, way) for name in names for way in WAYS} <= ways
    assert ("Query", "exports", "Forwards") in ways


def test_relay_pages_through_every_connection(tmp_path: Path) -> None:
    (tmp_path / "generated").mkdir()
    (tmp_path / "schema.graphql").write_text(PRINTED.read_text())
    (tmp_path / "relay.config.json").write_text(json.dumps(RELAY))
    for each in PAGINATIONS:
        (tmp_path / f"{each.module}.ts").write_text(each.in_relay())

    said = run(tmp_path, MODULES / ".bin" / "relay-compiler", "relay.config.json")

    assert "WARN" not in said
    assert "ERROR" not in said
    for each in PAGINATIONS:
        assert f"import {each.module}PageQuery_graphql" in artefact(tmp_path, each), each
    assert_types_hold(tmp_path)


def artefact(folder: Path, each: Pagination) -> str:
    return (folder / "generated" / f"{each.module}_parent.graphql.ts").read_text()


def test_graphql_codegen_types_every_connection_and_the_examples(tmp_path: Path) -> None:
    pages = tmp_path / "pages.graphql"
    pages.write_text("\n".join(each.in_graphql() for each in PAGINATIONS))
    for each in PAGINATIONS:
        (tmp_path / f"{each.module}.ts").write_text(each.first_page())

    script = WEB / "scripts" / "generate-types.mjs"
    said = run(tmp_path, "node", script, tmp_path, PRINTED, pages, *EXAMPLES)

    assert said == ""
    assert len(EXAMPLES) == 5
    assert_types_hold(tmp_path)
