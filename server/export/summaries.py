"""What the declarations of the data say of statistics: what is counted, calculated, and by what."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic.alias_generators import to_camel
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Float,
    Integer,
    Select,
    Subquery,
    Text,
    case,
    cast,
    false,
    func,
    literal_column,
    select,
    true,
)
from sqlmodel import SQLModel, col

from server.column_types import JsonType
from server.export.recipe import PARTICIPANTS, Recipe, selected
from server.export.statements import Dialect
from server.export.tables import Column, Kind, Query, Summary
from server.records import RecordType
from server.records.columns import Summarized
from server.records.described import Described
from server.records.numbers import calculable, number_in
from server.records.participants import Participant, ParticipantBase
from server.timestamps import Timestamp

_PERSON, _COMPONENT = "participant_key", "component"


def summaries(dialect: Dialect, recipe: Recipe) -> tuple[Summary, ...]:
    """Describe the statistics of the participants, and of the records of each type."""
    people = Participant.expressions()
    chosen = recipe.selects(people["experiment_key"], people["room_key"], people["id"])
    there = recipe.within(PARTICIPANTS, col(Participant.id))
    participants = _Declared(dialect, ParticipantBase, people, ParticipantBase.model_fields)
    return (
        participants.summary("participants", "participants", "", people["id"], [chosen, there]),
        *(_of_records(dialect, recipe, name) for name in recipe.data_types),
    )


def _of_records(dialect: Dialect, recipe: Recipe, name: str) -> Summary:
    data_type = RecordType[name].value
    expressions = data_type.model.expressions()
    shown = recipe.columns.get(name)
    names = [
        each
        for each in data_type.base.model_fields
        if shown is None or {each, to_camel(each)} & set(shown)
    ]
    declared = _Declared(dialect, data_type.base, expressions, names)
    return declared.summary(
        data_type.title,
        data_type.stem,
        name,
        expressions["participant_key"],
        selected(recipe, name),
    )


class _Declared:
    """Columns of a table, by how they go into statistics."""

    def __init__(
        self,
        dialect: Dialect,
        base: type[SQLModel],
        expressions: Mapping[str, Any],
        names: Iterable[str],
    ) -> None:
        self._dialect = dialect
        self._base = base
        self._expressions = expressions
        self._how = {name: _summarized(base, expressions[name], name) for name in names}

    def summary(
        self,
        title: str,
        stem: str,
        data_type: str,
        person: ColumnElement[Any],
        where: Iterable[ColumnElement[bool]],
    ) -> Summary:
        """Describe the statistics of the rows that keep some clauses; `person` is whose they are.

        Of the database nothing is asked but to group and to sort, so that it is the same in all.
        """
        components = list(self._named(Summarized.BY_COMPONENT))
        categories = list(self._named(Summarized.AS_CATEGORIES))
        numbers = list(self._named(Summarized.AS_NUMBERS))
        read = select(
            self._expressions["id"].label("id"),
            person.label(_PERSON),
            *(self._expressions[name].label(_COMPONENT) for name in components),
            *(self._text(name).label(f"category_{i}") for i, name in enumerate(categories)),
            *(self._number(name).label(f"number_{i}") for i, name in enumerate(numbers)),
        ).where(*where)
        rows = read.subquery("chosen")
        return Summary(
            title=title,
            stem=stem,
            data_type=data_type,
            by_component=bool(components),
            categories=tuple(self._column(name, Kind.TEXT) for name in categories),
            numbers=tuple(self._column(name, Kind.REAL) for name in numbers),
            counts=_counts(self._dialect, rows, len(numbers)),
            values=tuple(_values(self._dialect, rows, i) for i in range(len(numbers))),
        )

    def _named(self, how: Summarized) -> Iterator[str]:
        return (name for name, declared in self._how.items() if declared is how)

    def _text(self, name: str) -> ColumnElement[Any]:
        column: ColumnElement[Any] = self._expressions[name]
        if not isinstance(column.type, Boolean):
            return column
        yes, no = (literal_column(f"'{word}'", Text) for word in ("true", "false"))
        return case((column == true(), yes), (column == false(), no))

    def _number(self, name: str) -> ColumnElement[Any]:
        column: ColumnElement[Any] = self._expressions[name]
        if isinstance(column.type, JsonType):
            return number_in(column)
        return cast(calculable(column), Float(53))

    def _column(self, name: str, kind: Kind) -> Column:
        stored = self._expressions[name]
        unit = stored.info.get("unit")
        return Column(to_camel(name), kind, stored.comment or "", unit)


def _counts(dialect: Dialect, rows: Subquery, numbers: int) -> Query:
    """Count the records of each person in each component and category, and their numbers."""
    keys = [
        column for name, column in rows.c.items() if name != "id" and not name.startswith("number_")
    ]
    kinds = [Kind.INTEGER, *(Kind.TEXT for _ in keys[1:]), Kind.INTEGER]
    shown: list[Any] = [*keys, func.count().label("records")]
    for i in range(numbers):
        number = rows.c[f"number_{i}"]
        for name, made in (("count", func.count), ("least", func.min), ("most", func.max)):
            shown.append(made(number).label(f"{name}_{i}"))
            kinds.append(Kind.INTEGER if name == "count" else Kind.REAL)
    grouped = select(*shown).group_by(*keys)
    return dialect.table(grouped, kinds, [_PERSON])


def _values(dialect: Dialect, rows: Subquery, place: int) -> Query:
    """Select one column's numbers, the smallest first."""
    number = rows.c[f"number_{place}"]
    shown: dict[str, tuple[ColumnElement[Any], Kind]] = {
        "lead": (literal_column("0"), Kind.INTEGER),  # the sample must come before any number
        _PERSON: (rows.c[_PERSON], Kind.INTEGER),
        **({_COMPONENT: (rows.c[_COMPONENT], Kind.TEXT)} if _COMPONENT in rows.c else {}),
        "value": (number, Kind.REAL),
        "id": (rows.c.id, Kind.INTEGER),
    }
    selected: Select[*tuple[Any, ...]] = select(
        *(column.label(name) for name, (column, _) in shown.items())
    )
    kinds = [kind for _, kind in shown.values()]
    return dialect.table(selected.where(number.is_not(None)), kinds, ["lead", "value", "id"])


def _summarized(base: type[SQLModel], stored: Any, name: str) -> Summarized:  # noqa: ANN401 - a column
    if (declared := stored.info.get("summarized")) is not None:
        return Summarized(declared)
    annotation: Any = base.model_fields[name].annotation
    kinds = {annotation, *get_args(annotation)}
    if Timestamp in kinds:
        return Summarized.NOT
    if isinstance(stored.type, Boolean) or any(_is_closed(kind) for kind in kinds):
        return Summarized.AS_CATEGORIES
    if isinstance(stored.type, Integer | Float):
        return Summarized.AS_NUMBERS
    return Summarized.NOT


def _is_closed(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Described)
