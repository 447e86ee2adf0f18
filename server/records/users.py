"""Users: the accounts that own, share and read experiments."""

from sqlalchemy import String
from sqlmodel import SQLModel

from server.db import Stored
from server.records.columns import Identifies, column, moment
from server.records.described import Described
from server.timestamps import Timestamp


class UserRole(Described):
    """What an account is for."""

    ADMINISTRATOR = "ADMINISTRATOR", "Sees everything; all of it is logged."
    RESEARCHER = "RESEARCHER", "Sees what they own and what is shared with them."
    PARTICIPANT = (
        "PARTICIPANT",
        "Sees their own data, where an experiment allows it: all others in it as codes.",
    )


class UserBase(SQLModel):
    """A user's public columns."""

    user_id: str = column("Public id of the account, `usr_…`.", unique=True)
    name: str = column("The name people know the account by.", identifies=Identifies.DIRECTLY)


class User(UserBase, Stored, table=True):
    """A stored account. `participant_id` links a participant's account to their data."""

    __table_args__ = ({"sqlite_autoincrement": True},)  # the key of an erased one names no other

    role: UserRole = column("What the account is for.", sa_type=String)
    email: str | None = column(
        "Address for notices.", identifies=Identifies.DIRECTLY, default=None, unique=True
    )
    participant_id: str | None = column(
        "The participant whose own data the account may see.", default=None, unique=True
    )
    created_at: Timestamp = moment("When the account was made.")
    disabled_at: Timestamp | None = moment(
        "When it was closed: nobody can sign in with it, and its keys do not work.", default=None
    )
