"""Measuring a document before it is validated: each fragment once, however often it is spread."""

# graphql-core's types are generic in what they leave unsaid:
# pyright: basic

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SchemaMetaFieldDef,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    TypeMetaFieldDef,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from strawberry.types.field import StrawberryField

from server.errors import TooComplex
from server.limits import bounds
from server.limits.bounds import refuse_beyond
from server.limits.costs import NOTHING, Cost, Size, Variable, page_cost, times
from server.limits.weights import INTROSPECTION, LOOK_UP, points_of, rows_a_point

LIST_SIZE = 10
"""How many things a list is taken to hold that is no page."""

TOO_DEEP = "The document is nested too deeply to be read: write it flatter."

_OF_SCHEMA = ("__schema", "__type")
_LISTS_OF_SCHEMA = ("fields", "inputFields", "interfaces", "possibleTypes")
_ROWS = ("nodes", "edges")


HasDirectives = SelectionNode | OperationDefinitionNode | FragmentDefinitionNode


@dataclass(frozen=True, slots=True)
class Measured:
    """An operation of a document.

    unmetered   what its root fields cost of which nothing is counted as they are executed
    introspects whether it asks for the schema
    """

    kind: OperationType
    cost: Cost
    unmetered: int
    introspects: bool


@dataclass(frozen=True, slots=True)
class _Tally:
    """What a selection holds, fragments written out.

    cost   what it costs once, and
    each   what it costs for each row of the page that it is selected of
    lists  how many lists of the schema's own lie in one another
    """

    fields: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0
    nesting: int = 0
    schema_depth: int = 0
    lists: int = 0
    cost: Cost = NOTHING
    each: Cost = NOTHING
    introspects: bool = False

    def beside(self, other: "_Tally") -> "_Tally":
        return _Tally(
            self.fields + other.fields,
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.directives + other.directives,
            max(self.nesting, other.nesting),
            max(self.schema_depth, other.schema_depth),
            max(self.lists, other.lists),
            self.cost.plus(other.cost),
            self.each.plus(other.each),
            self.introspects or other.introspects,
        )

    def check(self) -> None:
        """Raise TooComplex if any bound is passed."""
        for what, found, most in (
            ("fields", self.fields, bounds.FIELDS),
            ("depth", self.depth, bounds.DEPTH),
            ("aliases", self.aliases, bounds.ALIASES),
            ("directives", self.directives, bounds.DIRECTIVES),
            ("nesting", self.nesting, bounds.NESTING),
            ("introspection depth", self.schema_depth, bounds.INTROSPECTION_DEPTH),
            ("introspection", self.lists, bounds.INTROSPECTION_LISTS),
        ):
            refuse_beyond(what, found, most)


def measure(schema: GraphQLSchema, document: DocumentNode) -> Mapping[str | None, Measured]:
    """Return the operations of a document, by name; TooComplex if it passes any bound.

    The document need not be valid: what is unknown costs nothing, and is left to validation.
    """
    try:
        return _Measuring(schema, document).operations()
    except RecursionError:
        raise TooComplex(TOO_DEEP) from None


class _Measuring:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._document = document
        self._fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
        self._known: dict[str, _Tally] = {}
        self._defaults: Mapping[str, int] = {}

    def operations(self) -> Mapping[str | None, Measured]:
        refuse_beyond("fragments", len(self._fragments), bounds.FRAGMENTS)
        operations = [
            each for each in self._document.definitions if isinstance(each, OperationDefinitionNode)
        ]
        refuse_beyond("operations", len(operations), bounds.OPERATIONS)
        return {
            each.name.value if each.name else None: self._operation(each) for each in operations
        }

    def _operation(self, operation: OperationDefinitionNode) -> Measured:
        self._known = {}  # what fragments cost depends on the operation's variables
        self._defaults = _defaults(operation)
        root = self._schema.get_root_type(operation.operation)
        found = self._selections(operation.selection_set, root)
        _with_directives(found, operation).check()
        cost = Cost(LOOK_UP).plus(found.cost).plus(found.each)
        unmetered = LOOK_UP + sum(_unmetered(operation, root))
        return Measured(operation.operation, cost, unmetered, found.introspects)

    def _selections(self, selected: SelectionSetNode, type_: object) -> _Tally:
        refuse_beyond("breadth", len(selected.selections), bounds.BREADTH)
        found = _Tally()
        keys = set[str]()
        duplicates = 0
        for each in selected.selections:
            if isinstance(each, FieldNode):
                key = (each.alias or each.name).value
                duplicates += key in keys
                keys.add(key)
            found = found.beside(self._selection(each, type_))
            found.check()  # before it grows: fragments can double it again and again
        refuse_beyond("duplicates", duplicates, bounds.DUPLICATES)
        return found

    def _selection(self, node: SelectionNode, type_: object) -> _Tally:
        match node:
            case FieldNode():
                return self._of_field(node, type_)
            case InlineFragmentNode():
                condition = node.type_condition
                within = self._schema.get_type(condition.name.value) if condition else type_
                found = self._selections(node.selection_set, within)
                return _with_directives(replace(found, nesting=found.nesting + 1), node)
            case FragmentSpreadNode():
                return _with_directives(self._of_fragment(node.name.value), node)
            case _:
                return _Tally()

    def _of_fragment(self, name: str) -> _Tally:
        if (known := self._known.get(name)) is not None:
            return known
        found = self._known[name] = _Tally()  # for one that spreads itself: validation refuses it
        if (fragment := self._fragments.get(name)) is not None:
            type_ = self._schema.get_type(fragment.type_condition.name.value)
            found = self._selections(fragment.selection_set, type_)
            found = _with_directives(replace(found, nesting=found.nesting + 1), fragment)
            self._known[name] = found
        return found

    def _of_field(self, node: FieldNode, type_: object) -> _Tally:
        name = node.name.value
        definition = _field(type_, name)
        for argument in node.arguments or ():
            _check_value(argument.value)
        within = _Tally()
        if node.selection_set is not None:
            named = get_named_type(definition.type) if definition else None
            within = self._selections(node.selection_set, named)
        cost = _cost(node, definition, within, self._defaults)
        is_row = name in _ROWS and _type_name(type_).endswith("Connection")
        asks_schema = name in _OF_SCHEMA
        is_list = name in _LISTS_OF_SCHEMA and _type_name(type_) == "__Type"
        return _Tally(
            fields=within.fields + 1,
            depth=1 if asks_schema else within.depth + 1,
            aliases=within.aliases + (node.alias is not None),
            directives=within.directives + len(node.directives or ()),
            nesting=within.nesting + 1,
            schema_depth=within.depth if asks_schema else within.schema_depth,
            lists=within.lists + is_list,
            cost=NOTHING if is_row else cost,
            each=cost if is_row else NOTHING,
            introspects=within.introspects or asks_schema,
        )


