"""Uploads that meet: others of their kind, lost rights, silence, full disks and crashes."""

import asyncio
import errno
import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from server import bodies
from server.records.experiments import Experiment
from server.storage import Storage
from server.uploading import keeping
from tests.conftest import Api, opened
from tests.factories import a_user, save
from tests.studio import OTHER, WEBM, Paused, Studio, a_studio

pytestmark = pytest.mark.anyio


@pytest.fixture
async def studio(any_api: Api, tmp_path: Path) -> Studio:
    return await a_studio(any_api, tmp_path)


async def test_of_two_that_are_sent_at_once_the_first_that_is_whole_stays(studio: Studio) -> None:
    paused = [Paused(each) for each in (WEBM, OTHER, WEBM)]
    urls = [await studio.link() for _ in paused]
    sending = [
        asyncio.create_task(studio.put(each.body(), url=url))
        for each, url in zip(paused, urls, strict=True)
    ]
    for each in paused:
        await each.came.wait()
    assert len(studio.drafts()) == 3
    for each in paused:
        each.go_on.set()
    statuses = [(await each).status_code for each in sending]
    assert sorted(statuses) in ([200, 200, 409], [200, 409, 409])
    kept = OTHER if statuses[1] == 200 else WEBM
    assert (studio.stored(), studio.drafts()) == ([kept], [])
    assert await studio.uploads() == [True]


async def test_whoever_lost_the_right_meanwhile_sent_it_for_nothing(studio: Studio) -> None:
    paused, heir = Paused(WEBM), a_user()
    await save(studio.lab.api.db, heir)
    sending = asyncio.create_task(studio.put(paused.body()))
    await paused.came.wait()
    async with studio.lab.api.db.write() as tx:
        await tx.execute(update(Experiment).values(owner_key=heir.key))
    paused.go_on.set()
    assert (await sending).status_code == 404
    assert (studio.stored(), studio.drafts()) == ([], [])


@pytest.mark.parametrize("at", ["the store", "the recording"])
async def test_what_cannot_be_stored_or_given_any_more_is_taken_back(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """When the store has the file already, or a part of it."""
    heir, put_file = a_user(), Storage.put_file
    await save(studio.lab.api.db, heir)

    async def stored(storage: Storage, key: str, path: Path) -> None:
        await put_file(storage, key, path)
        assert studio.stored() == [WEBM]
        if at == "the store":
            raise OSError(errno.EIO, "broken")
        async with studio.lab.api.db.write() as tx:
            await tx.execute(update(Experiment).values(owner_key=heir.key))

    monkeypatch.setattr(Storage, "put_file", stored)
    assert (await studio.put()).status_code == (500 if at == "the store" else 404)
    assert (studio.stored(), studio.drafts()) == ([], [])


async def test_who_comes_when_too_many_send_is_told_to_come_again(
    tmp_path: Path, any_url: str
) -> None:
    async with opened(tmp_path, database_url=any_url, uploads_at_once=1) as api:
        studio = await a_studio(api, tmp_path)
        paused = Paused(WEBM)
        sending = asyncio.create_task(studio.put(paused.body()))
        await paused.came.wait()
        refused = await studio.put()
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        paused.go_on.set()
        assert (await sending).status_code == 200


async def test_who_sends_nothing_is_cut_off(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SILENT_SECONDS", 0.05)
    assert (await studio.put(Paused(WEBM).body())).status_code == 408
    assert await studio.has_nothing()


async def test_what_is_broken_off_leaves_nothing(studio: Studio) -> None:
    paused = Paused(WEBM)
    sending = asyncio.create_task(studio.put(paused.body()))
    await paused.came.wait()
    assert len(studio.drafts()) == 1
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert await studio.has_nothing()


async def test_a_full_disk_is_told(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    url = await studio.link()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        refused = await studio.put(url=url)
    assert refused.status_code == 507
    assert await studio.has_nothing()


async def test_what_a_crash_leaves_is_swept_away(
    tmp_path: Path, any_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that no recording has go; one that a recording has, or somebody still writes, stays."""
    async with opened(tmp_path, database_url=any_url) as api:
        studio = await a_studio(api, tmp_path)
        with _unable_to_tell(monkeypatch):
            assert (await studio.put()).status_code == 500
        [left] = studio.drafts()
        assert studio.stored() == [WEBM]
        assert (await studio.shown())["downloadUrl"] is None
        writing = left.with_name("7-theirs.webm")
        writing.write_bytes(WEBM)
    with writing.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        async with opened(tmp_path, database_url=any_url):
            assert (studio.stored(), studio.drafts()) == ([], [writing])
    async with opened(tmp_path, database_url=any_url) as api:
        studio.lab.api = api
        assert (studio.stored(), studio.drafts()) == ([], [])
        assert (await studio.put()).status_code == 200
        [stored] = (tmp_path / "files").glob("**/*.webm")
        (tmp_path / "uploads" / stored.name).write_bytes(WEBM)
    async with opened(tmp_path, database_url=any_url):
        assert (studio.stored(), studio.drafts()) == ([WEBM], [])


@contextmanager
def _unable_to_tell(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have transactions fail when the store has the file already."""

    async def broken(*_arguments: object, **_options: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(keeping, "add", broken)
        yield
