"""The demo as a whole: made if it is not there yet, with a key for each of its four accounts."""

import json
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import select
from sqlmodel import col

from server.api_keys import issue
from server.db import Database
from server.demo.filling import fill
from server.migrate import migrate
from server.records.users import User
from server.settings import Settings
from server.storage import Storage

WHO = ("owner", "collaborator", "participant", "administrator")


class NotADemo(Exception):
    """The folder holds data of somebody's own; the message says what to do."""


async def demo_keys(settings: Settings, scale: int) -> Mapping[str, str]:
    """Return the API keys of the demo in the data folder, making what is missing of it."""
    kept = settings.data_dir / "demo-keys.json"
    if kept.exists():
        keys: Mapping[str, str] = json.loads(kept.read_text())
        return keys
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    folder = Storage.of(settings).root
    db = Database(settings.database)
    try:
        await migrate(db)
        accounts = await _accounts(db)
        if not accounts and folder is not None:
            await fill(db, folder, scale=scale)
            accounts = await _accounts(db)
        if accounts.keys() != {f"usr_{who}" for who in WHO}:
            raise NotADemo(
                f"{settings.data_dir} holds data of your own: choose another --data-dir for the "
                "demo, or serve it by `hyperdata serve`."
            )
        async with db.write() as tx:
            keys = {who: await issue(tx, accounts[f"usr_{who}"], "demo") for who in WHO}
    finally:
        await db.close()
    _write_secret(kept, json.dumps(keys, indent=2) + "\n")
    return keys


async def _accounts(db: Database) -> dict[str, int]:
    async with db.read() as tx:
        found = await tx.execute(select(col(User.user_id), col(User.id)))
        return {user_id: key for user_id, key in found if key is not None}


def _write_secret(path: Path, text: str) -> None:
    """Write a file, whole or not at all, that only its owner can read."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
