"""ZIP files: forwards only, always the same, and readable by everything."""

import io
import struct
import zlib
from hashlib import sha256
from pathlib import Path
from random import Random
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.export.names import distinct_names, safe_name
from server.export.zip_files import HELD, ZipWriter


def written(members: list[tuple[str, list[bytes]]]) -> bytes:
    archive = io.BytesIO()
    writer = ZipWriter(archive.write)
    for name, chunks in members:
        with writer.member(name) as member:
            for chunk in chunks:
                member.write(chunk)
    writer.close()
    return archive.getvalue()


def read_as_a_stream(data: bytes) -> dict[str, bytes]:
    """Read members from front to back, as one does who cannot see the end yet."""
    source, found = io.BytesIO(data), dict[str, bytes]()
    while (head := source.read(4)) == b"PK\3\4":
        _version, flags, method, _time, _day, crc, compressed, size, name_length, extra_length = (
            struct.unpack("<HHHHHIIIHH", source.read(26))
        )
        name, extra = source.read(name_length).decode(), source.read(extra_length)
        assert method == 8
        inflate = zlib.decompressobj(-15)
        start = source.tell()
        content = inflate.decompress(data[start:]) + inflate.flush()
        source.seek(len(data) - len(inflate.unused_data))
        if flags & 8:
            assert extra[:2] == b"\1\0"  # so sizes have 64 bits
            sign, crc, compressed, size = struct.unpack("<4sIQQ", source.read(24))
            assert sign == b"PK\7\x08"
            assert source.tell() - 24 - start == compressed
        else:
            assert source.tell() - start == compressed
        assert (len(content), zlib.crc32(content)) == (size, crc)
        found[name] = content
    assert head == b"PK\1\2"
    return found


NOISE = Random(1).randbytes(3 * HELD)

MEMBERS = {
    "folder/small.csv": [b"a,b\n", b"1,2\n"],
    "folder/empty.csv": [],
    "größe/😀.json": [b"{}"],
    "folder/large.bin": [NOISE[:HELD], NOISE[HELD:]],
    "folder/after.csv": [b"x" * 100_000],
}


def test_members_come_back_from_the_list_at_the_end_and_from_a_stream() -> None:
    data = written(list(MEMBERS.items()))
    expected = {name: b"".join(chunks) for name, chunks in MEMBERS.items()}

    with ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == expected
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert read_as_a_stream(data) == expected


def test_the_same_members_give_the_same_bytes() -> None:
    assert written(list(MEMBERS.items())) == written(list(MEMBERS.items()))


def test_a_member_knows_its_size_and_hash() -> None:
    writer = ZipWriter(lambda _data: None)
    with writer.member("noise") as member:
        member.write(NOISE)
    assert (writer.members[-1].size, writer.members[-1].sha256) == (
        len(NOISE),
        sha256(NOISE).hexdigest(),
    )


def test_an_archive_behind_four_gibibytes_can_be_read(tmp_path: Path) -> None:
    start = 5 << 30
    with (tmp_path / "far.zip").open("wb") as file:
        file.seek(start)  # a hole, which takes no space
        writer = ZipWriter(file.write, start)
        for name, chunks in MEMBERS.items():
            with writer.member(name) as member:
                for chunk in chunks:
                    member.write(chunk)
        writer.close()

    with ZipFile(tmp_path / "far.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(MEMBERS)


def test_more_members_than_sixteen_bits_can_count() -> None:
    names = [f"{number}.csv" for number in range(65_600)]
    with ZipFile(io.BytesIO(written([(name, []) for name in names]))) as archive:
        assert archive.namelist() == names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("room_7", "room_7"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..", "_"),
        ("", "_"),
        ("a\\b:c", "a_b_c"),
        ("con", "_con"),
        ("Zimmer 4 ü", "Zimmer_4_"),
    ],
)
def test_a_name_from_outside_leads_nowhere(text: str, name: str) -> None:
    assert safe_name(text) == name


@given(st.lists(st.text()), st.lists(st.text(), max_size=3))
def test_names_are_safe_and_distinct_whatever_they_are_made_of(
    texts: list[str], taken: list[str]
) -> None:
    names = distinct_names(texts, taken)

    assert len(names) == len(texts)
    assert len({name.lower() for name in names}) == len(names)
    assert not {name.lower() for name in names} & {name.lower() for name in taken}
    for name in names:
        assert name.strip(".")
        assert not set(name) & set('/\\:*?"<>|\0')


def test_rooms_that_differ_only_in_what_is_unsafe_keep_folders_of_their_own() -> None:
    assert distinct_names(["a/b", "a:b", "A_B", "rooms.csv"], ["rooms.csv"]) == [
        "a_b",
        "a_b_2",
        "A_B_3",
        "rooms.csv_2",
    ]
