"""What is to be told by webhooks: a stand-in until there are any."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from server.records.described import Described


class WebhookEvent(Described):
    """What webhooks tell of."""

    RETENTION_NOTICE = "RETENTION_NOTICE", "Data will be deleted, or were, by retention."


async def announce(
    _tx: AsyncConnection, _experiment_key: int, _event: WebhookEvent, _payload: Mapping[str, object]
) -> None:
    """Have it told, once the transaction is committed."""
