"""What is selected, field by field, in the terms of those who carry it out."""

# graphql-core's types are generic in what they leave unsaid:
# pyright: basic

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    VariableNode,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
    visit,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.execution.executor import Executor
from strawberry.types.field import StrawberryField

from server.batches import Batch, Wanted
from server.execution.fields import Batched

MOST_FIELDS = 5_000
"""How many fields a plan may have."""


class NotPlanned(Exception):
    """A selection that is left to graphql-core."""


@dataclass(slots=True)
class Typename:
    """`__typename`."""

    name: str


@dataclass(slots=True)
class Read:
    """An attribute of the source that is shown as it is."""

    name: str
    type: GraphQLOutputType


@dataclass(slots=True)
class Within:
    """An attribute of the source that has attributes of its own, such as `edges`."""

    name: str
    selection: "Selection"


@dataclass(slots=True)
class Load:
    """What is loaded for all sources at once.

    wanted     the names that will be read of it; None if that is not known
    variables  the names of those that have a part in its arguments
    points     what it costs for each source, beside the rows that it reads
    made       batches made before, by the values of the variables
    """

    definition: GraphQLField
    declared: StrawberryField
    needs: frozenset[str]
    details: FieldDetailsList
    selections: Mapping[str, "Selection"]
    wanted: Wanted
    variables: tuple[str, ...]
    points: int = 0
    made: dict[object, Batch] = field(default_factory=dict[object, Batch])


@dataclass(slots=True)
class Other:
    """A field with a resolver of its own, which graphql-core calls for each source."""

    details: FieldDetailsList


Entry = Typename | Read | Within | Load | Other


@dataclass(slots=True, eq=False)
class Selection:
    """What is selected of an object type; `makers` are compiled from it, by layout."""

    type: GraphQLObjectType
    entries: Mapping[str, Entry]
    makers: dict[object, Any] = field(default_factory=dict[object, Any])

    @property
    def loads(self) -> list[tuple[str, Load | Other]]:
        """What has to be got for each source before it can be shown."""
        return [(k, e) for k, e in self.entries.items() if isinstance(e, Load | Other)]

    @property
    def wanted(self) -> Wanted:
        """The names that are read of the source, and of what is within it."""
        return _all(self._wanted())

    def _wanted(self) -> Iterator[Wanted]:
        for entry in self.entries.values():
            match entry:
                case Read():
                    yield frozenset({entry.name})
                case Within():
                    yield entry.selection.wanted
                case Load():
                    yield entry.needs
                case Other():
                    yield None
                case Typename():
                    pass


class Planner:
    """Makes plans of the fields that an executor has collected.

    A plan follows the document, not the data: one that would grow beyond bounds, as nested
    fragments can make it, is given up.
    """

    def __init__(self, executor: Executor[Any]) -> None:
        self._executor = executor
        self._left = MOST_FIELDS

    def roots(self, type_: GraphQLObjectType, fields: GroupedFieldSet) -> dict[str | int, Load]:
        """Return how the batched ones of an operation's fields are loaded."""
        loads = {key: self._load(type_, details) for key, details in fields.items()}
        return {key: load for key, load in loads.items() if load is not None}

    def _load(self, type_: GraphQLObjectType, details: FieldDetailsList) -> Load | None:
        definition = type_.fields.get(details[0].node.name.value)
        declared = definition and definition.extensions.get("strawberry-definition")
        if definition is None or not isinstance(declared, StrawberryField):
            return None
        match declared.extensions:
            case [Batched() as batched]:
                selections = self._selections(get_named_type(definition.type), details)
                wanted = _all(selection.wanted for selection in selections.values())
                variables = _variables(details[0].node)
                return Load(
                    definition,
                    declared,
                    batched.needs,
                    details,
                    selections,
                    wanted,
                    variables,
                    batched.points,
                )
            case _:
                return None

    def _selections(
        self, type_: GraphQLNamedType, details: FieldDetailsList
    ) -> Mapping[str, Selection]:
        if is_leaf_type(type_):
            return {}
        if is_abstract_type(type_):
            possible = self._executor.schema.get_possible_types(type_)
            return {each.name: self._selection(each, details) for each in possible}
        assert is_object_type(type_)
        return {type_.name: self._selection(type_, details)}

    def _selection(self, type_: GraphQLObjectType, details: FieldDetailsList) -> Selection:
        fields = self._executor.collect_subfields(type_, details)[0]
        entries = {key: self._entry(type_, each) for key, each in fields.items()}
        return Selection(type_, {key: entry for key, entry in entries.items() if entry is not None})

    def _entry(self, type_: GraphQLObjectType, details: FieldDetailsList) -> Entry | None:
        self._left -= 1
        if not self._left:
            raise NotPlanned
        name = details[0].node.name.value
        if name == "__typename":
            return Typename(type_.name)
        if (load := self._load(type_, details)) is not None:
            return load
        if (definition := type_.fields.get(name)) is None:
            return None
        declared = definition.extensions.get("strawberry-definition")
        if not (isinstance(declared, StrawberryField) and declared.is_basic_field):
            return Other(details)
        named = get_named_type(definition.type)
        if is_leaf_type(named):
            return Read(declared.python_name, definition.type)
        if not is_object_type(named):
            raise NotPlanned
        return Within(declared.python_name, self._selection(named, details))


def _all(names: Iterable[Wanted]) -> Wanted:
    found = frozenset[str]()
    for each in names:
        if each is None:
            return None
        found |= each
    return found


class _Variables(Visitor):
    """Finds variables."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.add(node.name.value)


def _variables(node: FieldNode) -> tuple[str, ...]:
    finder = _Variables()
    for argument in node.arguments or ():
        visit(argument, finder)
    return tuple(sorted(finder.names))
