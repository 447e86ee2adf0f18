"""What a participant is shown: their own records, and everybody else in them under codes."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, TypeAlias

from pydantic.alias_generators import to_snake
from sqlalchemy import ColumnElement, Select, String, TypeDecorator, and_, func, select
from sqlmodel import col

from server.access import Actor, key_of
from server.column_types import JsonType
from server.db import Database, Table
from server.errors import Forbidden
from server.export.disguises import Disguise
from server.export.pseudonyms import contacts_of, give_codes, names_of, people_of
from server.export.tables import BORNE_BY
from server.key_lists import keys
from server.records.columns import Identifies
from server.records.experiments import Experiment
from server.records.participants import Participant, Pseudonym
from server.rows import Layout, TableLayout, layout_of

BEARERS = {to_snake(name): to_snake(bearer) for name, bearer in BORNE_BY.items()}
"""Columns of names, and those that tell who bears them."""

THEMSELVES = "participant_id"
"""The column that tells whose a row is: a participant sees no rows but their own."""

_EXPERIMENTS = "experiments"

AnySelect: TypeAlias = Select[*tuple[Any, ...]]
Change: TypeAlias = Callable[[Disguise, Any], Any]


@dataclass(frozen=True, slots=True)
class OwnView:
    """How others are disguised in what one participant is shown, by the key of the experiment."""

    disguises: Mapping[int, Disguise]

    def hides(self, text: str) -> bool:
        """Say whether an id, or another text that is not free, is not shown as it is anywhere."""
        return any(each.label(text) != text for each in self.disguises.values())

    def rows(self, layout: TableLayout, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """Return rows with others under their codes."""
        changes = _changes(layout)
        if not changes:
            return rows
        experiment = layout.place[key_name(layout)]
        changed = {place: _Changed(change) for place, change in changes.items()}
        found: list[Sequence[Any]] = []
        for row in rows:
            if (disguise := self.disguises.get(row[experiment])) is None:
                continue  # the experiment has just stopped to let participants look
            shown = list(row)
            for place, each in changed.items():
                if row[place] is not None:
                    shown[place] = each.value(disguise, row[place])
            for place, bearer in _borne(layout):
                if row[place] is not None and (row[bearer] is None or shown[bearer] != row[bearer]):
                    shown[place] = shown[bearer]
            found.append(tuple(shown))
        return found

    def answer(self, layout: TableLayout, experiment: int, answer: Any) -> Any:  # noqa: ANN401 - any
        """Return what was made of a table's rows with others under their codes."""
        if (disguise := self.disguises.get(experiment)) is None:
            raise Forbidden("The experiment does not let participants see their data any more.")
        return _answered(layout, disguise, answer)


async def own_view(db: Database, actor: Actor) -> OwnView:
    """Find out who others are, and give codes to those who have none."""
    there = await _fetch(db, "there", _there(actor), actor.parameters)
    if without := [experiment for experiment, lacking in there if lacking]:
        async with db.write() as tx:
            await give_codes(tx, without)
    given = {_EXPERIMENTS: [experiment for experiment, _ in there]}
    experiments = keys(_EXPERIMENTS)
    people = await _fetch(db, "people", people_of(experiments), given)
    names = await _fetch(db, "names", names_of(experiments), given)
    theirs = contacts_of(experiments).add_columns(col(Participant.participant_id))
    contacts = await _fetch(db, "contacts", theirs, given)
    return OwnView(_disguises(actor.participant_id, given[_EXPERIMENTS], people, names, contacts))


async def _fetch(
    db: Database, name: str, statement: AnySelect, given: Mapping[str, Any]
) -> Sequence[Sequence[Any]]:
    return await db.fetch(db.prepare(("own view", name), lambda: statement), given)


def _there(actor: Actor) -> AnySelect:
    """Select the experiments that the actor is in, and how many people lack a code."""
    layout = layout_of(Participant)
    experiment, person = key_of(layout, "experiment"), layout.columns[THEMSELVES]
    theirs = and_(
        col(Pseudonym.experiment_key) == experiment, col(Pseudonym.participant_id) == person
    )
    return (
        select(experiment, func.count() - func.count(col(Pseudonym.code)))
        .select_from(Participant)
        .outerjoin(Pseudonym, theirs)
        .where(actor.is_beside(layout))
        .group_by(experiment)
    )


