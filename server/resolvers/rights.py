"""What the caller may do with what they see."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from server.access import Actor
from server.batches import Batch, Wanted
from server.grants import TOLD
from server.key_lists import among, keys
from server.paging import PARENTS
from server.records import RecordType
from server.records.audit import AuditAction
from server.records.experiments import Experiment
from server.records.groups import UserGroup
from server.resolvers.context import Context
from server.resolvers.reasons import DELETE, EXPORT, MANAGE, reason
from server.rows import Layout, Row, TableLayout, keys_of, layout_of, readers_of
from server.statements import Statement

ACCESS = Layout(
    "Access",
    [
        "can_view",
        "can_export",
        "can_delete",
        "can_manage",
        "can_see_identified",
        "data_types",
        "until",
        "why",
    ],
)

_EXPERIMENT = layout_of(Experiment)
_OWNED = {
    "Experiment": (_EXPERIMENT, Actor.owns),
    "UserGroup": (layout_of(UserGroup), Actor.owns_groups),
}
_TYPES = [each.name for each in RecordType]
_ASKED = ["key", "owner_key", "owns", "may_export", "identified", *_TYPES]
_ROW = Layout("Right", [*_ASKED, *TOLD])
_RAW = Layout(
    "Right", [*_ASKED, *TOLD], readers=[*[None] * len(_ASKED), *readers_of(TOLD.values())]
)


@dataclass(frozen=True, slots=True)
class Accesses:
    """What the actor may do with each source that they see, by the key of its experiment."""

    key: str = "key"

    async def load(self, context: Context, sources: Sequence[Row], wanted: Wanted) -> Sequence[Row]:
        actor, asked = context.actor, keys_of(sources, self.key)

        def statement() -> Statement:
            theirs = actor.grants().subquery()
            experiment = _EXPERIMENT.columns["key"]
            return (
                select(*_asked(actor), *theirs.c)
                .select_from(Experiment)
                .outerjoin(theirs, theirs.c.experiment_key == experiment)
                .where(among(experiment, keys(PARENTS)))
                .order_by(theirs.c.grant_key)  # so that `why` is the same wherever it is asked
            )

        prepared = context.db.prepare(("access", actor.kind), statement)
        given = {PARENTS: list(dict.fromkeys(asked)), **actor.parameters}
        layout = _RAW if context.db.raw else _ROW
        found = defaultdict[int, list[Row]](list)
        for values in await context.db.fetch(prepared, given):
            row = layout.row(values)
            found[row.key].append(row)
        shown = {key: ACCESS.row(_access(actor, rows)) for key, rows in found.items()}
        return [shown[key] for key in asked]


@dataclass(frozen=True, slots=True)
class OwnersOnly:
    """What is told of each experiment, or group: None to all but its owner and administrators.

    `action` is what the audit log calls it to read that of an experiment.
    """

    batch: Batch
    scope: str
    action: AuditAction | None = None

    async def load(self, context: Context, sources: Sequence[Row], wanted: Wanted) -> Sequence[Any]:
        context.actor.require(self.scope)
        layout, owns = _OWNED[sources[0].layout.type_name]
        owned = await those(context, keys_of(sources), owns, layout)
        theirs = [source for source in sources if source.key in owned]
        told = iter(await self.batch.load(context, theirs, wanted) if theirs else ())
        if self.action is not None:
            context.reads.update((self.action, key) for key in owned)
        return [next(told) if source.key in owned else None for source in sources]


def _asked(actor: Actor) -> list[ColumnElement[Any]]:
    """Return what is asked of an experiment that the actor sees."""
    return [
        _EXPERIMENT.columns["key"],
        _EXPERIMENT.columns["owner_key"],
        actor.owns(_EXPERIMENT),
        actor.may_export(_EXPERIMENT),
        actor.identified(_EXPERIMENT),
        *(actor.sees_type(_EXPERIMENT, each) for each in RecordType),
    ]


def _access(actor: Actor, rows: Sequence[Row]) -> tuple[Any, ...]:
    """Return an actor's access, given a row for each grant, or one without any."""
    rights = rows[0]
    grants = [row for row in rows if row.experiment_key is not None]
    ends = [grant.expires_at for grant in grants]
    passes = bool(ends) and None not in ends and not rights.owns
    return (
        True,
        bool(rights.may_export) and actor.may(EXPORT),
        bool(rights.owns) and actor.may(DELETE),
        bool(rights.owns) and actor.may(MANAGE),
        bool(rights.identified),
        [each for each in RecordType if getattr(rights, each.name) and actor.may(each.value.scope)],
        max(ends) if passes else None,
        reason(actor, rights, grants),
    )


async def those(
    context: Context,
    some: Sequence[int],
    may: Callable[[Actor, TableLayout], ColumnElement[bool]],
    layout: TableLayout = _EXPERIMENT,
) -> frozenset[int]:
    """Return the keys of those rows, of experiments by default, with which the actor may do so."""
    actor, key = context.actor, layout.columns["key"]

    def statement() -> Statement:
        return select(key).where(among(key, keys(PARENTS)), may(actor, layout))

    prepared = context.db.prepare((may.__name__, layout, actor.kind), statement)
    found = await context.db.fetch(prepared, {PARENTS: some, **actor.parameters})
    return frozenset(key for (key,) in found)
