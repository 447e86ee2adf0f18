"""Reads of rows: what the caller is shown of them, and what the audit log tells of it.

What it tells of is found where rows are loaded, and noted once all of them are.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic.alias_generators import to_camel

from server.access import TYPE_OF, is_identified_only
from server.batches import Wanted
from server.db import Table
from server.partitions.tables import MODELS
from server.records.audit import AuditAction
from server.records.experiments import Experiment
from server.records.participants import Participant
from server.records.rooms import Room
from server.records.users import UserRole
from server.resolvers.context import Context
from server.resolvers.own_columns import BEARERS
from server.rows import Row, TableLayout, keys_of, layout_of
from server.statements import Prepared

DATA: frozenset[type[Table]] = frozenset((Experiment, Room, Participant, *TYPE_OF))
"""The tables of experiments' data."""

_EXPERIMENT = "experiment_key"

_PLACES: frozenset[type[Table]] = frozenset((Room, Participant))
"""The places of which it must be read in which experiment they are."""


def layout_to_read(
    context: Context, model: type[Table], wanted: Wanted, *, entry: bool = False
) -> TableLayout:
    """Return the layout to read rows by: with their experiments, if the audit log names those.

    With all that a participant's rows are disguised by, as well; and where records lie in
    partitions, with what tells in which of them.
    `entry` says that they are not reached from other rows, whose experiment is theirs.
    """
    is_participant = context.actor.role is UserRole.PARTICIPANT
    if wanted is not None and is_participant and model in DATA:
        wanted = _with_holders(wanted)
    layout = layout_of(model, wanted, raw=context.db.raw)
    located = not context.db.raw and model in _PLACES
    if wanted is None or not (located or _is_told(context, layout, entry=entry)):
        return layout
    return layout_of(model, wanted | {_EXPERIMENT}, raw=context.db.raw)


def experiments_of(context: Context, layout: TableLayout, parents: Sequence[Row]) -> Sequence[int]:
    """Return the experiments of rows' parents, if that tells in which partitions the rows lie.

    SQLite has none, and might take the wrong index.
    """
    above = parents[0].layout
    if context.db.raw or layout.model not in MODELS:
        return ()
    name = "key" if above.level == Experiment.level_name() else _EXPERIMENT
    return sorted(set(keys_of(parents, name))) if name in above.place else ()


async def fetched(
    context: Context,
    layout: TableLayout,
    prepared: Prepared,
    given: Mapping[str, Any],
    *,
    quick: bool = True,
) -> Sequence[Sequence[Any]]:
    """Return all rows of a read as the caller is shown them; say if it is known not to be quick."""
    rows = await context.db.fetch(prepared, given, quick=quick)
    context.meter.points += len(rows)
    if not rows or layout.model not in DATA or (view := await context.own_view()) is None:
        return rows
    return view.rows(layout, rows)


def tell(
    context: Context, layout: TableLayout, rows: Iterable[Sequence[Any]], *, entry: bool = False
) -> None:
    """Have it noted when the operation is over, if it must be, of which experiments rows are."""
    if not _is_told(context, layout, entry=entry):
        return
    experiment = layout.place["key" if layout.model is Experiment else _EXPERIMENT]
    identifying = [place for place, name in _identifying(layout) if context.names(name)]
    administers = entry and context.actor.role is UserRole.ADMINISTRATOR
    for row in rows:
        if administers:
            context.reads.add((AuditAction.ADMINISTRATOR_ACCESS, row[experiment]))
        if any(row[place] is not None for place in identifying):
            context.reads.add((AuditAction.READ_IDENTIFIED, row[experiment]))


@lru_cache(4096)
def _with_holders(wanted: frozenset[str]) -> frozenset[str]:
    bearers = (bearer for name, bearer in BEARERS.items() if name in wanted)
    return wanted.union((_EXPERIMENT, *bearers))


def _is_told(context: Context, layout: TableLayout, *, entry: bool) -> bool:
    role = context.actor.role
    if role is UserRole.ADMINISTRATOR and entry and layout.model in DATA:
        return True
    return role is not UserRole.PARTICIPANT and bool(_identifying(layout))


@lru_cache(4096)
def _identifying(layout: TableLayout) -> Sequence[tuple[int, str]]:
    """Return the places of what tells who a participant is, and its names in a document."""
    return [
        (place, to_camel(name))
        for name, place in layout.place.items()
        if is_identified_only(layout.columns[name])
    ]
