"""API keys: made, revoked, and what they are bound to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.api_keys import hash_of, issue
from server.batches import Wanted
from server.errors import BadUserInput, Forbidden, NotFound
from server.export.jobs import DAY
from server.global_ids import type_and_key
from server.key_lists import among, keys
from server.records.api_keys import MANAGES_KEYS, SCOPES, ApiKey, KeyExpiry
from server.records.audit import AuditAction
from server.records.experiments import EXPERIMENTS, Experiment
from server.resolvers.context import Context
from server.resolvers.names import named
from server.resolvers.reads import fetched, layout_to_read
from server.rows import Row, layout_of
from server.statements import Statement
from server.timestamps import Timestamp, iso, now

LONGEST_DESCRIPTION = 1000
"""Characters."""

MOST_EXPERIMENTS = 1000
"""To how many experiments a key may be bound."""

_KEY, _EXPERIMENT = layout_of(ApiKey), layout_of(Experiment)
_KEYS = "keys"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a new key is to be."""

    name: str
    description: str | None
    scopes: Sequence[str]
    expiry: KeyExpiry
    experiment_ids: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Made:
    """A new key: its row, the key itself, and to which experiments it is bound."""

    row: Row
    secret: str
    experiment_keys: Sequence[int]


@dataclass(frozen=True, slots=True)
class BoundTo:
    """The experiments that each key is bound to, of those that the actor sees; None for no bond."""

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[list[Row] | None]:
        actor = context.actor
        actor.require(EXPERIMENTS.scope)
        layout = layout_to_read(context, Experiment, wanted)

        def statement() -> Statement:
            kept = among(layout.columns["key"], keys(_KEYS))
            return select(*actor.shown(layout)).where(kept, actor.sees(layout))

        bound: list[list[int] | None] = [source.experiment_keys for source in sources]
        asked = sorted({key for some in bound for key in some or ()})
        prepared = context.db.prepare(("bound to", layout, actor.kind), statement)
        given = {_KEYS: asked, **actor.parameters}
        rows = await fetched(context, layout, prepared, given)
        found = {row.key: row for row in map(layout.row, rows)}
        return [
            None if some is None else [found[key] for key in some if key in found] for some in bound
        ]


async def create(context: Context, asked: Asked) -> Made:
    """Make a key for the actor's account, which allows no more than the one in use."""
    context.actor.require(MANAGES_KEYS)
    view = await context.own_view()
    hidden = {id_ for id_ in asked.experiment_ids or () if view is not None and view.hides(id_)}
    async with context.db.write() as tx:
        made = await make(tx, context.actor, asked, hidden)
        await context.note(
            tx,
            AuditAction.KEY_CREATE,
            experiment_keys=made.experiment_keys,
            resource=made.row.prefix,
        )
    return made


async def revoke(context: Context, key_id: str) -> Row:
    """Revoke a key of the actor's account: from now on it opens nothing."""
    context.actor.require(MANAGES_KEYS)
    type_name, key = type_and_key(key_id) or ("", 0)
    this = _KEY.columns["key"] == (key if type_name == _KEY.type_name else 0)
    async with context.db.write() as tx:
        asked = select(*_KEY.selected).where(this, context.actor.holds(_KEY))
        if (found := (await tx.execute(asked)).one_or_none()) is None:
            raise NotFound("There is no such API key: look among `apiKeys` for yours.", ["id"])
        row = _KEY.row(found)
        if row.revoked_at is not None:
            return row
        row = await end(tx, row.key)
        await context.note(
            tx,
            AuditAction.KEY_REVOKE,
            experiment_keys=row.experiment_keys or (),
            resource=row.prefix,
        )
    return row


