"""API keys, from the command line: listed, made, revoked."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.audit import add
from server.errors import BadUserInput, NotFound
from server.operating.desk import account, at_desk, moment, origin, print_table, said, wrong
from server.records.api_keys import ApiKey, KeyExpiry
from server.records.audit import AuditAction
from server.records.users import User
from server.resolvers.api_keys import Asked, end, environment, make
from server.resolvers.requesters import requester
from server.settings import Settings

_DEFAULT_URL = "http://127.0.0.1:8000"
"""Where a server listens that was told nothing else."""

_EXPIRIES: Mapping[str, KeyExpiry] = {
    "7d": KeyExpiry.SEVEN_DAYS,
    "30d": KeyExpiry.THIRTY_DAYS,
    "90d": KeyExpiry.NINETY_DAYS,
    "1y": KeyExpiry.ONE_YEAR,
    "never": KeyExpiry.NEVER,
}


def show(data_dir: Path | None, user_id: str | None) -> None:
    """List the keys of all accounts, or of one, the newest first."""

    async def work(tx: AsyncConnection) -> list[list[str | None]]:
        theirs: list[ColumnElement[bool]] = []
        if user_id is not None:
            theirs.append(col(ApiKey.user_key) == (await account(tx, user_id)).key)
        asked = (
            select(
                col(ApiKey.prefix),
                col(User.user_id),
                col(ApiKey.name),
                col(ApiKey.scopes),
                col(ApiKey.expires_at),
                col(ApiKey.revoked_at),
                col(ApiKey.last_used_at),
                col(ApiKey.use_count),
                col(ApiKey.last_address),
            )
            .join(User, col(User.id) == col(ApiKey.user_key))
            .where(*theirs)
            .order_by(col(ApiKey.created_at).desc(), col(ApiKey.id).desc())
        )
        return [
            [
                f"{prefix}…",
                whose,
                name,
                " ".join(scopes),
                moment(expires_at) or "never",
                moment(revoked_at),
                moment(last_used_at),
                str(use_count),
                last_address,
            ]
            for (
                prefix,
                whose,
                name,
                scopes,
                expires_at,
                revoked_at,
                last_used_at,
                use_count,
                last_address,
            ) in await tx.execute(asked)
        ]

    headings = ["Key", "Account", "Name", "Allows", "Ends", "Revoked", "Last used", "Uses", "From"]
    print_table(headings, at_desk(data_dir, work))


def create(
    data_dir: Path | None,
    user_id: str,
    asked: "Typed",
    url: str | None,
    reason: str | None,
) -> None:
    """Make a key and print it, this once, as the text of a `.env` file."""

    async def work(tx: AsyncConnection) -> str:
        holder = await account(tx, user_id)
        made = await make(tx, await requester(tx, holder.key), asked.read())
        await add(
            tx,
            origin("keys create", reason),
            AuditAction.KEY_CREATE,
            experiment_keys=made.experiment_keys,
            resource=made.row.prefix,
        )
        return made.secret

    secret = at_desk(data_dir, work)
    wrong.print("The key is shown this once. As the text of a .env file:", markup=False)
    said.print(
        environment(url or Settings().public_url or _DEFAULT_URL, secret), markup=False, end=""
    )


def revoke(data_dir: Path | None, prefix: str, user_id: str | None, reason: str | None) -> None:
    """Revoke a key by how it begins: from now on it opens nothing, in every server."""
    shown = prefix.removesuffix("…")

    async def work(tx: AsyncConnection) -> bool:
        theirs = (
            [] if user_id is None else [col(ApiKey.user_key) == (await account(tx, user_id)).key]
        )
        this = select(col(ApiKey.id), col(ApiKey.revoked_at)).where(
            col(ApiKey.prefix) == shown, *theirs
        )
        found = (await tx.execute(this)).all()
        if not found:
            raise NotFound("No key begins like that: look at `hyperdata keys list`.")
        if len(found) > 1:
            raise BadUserInput("Several keys begin like that: name the account too, `--user`.")
        key, revoked_at = found[0]
        assert key is not None
        if revoked_at is not None:
            return False
        row = await end(tx, key)
        await add(
            tx,
            origin("keys revoke", reason),
            AuditAction.KEY_REVOKE,
            experiment_keys=row.experiment_keys or (),
            resource=row.prefix,
        )
        return True

    revoked = at_desk(data_dir, work)
    said.print(f"Revoked {shown}…." if revoked else f"{shown}… is revoked already.", markup=False)


class Typed:
    """What was typed of a new key."""

    def __init__(
        self,
        name: str,
        description: str | None,
        scopes: Sequence[str],
        expires: str,
        experiment_ids: Sequence[str] | None,
    ) -> None:
        self._asked = name, description, scopes, expires, experiment_ids

    def read(self) -> Asked:
        """Return the same in the terms of the resolvers."""
        name, description, scopes, expires, experiment_ids = self._asked
        if (expiry := _EXPIRIES.get(expires)) is None:
            raise BadUserInput(f"`--expires` is one of {', '.join(_EXPIRIES)}.")
        return Asked(name, description, scopes, expiry, experiment_ids or None)
