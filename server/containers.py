"""The containers of recordings: how their files are called, typed, and how they begin."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

HEAD = 16
"""How many of a file's first bytes tell its container."""


@dataclass(frozen=True, slots=True)
class Container:
    """How a kind of file begins, and its media types: the first subtype is the one we send."""

    subtypes: tuple[str, ...]
    begins: re.Pattern[bytes]

    @property
    def subtype(self) -> str:
        return self.subtypes[0]

    def is_called(self, media_type: str) -> bool:
        """Say whether a media type, such as `video/webm;codecs=vp9`, is one of these files."""
        kind, _, subtype = media_type.partition(";")[0].strip().lower().partition("/")
        return kind in ("audio", "video") and subtype in self.subtypes

    def is_begun_by(self, data: bytes) -> bool:
        """Say whether a file of this kind may begin with these bytes, `HEAD` or all there are."""
        return self.begins.match(data) is not None


def _container(begins: bytes, *subtypes: str) -> Container:
    return Container(subtypes, re.compile(begins, re.DOTALL))


_OGG = b"OggS"
_LAYERS = rb"[\xe2-\xe7\xea-\xef\xf2-\xf7\xfa-\xff]"  # of MPEG audio; without one it is AAC

CONTAINERS: Mapping[str, Container] = {
    "webm": _container(rb"\x1aE\xdf\xa3", "webm"),
    "mp4": _container(rb".{4}ftyp", "mp4"),
    "m4a": _container(rb".{4}ftyp", "mp4", "x-m4a", "m4a"),
    "mov": _container(rb".{4}(ftyp|moov|mdat|wide|free|skip)", "quicktime"),
    "ogg": _container(_OGG, "ogg"),
    "opus": _container(_OGG, "ogg", "opus"),
    "mp3": _container(rb"ID3|\xff" + _LAYERS, "mpeg", "mp3"),
    "wav": _container(rb"(RIFF|RF64).{4}WAVE", "wav", "x-wav", "wave", "vnd.wave"),
    "flac": _container(rb"fLaC", "flac", "x-flac"),
}
"""By what the names of files end in."""


def suffix_of(file_name: str) -> str:
    """Return what a file's name ends in, in lower case and without the dot."""
    return PurePath(file_name).suffix[1:].lower()
