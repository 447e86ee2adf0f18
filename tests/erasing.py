"""A person named everywhere, and looking for what is left of them."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Text, cast, func, insert, inspect, select, update
from sqlmodel import col

from server.db import Database, metadata
from server.global_ids import global_id
from server.records.exports import Export
from server.records.participants import Pseudonym
from server.records.quarantine import QuarantinedRecord
from server.records.recordings import Recording
from server.records.sessions import BrowserSession
from server.records.time_shifts import TimeShift
from server.timestamps import now
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    START,
    Row,
    a_chat_message,
    a_component,
    a_participant,
    a_recording,
    a_room,
    a_sparse_rating,
    a_user,
    an_event,
    an_experiment,
    save,
)

PERSON = "zKq8VictimOfErasure00000007x"
EMAIL = "quillon.marchbanks@example.org"
ADDRESS = "203.0.113.77"
BROWSER = "Mozilla/5.0 (Rare; Quillonbook)"
NAME = "Quillon Marchbanks"
MEDIA = b"the voice of quillon marchbanks " * 64
IDENTIFIERS = (PERSON, EMAIL, ADDRESS, BROWSER, NAME)
OTHER = PERSON[:-1] + "y"
"""Somebody else, whose id begins alike."""

ASK = """mutation ($input: ParticipantErasureInput!) { participantErase(input: $input) {
  userErrors { code message field }
  preview { participantCount records { dataType recordCount } mediaCount quarantinedCount
    mentionCount graceDays confirm confirmUntil exports { exportId downloads { userId at } } }
  erasure { id status kind dueAt participant { participantId } } } }"""
LOOK = """query ($id: ID!) { erasure(id: $id) {
  id status kind experimentId startedAt completedAt reason removedCount totalCount receipt
  requestedBy { userId } participant { participantId } } }"""
CREATE = """mutation ($input: ExportInput!) { exportCreate(input: $input) {
  export { id } userErrors { message } } }"""


class Planted:
    """An experiment in which one person is named wherever anything can be named."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api, self.folder = api, folder
        self.owner = a_user()
        self.experiment = an_experiment(
            self.owner,
            description=f"First tried by {NAME}",
            participants_may_request_data=True,
        )
        self.room = a_room(self.experiment, completion_reason=f"{PERSON} left")
        self.second = a_room(self.experiment)
        known = {"email": EMAIL, "ip_address": ADDRESS, "user_agent": BROWSER}
        self.person = a_participant(self.room, participant_id=PERSON, **known)
        self.again = a_participant(self.second, participant_id=PERSON, **known)
        self.partner = a_participant(self.room, email="partner@example.org")
        self.twin = a_participant(self.second, participant_id=OTHER)
        self.account = a_user(role="PARTICIPANT", participant_id=PERSON, email=EMAIL, name=NAME)
        self.key = ""

    @property
    def erasing(self) -> dict[str, str]:
        return {"experimentId": self.experiment["experiment_id"], "participantId": PERSON}

    async def save(self) -> None:
        db = self.api.db
        places = (self.experiment, self.room, self.second)
        people = (self.person, self.again, self.partner, self.twin)
        await save(db, self.owner, self.account, *places, *people)
        for who in people:
            await save(db, *(make(who) for make in A_RECORD.values()))
        await save(db, *self._theirs(), *self._of_others())
        self.key = await self.api.key_of(self.owner.key)
        await self.api.key_of(self.account.key)
        await self._beside()

    def _theirs(self) -> list[Row]:
        named = {"sender_id": PERSON, "sender_name": NAME}
        return [
            a_chat_message(self.person, content=f"I am {NAME}, {EMAIL}", **named),
            a_recording(self.person, file_name=f"{PERSON}.webm", storage_key=f"old/{PERSON}.webm"),
            an_event(self.again, response={"id": PERSON, "quillon": [ADDRESS]}),
        ]

    def _of_others(self) -> list[Row]:
        partner, twin = self.partner, self.twin
        named = {"sender_id": PERSON, "sender_name": NAME}
        return [
            a_chat_message(partner, content=f"quillon MARCHBANKS? Write to {EMAIL}!", **named),
            a_chat_message(partner, recipient_ids=[PERSON, partner["participant_id"]]),
            a_chat_message(partner, recipient_ids=[PERSON], content=f"{PERSON}{OTHER}"),
            an_event(partner, event_id=f"evt_{PERSON}_1", content=f"Saw {ADDRESS}."),
            an_event(partner, response={PERSON: {"to": [f"<{PERSON}>"]}, "say": 'a "quote" ü'}),
            a_sparse_rating(partner, value=PERSON, question=f"How is {NAME}?", labels=[NAME]),
            a_component(partner, config={"peer": PERSON, "n": 1.5}, variables=[BROWSER]),
            a_recording(
                partner, file_name=f"with {PERSON}.webm", storage_key=f"old/with-{PERSON}.webm"
            ),
            an_event(twin, content=f"I am {OTHER}, or {NAME}"),
        ]

    async def _beside(self) -> None:
        """Files, an export that was downloaded, quarantine, codes, a session, refusals."""
        api, storage = self.api, self.api.app.state.services.storage
        for name in (f"old/{PERSON}.webm", f"old/with-{PERSON}.webm"):
            await storage.put(name, MEDIA if "with" not in name else b"of the partner")
        answer = await api.ask(
            CREATE,
            self.key,
            input={
                "experimentIds": [self.experiment["experiment_id"]],
                "anonymization": "KEEP",
                "filter": {"events": {"participantId": {"in": [PERSON]}}},
                "reason": f"For {NAME}",
            },
        )
        self.export = answer["exportCreate"]["export"]["id"]
        async with api.db.write() as tx:
            key = await tx.scalar(select(col(Export.id)))
            assert key is not None
            file = f"exports/{key}/1/{PERSON}.zip"
            await storage.put(file, f"id\n{PERSON}\n".encode())
            await tx.execute(
                update(Export).values(
                    status="COMPLETED",
                    storage_key=file,
                    file_name=f"{PERSON}.zip",
                    file_size=len(PERSON) + 4,
                    expires_at=now() + 10**9,
                    completed_at=now(),
                )
            )
            await tx.execute(
                insert(QuarantinedRecord).values(
                    [
                        self._refused(1, PERSON, {"participantId": PERSON, "email": EMAIL}),
                        self._refused(2, "else", {"content": f"{NAME} said {PERSON}"}),
                    ]
                )
            )
            codes = ((PERSON, "P0009"), (self.partner["participant_id"], "P0001"))
            await tx.execute(
                insert(Pseudonym).values(
                    [
                        {"experiment_key": self.experiment.key, "participant_id": id_, "code": code}
                        for id_, code in codes
                    ]
                )
            )
            await tx.execute(insert(TimeShift).values(room_key=self.room.key, milliseconds=5))
            await tx.execute(
                insert(BrowserSession).values(
                    hash="h", user_key=self.account.key, created_at=1, expires_at=2
                )
            )
        url = (
            await api.ask(
                "query ($id: ID!) { export(id: $id) { downloadUrl } }", self.key, id=self.export
            )
        )["export"]["downloadUrl"]
        self.link = url
        assert PERSON.encode() in (await api.http.get(url)).content
        spool = self.folder / "spool" / str(key) / "work"
        await asyncio.to_thread(spool.mkdir, parents=True)
        await asyncio.to_thread((spool / "data").write_text, PERSON)
        drafts = self.folder / "uploads"
        await asyncio.to_thread(drafts.mkdir, exist_ok=True)
        async with api.db.read() as tx:
            theirs = col(Recording.participant_key) == self.person.key
            recording = await tx.scalar(select(func.max(col(Recording.id))).where(theirs))
        await asyncio.to_thread((drafts / f"{recording}-0a.webm").write_text, PERSON)
        await api.http.post(
            "/graphql",
            json={"query": "{ auditLog { nodes { id } } viewer { name } }"},
            headers={"X-API-Key": self.key, "X-Reason": f"Asked by {PERSON} ({EMAIL})."},
        )
        await api.refusal(
            "query ($p: String!) { participant(roomId: $p, participantId: $p) { nope } }",
            self.key,
            p=PERSON,
        )

    def _refused(self, number: int, who: str, record: dict[str, Any]) -> dict[str, Any]:
        return {
            "refused_at": START,
            "code": "UNKNOWN_ROOM",
            "message": "There is no such room.",
            "participant_id": who,
            "record": record,
            "experiment_key": self.experiment.key,
            "sender_key": self.owner.key,
            "digest": f"digest {number}",
        }

    async def confirmed(self) -> str:
        """Ask for the erasure, twice, and return its id."""
        first = (await self.api.ask(ASK, self.key, input=self.erasing))["participantErase"]
        confirm = first["preview"]["confirm"]
        asked = {**self.erasing, "confirm": confirm, "reason": f"{NAME} asked for it"}
        second = (await self.api.ask(ASK, self.key, input=asked))["participantErase"]
        assert second["userErrors"] == []
        erasure: str = second["erasure"]["id"]
        return erasure

    async def completed(self, erasure: str) -> dict[str, Any]:
        """Wait until an erasure is over."""
        for _ in range(600):
            found: dict[str, Any] = (await self.api.ask(LOOK, self.key, id=erasure))["erasure"]
            if found["status"] == "COMPLETED":
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(found)


