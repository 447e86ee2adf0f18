"""Names of files and folders, made of what came from outside."""

import re
from collections.abc import Iterable

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")  # Windows opens no file so called
_LONGEST = 80


def safe_name(text: str) -> str:
    """Return a name that every file system takes, that leads nowhere, and looks much like text."""
    name = _UNSAFE.sub("_", text)[:_LONGEST].strip(".")
    return f"_{name}" if not name or _DEVICES.match(name) else name


def distinct_names(texts: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Return a safe name for each text, none twice, not even where upper case is lower case."""
    used = {name.lower() for name in taken}
    names: list[str] = []
    for text in texts:
        stem = name = safe_name(text)
        number = 1
        while name.lower() in used:
            number += 1
            name = f"{stem}_{number}"
        used.add(name.lower())
        names.append(name)
    return names
