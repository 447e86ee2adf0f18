"""The recordings of the demo data: small, real and playable."""

import wave
from pathlib import Path

import numpy as np

from tests.demo_data import files, rows


def test_recordings_are_small_files_that_play_for_as_long_as_their_rows_say(demo: Path) -> None:
    kept = rows(demo, "SELECT * FROM recording WHERE storage_key IS NOT NULL")
    assert {row["kind"] for row in kept} == {"VIDEO", "AUDIO"}
    assert {row["storage_key"] for row in kept} == {f"recordings/{name}" for name in files(demo)}
    for row in kept:
        path = demo / row["storage_key"]
        assert path.stem == row["recording_id"]
        assert path.stat().st_size == row["file_size"] < 20_000
        assert row["end_time"] - row["start_time"] == row["duration"]
        assert row["status"] == "completed"
        if row["kind"] == "AUDIO":
            with wave.open(str(path)) as sound:
                assert 1000 * sound.getnframes() == row["duration"] * sound.getframerate()
                assert len(set(sound.readframes(sound.getnframes()))) > 20  # it is not silence
        else:
            film = elements(path.read_bytes())
            assert film["4282"] == [b"webm"]
            assert film["86"] == [b"V_VP8"]
            width, height = (int.from_bytes(film[name][0], "big") for name in ("b0", "ba"))
            assert row["resolution"] == f"{width}x{height}"
            assert np.frombuffer(film["4489"][0], ">f8")[0] == row["duration"]
            frame_ms = int.from_bytes(film["23e383"][0], "big") // 1_000_000
            assert len(film["a3"]) * frame_ms == row["duration"]
            for block in film["a3"]:
                assert block[7:10] == b"\x9d\x01\x2a"  # a VP8 key frame, after the block's header
                assert np.frombuffer(block[10:14], "<u2").tolist() == [width, height]
            assert path.read_bytes()[seek_place(film) :].startswith(bytes.fromhex("1f43b675"))


def elements(content: bytes) -> dict[str, list[bytes]]:
    """Read EBML as far as the tests need it: every element's content by the element's id."""
    parents = {"1a45dfa3", "18538067", "1549a966", "1654ae6b", "ae", "e0", "1c53bb6b", "bb", "b7"}
    found: dict[str, list[bytes]] = {}
    place = 0
    while place < len(content):
        id_length = 9 - content[place].bit_length()
        name = content[place : place + id_length].hex()
        place += id_length
        length = int.from_bytes(content[place + 1 : place + 8], "big")
        assert content[place] == 1, "lengths are eight bytes long"
        body = content[place + 8 : place + 8 + length]
        assert len(body) == length
        found.setdefault(name, []).append(body)
        if name in parents | {"1f43b675"}:
            for inner, contents in elements(body).items():
                found.setdefault(inner, []).extend(contents)
        place += 8 + length
    return found


def seek_place(film: dict[str, list[bytes]]) -> int:
    """Return where a player that seeks looks for the pictures, from the start of the file."""
    before_segment = 4 + 8 + len(film["1a45dfa3"][0]) + 4 + 8
    return before_segment + int.from_bytes(film["f1"][0], "big")


def test_one_recording_started_and_never_arrived(demo: Path) -> None:
    failed = rows(demo, "SELECT * FROM recording WHERE storage_key IS NULL")
    assert [(row["status"], row["file_size"], row["end_time"]) for row in failed] == [
        ("failed", None, None)
    ]
