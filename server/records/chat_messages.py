"""Chat messages: what participants, and the experiment, wrote to one another."""

from typing import ClassVar

from server.records.base import DataType, Record, RecordBase, RecordFilter
from server.records.columns import Identifies, Summarized, column, json_column
from server.records.conditions import TextIn, TextListMatch, TextMatch
from server.records.described import OrderField


class ChatMessageBase(RecordBase):
    """A chat message's public columns."""

    message_id: str = column("Public id, `msg_…`.")
    sender_id: str | None = column(
        "Public id of the participant who wrote it.", identifies=Identifies.DIRECTLY, default=None
    )
    sender_name: str | None = column(
        "The name shown beside it.", identifies=Identifies.DIRECTLY, default=None
    )
    content: str = column("What was written.", identifies=Identifies.IN_TEXT)
    recipient_ids: list[str] = json_column(
        "Public ids of the participants it was sent to; empty for everyone in the room.",
        identifies=Identifies.DIRECTLY,
        default=[],
    )
    message_type: str | None = column(
        "Its kind, such as `text` or `system`.", summarized=Summarized.AS_CATEGORIES, default=None
    )


class ChatMessage(ChatMessageBase, Record, table=True):
    """A stored chat message."""

    identity: ClassVar = ("message_id",)


class ChatMessageFilter(RecordFilter, of=ChatMessageBase):
    """Which chat messages to keep."""

    message_id: TextIn | None = None
    sender_id: TextIn | None = None
    sender_name: TextMatch | None = None
    content: TextMatch | None = None
    recipient_ids: TextListMatch | None = None
    message_type: TextMatch | None = None


class ChatMessageOrderField(OrderField):
    """What chat messages can be sorted by."""

    TIMESTAMP = "timestamp"
    ONSET = "onset"
    ROOM_ID = "room_id"
    PARTICIPANT_ID = "participant_id"
    MESSAGE_ID = "message_id"
    SENDER_ID = "sender_id"
    SENDER_NAME = "sender_name"
    CONTENT = "content"
    MESSAGE_TYPE = "message_type"


CHAT_MESSAGES = DataType(
    name="chatMessages",
    title="chat messages",
    stem="chat",
    description="What participants wrote to one another.",
    model=ChatMessage,
    base=ChatMessageBase,
    filter=ChatMessageFilter,
    order=ChatMessageOrderField,
    scope="read:chat",
)
