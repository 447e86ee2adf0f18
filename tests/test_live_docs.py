"""The examples of docs/live.md, run as they stand there; the server is killed meanwhile."""

import asyncio
import re
import shutil
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.db import Database
from tests.factories import a_continuous_rating
from tests.live_server import Lab, Server
from tests.test_live_records import put

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "live.md").read_text()
PYTHON = """
import sys
asyncio.run(follow(*sys.argv[1:], lambda record: print(record["ratingId"], flush=True)))
"""
JAVASCRIPT = """
import {{ argv }} from "node:process";
const [URL_OF_SERVER, API_KEY, ROOM] = argv.slice(2);
const take = (record) => console.log(record.ratingId);
{}"""


def example(language: str) -> str:
    found = re.search(f"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


@dataclass
class Running:
    """A server, what is in its database, and where programs can be put."""

    server: Server
    lab: Lab
    folder: Path

    async def rate(self) -> str:
        sample = a_continuous_rating(self.lab.people[0])
        await put(self.lab.db, sample)
        name: str = sample["rating_id"]
        return name


@pytest.fixture
async def running(tmp_path: Path, migrated_file: Path) -> AsyncGenerator[Running]:
    shutil.copyfile(migrated_file, tmp_path / "hyperdata.db")
    url = f"sqlite+aiosqlite:///{tmp_path}/hyperdata.db"
    db = Database(url)
    lab = Lab(db)
    await lab.save()
    server = Server(tmp_path, url)
    await server.start()
    yield Running(server, lab, tmp_path)
    server.close()
    await db.close()


@pytest.mark.parametrize("language", ["python", "javascript"])
async def test_an_example_follows_through_a_restart_of_the_server(
    running: Running, language: str
) -> None:
    if language == "python":
        program = running.folder / "follow.py"
        program.write_text(example(language) + PYTHON)
        command = [sys.executable, str(program)]
    else:
        program = running.folder / "follow.mjs"
        program.write_text(JAVASCRIPT.format(example(language)))
        (running.folder / "node_modules").symlink_to(ROOT / "web" / "node_modules")
        command = ["node", "--experimental-websocket", "--no-warnings", str(program)]
    arguments = running.server.address, running.lab.key, running.lab.room["room_id"]
    process = await asyncio.create_subprocess_exec(
        *command, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None

    async def told() -> str:
        assert process.stdout is not None
        return (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()

    try:
        written = []
        first = asyncio.create_task(told())
        while not first.done():  # from when it listens
            written.append(await running.rate())
            await asyncio.sleep(0.2)
        rest = written[written.index(await first) + 1 :]
        assert [await told() for _ in rest] == rest
        await running.server.kill()
        meanwhile = [await running.rate() for _ in range(3)]
        await running.server.start()
        meanwhile.append(await running.rate())
        assert [await told() for _ in meanwhile] == meanwhile
    finally:
        process.kill()
        await process.wait()