def _disguises(
    person: str | None,
    experiments: Sequence[int],
    people: Sequence[Sequence[Any]],
    names: Sequence[Sequence[Any]],
    contacts: Sequence[Sequence[Any]],
) -> Mapping[int, Disguise]:
    """Return a disguise for each experiment: in all of them, the same is hidden.

    Who is known from another experiment has no code in this one.
    """
    codes = defaultdict[int, dict[str, str]](dict)
    for experiment, other, code in people:
        codes[experiment][other] = code
    called = defaultdict[int, dict[str, str | None]](dict)
    for experiment, bearer, name in names:
        code = codes[experiment].get(bearer)
        known = called[experiment]
        known[name] = code if known.get(name, code) == code else None
    own = {person} if person else set[str]()
    own |= {name for _, bearer, name in names if bearer == person}
    own |= {text for _, *texts, other in contacts if other == person for text in texts if text}
    found = {text for _, *texts, _ in contacts for text in texts if text}
    everybody = {other for _, other, _ in people}
    everything = dict.fromkeys(name for _, _, name in names)
    return {
        key: Disguise(
            codes[key],
            {**everything, **called[key]},
            sorted((found | everybody) - codes[key].keys()),
            own,
        )
        for key in experiments
    }


def key_name(layout: Layout) -> str:
    """Return the name of the column that tells to which experiment a row belongs."""
    return "key" if layout.level == Experiment.level_name() else "experiment_key"


def is_closed(model: type[Table], name: str) -> bool:
    """Say whether a column holds one of a few values that we ourselves have named."""
    declared = model.model_fields.get(name)
    kind = declared and declared.annotation
    return isinstance(kind, type) and issubclass(kind, Enum)


def identifies(column: ColumnElement[Any] | None) -> Identifies | None:
    """Return how a column can tell who a person is, as it is declared."""
    how: Identifies | None = getattr(column, "info", {}).get("identifies")
    return how


def holds_text(column: ColumnElement[Any]) -> bool:
    """Say whether a column holds texts, JSON among them."""
    kind = column.type
    return isinstance(kind.impl_instance if isinstance(kind, TypeDecorator) else kind, String)


class _Changed:
    """Values of a column, changed: each distinct text once."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._known: dict[tuple[int, str], Any] = {}

    def value(self, disguise: Disguise, value: Any) -> Any:  # noqa: ANN401 - a column's
        if not isinstance(value, str):
            return self._change(disguise, value)
        known, key = self._known, (id(disguise), value)
        if key not in known:
            known[key] = self._change(disguise, value)
        return known[key]


@lru_cache(4096)
def _changes(layout: TableLayout) -> Mapping[int, Change]:
    """Return how what a layout selects is changed, by its place: nothing that is no text."""
    return {
        place: change
        for name, place in layout.place.items()
        if (change := _change_of(layout, name)) is not None
    }


def _change_of(layout: TableLayout, name: str) -> Change | None:
    column = layout.columns[name]
    if not holds_text(column) or is_closed(layout.model, name):
        return None
    json = isinstance(column.type, JsonType)
    how = identifies(column)
    if layout.model is Participant and how in (Identifies.DIRECTLY, Identifies.IN_PART):
        return None  # it is of the participant themselves
    if json:
        return (_OF_JSON_TEXT if layout.raw else _OF_JSON)[how]
    return _OF_TEXT[how]


def _own_alone(disguise: Disguise, value: Any) -> Any:  # noqa: ANN401 - a column's
    return value if disguise.is_own(value) else None


_OF_TEXT: Mapping[Identifies | None, Change] = {
    Identifies.DIRECTLY: Disguise.person,
    Identifies.IN_PART: _own_alone,
    Identifies.IN_TEXT: Disguise.text,
    None: Disguise.label,
}
_OF_JSON_TEXT: Mapping[Identifies | None, Change] = {
    Identifies.DIRECTLY: Disguise.json_people,
    Identifies.IN_PART: _own_alone,
    Identifies.IN_TEXT: Disguise.json_text,
    None: Disguise.json_label,
}
_OF_JSON: Mapping[Identifies | None, Change] = {
    Identifies.DIRECTLY: Disguise.people,
    Identifies.IN_PART: _own_alone,
    Identifies.IN_TEXT: lambda disguise, value: disguise.value(value, disguise.text, keys=True),
    None: lambda disguise, value: disguise.value(value, disguise.label, keys=False),
}


@lru_cache(4096)
def _borne(layout: TableLayout) -> Sequence[tuple[int, int]]:
    """Return the places of names, and of who bears them."""
    place = layout.place
    return [(place[name], place[bearer]) for name, bearer in BEARERS.items() if name in place]


def _answered(layout: TableLayout, disguise: Disguise, answer: Any, name: str = "") -> Any:  # noqa: ANN401 - any
    if isinstance(answer, str):
        if isinstance(answer, Enum):
            return answer
        change = _OF_TEXT[identifies(layout.columns.get(name))]
        return change(disguise, answer)
    if isinstance(answer, list):
        return [_answered(layout, disguise, each, name) for each in answer]
    if not hasattr(answer, "model_copy"):
        return answer
    return answer.model_copy(
        update={key: _answered(layout, disguise, each, key) for key, each in answer}
    )
