"""Small media files that play: a drawn face as a WebM film, and a hum as WAV audio.

`face.webp` holds eight drawn pictures. A still picture in WebP is a key frame of VP8, the video
codec of WebM: so the film needs no encoder, only another container.
"""

import wave
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np

from server.demo.webm import film

WIDTH, HEIGHT = 160, 120
PICTURE_MS = 500
SAMPLES_A_SECOND = 4000


def video(seconds: int, first: int) -> bytes:
    """Return a film of the drawn face that begins at one of its pictures."""
    pictures = _pictures()
    count = seconds * 1000 // PICTURE_MS
    turned = [pictures[(first + place) % len(pictures)] for place in range(count)]
    return film(turned, WIDTH, HEIGHT, PICTURE_MS)


def audio(milliseconds: int, pitch: float) -> bytes:
    """Return a hum that swells and fades, as 8-bit mono."""
    moments = np.arange(milliseconds * SAMPLES_A_SECOND // 1000) / SAMPLES_A_SECOND
    swell = np.sin(np.pi * moments * 1000 / milliseconds) * (0.7 + 0.3 * np.sin(24 * moments))
    hum = sum(np.sin(2 * np.pi * pitch * over * moments) / over for over in (1, 2, 3))
    samples = np.round(128 + 60 * swell * hum).astype(np.uint8)
    file = BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(1)
        out.setframerate(SAMPLES_A_SECOND)
        out.writeframes(samples.tobytes())
    return file.getvalue()


@cache
def _pictures() -> tuple[bytes, ...]:
    content = (Path(__file__).parent / "face.webp").read_bytes()
    in_frame = 16  # an animation's frame begins with its place, its size and its duration
    return tuple(
        picture
        for name, frame in _chunks(content[12:])
        if name == b"ANMF"
        for kind, picture in _chunks(frame[in_frame:])
        if kind == b"VP8 "
    )


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Walk through a RIFF file: a name, a length, and content padded to an even length."""
    place = 0
    while place < len(content):
        length = int.from_bytes(content[place + 4 : place + 8], "little")
        yield content[place : place + 4], content[place + 8 : place + 8 + length]
        place += 8 + length + length % 2