async def make(
    tx: AsyncConnection, actor: Actor, asked: Asked, hidden: Collection[str] = ()
) -> Made:
    """Store a key of an actor's account, which allows no more than the actor may by now.

    `hidden` are ids of experiments by which the actor finds none.
    """
    name, description = named(asked.name, "key", ["input", "name"]), _described(asked.description)
    scopes = _allowed(actor, asked.scopes)
    expires_at = _end_of(actor, asked.expiry)
    bound = await _bound(tx, actor, asked.experiment_ids, hidden)
    secret = await issue(
        tx,
        actor.user_key,
        name,
        scopes,
        expires_at,
        description=description,
        experiment_keys=bound,
    )
    stored = select(*_KEY.selected).where(col(ApiKey.hash) == hash_of(secret))
    return Made(_KEY.row((await tx.execute(stored)).one()), secret, bound or ())


async def end(tx: AsyncConnection, key: int) -> Row:
    """Revoke a key, and return its row as it is then."""
    ended = update(ApiKey).where(col(ApiKey.id) == key).values(revoked_at=now())
    return _KEY.row((await tx.execute(ended.returning(*_KEY.selected))).one())


def environment(url: str, secret: str) -> str:
    """Return what to put into a `.env` file, for `hyperdata export` and for scripts."""
    return f"HYPERDATA_URL={url}\nHYPERDATA_API_KEY={secret}\n"


def _described(text: str | None) -> str | None:
    description = (text or "").strip()
    if len(description) > LONGEST_DESCRIPTION or not description.replace("\n", "").isprintable():
        raise BadUserInput(
            f"Describe the key in at most {LONGEST_DESCRIPTION:,} characters of plain text.",
            ["input", "description"],
        )
    return description or None


def _allowed(actor: Actor, scopes: Sequence[str]) -> list[str]:
    """Return what a key is to allow, in the order in which scopes are told of."""
    field = ["input", "scopes"]
    if unknown := sorted(set(scopes) - SCOPES.keys()):
        raise BadUserInput(
            f"There is no scope `{unknown[0]}`: choose among "
            f"{', '.join(f'`{scope}`' for scope in SCOPES)}.",
            field,
        )
    if not scopes:
        raise BadUserInput("Name what the key is to allow, such as `read:events`.", field)
    if beyond := [scope for scope in SCOPES if scope in scopes and not actor.may(scope)]:
        raise Forbidden(
            "A key can be made that allows no more than the one in use, which lacks "
            f"{', '.join(f'`{scope}`' for scope in beyond)}.",
            field,
        )
    return [scope for scope in SCOPES if scope in scopes]


def _end_of(actor: Actor, expiry: KeyExpiry) -> Timestamp | None:
    end = None if expiry.days is None else Timestamp(now() + expiry.days * DAY)
    if actor.ends_at is not None and (end is None or end > actor.ends_at):
        raise Forbidden(
            f"The key in use ends at {iso(actor.ends_at)}, and none can be made with it that works "
            "longer: choose a shorter time, or use another key.",
            ["input", "expiry"],
        )
    return end


async def _bound(
    tx: AsyncConnection, actor: Actor, ids: Sequence[str] | None, hidden: Collection[str]
) -> Sequence[int] | None:
    """Return the keys of the experiments that a key is to be for; None for all."""
    field = ["input", "experimentIds"]
    if ids is None:
        if actor.experiment_keys is not None:
            raise Forbidden(
                "The key in use is bound to experiments: name those of them that the new one is "
                "to be for.",
                field,
            )
        return None
    if not 0 < len(set(ids)) <= MOST_EXPERIMENTS:
        raise BadUserInput(
            f"Name 1 to {MOST_EXPERIMENTS:,} experiments, or leave `experimentIds` out for a key "
            "that is bound to none.",
            field,
        )
    columns = _EXPERIMENT.columns
    among_ids = columns["experiment_id"].in_(sorted(set(ids)))
    found = await tx.execute(
        select(columns["experiment_id"], columns["key"]).where(among_ids, actor.sees(_EXPERIMENT))
    )
    visible = {id_: key for id_, key in found if id_ not in hidden}
    if missing := [id_ for id_ in ids if id_ not in visible]:
        raise NotFound(
            f"There is no experiment `{missing[0]}`: check the id for typing errors.", field
        )
    return sorted(visible.values())
