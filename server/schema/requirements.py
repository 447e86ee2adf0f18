"""What each field requires of who asks: one table, shown in the schema as `@requires`.

It only tells: rights are clauses in statements, scopes are asked for where things are loaded. Tests
hold that this table and what the server does agree, and that no field is without a rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import strawberry
from graphql import GraphQLSchema
from pydantic.alias_generators import to_camel
from strawberry.schema_directive import Location
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from server.access import is_identified_only
from server.records import RecordType
from server.records.participants import PARTICIPANTS
from server.rows import layout_of


@strawberry.enum(description="What one must be allowed, or be, in order to be shown a field.")
class Right(Enum):
    SIGNED_IN = strawberry.enum_value(
        "SIGNED_IN", description="Whoever holds a key, or is signed in."
    )
    RESEARCH = strawberry.enum_value(
        "RESEARCH", description="Holds a researcher's account, or an administrator's."
    )
    VIEW = strawberry.enum_value(
        "VIEW",
        description="May view the data: owns the experiment, or it is shared with them. To all "
        "others it looks as if it did not exist.",
    )
    IDENTIFIED = strawberry.enum_value(
        "IDENTIFIED", description="May see who the participants are; null to all others."
    )
    EXPORT = strawberry.enum_value(
        "EXPORT", description="May take the data away in files; refused to all others."
    )
    OWN = strawberry.enum_value(
        "OWN", description="Asked for it, or made it, themselves; or an administrator."
    )
    PERSONAL = strawberry.enum_value(
        "PERSONAL", description="Their own account's: not even an administrator's."
    )
    SUBJECT = strawberry.enum_value(
        "SUBJECT",
        description="Is the participant whose data it is, in an experiment that lets them look, or "
        "owns the experiment, or is an administrator.",
    )
    MANAGE = strawberry.enum_value(
        "MANAGE", description="Owns the experiment, or is an administrator; null to all others."
    )


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="What a field requires of who asks: a right, and these scopes of an API key.",
)
class Requires:
    right: Right = strawberry.directive_field(name="right")
    scopes: list[str] = strawberry.directive_field(name="scopes")


@dataclass(frozen=True, slots=True)
class Rule:
    """A right, and the scopes that an API key must have besides."""

    right: Right
    scopes: tuple[str, ...] = ()


def _rule(right: Right, *scopes: str) -> Rule:
    return Rule(right, scopes)


_RATINGS = "read:ratings"
_PEOPLE = "read:participants"
_EXPERIMENTS = "read:experiments"
_EXPORT = "export:data"
_KEYS = "admin:api_keys"
_SHARING = "write:experiments"
_ADDING = "write:events"
_DELETING = "delete:experiments"

RULES: Mapping[str, Rule] = {
    "Query.node": _rule(Right.VIEW),
    "Query.nodes": _rule(Right.VIEW),
    "Query.viewer": _rule(Right.SIGNED_IN),
    "Query.rateLimit": _rule(Right.SIGNED_IN),
    "Query.experiments": _rule(Right.VIEW, _EXPERIMENTS),
    "Query.experiment": _rule(Right.VIEW, _EXPERIMENTS),
    "Query.room": _rule(Right.VIEW, _EXPERIMENTS),
    "Query.participant": _rule(Right.VIEW, _PEOPLE),
    "Query.export": _rule(Right.OWN, _EXPORT),
    "Query.exports": _rule(Right.OWN, _EXPORT),
    "Query.exportEstimate": _rule(Right.EXPORT, _EXPORT),
    "Query.exportSchedules": _rule(Right.OWN, _EXPORT),
    "Query.auditLog": _rule(Right.MANAGE, _EXPERIMENTS),
    "Mutation.exportCreate": _rule(Right.EXPORT, _EXPORT),
    "Mutation.exportCancel": _rule(Right.OWN, _EXPORT),
    "Mutation.exportRetry": _rule(Right.OWN, _EXPORT),
    "Mutation.exportDelete": _rule(Right.OWN, _EXPORT),
    "Mutation.exportScheduleCreate": _rule(Right.EXPORT, _EXPORT),
    "Mutation.exportScheduleDelete": _rule(Right.OWN, _EXPORT),
    "Query.userGroups": _rule(Right.OWN, _EXPERIMENTS),
    "Mutation.collaboratorGrant": _rule(Right.MANAGE, _SHARING),
    "Mutation.collaboratorRevoke": _rule(Right.MANAGE, _SHARING),
    "Mutation.experimentTransfer": _rule(Right.MANAGE, _SHARING),
    "Mutation.userGroupCreate": _rule(Right.RESEARCH, _SHARING),
    "Mutation.userGroupUpdate": _rule(Right.OWN, _SHARING),
    "Mutation.userGroupDelete": _rule(Right.OWN, _SHARING),
    "Query.apiKeys": _rule(Right.SIGNED_IN, _KEYS),
    "Mutation.apiKeyCreate": _rule(Right.SIGNED_IN, _KEYS),
    "Mutation.apiKeyRevoke": _rule(Right.PERSONAL, _KEYS),
    "ApiKey.experiments": _rule(Right.PERSONAL, _EXPERIMENTS),
    "Mutation.experimentCreate": _rule(Right.RESEARCH, _SHARING),
    "Mutation.experimentUpdate": _rule(Right.MANAGE, _SHARING),
    "Mutation.experimentArchive": _rule(Right.MANAGE, _SHARING),
    "Mutation.retentionSet": _rule(Right.MANAGE, _SHARING),
    "Query.retentionPreview": _rule(Right.MANAGE, _SHARING),
    "Mutation.roomUpsert": _rule(Right.MANAGE, _ADDING),
    "Mutation.participantUpsert": _rule(Right.MANAGE, _ADDING),
    "Mutation.participantWithdraw": _rule(Right.SUBJECT, _SHARING),
    "Mutation.participantWithdrawalLift": _rule(Right.SUBJECT, _SHARING),
    "Query.quarantine": _rule(Right.MANAGE, _ADDING),
    "Mutation.recordsIngest": _rule(Right.MANAGE, _ADDING),
    "Mutation.quarantineResubmit": _rule(Right.MANAGE, _ADDING),
    "Mutation.quarantineDiscard": _rule(Right.MANAGE, _ADDING),
    "Mutation.recordingUploadCreate": _rule(Right.MANAGE, _ADDING),
    "Query.webhooks": _rule(Right.MANAGE, _SHARING),
    "Mutation.webhookCreate": _rule(Right.MANAGE, _SHARING),
    "Mutation.webhookUpdate": _rule(Right.MANAGE, _SHARING),
    "Mutation.webhookDelete": _rule(Right.MANAGE, _SHARING),
    "Mutation.webhookTest": _rule(Right.MANAGE, _SHARING),
    "Webhook.experiment": _rule(Right.MANAGE, _EXPERIMENTS),
    "Webhook.deliveries": _rule(Right.MANAGE, _SHARING),
    "Query.dataRequests": _rule(Right.SUBJECT, _PEOPLE),
    "Mutation.participantDataRequest": _rule(
        Right.SUBJECT, _PEOPLE, _EXPORT, *dict.fromkeys(each.value.scope for each in RecordType)
    ),
    "Mutation.dataRequestRefuse": _rule(Right.MANAGE, _SHARING),
    "Mutation.participantTokenCreate": _rule(Right.MANAGE, _SHARING),
    "DataRequest.experiment": _rule(Right.SUBJECT, _EXPERIMENTS),
    "DataRequest.downloadUrl": _rule(Right.SUBJECT),
    "Query.erasures": _rule(Right.MANAGE, _EXPERIMENTS),
    "Query.erasure": _rule(Right.MANAGE, _EXPERIMENTS),
    "Query.experimentDeletePreview": _rule(Right.MANAGE, _DELETING),
    "Mutation.participantErase": _rule(Right.MANAGE, _DELETING),
    "Mutation.participantErasureCancel": _rule(Right.MANAGE, _DELETING),
    "Mutation.experimentDelete": _rule(Right.MANAGE, _DELETING),
    "Erasure.requestedBy": _rule(Right.MANAGE),
    "Erasure.participant": _rule(Right.MANAGE, _PEOPLE),
    "Subscription.exportProgress": _rule(Right.OWN, _EXPORT),
    "Subscription.experimentActivity": _rule(Right.VIEW, _EXPERIMENTS, _PEOPLE),
    "Subscription.recordsAdded": _rule(Right.VIEW, _EXPERIMENTS),
    "RecordBatch.records": _rule(Right.VIEW),
    **{
        f"DataScope.{each.name}": _rule(Right.VIEW, each.scope)
        for each in (data_type.value for data_type in RecordType)
    },
    "DataScope.dataSummary": _rule(Right.VIEW),
    "DataScope.quality": _rule(Right.VIEW),
    "QualityReport.issues": _rule(Right.VIEW),
    "QualityIssue.participant": _rule(Right.VIEW, _PEOPLE),
    "DataScope.ratingSeries": _rule(Right.VIEW, _RATINGS),
    "DataScope.continuousRatingColumns": _rule(Right.VIEW, _RATINGS),
    "DataScope.syncWindows": _rule(Right.VIEW, "read:sync"),
    "DataScope.statistics": _rule(Right.VIEW, _RATINGS),
    "DataScope.eventCounts": _rule(Right.VIEW, "read:events"),
    "Experiment.owner": _rule(Right.VIEW),
    "Experiment.access": _rule(Right.VIEW),
    "Experiment.collaborators": _rule(Right.MANAGE, _EXPERIMENTS),
    "Experiment.participantCodes": _rule(Right.MANAGE, _PEOPLE),
    "Experiment.withdrawals": _rule(Right.MANAGE, _PEOPLE),
    "Experiment.auditLog": _rule(Right.MANAGE, _EXPERIMENTS),
    "Experiment.retention": _rule(Right.VIEW),
    "Experiment.legalHold": _rule(Right.MANAGE, _EXPERIMENTS),
    "Experiment.archive": _rule(Right.MANAGE, _EXPERIMENTS),
    "Experiment.roomCount": _rule(Right.VIEW, _EXPERIMENTS),
    "Experiment.participantCount": _rule(Right.VIEW, _PEOPLE),
    "Experiment.rooms": _rule(Right.VIEW, _EXPERIMENTS),
    "Experiment.participants": _rule(Right.VIEW, _PEOPLE),
    "Room.access": _rule(Right.VIEW),
    "Room.alignedRatings": _rule(Right.VIEW, _RATINGS, _PEOPLE),
    "Room.experiment": _rule(Right.VIEW, _EXPERIMENTS),
    "Room.participantCount": _rule(Right.VIEW, _PEOPLE),
    "Room.participants": _rule(Right.VIEW, _PEOPLE),
    "Participant.access": _rule(Right.VIEW),
    "Participant.room": _rule(Right.VIEW, _EXPERIMENTS),
    "Participant.experiment": _rule(Right.VIEW, _EXPERIMENTS),
    "Participant.availableData": _rule(Right.VIEW),
    "Collaborator.user": _rule(Right.MANAGE),
    "Collaborator.group": _rule(Right.MANAGE),
    "Collaborator.grantedBy": _rule(Right.MANAGE),
    "Collaborator.dataTypes": _rule(Right.MANAGE),
    "Withdrawal.dataTypes": _rule(Right.MANAGE),
    "Withdrawal.sealed": _rule(Right.MANAGE),
    "UserGroup.owner": _rule(Right.OWN, _EXPERIMENTS),
    "UserGroup.members": _rule(Right.OWN, _EXPERIMENTS),
    "Recording.downloadUrl": _rule(Right.IDENTIFIED),
    "Export.progress": _rule(Right.OWN),
    "Export.requestedBy": _rule(Right.OWN),
    "Export.schedule": _rule(Right.OWN),
    "Export.downloadUrl": _rule(Right.OWN),
    "Export.manifest": _rule(Right.OWN),
    "ExportSchedule.requestedBy": _rule(Right.OWN),
    "ExportSchedule.exports": _rule(Right.OWN, _EXPORT),
    "Experiment.exports": _rule(Right.OWN, _EXPORT),
}
"""By type and field. What a type's plain columns require is what led to the row."""


def show_requirements(schema: GraphQLSchema) -> None:
    """Mark each field of a schema with what it requires."""
    for type_ in schema.type_map.values():
        definition = type_.extensions.get("strawberry-definition")
        if isinstance(definition, StrawberryObjectDefinition) and not definition.is_input:
            for field in definition.fields:
                if (rule := rule_of(definition, field)) is not None:
                    requires = Requires(right=rule.right, scopes=list(rule.scopes))
                    field.directives = [*field.directives, requires]


def rule_of(definition: StrawberryObjectDefinition, field: StrawberryField) -> Rule | None:
    """Return the rule of a type's field, which may be an interface's; None for a plain column."""
    name = field.graphql_name or to_camel(field.python_name.removesuffix("_"))
    for each in (definition, *definition.interfaces):
        if (rule := RULES.get(f"{each.name}.{name}")) is not None:
            return rule
    return _IDENTIFYING.get((definition.name, field.python_name))


_IDENTIFYING: Mapping[tuple[str, str], Rule] = {
    (listed.model.__name__, name): _rule(Right.IDENTIFIED)
    for listed in (PARTICIPANTS, *(each.value for each in RecordType))
    for name, column in layout_of(listed.model).columns.items()
    if is_identified_only(column)
}
