"""The server twice over one database: once with the fast path and once without."""

import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from server.global_ids import global_id
from server.records.exports import Export, ExportedExperiment
from server.settings import Settings
from tests.conftest import Api, opened
from tests.execution.executors import in_order, is_serial, one_a_null
from tests.factories import (
    START,
    Row,
    a_component,
    a_continuous_rating,
    a_grant,
    a_group,
    a_participant,
    a_recording,
    a_room,
    a_user,
    an_event,
    an_experiment,
    in_group,
    save,
)
from tests.studies import Study

PERSON = "p" * 28
ODD = "an odd experiment"
YEAR_3000 = 32_503_680_000_000

READERS = (
    "owner",
    "collaborator",
    "narrowed",
    "participant",
    "outsider",
    "administrator",
    "narrow",
)

DROPPING = (
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.usefixtures("dropping"),
)
"""Beside a failure graphql-core drops coroutines that it has not begun to await."""

MANIFEST = {
    "files": [
        {"path": "a.csv", "dataType": "EVENTS", "rowCount": 1, "bytes": 2**40, "sha256": "0"},
        {"path": "metadata.json", "dataType": None, "rowCount": 0, "bytes": 3, "sha256": "1"},
    ],
    "ledger": [{"dataType": "EVENTS", "selected": 1, "written": 1}],
}


@dataclass(frozen=True)
class Twins:
    """Both servers, who may ask them, and ids of all sorts of things."""

    plain: Api
    fast: Api
    keys: Mapping[str, str]
    ids: Mapping[str, str]

    async def difference(
        self, document: str, variables: Mapping[str, Any], who: str, *, merged: bool = True
    ) -> str | None:
        """Ask both, the fast one three times; return what it answered otherwise.

        `merged` counts several errors that left one null as one: which is told of is then free.
        """
        expected = await answered(self.plain, document, variables, self.keys[who], merged)
        for _ in range(3):
            got = await answered(self.fast, document, variables, self.keys[who], merged)
            if got != expected:
                return f"{who}: {document}\n{variables}\n  plain {expected}\n  fast  {got}"
        return None


async def answered(
    api: Api, document: str, variables: Mapping[str, Any], key: str, merged: bool
) -> str:
    """Return an answer as its client sees it, but for what is never the same twice."""
    response = await api.post(document, key, **variables)
    volatile = r"(\?token=|incident |\"actual\":|\"requestId\": ?\"|\"checkedAt\":\")[\w.:-]+"
    text = re.sub(volatile, r"\1…", response.text).replace('"actual":…', '"actual":0')
    found = json.loads(text)
    if "errors" not in found:
        return f"{response.status_code} {text}"
    errors = one_a_null(found.get("data"), found["errors"]) if merged else found["errors"]
    errors = in_order(errors, serial=is_serial(document))
    return f"{response.status_code} {json.dumps(found | {'errors': errors})}"


@asynccontextmanager
async def twins_over(folder: Path) -> AsyncGenerator[Twins]:
    """Fill a database and open it twice."""
    free = {"budget": 0, "most_cost": 1 << 40}  # how much is left is never the same twice
    async with (
        opened(folder, **switch(fast=False), **free) as plain,
        opened(folder, **switch(), **free) as fast,
    ):
        keys, ids = await _filled(plain)
        yield Twins(plain, fast, keys, ids)


def switch(*, fast: bool = True) -> dict[str, Any]:
    """Return the setting that chooses how documents are executed."""
    return {"fast_path": fast} if "fast_path" in Settings.model_fields else {}


async def _filled(api: Api) -> tuple[Mapping[str, str], Mapping[str, str]]:
    study = Study()
    await study.save(api.db)
    users = {
        "owner": study.owner,
        "collaborator": a_user(),
        "narrowed": a_user(),
        "outsider": a_user(),
        "administrator": a_user(role="ADMINISTRATOR"),
        "participant": a_user(role="PARTICIPANT", participant_id=PERSON),
    }
    odd = _an_odd_experiment(study.owner)
    exports = [_an_export(study.owner), _an_export(study.owner, manifest=MANIFEST)]
    group, narrowed = a_group(study.owner, name="Lab A"), users["narrowed"]
    some = {"data_types": ["EVENTS", "CHAT_MESSAGES"], "anonymization": "REMOVE_IDENTIFIERS"}
    grants = [
        a_grant(study.experiments[0], users["collaborator"], can_export=True),
        a_grant(study.experiments[0], narrowed, **some, expires_at=YEAR_3000),
        a_grant(odd[0], group, **some, can_export=True, created_at=START),
    ]
    await save(api.db, *list(users.values())[1:], *odd, *exports, group, in_group(group, narrowed))
    await save(api.db, *grants)
    async with api.db.write() as tx:
        place = {"experiment_key": study.experiments[0].key}
        for export in exports:
            await tx.execute(insert(ExportedExperiment).values(export_key=export.key, **place))
    keys = {who: await api.key_of(user.key) for who, user in users.items()}
    scopes = ("read:experiments", "read:events", "read:participants")
    keys["narrow"] = await api.key_of(study.owner.key, *scopes)
    shown = {
        "experiment": study.experiments[0],
        "other experiment": study.experiments[1],
        "odd experiment": odd[0],
        "room": study.rooms[0],
        "participant": study.people[0],
        "export": exports[1],
        "collaborator": grants[1],
        "group": group,
        **{kind.value.name: rows[0] for kind, rows in study.records.items()},
    }
    ids = {name: global_id(row.model.__name__, row.key) for name, row in shown.items()}
    names = {
        "experimentId": study.experiments[0]["experiment_id"],
        "roomId": study.rooms[0]["room_id"],
        "participantId": study.people[0]["participant_id"],
    }
    return keys, ids | names


def _an_odd_experiment(owner: Row) -> list[Row]:
    """Make what has no form in GraphQL, and what is seldom, beside what is usual."""
    odd = an_experiment(owner, experiment_id=ODD, participants_may_request_data=True)
    room = a_room(odd, room_id="endless", end_time=START + 2**33)
    person = a_participant(room, participant_id=PERSON, role="", email="ä@example.org")
    other = a_participant(room, status="DISCONNECTED", completed_at=None)
    return [
        odd,
        room,
        person,
        other,
        a_room(odd, room_id="empty", end_time=None, experiment_start=None),
        a_continuous_rating(person, value=float("inf")),
        a_continuous_rating(person, value=None, raw_value=1e300, scale_min=-0.0),
        a_continuous_rating(other, value=0.1 + 0.2, scale_max=1),
        an_event(person, duration=2**40, content='\u2028 "quoted" \0', onset=-(2**31)),
        an_event(person, response={"b": [1, None, 2**70, 1e-7], "a": {"": True}}, category=""),
        an_event(other, response=0, client_timestamp=0, duration=0),
        a_component(other, config=[], variables=None, completed=False),
        a_recording(other, kind="AUDIO", file_size=2**53 + 1, storage_key="recordings/x"),
    ]


def _an_export(owner: Row, **changes: Any) -> Row:
    key = 1 if changes else 2
    values = {
        "id": key,
        "requested_by_key": owner.key,
        "recipe": {},
        "created_at": START + key,
        "status": "COMPLETED" if changes else "RUNNING",
        "format": "CSV",
        "packaging": "ZIP",
        "anonymization": "KEEP",
        "total_rows": 7,
        "completed_rows": 5,
    }
    return Row(Export, {**values, **changes})
