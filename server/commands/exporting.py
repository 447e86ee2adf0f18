"""`hyperdata export`, carried out: asking, watching, fetching, and going on with what was begun."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

import orjson

from server.client.asking import NotUnderstood, input_of
from server.client.connection import Refused, Server
from server.client.download import download
from server.client.estimates import estimate
from server.client.exports import Export, ExportGone, cancel, completed, create, look, manifest
from server.client.parts import Begun, CannotWrite, NotThisPart, Part, part_for, part_of, written
from server.client.progress import follow
from server.client.recipes import input_again, recipe_in
from server.client.statements import ASIDE
from server.commands.endings import DONE, FAILED, INTERRUPTED, refuse, say_json
from server.commands.interrupts import hearing
from server.commands.outcomes import Outcome, tell
from server.commands.repeating import repeated
from server.commands.shown import Shown, shown, yes
from server.errors import ExpectedFailure

_OVER = ("FAILED", "CANCELED", "EXPIRED")


@dataclass(frozen=True)
class Order:
    """What was typed; `selection` holds the arguments of `input_of` that were given."""

    url: str
    key: str
    selection: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reason: str | None = None
    output: Path | None = None
    overwrite: bool = False
    estimate: bool = False
    recipe: Path | None = None
    resume: Path | None = None
    fresh: bool = False


def carry_out(order: Order, *, quiet: bool, as_json: bool) -> int:
    """Do what was ordered; return the exit code."""
    show = shown(quiet=quiet or as_json)
    try:
        if order.estimate:
            return _estimate(order, show, as_json=as_json)
        outcome = Work(order, show).run()
    except ExpectedFailure as failure:
        show.stop()
        return refuse(failure, as_json=as_json)
    show.stop()
    if outcome is None:
        return INTERRUPTED
    if as_json:
        say_json(outcome.as_json())
    elif not quiet:
        tell(outcome)
    same = outcome.repeated is None or outcome.repeated.all_same
    return DONE if same else FAILED


def _estimate(order: Order, show: Shown, *, as_json: bool) -> int:
    with Server(order.url, order.key, show.note) as server:
        found = estimate(server, _asked(order))
    if as_json:
        say_json(found)
    else:
        from server.commands.estimated import tell_estimate

        tell_estimate(found)
    return DONE


def _asked(order: Order) -> dict[str, Any]:
    """Return the input that the order means."""
    if order.recipe is None:
        return input_of(**order.selection)
    if order.selection:
        raise NotUnderstood("--recipe repeats an export as it was: leave the other choices out.")
    recipe, _ = recipe_in(order.recipe)
    return input_again(recipe)


class Work:
    """One order being carried out."""

    def __init__(self, order: Order, show: Shown) -> None:
        self._order = order
        self._show = show
        self._part, self._begun = self._taken_up()
        self._export: Export | None = None

    def run(self) -> Outcome | None:
        """Return what came of it; None if it was interrupted."""
        begun = self._begun
        try:
            with (
                hearing() as look_for_interrupt,
                Server(begun.url, self._order.key, self._show.note) as server,
            ):
                if self._part.folder is None:
                    self._check_place(self._part.path)  # before anything is asked for
                self._export = self._begin(server)
                for export in follow(server, self._export, look_for_interrupt):
                    self._export = export
                    self._show.progress(export)
                self._export = completed(self._export)
                return self._fetch(server, self._export)
        except KeyboardInterrupt:
            self._show.stop()
            self._interrupted()
            return None
        finally:
            self._part.close()

    def _taken_up(self) -> tuple[Part, Begun]:
        """Return the part that the order means, and what it is, begun before or now."""
        order = self._order
        if order.resume is not None:
            part = part_of(order.resume)
            if (begun := part.begun()) is None:
                raise NotThisPart(
                    f"There is no {part.path.name}.part.json beside {part.path}: nothing was begun "
                    "there."
                )
            return part, begun
        recipe = str(order.recipe.resolve()) if order.recipe else None
        asked = _asked(order) | ({"reason": order.reason} if order.reason else {})
        new = Begun(order.url, asked, recipe)
        part = part_for(order.output, new)
        if order.fresh:
            part.forget()
        if (begun := part.begun()) is None:
            return part, new
        if not begun.asks_the_same(new):
            raise NotThisPart(
                f"{part.path.name}.part is of another export. Go on with it by --resume "
                f"'{part.path}', drop it by --fresh, or choose another --output."
            )
        return part, begun

    def _check_place(self, path: Path) -> None:
        if path.exists() and not self._order.overwrite:
            raise CannotWrite(f"{path} is there already: add --overwrite, or choose another name.")

    def _begin(self, server: Server) -> Export:
        """Return the export that was begun, or ask for one; what can be gone on with is kept."""
        begun = self._begun
        if begun.export_id is not None and (export := _standing(server, begun.export_id)):
            return export
        if begun.export_id is not None:
            self._show.note("What was begun before is over on the server: asking anew.")
            begun = Begun(begun.url, begun.input, begun.recipe)
        self._part.note(begun)
        try:
            export = create(server, dict(begun.input), begun.idempotency_key)
        except Refused:
            self._part.forget()
            raise
        begun.export_id = export.id
        self._part.note(begun)
        self._begun = begun
        return export

    def _fetch(self, server: Server, export: Export) -> Outcome:
        part, show = self._part, self._show
        self._check_place(part.target(_safe(export.file_name or "")))
        begun_at: list[int] = []

        def told(done: int, total: int) -> None:
            begun_at.append(done) if not begun_at else None
            show.bytes("Downloading", done, total)

        name = _safe(download(server, export, part, told))
        target = part.target(name)
        aside: Path | None = None
        if export.packaging == "SINGLE_FILE":
            aside = target.with_name(target.name + ASIDE)
            stated = orjson.dumps(manifest(server, export), option=orjson.OPT_INDENT_2)
            with written(aside):
                aside.write_bytes(stated + b"\n")
        before = recipe_in(Path(self._begun.recipe))[1] if self._begun.recipe else None
        target = part.finish(name)
        again = repeated(before, target, show) if before else None
        return Outcome(target, export, aside, begun_at[0] if begun_at else 0, again)

    def _interrupted(self) -> None:
        """Cancel the export, unless a second Ctrl-C, or an answer, leaves it running."""
        export, show = self._export, self._show
        if export is None or export.ended:
            show.note(f"Stopped. {self._how_to_go_on()}")
            return
        try:
            if not show.asks or yes("Cancel the export at the server? Ctrl-C leaves it running."):
                with Server(self._begun.url, self._order.key, show.note) as server:
                    cancel(server, export.id)
                self._part.forget()
                show.note("The export is canceled, and nothing of it is kept.")
                return
        except KeyboardInterrupt:
            pass
        show.note(f"The export goes on at the server. {self._how_to_go_on()}")

    def _how_to_go_on(self) -> str:
        return (
            "Run the same command again to go on with it, or: "
            f"hyperdata export --resume '{self._part.path}'"
        )


def _standing(server: Server, export_id: str) -> Export | None:
    """Return an export that there is still something to expect of."""
    try:
        export = look(server, export_id)
    except (ExportGone, Refused):
        return None
    return None if export.status in _OVER else export


def _safe(name: str) -> str:
    """Return a name that leads nowhere else, whatever the server says."""
    plain = PureWindowsPath(name).name.strip()  # cuts at both kinds of slashes
    return plain if plain not in ("", ".", "..") and "\0" not in plain else "export"
