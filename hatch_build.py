"""Refuses to build a wheel without the web pages: its users have no Node to build them with."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PagesAreBuilt(BuildHookInterface):
    """A hook of the wheel's build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        pages = (Path(self.root, "server", "static", n) for n in ("index.html", "graphiql.html"))
        if version != "editable" and not all(page.exists() for page in pages):
            raise SystemExit("The web pages are not built: run `make pages` first.")
