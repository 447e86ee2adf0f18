"""The schema as a whole: what it promises, and what it must never lack."""

import os
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
)
from sqlalchemy import inspect

import server.schema
from server.column_types import JsonType
from server.records import RecordType
from server.records.experiments import EXPERIMENTS
from server.records.listed import Listed
from server.records.participants import PARTICIPANTS
from server.records.rooms import ROOMS
from server.resolvers.lookups import NODES
from server.schema import schema

PRINTED = Path(server.schema.__file__).with_name("schema.graphql")
BUILT = build_schema(schema.as_str())
LEVELS = ("Experiment", "Room", "Participant")
OURS = [
    type_
    for name, type_ in sorted(BUILT.type_map.items())
    if not name.startswith("__") and name not in ("String", "Int", "Float", "Boolean", "ID")
]


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def fields_of(name: str) -> set[str]:
    type_ = BUILT.type_map[name]
    assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType)
    return set(type_.fields)


def test_the_printed_schema_is_up_to_date() -> None:
    """Run with UPDATE_SCHEMA=1 to write the file, and read its diff before you commit."""
    printed = schema.as_str() + "\n"
    if os.environ.get("UPDATE_SCHEMA"):
        PRINTED.write_text(printed)
    assert PRINTED.read_text() == printed, "run `make schema`"


@pytest.mark.parametrize("kind", RecordType)
def test_every_level_lists_every_data_type_in_the_same_way(kind: RecordType) -> None:
    arguments = {"filter", "orderBy", "first", "after", "last", "before"}
    for level in LEVELS:
        type_ = BUILT.type_map[level]
        assert isinstance(type_, GraphQLObjectType)
        field = type_.fields[kind.value.name]
        assert set(field.args) == arguments
        name = kind.value.model.__name__
        assert str(field.type) == f"{name}Connection!"
        assert str(field.args["filter"].type) == f"{name}Filter"
        assert str(field.args["orderBy"].type) == f"[{name}Order!]"


@pytest.mark.parametrize("kind", RecordType)
def test_a_record_shows_every_public_column(kind: RecordType) -> None:
    shown = fields_of(kind.value.model.__name__)
    assert {"id", *map(camel, kind.value.public_columns)} <= shown
    assert shown.isdisjoint({"experimentKey", "roomKey", "participantKey", "storageKey"})


@pytest.mark.parametrize("kind", RecordType)
def test_the_filter_and_the_order_of_a_type_are_the_declared_ones(kind: RecordType) -> None:
    name = kind.value.model.__name__
    assert fields_of(f"{name}Filter") == set(map(camel, kind.value.filter.model_fields))
    order = BUILT.type_map[f"{name}OrderField"]
    assert isinstance(order, GraphQLEnumType)
    assert set(order.values) == {choice.name for choice in kind.value.order}


@pytest.mark.parametrize("kind", RecordType)
def test_every_public_column_can_be_asked_for_and_all_but_json_sorted_by(kind: RecordType) -> None:
    data_type = kind.value
    columns = inspect(data_type.model).columns
    json = {column.key for column in columns if isinstance(column.type, JsonType)}
    assert set(data_type.public_columns) <= set(data_type.filter.model_fields)
    sortable = set(data_type.public_columns) - json - {"experiment_id"}
    assert {choice.value for choice in data_type.order} == sortable


@pytest.mark.parametrize("listed", [EXPERIMENTS, ROOMS, PARTICIPANTS], ids=lambda x: x.scope)
def test_every_column_of_a_place_can_be_asked_for_unless_it_identifies(listed: Listed) -> None:
    columns = {column.key for column in inspect(listed.model).columns if column.comment}
    identifying = {"email", "ip_address", "user_agent"}
    assert columns - identifying <= set(listed.filter.model_fields)
    assert identifying.isdisjoint(listed.filter.model_fields)
    assert identifying.isdisjoint(choice.value for choice in listed.order)


@pytest.mark.parametrize("kind", RecordType)
def test_a_filter_of_an_export_is_the_filter_of_the_connection(kind: RecordType) -> None:
    data_filter = BUILT.type_map["DataFilter"]
    assert isinstance(data_filter, GraphQLInputObjectType)
    assert str(data_filter.fields[kind.value.name].type) == f"{kind.value.model.__name__}Filter"


@pytest.mark.parametrize("listed", NODES.values(), ids=NODES)
def test_whatever_is_listed_is_a_node_with_a_relay_connection(listed: Listed) -> None:
    name = listed.model.__name__
    type_ = BUILT.type_map[name]
    assert isinstance(type_, GraphQLObjectType)
    assert "Node" in {interface.name for interface in type_.interfaces}
    assert fields_of(f"{name}Connection") == {"edges", "nodes", "pageInfo", "totalCount"}
    assert fields_of(f"{name}Edge") == {"node", "cursor"}


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_is_a_data_scope(level: str) -> None:
    type_ = BUILT.type_map[level]
    assert isinstance(type_, GraphQLObjectType)
    assert {interface.name for interface in type_.interfaces} == {"Node", "DataScope"}


def test_nothing_secret_has_a_name_in_the_schema() -> None:
    names = {
        field
        for type_ in OURS
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        for field in type_.fields
        if (type_.name, field) != ("AuditEntry", "hash")  # of the entry: it lets nobody in
    }
    assert names.isdisjoint({"hash", "storageKey", "lease", "fence", "worker", "key"})
    assert "recipe" not in fields_of("Export")  # its keys are no client's
