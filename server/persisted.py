"""Documents that clients know by an id: of the text, or as the program that wrote them down gave.

A file of them is what graphql-codegen and relay-compiler write, one JSON object from id to text, or
the manifest of Apollo's tools. Each document is known by its id there, and by `sha256:` and the
SHA-256 of its text in hexadecimal besides.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from server.errors import BadUserInput, DocumentNotFound, DocumentRequired

APOLLO = "apollo-persisted-query-manifest"


class UnreadableDocuments(Exception):
    """The file holds no persisted documents."""


@dataclass(frozen=True, slots=True)
class PersistedDocuments:
    """Documents by id; `only` says that no other is executed."""

    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    only: bool = False

    @classmethod
    def read(cls, file: Path | None, *, only: bool = False) -> "PersistedDocuments":
        """Read a file of documents; UnreadableDocuments."""
        texts = written(file) if file else {}
        by_hash = {f"sha256:{sha256(text.encode()).hexdigest()}": text for text in texts.values()}
        return cls({**texts, **by_hash}, only)

    def document_text(self, asked: Mapping[str, Any]) -> object:
        """Return the document that a request's `query` or `documentId` stands for.

        BadUserInput, DocumentNotFound, DocumentRequired. Whether `query` is a text is not asked.
        """
        id_ = asked.get("documentId")
        if id_ is None:
            if self.only:
                raise DocumentRequired(
                    "This server executes persisted documents alone: send the `documentId` of one."
                )
            return asked.get("query")
        if not isinstance(id_, str):
            raise BadUserInput("`documentId` must be a text.")
        if asked.get("query") is not None:
            raise BadUserInput("Send `documentId` or `query`, not both.")
        if (text := self.texts.get(id_)) is None:
            raise DocumentNotFound(
                "No persisted document has this `documentId`: the file of documents that the "
                "server has must be of the same version as the client."
            )
        return text


def written(file: Path) -> dict[str, str]:
    """Return the documents of a file, by the ids that they have there; UnreadableDocuments."""
    try:
        said: Any = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableDocuments(f"{file} cannot be read as JSON: {error}.") from error
    named = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    if named.get("format") == APOLLO:
        named = {each["id"]: each["body"] for each in named.get("operations", ())}
    if not named or not all(isinstance(text, str) for text in named.values()):
        raise UnreadableDocuments(
            f"{file} must be one JSON object, from the id of each document to its text."
        )
    return named
