"""Who may see what, as SQL clauses: what one may not see looks as if it did not exist."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    false,
    not_,
    select,
    true,
)
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col

from server.errors import Forbidden
from server.key_lists import among, keys
from server.records.collaborators import Collaborator
from server.records.experiments import Experiment
from server.records.export_schedules import ScheduledExperiment
from server.records.exports import ExportedExperiment
from server.records.participants import Participant
from server.records.users import UserRole
from server.rows import TableLayout

LEVELS = ("participant", "room", "experiment")
"""Where rows belong, the closest first."""

_DRAWN_ON: Mapping[str, tuple[Mapped[int], Mapped[int]]] = {
    "export": (col(ExportedExperiment.export_key), col(ExportedExperiment.experiment_key)),
    "schedule": (
        col(ScheduledExperiment.schedule_key),
        col(ScheduledExperiment.experiment_key),
    ),
}
"""Where it is kept which experiments an export, or a schedule, draws on."""

_Experiment = aliased(Experiment)  # so that a clause never means the rows of the statement it is in
_Participant = aliased(Participant)


@dataclass(frozen=True)
class Actor:
    """Who is asking, and how far their API key narrows what they may do.

    `scopes` are the key's; `experiment_keys` is None for a key that is not bound to experiments.
    """

    user_key: int
    role: UserRole
    participant_id: str | None
    scopes: frozenset[str]
    experiment_keys: frozenset[int] | None = None

    @cached_property
    def kind(self) -> tuple[UserRole, bool]:
        """What the text of the clauses depends on: all else is parameters."""
        return self.role, self.experiment_keys is not None

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters of the clauses, for statements that are prepared for any actor."""
        return {
            "actor_key": self.user_key,
            "actor_participant_id": self.participant_id,
            "actor_experiment_keys": tuple(self.experiment_keys or ()),
        }

    def may(self, scope: str) -> bool:
        """Say whether the key allows `scope`, such as `read:events`."""
        if "*" in self.scopes or scope in self.scopes:
            return True
        verb = scope.partition(":")[0]
        return f"{verb}:*" in self.scopes

    def require(self, *scopes: str) -> None:
        """Raise Forbidden unless the key allows every one of the scopes."""
        if missing := [scope for scope in scopes if not self.may(scope)]:
            raise Forbidden(
                f"This API key lacks {', '.join(f'`{scope}`' for scope in missing)}: "
                "use a key with that scope."
            )

    def sees(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the rows of a table that the actor may see."""
        experiment = key_of(layout, "experiment")
        clauses = [self.sees_within(layout)]
        if self.role is UserRole.RESEARCHER:
            clauses.append(experiment.in_(self._owned().union_all(self._shared())))
        if self.experiment_keys is not None:
            clauses.append(among(experiment, self._experiment_keys))
        return and_(*clauses)

    def sees_within(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return what is still to be asked of rows whose parent the actor is known to see."""
        if self.role is not UserRole.PARTICIPANT:
            return true()
        level = next((level for level in LEVELS if _has(layout, level)), None)
        return true() if level is None else key_of(layout, level).in_(self._own(level))

    def sees_exports(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the exports, or schedules, that the actor may see: theirs.

        A key that is bound to experiments sees none that draws on another.
        """
        clauses: list[ColumnElement[bool]] = [true()]
        if self.role is not UserRole.ADMINISTRATOR:
            clauses.append(layout.columns["requested_by_key"] == self._key)
        if self.experiment_keys is not None:
            owner, experiment = _DRAWN_ON[layout.level]
            beyond = select(owner).where(not_(among(experiment, self._experiment_keys)))
            clauses.append(layout.columns["key"].not_in(beyond))
        return and_(*clauses)

    def may_export(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the rows that the actor may also take away."""
        if self.role is UserRole.PARTICIPANT:
            return false()
        if self.role is UserRole.ADMINISTRATOR:
            return self.sees(layout)
        granted = self._shared().where(col(Collaborator.can_export))
        exportable = key_of(layout, "experiment").in_(self._owned().union_all(granted))
        return and_(self.sees(layout), exportable)

    def owns(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the rows of which the actor may know who is meant.

        Those of their own experiments; an administrator's are all.
        """
        if self.role is UserRole.PARTICIPANT:
            return false()
        if self.role is UserRole.ADMINISTRATOR:
            return self.sees(layout)
        return and_(self.sees(layout), key_of(layout, "experiment").in_(self._owned()))

    @property
    def _key(self) -> BindParameter[int]:
        return bindparam("actor_key", self.user_key)

    @property
    def _experiment_keys(self) -> BindParameter[Any]:
        return keys("actor_experiment_keys", tuple(self.experiment_keys or ()))

    def _owned(self) -> Select[int | None]:
        return select(col(_Experiment.id)).where(col(_Experiment.owner_key) == self._key)

    def _shared(self) -> Select[int]:
        return select(col(Collaborator.experiment_key)).where(
            col(Collaborator.user_key) == self._key
        )

    def _own(self, level: str) -> Select[Any]:
        """Select the keys of the participant's own rows, in experiments that let them look."""
        key = "id" if level == "participant" else f"{level}_key"
        return (
            select(col(getattr(_Participant, key)))
            .join(_Experiment, col(_Experiment.id) == col(_Participant.experiment_key))
            .where(
                col(_Participant.participant_id)
                == bindparam("actor_participant_id", self.participant_id),
                col(_Experiment.participants_may_request_data),
            )
        )


def _has(layout: TableLayout, level: str) -> bool:
    return layout.level == level or f"{level}_key" in layout.columns


def key_of(layout: TableLayout, level: str) -> ColumnElement[Any]:
    """Return the column that tells to which row of a level a row belongs."""
    return layout.columns["key" if layout.level == level else f"{level}_key"]