def _cost(
    node: FieldNode, definition: GraphQLField | None, within: _Tally, defaults: Mapping[str, int]
) -> Cost:
    """Return what a field costs for each of its sources, with all that is selected of it."""
    if node.name.value in _OF_SCHEMA:
        return Cost(INTROSPECTION)
    selected = within.cost.plus(within.each)
    if definition is None or (declared := _declared(definition)) is None:
        return selected
    metadata = declared.metadata
    cost = Cost(0 if declared.is_basic_field else points_of(metadata))
    if "first" in definition.args:
        size = _size(node, defaults, rows_a_point(metadata))
        return cost.plus(within.cost).plus(page_cost(size, within.each))
    if declared.is_basic_field or not is_list_type(get_nullable_type(definition.type)):
        return cost.plus(selected)
    return cost.plus(times(_length(node), selected))


def _size(node: FieldNode, defaults: Mapping[str, int], per: int) -> Size:
    said: dict[str, int | Variable | None] = {}
    for argument in node.arguments or ():
        match argument.value:
            case IntValueNode(value=text):
                said[argument.name.value] = int(text[:10])  # far above the largest page
            case VariableNode(name=name):
                said[argument.name.value] = Variable(name.value, defaults.get(name.value))
            case _:
                pass
    return Size(said.get("first"), said.get("last"), per)


def _length(node: FieldNode) -> int:
    """Return how many things a field's list holds: as many as are named, if any are."""
    named = [
        len(argument.value.values or ())
        for argument in node.arguments or ()
        if isinstance(argument.value, ListValueNode)
    ]
    return max(named, default=LIST_SIZE)


def _unmetered(operation: OperationDefinitionNode, root: GraphQLObjectType | None) -> Iterator[int]:
    for node in operation.selection_set.selections:
        if not isinstance(node, FieldNode):
            continue
        if node.name.value in _OF_SCHEMA:
            yield INTROSPECTION
        definition = _field(root, node.name.value)
        declared = _declared(definition) if definition else None
        if declared is not None and not declared.extensions:  # else it is batched, and metered
            yield points_of(declared.metadata)


def _field(type_: object, name: str) -> GraphQLField | None:
    if name in _OF_SCHEMA:
        return SchemaMetaFieldDef if name == "__schema" else TypeMetaFieldDef
    if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        return None
    definition: GraphQLField | None = type_.fields.get(name)
    return definition


def _declared(definition: GraphQLField) -> StrawberryField | None:
    declared = definition.extensions.get("strawberry-definition")
    return declared if isinstance(declared, StrawberryField) else None


def _type_name(type_: object) -> str:
    return type_.name if isinstance(type_, GraphQLObjectType) else ""


def _with_directives(tally: _Tally, node: HasDirectives) -> _Tally:
    number = len(node.directives or ())
    return replace(tally, directives=tally.directives + number) if number else tally


def _defaults(operation: OperationDefinitionNode) -> Mapping[str, int]:
    """Return the whole numbers that variables are if they are left out."""
    return {
        each.variable.name.value: int(each.default_value.value[:10])
        for each in operation.variable_definitions or ()
        if isinstance(each.default_value, IntValueNode)
    }


def _check_value(value: ValueNode, depth: int = 1) -> None:
    refuse_beyond("value", depth, bounds.VALUE_DEPTH)
    match value:
        case ListValueNode(values=values):
            refuse_beyond("list", len(values or ()), bounds.LIST_LENGTH)
            for each in values or ():
                _check_value(each, depth + 1)
        case ObjectValueNode(fields=fields):
            for field in fields or ():
                _check_value(field.value, depth + 1)
        case StringValueNode(value=text):
            refuse_beyond("string", len(text), bounds.STRING_LENGTH)
        case _:
            pass