def export_key(number: int) -> str:
    return global_id("Export", number)


async def rows_of(db: Database, *where: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every data type that some clauses keep, as they are stored."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with db.read() as tx:
        for each in A_RECORD:
            model = each.value.model
            kept = [clause(model) for clause in where]
            rows = await tx.execute(select(model).where(*kept).order_by(col(model.id)))
            found[each.name] = [dict(row) for row in rows.mappings()]
    return found


async def left_in_tables(db: Database, *texts: str) -> list[str]:
    """Return where any column of any table holds one of some texts."""
    found: list[str] = []
    async with db.read() as tx:
        names = await tx.run_sync(lambda c: inspect(c).get_table_names())
        assert set(metadata.tables) <= set(names)
        for table in metadata.tables.values():
            for column in table.columns:
                text = func.lower(cast(column, Text))
                for each in texts:
                    held = text.contains(each.lower(), autoescape=True)
                    asked = select(func.count()).select_from(table).where(held)
                    if await tx.scalar(asked):
                        found.append(f"{table.name}.{column.name}: {each}")
    return found


def left_in_files(folder: Path, *texts: str | bytes) -> list[str]:
    """Return which files hold one of some texts, or are called so."""
    sought = [each if isinstance(each, bytes) else each.encode() for each in texts]
    return [
        f"{path.relative_to(folder)}: {each!r}"
        for path in _files(folder)
        for each in sought
        if each in path.read_bytes() or each in str(path.relative_to(folder)).encode()
    ]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def without(value: Any, tombstone: str) -> Any:
    """Return what a value must have become: its identifiers replaced, nothing else."""
    text = json.dumps(value, default=str)
    marked = text.replace(PERSON, tombstone)
    for each in (EMAIL, ADDRESS, BROWSER, NAME, "quillon MARCHBANKS"):
        marked = marked.replace(each, "[erased]")
    return json.loads(marked)
