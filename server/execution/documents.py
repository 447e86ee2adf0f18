"""Documents that were found valid, so that none is parsed and validated twice."""

from collections import OrderedDict
from collections.abc import Generator

from graphql import DocumentNode, OperationDefinitionNode, OperationType
from strawberry.extensions import SchemaExtension

MOST_DOCUMENTS = 512
MOST_CHARACTERS = 100_000
"""How long a document may be that is kept."""


class Documents:
    """Valid documents of one schema, by their text: those that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, DocumentNode] = OrderedDict()
        self._queries: dict[str, str | None] = {}  # the names of those that are just one query

    def get(self, text: str) -> DocumentNode | None:
        """Return a document that is known to be valid."""
        if (document := self._kept.get(text)) is not None:
            self._kept.move_to_end(text)
        return document

    def query(self, text: str, name: str | None) -> DocumentNode | None:
        """Return a known document that is just one query, of that name if one is given."""
        if text not in self._queries or name not in (None, self._queries[text]):
            return None
        return self.get(text)

    def name(self, text: str) -> str:
        """Return the name of a known document that is just one query; nothing if it has none."""
        return self._queries.get(text) or ""

    def keep(self, text: str, document: DocumentNode) -> None:
        """Remember that a document is valid."""
        if len(text) <= MOST_CHARACTERS:
            self._kept[text] = document
            if (query := _only_query(document)) is not None:
                self._queries[text] = query.name.value if query.name else None
            if len(self._kept) > MOST_DOCUMENTS:
                oldest, _ = self._kept.popitem(last=False)
                self._queries.pop(oldest, None)


class KnownDocuments(SchemaExtension):
    """Spares known documents parsing and validation."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def on_parse(self) -> Generator[None]:
        asked = self.execution_context
        asked.graphql_document = self._documents.get(asked.query or "")
        yield

    def on_validate(self) -> Generator[None]:
        asked = self.execution_context
        document, text = asked.graphql_document, asked.query or ""
        known = self._documents.get(text) is document
        if known:
            asked.pre_execution_errors = []
        yield
        if not known and document is not None and not asked.pre_execution_errors:
            self._documents.keep(text, document)


def _only_query(document: DocumentNode) -> OperationDefinitionNode | None:
    operations = [
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    ]
    match operations:
        case [OperationDefinitionNode(operation=OperationType.QUERY) as query]:
            return query
        case _:
            return None
