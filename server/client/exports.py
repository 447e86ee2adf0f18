"""Exports as the API shows them: asking for one, looking at it, having it stopped."""

from dataclasses import dataclass
from typing import Any, cast

from server.client.connection import Refused, Server, ServerSaid
from server.errors import ExpectedFailure

_FIELDS = """
  id status format packaging anonymization snapshotAt fileName fileSize sha256
  errorCode errorMessage progress { percent completedRows totalRows message }
"""
_CREATE = (
    "mutation($input: ExportInput!) { exportCreate(input: $input) "
    f"{{ userErrors {{ code message }} export {{ {_FIELDS} }} }} }}"
)
_CANCEL = (
    "mutation($id: ID!) { exportCancel(id: $id) "
    "{ userErrors { code message } export { id status } } }"
)
_EXPORT = f"query($id: ID!) {{ export(id: $id) {{ {_FIELDS} downloadUrl }} }}"
PROGRESS = f"subscription($id: ID!) {{ exportProgress(id: $id) {{ {_FIELDS} }} }}"

_MANIFEST = """query($id: ID!) { export(id: $id) { manifest { %s
  files { path dataType rowCount bytes sha256 }
  ledger { dataType selected written withheld { reason count } } } } }"""
_TYPE = "query($name: String!) { __type(name: $name) { fields { name } } }"

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELED", "EXPIRED"})


class ExportFailed(ServerSaid):
    """The server could not write the file."""

    code = "EXPORT_FAILED"


class ExportStopped(ExpectedFailure):
    """Somebody canceled it."""

    code = "EXPORT_CANCELED"


class ExportGone(ExpectedFailure):
    """Its file was deleted on the server, or the export was."""

    code = "EXPORT_GONE"


@dataclass(frozen=True)
class Export:
    """An export as it stands; rows of rows, and a size in bytes once it is COMPLETED."""

    id: str
    status: str
    format: str
    packaging: str
    anonymization: str
    snapshot_at: str | None
    file_name: str | None
    file_size: int | None
    sha256: str | None
    error_code: str | None
    error_message: str | None
    percent: float
    rows: int
    total_rows: int | None
    message: str
    download_url: str | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED


def export_of(shown: dict[str, Any]) -> Export:
    """Return what the API shows, as an export."""
    size, progress = shown["fileSize"], shown["progress"]
    return Export(
        id=shown["id"],
        status=shown["status"],
        format=shown["format"],
        packaging=shown["packaging"],
        anonymization=shown["anonymization"],
        snapshot_at=shown["snapshotAt"],
        file_name=shown["fileName"],
        file_size=None if size is None else int(size),  # a BigInt may come as text
        sha256=shown["sha256"],
        error_code=shown["errorCode"],
        error_message=shown["errorMessage"],
        percent=progress["percent"],
        rows=progress["completedRows"],
        total_rows=progress["totalRows"],
        message=progress["message"],
        download_url=shown.get("downloadUrl"),
    )


def create(server: Server, asked: dict[str, Any], idempotency_key: str) -> Export:
    """Ask for an export; the same key gives the same export, however often it is asked for."""
    wanted = {**asked, "idempotencyKey": idempotency_key}
    return export_of(server.change("exportCreate", _CREATE, input=wanted)["export"])


def look(server: Server, export_id: str) -> Export:
    """Return an export as it stands; ExportGone if there is none any more."""
    shown = server.ask(_EXPORT, id=export_id)["export"]
    if shown is None:
        raise ExportGone("The export is not there any more, or is not yours: ask for it again.")
    return export_of(shown)


def cancel(server: Server, export_id: str) -> None:
    """Have an export stopped, unless it has ended."""
    try:
        server.change("exportCancel", _CANCEL, id=export_id)
    except Refused as refusal:
        if refusal.server_code != "ALREADY_FINISHED":
            raise


def completed(export: Export) -> Export:
    """Return an export that has its file; raise why it has none."""
    match export.status:
        case "COMPLETED":
            return export
        case "FAILED":
            why = export.error_message or "The server gives no reason: tell the operator."
            raise ExportFailed(export.error_code or "INTERNAL", why)
        case "CANCELED":
            raise ExportStopped("The export was canceled. Run the command again to start anew.")
        case _:
            raise ExportGone(
                "The server deleted the file when its time was over: run the command again to "
                "export anew."
            )


def manifest(server: Server, export: Export) -> dict[str, Any]:
    """Return what a single file holds, in the form that a ZIP's `metadata.json` has."""
    known = server.ask(_TYPE, name="ExportManifest")["__type"]["fields"]
    recipe = "recipe" if any(field["name"] == "recipe" for field in known) else ""
    shown = cast("dict[str, Any]", server.ask(_MANIFEST % recipe, id=export.id)["export"])
    held: dict[str, Any] = shown["manifest"] or {}
    for file in held.get("files", ()):
        file["bytes"] = int(file["bytes"])  # a BigInt may come as text
    return {
        "formatVersion": 1,
        "snapshotAt": export.snapshot_at,
        "anonymization": export.anonymization,
        "format": export.format,
        "packaging": export.packaging,
        **held,
    }
