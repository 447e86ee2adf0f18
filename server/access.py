"""Who may see what, as SQL clauses: what one may not see looks as if it did not exist."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    false,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col

from server.errors import Forbidden
from server.grants import (
    allows,
    covers,
    groups_with,
    is_of,
    lets_export,
    shared_with,
    told_of,
)
from server.key_lists import among, keys, listed
from server.records import RecordType
from server.records.experiments import Experiment
from server.records.export_schedules import ScheduledExperiment
from server.records.exports import Anonymization, ExportedExperiment
from server.records.participants import Participant, Pseudonym
from server.records.sealed import SealedParticipant
from server.records.users import UserRole
from server.rows import TableLayout
from server.timestamps import Timestamp, now

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

TYPE_OF: Mapping[type[Any], RecordType] = {each.value.model: each for each in RecordType}
"""The data type whose records a table holds."""

_Experiment = aliased(Experiment)  # so that a clause never means the rows of the statement it is in
_Participant = aliased(Participant)


@dataclass(frozen=True)
class Actor:
    """Who is asking, and how far their API key narrows what they may do.

    scopes           the key's
    experiment_keys  the only ones that the key is for; None for a key that is not so bound
    narrowed         whether anything is shared with them of which some data types are left out
    ends_at          when the key stops working; None for never
    at               the moment for which rights are asked: what ends before does not count
    user_id          public id of the account, and
    api_key          how the API key begins that is in use: for the audit log alone
    """

    user_key: int
    role: UserRole
    participant_id: str | None
    scopes: frozenset[str]
    experiment_keys: frozenset[int] | None = None
    narrowed: bool = False
    ends_at: Timestamp | None = None
    at: Timestamp = field(default_factory=now, compare=False)
    user_id: str | None = field(default=None, compare=False)
    api_key: str | None = field(default=None, compare=False)

    @cached_property
    def kind(self) -> tuple[UserRole, bool, bool]:
        """What the text of the clauses depends on: all else is parameters."""
        return self.role, self.experiment_keys is not None, self.narrowed

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters of the clauses, for statements that are prepared for any actor."""
        return {
            "actor_key": self.user_key,
            "actor_participant_id": self.participant_id,
            "actor_experiment_keys": tuple(self.experiment_keys or ()),
            "actor_at": self.at,
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
            clauses.append(self._owned_or(layout, self._shared()))
        if self.experiment_keys is not None:
            clauses.append(among(experiment, self._experiment_keys))
        return and_(*clauses)

    def sees_within(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return what is still to be asked of rows whose parent the actor is known to see."""
        if layout.model is Pseudonym:
            return _is_not_sealed(layout)  # whose code is kept: it must be nobody else's
        if self.role is UserRole.PARTICIPANT:
            level = next((level for level in LEVELS if _has(layout, level)), None)
            return true() if level is None else key_of(layout, level).in_(self._own(level))
        if self.role is UserRole.ADMINISTRATOR or not self.narrowed:
            return true()
        if (data_type := TYPE_OF.get(layout.model)) is not None:
            return self.sees_type(layout, data_type)
        if (named := layout.columns.get("data_type")) is None:
            return true()
        experiment = key_of(layout, "experiment")
        shared = self._shared().where(is_of(experiment), covers(named))
        return or_(experiment.in_(self._owned()), exists(shared.correlate(layout.model)))

    def sees_type(self, layout: TableLayout, data_type: RecordType) -> ColumnElement[bool]:
        """Return the clause that keeps, of rows that are seen, those whose records of a type are.

        A participant sees some of them: their own.
        """
        if self.role is not UserRole.RESEARCHER or not self.narrowed:
            return true()
        return self._owned_or(layout, self._shared().where(covers(data_type)))

    def shown(self, layout: TableLayout) -> list[ColumnElement[Any]]:
        """Return a layout's columns as the actor may see them: null where they tell too much."""
        if self.role is not UserRole.RESEARCHER:
            return list(layout.selected)
        return [
            case((self.identified(layout), layout.columns[name])).label(name)
            if is_identified_only(layout.columns[name])
            else shown
            for name, shown in zip(layout.place, layout.selected, strict=True)
        ]

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

    def may_export(
        self,
        layout: TableLayout,
        types: Collection[RecordType] = (),
        anonymization: Anonymization | None = None,
    ) -> ColumnElement[bool]:
        """Return the clause that keeps the rows that the actor may also take away.

        Of these data types, if any are named, and in files of that level, if one is named.
        """
        if self.role is UserRole.PARTICIPANT:
            return false()
        if self.role is UserRole.ADMINISTRATOR:
            return self.sees(layout)
        granted = self._shared().where(lets_export())
        if anonymization is not None:
            granted = granted.where(allows(anonymization))
        grants = [granted.where(covers(each)) for each in types] or [granted]
        return and_(self.sees(layout), *(self._owned_or(layout, each) for each in grants))

    def identified(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the rows of which the actor may see all that identifies."""
        if self.role is not UserRole.RESEARCHER:
            return true()  # participants see no rows but their own
        granted = self._shared().where(allows(Anonymization.KEEP))
        return self._owned_or(layout, granted)

    def owns(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the rows of which the actor may know who is meant.

        Those of their own experiments; an administrator's are all, of no experiment too.
        """
        if self.role is UserRole.PARTICIPANT:
            return false()
        if self.role is UserRole.ADMINISTRATOR:
            return self.sees(layout)
        return and_(self.sees(layout), key_of(layout, "experiment").in_(self._owned()))

    def is_beside(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the rows of the experiments in which a participant may look.

        Those of everybody: whom they must not be told of.
        """
        return key_of(layout, "experiment").in_(self._own("experiment"))

    def sees_quarantined(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the records in quarantine that the actor may see.

        Those for their own experiments and, of those for none that is known, what they sent.
        """
        mine = layout.columns["sender_key"] == self._key
        placeless = and_(layout.columns["experiment_key"].is_(None), mine)
        if self.experiment_keys is not None:
            return self.owns(layout)  # what is of none may be for any
        return or_(self.owns(layout), placeless)

    def sees_webhooks(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the webhooks of the actor's experiments and account.

        A key that is bound to experiments sees none of the account's: they tell of any.
        """
        if self.role is UserRole.PARTICIPANT:
            return false()
        mine = layout.columns["user_key"] == self._key
        of_account = and_(layout.columns["experiment_key"].is_(None), mine)
        if self.experiment_keys is not None:
            return self.owns(layout)
        return or_(self.owns(layout), of_account)

    def sees_data_requests(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps requests for data: to the actor's experiments, or their own.

        A participant's are seen as long as the experiment lets them look.
        """
        if self.role is not UserRole.PARTICIPANT:
            return self.owns(layout)
        theirs = layout.columns["participant_id"] == bindparam(
            "actor_participant_id", self.participant_id
        )
        return and_(theirs, self.is_beside(layout))

    def sees_erasures(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the erasures that the actor may see.

        Those of their own experiments and, of those that are gone, the ones they asked for.
        """
        experiment = layout.columns["experiment_key"]
        clauses: list[ColumnElement[bool]] = [true()]
        if self.role is UserRole.PARTICIPANT:
            return false()
        if self.role is not UserRole.ADMINISTRATOR:
            asked = layout.columns["requested_by_key"] == self._key
            gone = experiment.not_in(select(col(_Experiment.id)))
            clauses.append(or_(experiment.in_(self._owned()), and_(asked, gone)))
        if self.experiment_keys is not None:
            clauses.append(among(experiment, self._experiment_keys))
        return and_(*clauses)

    def sees_groups(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the groups that the actor owns or is in.

        A key that is bound to experiments sees none: a group may be for any.
        """
        if self.experiment_keys is not None:
            return false()
        if self.role is UserRole.ADMINISTRATOR:
            return true()
        member = layout.columns["key"].in_(groups_with(self._key))
        return or_(layout.columns["owner_key"] == self._key, member)

    def owns_groups(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the groups of which the actor says who is in them."""
        if self.experiment_keys is not None or self.role is UserRole.PARTICIPANT:
            return false()
        if self.role is UserRole.ADMINISTRATOR:
            return true()
        return layout.columns["owner_key"] == self._key

    def grants(self) -> Select[*tuple[Any, ...]]:
        """Select what is granted to the actor, as `told_of`."""
        return told_of(self._shared())

    def holds(self, layout: TableLayout) -> ColumnElement[bool]:
        """Return the clause that keeps the API keys of the actor's account: nobody else's.

        A key that is bound to experiments sees those that are bound to none but some of these.
        """
        theirs = layout.columns["user_key"] == self._key
        if self.experiment_keys is None:
            return theirs
        bound = listed(layout.columns["experiment_keys"])
        beyond = select(bound.c.value).where(not_(among(bound.c.value, self._experiment_keys)))
        return and_(
            theirs,
            layout.columns["experiment_keys"].is_not(None),
            not_(exists(beyond.correlate(layout.model))),
        )

    @property
    def _key(self) -> BindParameter[int]:
        return bindparam("actor_key", self.user_key)

    @property
    def _experiment_keys(self) -> BindParameter[Any]:
        return keys("actor_experiment_keys", tuple(self.experiment_keys or ()))

    def _owned(self) -> Select[int | None]:
        return select(col(_Experiment.id)).where(col(_Experiment.owner_key) == self._key)

    def _shared(self) -> Select[int]:
        return shared_with(self._key, bindparam("actor_at", self.at))

    def _owned_or(self, layout: TableLayout, granted: Select[int]) -> ColumnElement[bool]:
        return key_of(layout, "experiment").in_(self._owned().union_all(granted))

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


def _is_not_sealed(layout: TableLayout) -> ColumnElement[bool]:
    """Return the clause that leaves out who has withdrawn, of a list of codes."""
    sealed = select(col(SealedParticipant.id)).where(
        col(SealedParticipant.experiment_key) == layout.columns["experiment_key"],
        col(SealedParticipant.participant_id) == layout.columns["participant_id"],
    )
    return not_(exists(sealed.correlate(layout.model)))


def _has(layout: TableLayout, level: str) -> bool:
    return layout.level == level or f"{level}_key" in layout.columns


def key_of(layout: TableLayout, level: str) -> ColumnElement[Any]:
    """Return the column that tells to which row of a level a row belongs."""
    return layout.columns["key" if layout.level == level else f"{level}_key"]


def is_identified_only(column: ColumnElement[Any]) -> bool:
    """Say whether a column is for those alone who may see identified data."""
    return bool(getattr(column, "info", {}).get("identified_only"))
