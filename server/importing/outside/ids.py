"""Ids for what has none: the same ones however often it is read."""

import json
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from server.records import RecordType

PREFIXES = {
    RecordType.EVENTS: "evt_",
    RecordType.RECORDINGS: "rec_",
    RecordType.CHAT_MESSAGES: "msg_",
    RecordType.CONTINUOUS_RATINGS: "rat_",
    RecordType.SPARSE_RATINGS: "rat_",
    RecordType.SYNC_METRICS: "syn_",
}
"""Of the types whose records have ids of their own: a component has that of the experiment."""


def id_of_row(record_type: RecordType, file: str, row: int) -> str:
    """Return an id that follows from where a record stands."""
    return _id(record_type, f"{file}\n{row}")


def id_of_content(record_type: RecordType, record: Mapping[str, Any]) -> str:
    """Return an id that follows from all that a record says."""
    return _id(record_type, json.dumps(record, sort_keys=True, separators=(",", ":")))


def _id(record_type: RecordType, text: str) -> str:
    return PREFIXES[record_type] + blake2b(text.encode(), digest_size=12).hexdigest()


def named_experiment(name: str) -> str:
    """Return the id of an experiment that is only called something."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    words = words[1:] if words[:1] == ["exp"] else words
    return f"exp_{'-'.join(words) or 'imported'}"[:200]
