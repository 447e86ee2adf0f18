"""What a participant is shown: their own records, and everybody else in them under codes."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import Select, and_, func, select
from sqlmodel import col

from server.access import Actor, key_of
from server.db import Database
from server.errors import Forbidden
from server.export.disguises import Disguise
from server.export.pseudonyms import contacts_of, give_codes, names_of, people_of
from server.key_lists import keys
from server.records.participants import Participant, Pseudonym
from server.resolvers.own_columns import (
    THEMSELVES,
    Change,
    answered,
    borne,
    changes,
    key_name,
)
from server.rows import TableLayout, layout_of

_EXPERIMENTS = "experiments"

AnySelect: TypeAlias = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class OwnView:
    """How others are disguised in what one participant is shown, by the key of the experiment."""

    disguises: Mapping[int, Disguise]

    def hides(self, text: str) -> bool:
        """Say whether an id, or another text that is not free, is not shown as it is anywhere."""
        return any(each.label(text) != text for each in self.disguises.values())

    def rows(self, layout: TableLayout, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """Return rows with others under their codes."""
        if not (changed_by := changes(layout)):
            return rows
        experiment = layout.place[key_name(layout)]
        changed = {place: _Changed(change) for place, change in changed_by.items()}
        found: list[Sequence[Any]] = []
        for row in rows:
            if (disguise := self.disguises.get(row[experiment])) is None:
                continue  # the experiment has just stopped to let participants look
            shown = list(row)
            for place, each in changed.items():
                if row[place] is not None:
                    shown[place] = each.value(disguise, row[place])
            for place, bearer in borne(layout):
                if row[place] is not None and (row[bearer] is None or shown[bearer] != row[bearer]):
                    shown[place] = shown[bearer]
            found.append(tuple(shown))
        return found

    def answer(self, layout: TableLayout, experiment: int, answer: Any, name: str = "") -> Any:  # noqa: ANN401 - any
        """Return what was made of a table's rows, or of one column, with others under codes."""
        if (disguise := self.disguises.get(experiment)) is None:
            raise Forbidden("The experiment does not let participants see their data any more.")
        return answered(layout, disguise, answer, name)


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
    theirs = contacts_of(experiments, whose=True)
    contacts = await _fetch(db, "contacts", theirs, given)
    known = (actor.participant_id, given[_EXPERIMENTS], people, names, contacts)
    return OwnView(await asyncio.to_thread(_disguises, *known))  # others are answered meanwhile


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
        key: _disguise(
            frozenset(codes[key].items()),
            frozenset({**everything, **called[key]}.items()),
            frozenset((found | everybody) - codes[key].keys()),
            frozenset(own),
        )
        for key in experiments
    }


@lru_cache(64)
def _disguise(
    codes: frozenset[tuple[str, str]],
    names: frozenset[tuple[str, str | None]],
    contacts: frozenset[str],
    own: frozenset[str],
) -> Disguise:
    """Return a disguise, made once as long as nobody comes to be known: 70 ms for 200 people."""
    return Disguise(dict(sorted(codes)), dict(sorted(names, key=itemgetter(0))), contacts, own)


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
