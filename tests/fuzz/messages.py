"""Messages for a websocket: those of graphql-transport-ws with any content, and what are none."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.documents import Pools, documents

_IDS = st.sampled_from(["1", "2", "", "é", "x" * 300])
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
_WATCHING = [
    "subscription { experimentActivity(experimentId: %s) { __typename } }",
    "subscription { recordsAdded(roomId: %s) { __typename } }",
    "subscription { exportProgress(id: %s) { status } }",
]
_TYPES = ["connection_init", "ping", "pong", "subscribe", "complete", "next", "error", "", "x"]


def messages(pools: Pools, *without: str) -> st.SearchStrategy[str | bytes]:
    """Return a strategy of messages; their documents are those of `documents`, or subscriptions."""
    texts = st.sampled_from(sorted({text for some in pools.values() for text in some}))
    watching = st.builds(
        lambda text, id_: text % json.dumps(id_), st.sampled_from(_WATCHING), texts
    )
    asked = st.builds(
        lambda id_, text: {"type": "subscribe", "id": id_, "payload": {"query": text}},
        _IDS,
        documents(pools, *without) | watching,
    )
    ended = st.builds(lambda id_: {"type": "complete", "id": id_}, _IDS)
    any_ = st.builds(
        lambda type_, id_, payload: {"type": type_, "id": id_, "payload": payload},
        st.sampled_from(_TYPES),
        _IDS | _JSON,
        _JSON | st.fixed_dictionaries({"query": _JSON, "variables": _JSON}),
    )
    sound = (asked | asked | ended | st.just({"type": "ping"})).map(json.dumps)
    return (
        sound
        | sound
        | sound
        | sound
        | sound
        | any_.map(json.dumps)
        | _JSON.map(json.dumps)
        | st.text()
        | st.binary()
    )


def awaited(sent: Sequence[str | bytes]) -> set[str]:
    """Return the ids of the queries and mutations that messages ask, and do not take back."""
    ids: set[str] = set()
    for each in sent:
        try:
            said = json.loads(each)
        except ValueError:
            continue
        if not isinstance(said, dict):
            continue
        is_asked = said.get("type") == "subscribe" and isinstance(said.get("payload"), dict)
        if is_asked and not str(said["payload"].get("query")).startswith("subscription"):
            ids.add(str(said.get("id")))
        elif said.get("type") == "complete":
            ids.discard(str(said.get("id")))
    return ids
