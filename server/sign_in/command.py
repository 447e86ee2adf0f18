"""`hyperdata sign-in`: a link, for whoever can run commands on the server's own machine."""

import asyncio

from rich.console import Console
from sqlmodel import col

from server.db import Database
from server.errors import ExpectedFailure
from server.migrate import SchemaMismatch, migrate, require_current
from server.records.users import User
from server.settings import Settings
from server.sign_in.accounts import account_with
from server.sign_in.links import make_link
from server.sign_in.refusals import SignInRefused

DEFAULT_URL = "http://127.0.0.1:8000"
"""Where a server listens that was told nothing else."""


def run(settings: Settings, user_id: str, url: str | None) -> int:
    """Print a link that signs an account in; return what the command ends with."""
    said, wrong = (
        Console(highlight=False, soft_wrap=True, stderr=where) for where in (False, True)
    )
    address = url or settings.public_url or DEFAULT_URL
    try:
        said.print(asyncio.run(link_for(settings, user_id, address)), markup=False)
    except (ExpectedFailure, SchemaMismatch) as refusal:
        wrong.print(str(refusal), style="red", markup=False)
        return 1
    return 0


async def link_for(settings: Settings, user_id: str, address: str) -> str:
    """Return a link at an address that signs an account in; SignInRefused if it cannot."""
    db = Database(settings.database)
    try:
        if db.file is not None and not db.file.exists():
            raise SignInRefused(f"There are no data in {settings.data_dir}: name their folder.")
        await (migrate(db) if db.file else require_current(db))  # as the server when it starts
        async with db.write() as tx:
            account = await account_with(
                tx,
                col(User.user_id) == user_id,
                none=f"There is no account {user_id!r}: give the id of one, `usr_…`.",
            )
            return address.rstrip("/") + await make_link(tx, account.key)
    finally:
        await db.close()
