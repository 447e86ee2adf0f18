"""The store: files by key, and no key that leads out of it."""

import errno
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from obstore.exceptions import AlreadyExistsError

from server.storage import Storage, UnsafeKey
from tests.object_store import ObjectStore

pytestmark = pytest.mark.anyio

CONTENT = bytes(range(256)) * 40_000  # more than is read or sent at once


@pytest.fixture(params=["local", "memory", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "s3":
        objects: ObjectStore = request.getfixturevalue("object_store")
        return Storage(objects.bucket(), objects.endpoint)
    folder = tmp_path / "a folder, ü"
    return Storage(folder.as_uri() if request.param == "local" else "memory:///")


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_local_file_is_stored_once_and_stays(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, elsewhere: bool
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    if elsewhere:
        monkeypatch.setattr(os, "link", fails)
    file, other = tmp_path / "file", tmp_path / "other"
    file.write_bytes(CONTENT)
    other.write_bytes(b"other")
    await storage.put_file("recordings/a.webm", file)
    with pytest.raises((FileExistsError, AlreadyExistsError)):
        await storage.put_file("recordings/a.webm", other)
    stored = b"".join([chunk async for chunk in storage.stream("recordings/a.webm")])
    assert stored == file.read_bytes() == CONTENT


async def test_files_are_kept_listed_and_deleted(storage: Storage) -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        yield CONTENT[:7]
        yield CONTENT[7:]

    await storage.put("exports/1/1/a b.csv", pieces())
    await storage.put("exports/1/10/ü.csv", b"x")
    await storage.put("media/c.webm", b"y")
    assert await storage.size("exports/1/1/a b.csv") == len(CONTENT)
    assert await storage.size("exports/1/1/none") is None
    read = b"".join([chunk async for chunk in storage.stream("exports/1/1/a b.csv")])
    part = b"".join([chunk async for chunk in storage.stream("exports/1/1/a b.csv", (7, 300))])
    assert (read, part) == (CONTENT, CONTENT[7:300])
    assert sorted(await storage.keys("exports")) == ["exports/1/1/a b.csv", "exports/1/10/ü.csv"]
    assert await storage.keys("nothing") == []

    await storage.delete_prefix("exports/1/1")
    await storage.delete_prefix("exports/1/1")
    assert await storage.keys("exports") == ["exports/1/10/ü.csv"]
    await storage.delete("exports/1/10/ü.csv")
    await storage.delete("exports/1/10/ü.csv")
    assert await storage.keys("exports") == []
    assert await storage.keys("media") == ["media/c.webm"]


async def test_no_key_leads_out_of_a_local_store(tmp_path: Path) -> None:
    storage = Storage((tmp_path / "files").as_uri())
    (tmp_path / "files/link").symlink_to(tmp_path)
    outside = tmp_path / "secret"
    outside.write_text("secret")
    for key in ("../secret", "a/../../secret", str(outside), "link/secret", "", ".", "a\0b"):
        with pytest.raises(UnsafeKey):
            storage.local_path(key)
        with pytest.raises(UnsafeKey):
            await storage.delete_prefix(key)
    assert outside.exists()
    assert storage.local_path("exports/1.zip") == tmp_path / "files/exports/1.zip"
    assert Storage("memory:///").local_path("exports/1.zip") is None
