"""Sharing experiments, taking back what is shared, and giving experiments to another owner."""

from typing import Annotated, Any

import strawberry

from server.resolvers import sharing
from server.schema.collaborators import Collaborator, CollaboratorInput
from server.schema.deleting import DeletePayload
from server.schema.experiments import Experiment
from server.schema.info import Info
from server.schema.user_errors import UserError, UserErrors

ExperimentId = Annotated[
    str, strawberry.argument(description="Public id of the experiment, `exp_…`.")
]


@strawberry.type(description="What is shared, or why nothing is.")
class CollaboratorPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    collaborator: Collaborator | None = strawberry.field(
        default=None, description="What is shared now."
    )


@strawberry.type(description="An experiment, or why it was left as it is.")
class ExperimentPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    experiment: Experiment | None = strawberry.field(
        default=None, description="The experiment; null if the caller no longer sees it."
    )


@strawberry.type
class SharingMutation:
    @strawberry.mutation(
        description="Share an experiment with an account or a group; if it is shared with them "
        "already, change what is shared, as a whole. For its owner and administrators; needs the "
        "scope `write:experiments`.",
        extensions=[UserErrors(CollaboratorPayload)],
    )
    async def collaborator_grant(
        self,
        info: Info,
        experiment_id: ExperimentId,
        input: Annotated[
            CollaboratorInput, strawberry.argument(description="What to share, with whom.")
        ],
    ) -> CollaboratorPayload:
        row: Any = await sharing.grant(info.context, experiment_id, input.sharing())
        return CollaboratorPayload(collaborator=row)

    @strawberry.mutation(
        description="Take back what is shared, at once. For the experiment's owner and "
        "administrators; needs the scope `write:experiments`.",
        extensions=[UserErrors(DeletePayload)],
    )
    async def collaborator_revoke(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The collaborator's global id.")
        ],
    ) -> DeletePayload:
        await sharing.revoke(info.context, id)
        return DeletePayload(deleted_id=id)

    @strawberry.mutation(
        description="Give an experiment to another owner. The one before keeps no right of their "
        "own, so that their schedules of it no longer export. For its owner and administrators; "
        "needs the scope `write:experiments`.",
        extensions=[UserErrors(ExperimentPayload)],
    )
    async def experiment_transfer(
        self,
        info: Info,
        experiment_id: ExperimentId,
        user_id: Annotated[
            str,
            strawberry.argument(description="Whose it will be: a researcher's account, `usr_…`."),
        ],
        *,
        keep_access: Annotated[
            bool,
            strawberry.argument(
                description="Share it with the owner before: all of it, to view and to export."
            ),
        ] = False,
    ) -> ExperimentPayload:
        row: Any = await sharing.transfer(
            info.context, experiment_id, user_id, keep_access=keep_access
        )
        return ExperimentPayload(experiment=row)
