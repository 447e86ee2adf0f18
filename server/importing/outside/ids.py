"""Ids for what has none: the same ones however often it is read."""

import json
import re
from hashlib import blake2b

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


def derived_id(record_type: RecordType, *of: object) -> str:
    """Return an id that follows from what it is given."""
    text = json.dumps(of, sort_keys=True, separators=(",", ":"))
    return PREFIXES[record_type] + blake2b(text.encode(), digest_size=12).hexdigest()


def named_experiment(name: str) -> str:
    """Return the id of an experiment that is only called something."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    words = words[1:] if words[:1] == ["exp"] else words
    return f"exp_{'-'.join(words) or 'imported'}"[:200]
