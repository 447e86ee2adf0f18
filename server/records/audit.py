"""The audit log: who did what to which resource, when, from where and why. Rows are only added.

Each row's `hash` is made of its content and of the hash before it, so that a row that was changed,
taken out or put in between shows. It copies no data, and refers to nothing by a foreign key: it
outlives what it tells of.
"""

from sqlalchemy import Index, String
from sqlmodel import Field, SQLModel

from server.column_types import KEY_TYPE
from server.db import Stored
from server.records.columns import column, moment
from server.records.conditions import BooleanMatch, OneOf, TextIn, TextMatch, TimestampRange
from server.records.described import Described, OrderField
from server.records.filters import Filter
from server.records.listed import Listed
from server.timestamps import Timestamp


class AuditAction(Described):
    """What was done, or tried."""

    SIGN_IN = "SIGN_IN", "Signed in with a browser."
    SIGN_OUT = "SIGN_OUT", "Signed out."
    KEY_CREATE = "KEY_CREATE", "Made an API key."
    KEY_REVOKE = "KEY_REVOKE", "Revoked an API key."
    KEY_NEW_ADDRESS = "KEY_NEW_ADDRESS", "Used an API key from an address that was new to it."
    KEY_REFUSED = "KEY_REFUSED", "Tried an API key that is none, or does not work any more."
    ACCOUNT_CHANGE = "ACCOUNT_CHANGE", "Made an account, or closed it."
    GRANT = "GRANT", "Shared an experiment, or changed what is shared."
    REVOKE = "REVOKE", "Took back what was shared."
    TRANSFER = "TRANSFER", "Gave an experiment to another owner."
    EXPERIMENT_CHANGE = "EXPERIMENT_CHANGE", "Set an experiment up, or changed its settings."
    START_CORRECT = "START_CORRECT", "Corrected when a room's experiment started, and its onsets."
    GROUP_CHANGE = "GROUP_CHANGE", "Changed who is in a group."
    READ_IDENTIFIED = "READ_IDENTIFIED", "Read what tells who a participant is."
    ADMINISTRATOR_ACCESS = "ADMINISTRATOR_ACCESS", "Read as an administrator."
    EXPORT = "EXPORT", "Asked for an export."
    DOWNLOAD = "DOWNLOAD", "Downloaded a file."
    UPLOAD = "UPLOAD", "Uploaded the file of a recording."
    DATA_REQUEST = (
        "DATA_REQUEST",
        "Asked for a participant's own data, refused it, or made a link to ask for it.",
    )
    WEBHOOK_CHANGE = "WEBHOOK_CHANGE", "Set up, changed, tried or deleted a webhook."
    WITHDRAW = "WITHDRAW", "Withdrew somebody, or their consent to some data types."
    WITHDRAWAL_LIFT = "WITHDRAWAL_LIFT", "Lifted a withdrawal: what was sealed was put back."
    EXPORT_WITHDRAW = (
        "EXPORT_WITHDRAW",
        "Deleted the file of an export, as somebody in it has withdrawn.",
    )
    RETENTION_CHANGE = "RETENTION_CHANGE", "Changed how long an experiment's data are kept."
    LEGAL_HOLD_SET = "LEGAL_HOLD_SET", "Set a legal hold: nothing is deleted by itself."
    LEGAL_HOLD_LIFT = "LEGAL_HOLD_LIFT", "Lifted a legal hold."
    RETENTION_NOTICE = "RETENTION_NOTICE", "Gave notice that data will be deleted."
    ARCHIVE = "ARCHIVE", "Archived an experiment, or took it out of the archive."
    ERASE = "ERASE", "Asked for data to be erased, canceled that, or had it erased."
    DISCARD = "DISCARD", "Dropped records that were in quarantine."
    ATTEMPT = "ATTEMPT", "Asked for anything else, and was refused."


class AuditEntryBase(SQLModel):
    """An entry's public columns."""

    at: Timestamp = moment("When.")
    action: AuditAction = column("What was done, or tried.", sa_type=String)
    allowed: bool = column("Whether it was allowed; false for an attempt that was refused.")
    actor_id: str | None = column(
        "Public id of the account, `usr_…`; null if nobody was known.", default=None
    )
    api_key: str | None = column(
        "How the API key begins that was used; null without one.", default=None
    )
    experiment_id: str | None = column("Public id of the experiment it was about.", default=None)
    resource: str | None = column(
        "What it was done to, such as a global id; never data.", default=None
    )
    address: str | None = column("Network address it was asked from.", default=None)
    user_agent: str | None = column("The program that asked.", default=None)
    reason: str | None = column("Why, as the actor said.", default=None)
    hash: str = column("SHA-256 over this entry and the hash of the one before, in hexadecimal.")


class AuditEntry(AuditEntryBase, Stored, table=True):
    """A stored entry."""

    __table_args__ = (
        Index("ix_audit_entry_experiment_key_at", "experiment_key", "at", "id"),
        Index("ix_audit_entry_at", "at", "id"),
    )

    experiment_key: int | None = Field(default=None, sa_type=KEY_TYPE)


def let_only_add(dialect: str) -> list[str]:
    """Return the statements after which the table refuses any change but a new row."""
    return list(_POSTGRESQL if dialect == "postgresql" else _SQLITE)


def let_change(dialect: str) -> list[str]:
    """Return the statements that undo `let_only_add`."""
    if dialect == "postgresql":
        return ["DROP FUNCTION audit_entry_stays() CASCADE"]
    return ["DROP TRIGGER audit_entry_update", "DROP TRIGGER audit_entry_delete"]


_SQLITE = tuple(
    f"""
CREATE TRIGGER audit_entry_{change} BEFORE {change.upper()} ON audit_entry
BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END
"""
    for change in ("update", "delete")
)

_POSTGRESQL = (
    """
CREATE FUNCTION audit_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit log is only added to'; END $$
""",
    """
CREATE TRIGGER audit_entry_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_stays()
""",
)


class AuditActionIn(OneOf[AuditAction]):
    """One of some actions."""


class AuditFilter(Filter, of=AuditEntryBase):
    """Which entries to keep."""

    at: TimestampRange | None = None
    action: AuditActionIn | None = None
    allowed: BooleanMatch | None = None
    actor_id: TextIn | None = None
    api_key: TextMatch | None = None
    resource: TextMatch | None = None
    reason: TextMatch | None = None


class AuditOrderField(OrderField):
    """What entries can be sorted by."""

    AT = "at"


AUDIT_LOG = Listed(
    model=AuditEntry,
    filter=AuditFilter,
    order=AuditOrderField,
    scope="read:experiments",
)
