"""Pagination fragments for every connection of the schema, as two clients would write them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
    is_required_argument,
)

PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
WAYS = {"Forwards": ("first", "after"), "Backwards": ("last", "before")}


@dataclass(frozen=True)
class Pagination:
    """One way through one connection of one type."""

    parent: str
    name: str
    field: GraphQLField
    way: str

    @property
    def module(self) -> str:
        return f"{self.parent}{self.name[0].upper()}{self.name[1:]}{self.way}"

    @property
    def arguments(self) -> dict[str, GraphQLArgument]:
        """Those of this way and those of both, such as the filter."""
        others = {name for way, names in WAYS.items() if way != self.way for name in names}
        return {name: given for name, given in self.field.args.items() if name not in others}

    @property
    def needed(self) -> list[str]:
        """The arguments without which nothing can be asked, such as whose they are."""
        return [name for name, given in self.arguments.items() if is_required_argument(given)]

    def fragment(self, name: str, directives: str, of_the_connection: str) -> str:
        """Return the fragment; the directives are what a client adds of its own."""
        given = ", ".join(f"{argument}: ${argument}" for argument in self.arguments)
        return f"""fragment {name} on {self.parent} {directives} {{
  {self.name}({given}) {of_the_connection} {{
    totalCount edges {{ cursor node {{ {" ".join(self._leaves())} }} }} {PAGE_INFO}
  }}
}}"""

    def _leaves(self) -> Iterator[str]:
        connection = get_named_type(self.field.type)
        assert isinstance(connection, GraphQLObjectType)
        node = get_named_type(connection.fields["nodes"].type)
        assert isinstance(node, GraphQLObjectType)
        for name, field in node.fields.items():
            if is_leaf_type(get_named_type(field.type)):
                yield name

    def _query(self, name: str, variables: Sequence[str], spread: str) -> str:
        rooted = self.parent == "Query"
        declared = [*variables] if rooted else ["$id: ID!", *variables]
        head = f"query {name}({', '.join(declared)})" if declared else f"query {name}"
        return f"{head} {{ {spread if rooted else f'node(id: $id) {{ {spread} }}'} }}"

    def in_relay(self) -> str:
        """Return a TypeScript module that Relay compiles, and that reads what it then knows."""
        fragment = f"{self.module}_parent"
        defined = " ".join(
            f'{name}: {{type: "{given.type}"}}' for name, given in self.arguments.items()
        )
        refetchable = f'@refetchable(queryName: "{self.module}PageQuery")'
        text = self.fragment(
            fragment,
            f"{refetchable} @argumentDefinitions({defined})",
            f'@connection(key: "{self.module}_{self.name}")',
        )
        many, _ = WAYS[self.way]
        given = ", ".join([*(f'{name}: "an id"' for name in self.needed), f"{many}: 20"])
        query = self._query(f"{self.module}Query", (), f"...{fragment} @alias @arguments({given})")
        shown = next(iter(self._leaves()))
        connection = f"data.{self.name}"
        rows = f"{connection}.edges.map((edge) => edge.node.{shown})"
        if not is_non_null_type(self.field.type):  # it is not everybody's to see
            rows = f"{connection} == null ? [] : {rows}"
        return f"""import {{ graphql }} from 'relay-runtime';
import type {{ {fragment}$data }} from './generated/{fragment}.graphql';

graphql`{text}`;
graphql`{query}`;

export function ids(data: {fragment}$data): readonly string[] {{
  return {rows};
}}
"""

    def in_graphql(self) -> str:
        """Return the document that clients without directives of their own would send."""
        declared = [f"${name}: {given.type}" for name, given in self.arguments.items()]
        fragment = f"{self.module}Page"
        query = self._query(self.module, declared, f"...{fragment}")
        return f"{self.fragment(fragment, '', '')}\n{query}\n"

    def first_page(self) -> str:
        """Return TypeScript that asks by what graphql-codegen made of the document."""
        many, _ = WAYS[self.way]
        place = "" if self.parent == "Query" else "id: 'of a parent', "
        needed = "".join(f"{name}: 'an id', " for name in self.needed)
        asked = f"{{ {place}{needed}{many}: 20 }}"
        return f"""import type {{ {self.module}QueryVariables as Variables }} from './operations';
import {{ {self.module}Document as Document }} from './operations';
export const asked: [typeof Document, Variables] = [Document, {asked}];
"""


def paginations(schema: GraphQLSchema) -> Iterator[Pagination]:
    """Return every way through every connection of every type that has any."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in type_.fields.items():
                if get_named_type(field.type).name.endswith("Connection"):
                    for way, names in WAYS.items():
                        if field.args.keys() >= set(names):
                            yield Pagination(type_.name, name, field, way)
