"""By when a request is to be answered: within one month of its receipt, Art. 12(3) GDPR."""

from calendar import monthrange
from datetime import UTC, datetime

from server.timestamps import Timestamp


def due_at(received_at: int) -> Timestamp:
    """Return the same moment of the next month, or of its last day if it is shorter."""
    seconds, milliseconds = divmod(received_at, 1000)
    received = datetime.fromtimestamp(seconds, UTC)
    year, month = divmod(received.year * 12 + received.month, 12)
    day = min(received.day, monthrange(year, month + 1)[1])
    due = received.replace(year=year, month=month + 1, day=day)
    return Timestamp(int(due.timestamp()) * 1000 + milliseconds)
