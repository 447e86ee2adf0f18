"""Documents that were found valid, so that none is parsed, measured and validated twice."""

from collections import OrderedDict
from collections.abc import Generator, Mapping
from dataclasses import dataclass

from graphql import DocumentNode, GraphQLSchema, GraphQLSyntaxError, OperationType, parse
from strawberry.extensions import SchemaExtension

from server.errors import TooComplex
from server.limits import bounds
from server.limits.measuring import TOO_DEEP, Measured, measure

MOST_DOCUMENTS = 512
MOST_CHARACTERS = 100_000
"""How long a document may be that is kept."""


@dataclass(frozen=True, slots=True)
class Read:
    """A document that was read, and what each of its operations asks for, by name."""

    text: str
    document: DocumentNode
    operations: Mapping[str | None, Measured]

    def operation(self, name: str | None) -> Measured | None:
        """Return the operation that is meant; None if none is, or it is not said which."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        return self.operations.get(name) if name is not None else None


def read(schema: GraphQLSchema, text: str) -> Read:
    """Read a document, valid or not; GraphQLSyntaxError, TooComplex."""
    try:
        document = parse(text, max_tokens=bounds.TOKENS)
    except RecursionError:
        raise TooComplex(TOO_DEEP) from None
    except GraphQLSyntaxError as error:
        if "tokens. Parsing aborted" in error.message:
            bounds.refuse_beyond("tokens", bounds.TOKENS + 1, bounds.TOKENS)
        raise
    return Read(text, document, measure(schema, document))


class Documents:
    """Valid documents of one schema, by their text: those that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Read] = OrderedDict()
        self._queries: dict[str, str | None] = {}  # the names of those that are just one query

    def get(self, text: str) -> Read | None:
        """Return a document that is known to be valid."""
        if (known := self._kept.get(text)) is not None:
            self._kept.move_to_end(text)
        return known

    def query(self, text: str, name: str | None) -> Read | None:
        """Return a known document that is just one query, of that name if one is given."""
        if text not in self._queries or name not in (None, self._queries[text]):
            return None
        return self.get(text)

    def name(self, text: str) -> str:
        """Return the name of a known document that is just one query; nothing if it has none."""
        return self._queries.get(text) or ""

    def keep(self, known: Read) -> None:
        """Remember that a document is valid."""
        text = known.text
        if len(text) <= MOST_CHARACTERS:
            self._kept[text] = known
            match list(known.operations.items()):
                case [(name, Measured(kind=OperationType.QUERY))]:
                    self._queries[text] = name
                case _:
                    pass
            if len(self._kept) > MOST_DOCUMENTS:
                oldest, _ = self._kept.popitem(last=False)
                self._queries.pop(oldest, None)


class KnownDocuments(SchemaExtension):
    """Spares documents that are known parsing and validation, and those that were read parsing."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def on_parse(self) -> Generator[None]:
        asked = self.execution_context
        if (known := self._read) is not None:
            asked.graphql_document = known.document
        yield

    def on_validate(self) -> Generator[None]:
        asked = self.execution_context
        known = self._read
        is_valid = known is not None and self._documents.get(known.text) is known
        if is_valid:
            asked.pre_execution_errors = []
        yield
        if known is not None and not is_valid and not asked.pre_execution_errors:
            self._documents.keep(known)

    @property
    def _read(self) -> Read | None:
        """The document as it was read before, if it was: see `Schema.execute`."""
        found = getattr(self.execution_context.context, "document", None)
        return found if isinstance(found, Read) else None
