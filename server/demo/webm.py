"""Writes WebM films from VP8 pictures, each of them complete in itself."""

import struct
from collections.abc import Sequence

DOCTYPE = "webm"
VIDEO = 1


def element(name: str, *content: bytes) -> bytes:
    """Return an element of EBML: its id in hexadecimal, its length in eight bytes, its content."""
    body = b"".join(content)
    return bytes.fromhex(name) + (1 << 56 | len(body)).to_bytes(8, "big") + body


def number(name: str, value: int) -> bytes:
    """Return an element that holds a whole number."""
    return element(name, value.to_bytes(8, "big"))


def text(name: str, value: str) -> bytes:
    """Return an element that holds text."""
    return element(name, value.encode())


def film(pictures: Sequence[bytes], width: int, height: int, picture_ms: int) -> bytes:
    """Return a film, short enough for one cluster: half a minute at most."""
    head = element(
        "1a45dfa3",
        number("4286", 1),  # version of EBML, and the one needed to read this
        number("42f7", 1),
        number("42f2", 4),  # longest id and longest length, in bytes
        number("42f3", 8),
        text("4282", DOCTYPE),
        number("4287", 2),
        number("4285", 2),
    )
    about = element(
        "1549a966",
        number("2ad7b1", 1_000_000),  # nanoseconds a tick
        element("4489", struct.pack(">d", len(pictures) * picture_ms)),
        text("4d80", "hyperstudy-data"),
        text("5741", "hyperstudy-data demo"),
    )
    tracks = element(
        "1654ae6b",
        element(
            "ae",
            number("d7", 1),
            number("73c5", 1),
            number("83", VIDEO),
            number("9c", 0),
            number("23e383", picture_ms * 1_000_000),
            text("86", "V_VP8"),
            element("e0", number("b0", width), number("ba", height)),
        ),
    )
    cues = _cues(len(about) + len(tracks) + len(_cues(0)))
    return head + element("18538067", about, tracks, cues, _cluster(pictures, picture_ms))


def _cues(cluster_at: int) -> bytes:
    """Say where the film begins, so that a player can seek."""
    return element(
        "1c53bb6b",
        element("bb", number("b3", 0), element("b7", number("f7", 1), number("f1", cluster_at))),
    )


def _cluster(pictures: Sequence[bytes], picture_ms: int) -> bytes:
    track, key_frame = 0x81, 0x80
    blocks = (
        element("a3", struct.pack(">BhB", track, place * picture_ms, key_frame), picture)
        for place, picture in enumerate(pictures)
    )
    return element("1f43b675", number("e7", 0), *blocks)
