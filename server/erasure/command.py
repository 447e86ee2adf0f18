"""`hyperdata receipt`: for whoever has the server's secret."""

import json
from pathlib import Path
from typing import cast

from rich.console import Console

from server.erasure.receipts import holds
from server.links import Signer, load_secret
from server.settings import Settings


def verify(settings: Settings, file: Path) -> int:
    """Say whether a receipt is one of ours, unchanged; return what the command ends with."""
    said, wrong = Console(highlight=False), Console(highlight=False, stderr=True)
    try:
        receipt: object = json.loads(file.read_bytes())
    except (OSError, ValueError):
        wrong.print(f"{file} is no receipt: save what `receipt` says as a file.", markup=False)
        return 1
    if not isinstance(receipt, dict) or not holds(
        cast("dict[str, object]", receipt), Signer(load_secret(settings), settings.link_seconds)
    ):
        wrong.print(
            "The receipt does not hold: it was changed, or signed by another server's secret.",
            style="red",
        )
        return 1
    said.print("The receipt holds.")
    return 0
