"""A recording without a file, whoever may send it, and bodies to send."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import select
from sqlmodel import col

from server.records.audit import AuditAction, AuditEntry
from server.resolvers.context import Services
from server.resolvers.uploads import UploadTerms
from tests.conftest import Api
from tests.factories import Row, a_recording, save
from tests.sending import Lab, a_lab

WEBM = b"\x1aE\xdf\xa3" + bytes(range(256)) * 20
OTHER = WEBM[:-1] + b"!"
UPLOAD = """mutation($input: RecordingUploadInput!) { recordingUploadCreate(input: $input) {
  userErrors { code field message } upload { uploadUrl method expiresAt maxBytes } } }"""


@dataclass
class Studio:
    """A recording without a file, and whoever may send it."""

    lab: Lab
    recording: Row
    data_dir: Path

    async def payload(self, **changes: Any) -> dict[str, Any]:
        given = {
            "experimentId": self.lab.experiment["experiment_id"],
            "recordingId": self.recording["recording_id"],
            "fileName": "face.webm",
            "fileSize": len(WEBM),
            **changes,
        }
        data = await self.lab.api.ask(UPLOAD, self.lab.key, input=given)
        payload: dict[str, Any] = data["recordingUploadCreate"]
        return payload

    async def link(self, **changes: Any) -> str:
        payload = await self.payload(**changes)
        assert payload["userErrors"] == []
        url: str = payload["upload"]["uploadUrl"]
        return url

    async def refusal(self, **changes: Any) -> tuple[str, str | None]:
        [error] = (await self.payload(**changes))["userErrors"]
        return error["code"], (error["field"] or [None])[-1]

    async def put(
        self, body: bytes | AsyncGenerator[bytes] = WEBM, url: str | None = None, **headers: str
    ) -> httpx2.Response:
        url = url or await self.link()
        return await self.lab.api.http.put(url, content=body, headers=headers)

    def signed(self, **changes: Any) -> str:
        """Return the address of a link with terms that the mutation may not agree to."""
        services: Services = self.lab.api.app.state.services
        terms = asdict(UploadTerms("face.webm", len(WEBM))) | changes
        key = self.recording.key
        token = services.signer.sign("upload", key, self.lab.owner.key, terms)
        return f"/recordings/{key}/upload?token={token}"

    async def shown(self) -> dict[str, Any]:
        query = """query($id: String!) { room(roomId: $id) { recordings(first: 1) { nodes {
          recordingId fileName fileSize format downloadUrl } } } }"""
        data = await self.lab.api.ask(query, self.lab.key, id=self.lab.room["room_id"])
        recording: dict[str, Any] = data["room"]["recordings"]["nodes"][0]
        return recording

    async def uploads(self) -> list[bool]:
        """Return what the audit log tells of uploads: whether each was allowed."""
        told = select(col(AuditEntry.allowed)).where(col(AuditEntry.action) == AuditAction.UPLOAD)
        async with self.lab.api.db.read() as tx:
            return list(await tx.scalars(told.order_by(col(AuditEntry.id))))

    def stored(self) -> list[bytes]:
        return [path.read_bytes() for path in (self.data_dir / "files").glob("**/*.*")]

    def drafts(self) -> list[Path]:
        return list((self.data_dir / "uploads").glob("*"))

    async def has_nothing(self) -> bool:
        is_there = (await self.shown())["downloadUrl"] is not None
        return not (is_there or self.stored() or self.drafts())


async def a_studio(api: Api, data_dir: Path) -> Studio:
    lab = await a_lab(api)
    recording = a_recording(lab.person)
    await save(api.db, recording)
    return Studio(lab, recording, data_dir)


async def in_pieces(data: bytes, size: int) -> AsyncGenerator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def one_by_one(pieces: list[bytes]) -> AsyncGenerator[bytes]:
    for piece in pieces:
        yield piece


def a_form(*files: bytes, head: bytes = b'name="f"; filename="x.webm"') -> bytes:
    parts = (
        b"--cut\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + file for file in files
    )
    return b"\r\n".join((*parts, b"--cut--\r\n"))


FORM = {"Content-Type": "multipart/form-data; boundary=cut"}


@dataclass
class Paused:
    """A body that stops before its last byte, until it is told to go on."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.came, self.go_on = asyncio.Event(), asyncio.Event()

    async def body(self) -> AsyncGenerator[bytes]:
        yield self._content[:-1]
        self.came.set()
        await self.go_on.wait()
        yield self._content[-1:]
