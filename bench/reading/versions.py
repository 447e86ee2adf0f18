"""Which versions were compared."""

import json
import re
import subprocess

from bench.reading.postgres import VERSION
from bench.reading.servers import PEERS, node

PYTHON = {
    "orm": ("strawberry-graphql", "graphql-core", "sqlmodel", "sqlalchemy", "uvicorn"),
    "ariadne": ("ariadne",),
    "datasette": ("datasette", "datasette-graphql"),
}
NODE = {
    "yoga": ("graphql-yoga", "graphql", "better-sqlite3"),
    "postgraphile": ("postgraphile",),
}


def versions() -> str:
    """Return what the peers' lock files pin, and the Node that runs them."""
    ran = subprocess.run([node(), "--version"], capture_output=True, text=True, check=True)
    found = [f"Node {ran.stdout.strip().removeprefix('v')}", f"PostgreSQL {VERSION}"]
    for peer, names in PYTHON.items():
        pinned = dict(re.findall(r"^(\S+?)(?:\[.*?\])?==(\S+)", _locked(peer), re.MULTILINE))
        found += [f"{name} {pinned[name]}" for name in names]
    for peer, names in NODE.items():
        packages = json.loads((PEERS / peer / "package-lock.json").read_text())["packages"]
        found += [f"{name} {packages[f'node_modules/{name}']['version']}" for name in names]
    return ", ".join(found)


def _locked(peer: str) -> str:
    return (PEERS / peer / "requirements.txt").read_text()
