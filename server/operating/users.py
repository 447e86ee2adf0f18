"""Accounts, from the command line: listed, made, closed."""

import secrets
from pathlib import Path

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.audit import add
from server.errors import BadUserInput
from server.operating.desk import account, at_desk, moment, origin, print_table, said
from server.records.audit import AuditAction
from server.records.users import User, UserRole
from server.resolvers.names import named
from server.timestamps import now


def show(data_dir: Path | None) -> None:
    """List all accounts."""

    async def work(tx: AsyncConnection) -> list[list[str | None]]:
        asked = select(
            col(User.user_id),
            col(User.name),
            col(User.role),
            col(User.email),
            col(User.created_at),
            col(User.disabled_at),
        ).order_by(col(User.id))
        return [
            [user_id, name, role, email, moment(created_at), moment(disabled_at)]
            for user_id, name, role, email, created_at, disabled_at in await tx.execute(asked)
        ]

    print_table(["Account", "Name", "Role", "Email", "Made", "Closed"], at_desk(data_dir, work))


def make(
    data_dir: Path | None,
    name: str,
    role: str,
    email: str | None,
    participant_id: str | None,
    reason: str | None,
) -> None:
    """Make an account, and say its id."""

    async def work(tx: AsyncConnection) -> str:
        user_id = f"usr_{secrets.token_hex(8)}"
        await _require_unused(tx, email, participant_id)
        new = {
            "user_id": user_id,
            "name": named(name, "account", ["name"]),
            "role": _role(role),
            "email": email,
            "participant_id": participant_id,
            "created_at": now(),
        }
        await tx.execute(insert(User).values(**new))
        await add(tx, origin("users add", reason), AuditAction.ACCOUNT_CHANGE, resource=user_id)
        return user_id

    said.print(at_desk(data_dir, work), markup=False)


def close(data_dir: Path | None, user_id: str, reason: str | None) -> None:
    """Close an account: nobody signs in with it any more, and its keys open nothing."""

    async def work(tx: AsyncConnection) -> bool:
        if (await account(tx, user_id)).is_closed:
            return False
        closed = update(User).where(col(User.user_id) == user_id).values(disabled_at=now())
        await tx.execute(closed)
        await add(tx, origin("users close", reason), AuditAction.ACCOUNT_CHANGE, resource=user_id)
        return True

    closed = at_desk(data_dir, work)
    said.print(f"Closed {user_id}." if closed else f"{user_id} is closed already.", markup=False)


def _role(name: str) -> UserRole:
    try:
        return UserRole(name.upper())
    except ValueError:
        roles = ", ".join(role.lower() for role in UserRole)
        raise BadUserInput(f"There is no role `{name}`: choose one of {roles}.") from None


async def _require_unused(
    tx: AsyncConnection, email: str | None, participant_id: str | None
) -> None:
    if email is not None:
        same = func.lower(col(User.email)) == email.lower()
        if await tx.scalar(select(func.count()).where(same)):
            raise BadUserInput("Another account has that email address.")
    if participant_id is not None:
        is_theirs = col(User.participant_id) == participant_id
        if await tx.scalar(select(func.count()).where(is_theirs)):
            raise BadUserInput("Another account is that participant's.")
