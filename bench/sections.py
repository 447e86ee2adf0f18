"""results.md: a section of each benchmark, which rewrites only its own; and how numbers read."""

import re
import statistics
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results.md"


def keep(title: str, text: str) -> None:
    """Put a section in the place of the last one of its title, or behind all others."""
    head, *sections = re.split(r"^(?=## )", RESULTS.read_text(), flags=re.MULTILINE)
    kept = {section.partition("\n")[0]: section.strip() for section in sections}
    kept[f"## {title}"] = f"## {title}\n\n{text.strip()}"
    RESULTS.write_text("\n\n".join([head.strip(), *kept.values()]) + "\n")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first column names what a row is of."""
    lines = [f"| {' | '.join(line)} |" for line in (heads, *rows)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])


def spread(values: Sequence[float]) -> str:
    """Return the median, with the least and the most."""
    middle, low, high = (number(f(values)) for f in (statistics.median, min, max))
    return f"{middle} ({low}–{high})"


def number(value: float) -> str:
    """Return a number with three digits or more."""
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"
