"""`hyperdata export` against a real server, over lines that break, and killed in the middle."""

import hashlib
import json
import os
import pty
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import update
from sqlmodel import col

from server.db import Database
from server.records.exports import Export
from tests.conftest import LiveServer, serving
from tests.unsteady import Proxy, unsteady

COMMAND = [sys.executable, "-m", "server", "export"]
ALL = ("-e", "exp_dyadvideo01")
SECONDS = 60


def environment(url: str, key: str) -> dict[str, str]:
    return {**os.environ, "HYPERDATA_URL": url, "HYPERDATA_API_KEY": key, "COLUMNS": "100"}


class Shell:
    """Somebody at a folder, with a key in the environment."""

    def __init__(self, folder: Path, url: str, key: str) -> None:
        self.folder = folder
        self.env = environment(url, key)

    def run(self, *arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def outcome(self, *arguments: str | Path, code: int = 0) -> dict[str, Any]:
        """Return the outcome of a command that ends with that code, as JSON."""
        done = self.run(*arguments, "--json")
        assert (done.returncode, done.stderr) == (code, ""), done
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def refusal(self, *arguments: str | Path, **env: str) -> tuple[str, str]:
        done = self.run(*arguments, "--json", **env)
        assert (done.returncode, done.stderr) == (1, ""), done
        error = json.loads(done.stdout)["error"]
        assert error["message"].endswith(".")
        return error["code"], error["message"]

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def shell(live: LiveServer, tmp_path: Path) -> Shell:
    return Shell(tmp_path, live.url, live.keys["owner"])


@pytest.fixture
def proxy(live: LiveServer) -> Generator[Proxy]:
    with unsteady(live.url) as proxy:
        yield proxy


@pytest.fixture
def far(proxy: Proxy, live: LiveServer, tmp_path: Path) -> Shell:
    """A shell whose server is behind the proxy."""
    return Shell(tmp_path, proxy.url, live.keys["owner"])


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_sound(path: Path) -> bool:
    command = [sys.executable, "-m", "server", "verify", "--quiet", str(path)]
    return subprocess.run(command, check=False).returncode == 0


def test_a_zip_comes_whole_under_the_servers_name(shell: Shell) -> None:
    done = shell.run(*ALL)
    assert done.returncode == 0, done.stderr
    [name] = shell.names()
    assert name.startswith("exp_dyadvideo01_")
    assert name.endswith("_deidentified.zip")
    said, hash_line = done.stdout.splitlines()
    assert said.startswith(f"Saved {name}  (")
    assert said.endswith("rows, de-identified)")
    assert hash_line == f"SHA-256 {sha256(shell.folder / name)}"
    assert "Completed (100 %, 39,006 of 39,006 rows)" in done.stderr
    assert "\x1b" not in done.stderr, "there is no terminal"
    assert is_sound(shell.folder / name)


def test_a_single_file_comes_with_its_manifest(shell: Shell) -> None:
    chosen = ("-t", "chat-messages", "--single", "--anonymization", "keep", "-o", "out/chat.csv")
    outcome = shell.outcome(*ALL, *chosen)
    [folder] = shell.names()
    assert {path.name for path in (shell.folder / folder).iterdir()} == {
        "chat.csv",
        "chat.csv.manifest.json",
    }
    stated = json.loads((shell.folder / "out/chat.csv.manifest.json").read_bytes())
    assert (stated["anonymization"], stated["packaging"]) == ("KEEP", "SINGLE_FILE")
    assert [entry["dataType"] for entry in stated["ledger"]] == ["CHAT_MESSAGES"]
    assert outcome["sha256"] == stated["files"][0]["sha256"]
    assert outcome["anonymization"] == "KEEP"
    assert is_sound(shell.folder / "out/chat.csv")


def test_all_that_is_chosen_reaches_the_server(shell: Shell, live: LiveServer) -> None:
    (shell.folder / "late.json").write_text('{"events": {"onset": {"gte": 1000}}}')
    outcome = shell.outcome(
        *("-r", "room_dyadvideo01_01", "-t", "events", "-t", "syncMetrics"),
        *("--format", "json", "--zip", "--filter", "late.json", "--reason", "a test"),
        *("--shift-times", "-o", "late.zip"),
    )
    with ZipFile(shell.folder / "late.zip") as archive:
        [at] = [name for name in archive.namelist() if name.endswith("/metadata.json")]
        metadata = json.loads(archive.read(at))
        [events] = [name for name in archive.namelist() if name.endswith("/events.json")]
        onsets = [row["onset"] for row in json.loads(archive.read(events))]
    assert metadata["format"] == "JSON"
    assert metadata["selection"]["rooms"] == ["room_dyadvideo01_01"]
    assert metadata["selection"]["dataTypes"] == ["EVENTS", "SYNC_METRICS"]
    assert min(onsets) >= 1000
    assert outcome["rows"] > len(onsets)


@pytest.mark.parametrize(
    ("arguments", "code", "found"),
    [
        ((), "NOT_UNDERSTOOD", "--experiment, --room or --participant"),
        (("-e", "exp_nothing"), "NOT_FOUND", "experimentIds"),
        (("-e", "e", "-t", "nonsense"), "BAD_USER_INPUT", "NONSENSE"),
        (("--participant", "somebody"), "NOT_UNDERSTOOD", "ROOM:PERSON"),
        (("-e", "e", "--columns", "events"), "NOT_UNDERSTOOD", "TYPE:COLUMN"),
        (("-e", "e", "--filter", "{"), "NOT_UNDERSTOOD", "line 1"),
        (("-e", "e", "--filter", "no.json"), "NOT_UNDERSTOOD", "cannot be read"),
        (("--resume", "nothing.zip"), "OTHER_PART", "nothing was begun"),
        (("--recipe", "nothing.zip"), "PACKAGE_UNREADABLE", "check its name"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_leaves_nothing(
    shell: Shell, arguments: tuple[str, ...], code: str, found: str
) -> None:
    said, message = shell.refusal(*arguments, "-o", "x.zip")
    assert (said, found in message) == (code, True), message
    assert shell.names() == set()


def test_a_key_is_needed_and_never_shown(shell: Shell, live: LiveServer) -> None:
    key = live.keys["owner"]
    assert shell.refusal(*ALL, HYPERDATA_API_KEY="")[0] == "NO_KEY"
    assert shell.refusal(*ALL, HYPERDATA_API_KEY="hst_live_wrong")[0] == "UNAUTHENTICATED"
    for done in (shell.run("--help"), shell.run(*ALL, "-o", "a.zip")):
        assert key not in done.stdout + done.stderr
    wrong = shell.run(*ALL, HYPERDATA_API_KEY="hst_live_wrong")
    assert "hst_live_wrong" not in wrong.stdout + wrong.stderr


def test_an_address_without_a_server_is_named(shell: Shell, live: LiveServer) -> None:
    nobody = shell.refusal(*ALL, HYPERDATA_URL="http://127.0.0.1:9")
    assert nobody[0] == "NO_SERVER"
    assert "http://127.0.0.1:9" in nobody[1]
    assert shell.refusal(*ALL, HYPERDATA_URL=f"{live.url}/elsewhere")[0] == "NO_SERVER"
    assert shell.refusal(*ALL, HYPERDATA_URL="ftp://x")[0] == "NO_SERVER"


def test_a_file_that_is_there_is_replaced_only_if_so_asked(shell: Shell) -> None:
    (shell.folder / "mine.zip").write_text("mine")
    code, message = shell.refusal(*ALL, "-o", "mine.zip")
    assert (code, "--overwrite" in message) == ("CANNOT_WRITE", True)
    assert (shell.folder / "mine.zip").read_text() == "mine"
    shell.outcome(*ALL, "-o", "mine.zip", "--overwrite")
    assert is_sound(shell.folder / "mine.zip")
    assert shell.names() == {"mine.zip"}


def test_a_download_that_breaks_off_goes_on_where_it_stopped(far: Shell, proxy: Proxy) -> None:
    proxy.cuts = [200_000, 100_000, 50]
    done = far.run(*ALL, "-o", "all.zip")
    assert done.returncode == 0, done.stderr
    assert "The download broke off: trying again" in done.stderr
    begun = proxy.ranges()
    assert begun[0] is None
    assert 150_000 < (begun[1] or 0) <= 200_000
    assert (begun[1] or 0) < (begun[2] or 0) == begun[3], "the last cut let no content through"
    assert all(b"if-range: " in asked.lower() for asked in proxy.downloads()[1:])
    assert not any(b"x-api-key" in asked.lower() for asked in proxy.downloads())
    assert is_sound(far.folder / "all.zip")
    assert far.names() == {"all.zip"}


def killed(shell: Shell, proxy: Proxy, *arguments: str) -> Path:
    """Kill a command in the middle of its download; return the part that it leaves."""
    proxy.bytes_per_second = 200_000
    running = shell.start(*ALL, *arguments)
    with running:

        def parts() -> list[Path]:
            found = shell.folder.glob("*.part")
            return [part for part in found if part.stat().st_size > 100_000]

        wait_until(parts)
        running.kill()
    proxy.bytes_per_second = 0
    [part] = parts()
    return part


@pytest.mark.parametrize("output", [("-o", "all.zip"), ()])
def test_a_killed_command_goes_on_when_it_is_run_again(
    far: Shell, proxy: Proxy, output: tuple[str, ...]
) -> None:
    part = killed(far, proxy, *output)
    had = part.stat().st_size
    state = json.loads(part.with_name(part.name + ".json").read_bytes())
    assert far.env["HYPERDATA_API_KEY"] not in json.dumps(state)

    outcome = far.outcome(*ALL, *output)

    assert outcome["resumedAtByte"] == had
    assert outcome["exportId"] == state["export_id"]
    assert proxy.ranges() == [None, had]
    assert is_sound(far.folder / outcome["file"])
    assert far.names() == {Path(outcome["file"]).name}


@pytest.mark.parametrize("named", ["all.zip", "all.zip.part", "all.zip.part.json"])
def test_a_part_is_enough_to_go_on(far: Shell, proxy: Proxy, named: str) -> None:
    had = killed(far, proxy, "-o", "all.zip").stat().st_size
    assert far.outcome("--resume", named)["resumedAtByte"] == had
    assert is_sound(far.folder / "all.zip")


def test_a_part_of_something_else_is_not_touched(far: Shell, proxy: Proxy) -> None:
    part = killed(far, proxy, "-o", "all.zip")
    had = part.read_bytes()
    code, message = far.refusal("-r", "room_dyadvideo01_01", "-o", "all.zip")
    assert (code, "--resume" in message) == ("OTHER_PART", True)
    assert part.read_bytes() == had
    far.outcome("-r", "room_dyadvideo01_01", "-o", "all.zip", "--fresh")
    assert far.names() == {"all.zip"}


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(
    far: Shell, proxy: Proxy
) -> None:
    part = killed(far, proxy, "-o", "all.zip")
    beside = part.with_name(part.name + ".json")
    state = json.loads(beside.read_bytes())
    beside.write_text(json.dumps({**state, "etag": '"of another file"'}))
    far.outcome(*ALL, "-o", "all.zip")
    assert proxy.ranges()[1] is not None, "it asked for the rest, and got all"
    assert is_sound(far.folder / "all.zip")


@pytest.mark.parametrize("longer", [False, True])
def test_a_part_that_was_damaged_is_found_out(far: Shell, proxy: Proxy, longer: bool) -> None:
    part = killed(far, proxy, "-o", "all.zip")
    part.write_bytes(b"?" * (5_000_000 if longer else 1000))
    done = far.run(*ALL, "-o", "all.zip")
    assert done.returncode == 0, done.stderr
    assert ("What came is damaged" in done.stderr) == (not longer)
    assert is_sound(far.folder / "all.zip")


def test_what_is_over_at_the_server_is_asked_for_anew(far: Shell, proxy: Proxy) -> None:
    part = killed(far, proxy, "-o", "all.zip")
    beside = part.with_name(part.name + ".json")
    state = json.loads(beside.read_bytes())
    beside.write_text(json.dumps({**state, "export_id": "RXhwb3J0Ojk5OTk5OQ=="}))
    assert far.outcome(*ALL, "-o", "all.zip")["exportId"] != state["export_id"]
    assert is_sound(far.folder / "all.zip")


def test_without_a_socket_it_looks_again_and_again(far: Shell, proxy: Proxy) -> None:
    proxy.lets_sockets_through = False
    far.outcome(*ALL, "-o", "all.zip")
    assert any(b"upgrade: websocket" in asked.lower() for asked in proxy.requests)
    assert is_sound(far.folder / "all.zip")


def test_a_full_disk_is_a_sentence_and_no_loss(far: Shell, proxy: Proxy) -> None:
    limited = f"ulimit -f 200; exec {' '.join(COMMAND)} {' '.join(ALL)} -o all.zip --json"
    command = ["bash", "-c", limited]
    done = subprocess.run(
        command, cwd=far.folder, env=far.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "CANNOT_WRITE"
    assert "no space left for all.zip" in error["message"]
    assert far.outcome(*ALL, "-o", "all.zip")["resumedAtByte"] == 200 * 1024
    assert is_sound(far.folder / "all.zip")


def test_a_link_that_expires_is_read_again(
    tmp_path: Path, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYPERDATA_LINK_SECONDS", "1")
    with serving(tmp_path / "data") as server, unsteady(server.url) as proxy:
        shell = Shell(tmp_path, proxy.url, server.keys["owner"])
        proxy.cuts, proxy.bytes_per_second = [500_000], 200_000
        shell.outcome(*ALL, "-o", "all.zip")
        first, second = (asked.split()[1] for asked in proxy.downloads())
        assert first != second
        assert is_sound(tmp_path / "all.zip")


@pytest.fixture
def idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[LiveServer]:
    """A server that carries no export out."""
    monkeypatch.setenv("HYPERDATA_EXPORT_WORKERS", "0")
    with serving(tmp_path / "data") as server:
        monkeypatch.delenv("HYPERDATA_EXPORT_WORKERS")
        yield server


@contextmanager
def a_database(server: LiveServer) -> Generator[Database]:
    yield Database(f"sqlite+aiosqlite:///{server.data_dir}/hyperdata.db")


@pytest.mark.anyio
async def test_a_failed_export_says_why(idle: LiveServer, tmp_path: Path) -> None:
    shell = Shell(tmp_path, idle.url, idle.keys["owner"])
    with shell.start(*ALL, "-o", "all.zip") as running, a_database(idle) as db:
        wait_until(lambda: 'export_id": "' in _text(tmp_path / "all.zip.part.json"))
        async with db.write() as tx:
            await tx.execute(
                update(Export).values(
                    status="FAILED",
                    error_code="STORAGE_FULL",
                    error_message="There is no space left: tell the operator.",
                    seq=col(Export.seq) + 1,
                )
            )
        await db.close()
        _, stderr = running.communicate(timeout=SECONDS)
    assert running.returncode == 1
    assert stderr.endswith("There is no space left: tell the operator. [STORAGE_FULL]\n")


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_a_server_that_comes_back_is_followed_on(idle: LiveServer, tmp_path: Path) -> None:
    with unsteady(idle.url) as proxy:
        shell = Shell(tmp_path, proxy.url, idle.keys["owner"])
        with shell.start(*ALL, "-o", "all.zip") as running:
            wait_until(lambda: 'export_id": "' in _text(tmp_path / "all.zip.part.json"))
            wait_until(lambda: any(b"websocket" in asked.lower() for asked in proxy.requests))
            idle.process.terminate()
            idle.process.wait(30)
            with serving(idle.data_dir) as back:
                proxy.lead_to(back.url)
                _, stderr = running.communicate(timeout=SECONDS)
        assert running.returncode == 0, stderr
        assert is_sound(tmp_path / "all.zip")


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, folder: Path, env: Mapping[str, str], *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        take_it = (
            "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
            "os.execv(sys.argv[1], sys.argv[1:])"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", take_it, *COMMAND, *arguments],
            cwd=folder,
            env={**env, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def expect(self, text: str) -> None:
        """Read until something is shown."""
        deadline = time.monotonic() + SECONDS
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            self._read()

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def end(self) -> int:
        """Read to the end; return the exit code."""
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait(SECONDS)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], 0.1)
        if not ready:
            return self.process.poll() is None
        try:
            data = os.read(self._ours, 1 << 16)
        except OSError:  # the other side is closed
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


def test_a_terminal_shows_bars(far: Shell, proxy: Proxy) -> None:
    proxy.bytes_per_second = 600_000
    terminal = Terminal(far.folder, far.env, *ALL, "-o", "all.zip")
    terminal.expect("Downloading")
    assert terminal.end() == 0
    seen = terminal.seen
    assert "━" in seen
    assert "100%" in seen
    assert "39,006 of 39,006 rows" in seen
    assert "kB/s" in seen
    assert "Saved all.zip" in seen
    assert seen.count("\x1b[?25l") == seen.count("\x1b[?25h") > 0, "the cursor comes back"


@pytest.mark.parametrize(("answer", "status"), [("\r", "CANCELING"), ("n\r", "CREATED")])
def test_ctrl_c_asks_whether_to_cancel(
    idle: LiveServer, tmp_path: Path, answer: str, status: str
) -> None:
    env = environment(idle.url, idle.keys["owner"])
    terminal = Terminal(tmp_path, env, *ALL, "-o", "all.zip")
    terminal.expect("Waiting for a worker")
    terminal.type("\x03")
    terminal.expect("Ctrl-C leaves it running. [Y/n]")
    terminal.type(answer)
    assert terminal.end() == 130
    canceled = status == "CANCELING"
    assert ("nothing of it is kept" in terminal.seen) == canceled
    assert ("--resume" in terminal.seen) == (not canceled)
    assert (tmp_path / "all.zip.part.json").exists() == (not canceled)
    assert "Traceback" not in terminal.seen


def test_a_second_ctrl_c_leaves_the_export_running(idle: LiveServer, tmp_path: Path) -> None:
    env = environment(idle.url, idle.keys["owner"])
    terminal = Terminal(tmp_path, env, *ALL, "-o", "all.zip")
    terminal.expect("Waiting for a worker")
    terminal.type("\x03")
    terminal.expect("[Y/n]")
    terminal.type("\x03")
    assert terminal.end() == 130
    assert "The export goes on at the server." in terminal.seen
    idle.process.terminate()
    idle.process.wait(30)
    with serving(idle.data_dir) as back:
        shell = Shell(tmp_path, back.url, back.keys["owner"])
        state = json.loads((tmp_path / "all.zip.part.json").read_bytes())
        (tmp_path / "all.zip.part.json").write_text(json.dumps({**state, "url": back.url}))
        assert shell.outcome("--resume", "all.zip")["exportId"] == state["export_id"]


def test_an_interrupted_download_says_how_to_go_on(far: Shell, proxy: Proxy) -> None:
    proxy.bytes_per_second = 100_000
    with far.start(*ALL, "-o", "all.zip") as running:
        part = far.folder / "all.zip.part"
        wait_until(lambda: part.exists() and part.stat().st_size > 50_000)
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=SECONDS)
    assert (running.returncode, stdout) == (130, "")
    assert "hyperdata export --resume" in stderr
    assert "Traceback" not in stderr
    proxy.bytes_per_second = 0
    assert far.outcome("--resume", "all.zip")["resumedAtByte"] > 50_000
    assert is_sound(far.folder / "all.zip")


def test_quiet_is_quiet(shell: Shell) -> None:
    done = shell.run(*ALL, "-o", "all.zip", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    mode = stat.S_IMODE((shell.folder / "all.zip").stat().st_mode)
    assert mode & stat.S_IRUSR
