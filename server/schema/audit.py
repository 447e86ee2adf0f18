"""The audit log: who did what to which resource, when, from where and why."""

from typing import Annotated

import strawberry

from server.cursors import SortKey
from server.execution.fields import Batched
from server.records.audit import AUDIT_LOG, AuditEntryBase, AuditFilter, AuditOrderField
from server.resolvers.listings import Listing, PageOfAll, Window
from server.schema import inputs as inputs  # enums become GraphQL's first
from server.schema.connection import Connection, loaded
from server.schema.node import Node
from server.schema.scope import KEEP, After, First


@strawberry.pydantic.type(
    description="Who did what, or tried it: an entry of the audit log, which is only added to."
)
class AuditEntry(AuditEntryBase, Node): ...


@strawberry.type
class AuditQuery:
    @strawberry.field(
        description="What was done to the experiments that the caller owns, the newest first; an "
        "administrator is shown everything.",
        extensions=[Batched()],
    )
    def audit_log(
        self,
        filter: Annotated[AuditFilter | None, KEEP] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[AuditEntry]:
        return loaded(PageOfAll(newest_first(filter), Window(first, after)))


def newest_first(kept: AuditFilter | None) -> Listing:
    """Return the listing of some entries."""
    newest = SortKey(AuditOrderField.AT.value, descending=True)
    return Listing(AUDIT_LOG, kept or AuditFilter(), (newest,))
