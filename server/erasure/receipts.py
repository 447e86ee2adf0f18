"""Receipts: what went, when and by whom, signed; never the data, nor whose it was."""

import hmac
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from server.global_ids import global_id
from server.links import Signer
from server.records.erasures import Erasure
from server.timestamps import iso

_SIGNATURE = "signature"

_COUNTED = (
    "rooms",
    "participants",
    "codes",
    "timeShifts",
    "quarantined",
    "agreements",
    "accounts",
)
"""What is counted by itself, where there is any of it."""


def receipt_of(erasure: Row[Any], requested_by: str, completed_at: int) -> dict[str, Any]:
    """Return what is told of an erasure once all is gone, without a signature."""
    counts: Mapping[str, Any] = erasure.counts
    deleted = {name: counts[name] for name in _COUNTED if name in counts}
    return {
        "erasure": global_id(Erasure.__name__, erasure.id),
        "kind": erasure.kind,
        "experimentId": erasure.experiment_id,
        "requestedBy": requested_by,
        "requestedAt": iso(erasure.requested_at),
        "startedAt": iso(erasure.started_at),
        "completedAt": iso(completed_at),
        "deleted": {
            "records": counts.get("records", {}),
            "sealedRecords": counts.get("sealed", 0),
            "mediaFiles": counts.get("mediaFiles", 0),
            "mediaBytes": counts.get("mediaBytes", 0),
            **deleted,
        },
        "tombstones": counts.get("tombstones", {}),
        "exports": [
            {"export": export, "downloads": downloads}
            for export, downloads in sorted(counts.get("exports", {}).items())
        ],
        "database": counts.get("database", {}),
        "contentHash": counts.get("hash"),
    }


def signed(receipt: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    """Return a receipt with its signature."""
    value = signer.digest("receipt", _canonical(receipt))
    return {**receipt, _SIGNATURE: {"algorithm": "HMAC-SHA256", "value": value}}


def holds(receipt: Mapping[str, Any], signer: Signer) -> bool:
    """Tell whether a receipt is one that this server signed, and says what it said then."""
    rest = {name: each for name, each in receipt.items() if name != _SIGNATURE}
    expected = signed(rest, signer)[_SIGNATURE]["value"]
    match receipt.get(_SIGNATURE):
        case {"value": str(value)}:
            return hmac.compare_digest(value.encode(), expected.encode())
        case _:
            return False


def _canonical(receipt: Mapping[str, Any]) -> str:
    return json.dumps(receipt, sort_keys=True, separators=(",", ":"))
