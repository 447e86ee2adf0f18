"""Who is who in the matrix of rights, and a request for each field of the schema."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_leaf_type,
)

from server.schema import schema
from server.schema.requirements import RULES, Right, Rule

BUILT = build_schema(schema.as_str())

SIGNED_IN = (
    *("participant", "outsider", "viewer", "deidentified", "exporter"),
    *("owner", "administrator"),
)
WHO = ("anonymous", *SIGNED_IN)
"""The kinds of callers: a collaborator may view, export de-identified files, or export all."""

ALLOWED: Mapping[Right, tuple[str, ...]] = {
    Right.SIGNED_IN: SIGNED_IN,
    Right.RESEARCH: SIGNED_IN[1:],
    Right.VIEW: tuple(who for who in SIGNED_IN if who != "outsider"),
    Right.IDENTIFIED: ("participant", "exporter", "owner", "administrator"),
    Right.EXPORT: ("deidentified", "exporter", "owner", "administrator"),
    Right.OWN: ("owner", "administrator"),
    Right.PERSONAL: ("owner",),
    Right.MANAGE: ("owner", "administrator"),
    Right.SUBJECT: ("participant", "owner", "administrator"),
}
"""Who has a right to the experiment of the matrix, which is the owner's."""

BESIDES: Mapping[str, Rule] = {
    "GET /exports/{id}/download": Rule(Right.OWN),
    "GET /recordings/{id}/media": Rule(Right.IDENTIFIED),
    "PUT /recordings/{id}/upload": Rule(Right.MANAGE),
    "GET /data-requests/{id}/package": Rule(Right.SUBJECT),
    "the export worker": Rule(Right.EXPORT),
}
"""What is no field: links, by whose they are, and what is written for whoever asked for it."""

LEVELS = ("Experiment", "Room", "Participant")


@dataclass(frozen=True)
class Case:
    """A field of a type, the rule that it has, and a request for it.

    `way` are the names under which its value lies in an answer: the last is the field's own.
    """

    name: str
    rule: Rule
    kind: str
    document: str
    way: tuple[str | int, ...]
    scopes: frozenset[str]


ASKED_FOR: Mapping[str, tuple[str, ...]] = {
    "node": ("read:experiments",),
    "nodes": ("read:experiments",),
    "dataSummary": ("read:events",),
    "availableData": ("read:events",),
    "recordsAdded": ("read:events",),
    **dict.fromkeys(
        ("exportEstimate", "exportCreate", "exportRetry", "exportScheduleCreate"), ("read:events",)
    ),
}
"""The scopes of what the requests here ask these fields for: all of them ask for events."""

_WAYS: Mapping[str, tuple[str, str, tuple[str | int, ...], tuple[str, ...]]] = {
    "Experiment": (
        "experiment(experimentId: $experimentId) {",
        "}",
        ("experiment",),
        ("read:experiments",),
    ),
    "Room": ("room(roomId: $roomId) {", "}", ("room",), ("read:experiments",)),
    "Participant": (
        "participant(roomId: $roomId, participantId: $participantId) {",
        "}",
        ("participant",),
        ("read:participants",),
    ),
    "QualityReport": (
        "experiment(experimentId: $experimentId) { quality {",
        "} }",
        ("experiment", "quality"),
        ("read:experiments", "read:participants"),
    ),
    "QualityIssue": (
        "experiment(experimentId: $experimentId) { quality { issues {",
        "} } }",
        ("experiment", "quality", "issues", 0),
        ("read:experiments", "read:participants"),
    ),
    "Recording": (
        "participant(roomId: $roomId, participantId: $participantId) { recordings { nodes {",
        "} } }",
        ("participant", "recordings", "nodes", 0),
        ("read:participants", "read:recordings"),
    ),
    "RecordBatch": (
        "recordsAdded(roomId: $roomId, dataType: EVENTS) {",
        "}",
        ("recordsAdded",),
        ("read:experiments", "read:events"),
    ),
    "Export": ("export(id: $exportId) {", "}", ("export",), ("export:data",)),
    "Collaborator": (
        "node(id: $collaboratorId) { ... on Collaborator {",
        "} }",
        ("node",),
        ("read:experiments",),
    ),
    "Collaborator.group": (
        "node(id: $groupGrantId) { ... on Collaborator {",
        "} }",
        ("node",),
        ("read:experiments",),
    ),
    "ApiKey": ("node(id: $keyId) { ... on ApiKey {", "} }", ("node",), ("admin:api_keys",)),
    "Erasure": ("erasure(id: $erasureId) {", "}", ("erasure",), ("read:experiments",)),
    "UserGroup": (
        "node(id: $groupId) { ... on UserGroup {",
        "} }",
        ("node",),
        ("read:experiments",),
    ),
    "Withdrawal": (
        "node(id: $sealedId) { ... on Withdrawal {",
        "} }",
        ("node",),
        ("read:participants",),
    ),
    "DataRequest": (
        "node(id: $requestId) { ... on DataRequest {",
        "} }",
        ("node",),
        ("read:participants",),
    ),
    "Webhook": (
        "node(id: $webhookId) { ... on Webhook {",
        "} }",
        ("node",),
        ("write:experiments",),
    ),
    "ExportSchedule": (
        "node(id: $scheduleId) { ... on ExportSchedule {",
        "} }",
        ("node",),
        ("export:data",),
    ),
}
"""How a request comes to a value of a type, and the scopes that this takes."""


TOLD_OF = ("RecordBatch",)
"""The types to which only a subscription leads."""


def cases() -> Iterator[Case]:
    """Yield a request for each field that has a rule; a level's field at each of the levels."""
    for name, rule in RULES.items():
        type_name, field = name.split(".")
        for shown in LEVELS if type_name == "DataScope" else (type_name,):
            yield _case(shown, field, rule)


def _case(type_name: str, field: str, rule: Rule) -> Case:
    kind = type_name.lower() if type_name in ("Query", "Mutation", "Subscription") else "query"
    if type_name in TOLD_OF:
        kind = "subscription"
    nowhere = "", "", (), ()
    head, tail, way, scopes = _WAYS.get(f"{type_name}.{field}", _WAYS.get(type_name, nowhere))
    asked = _field(type_name, field)
    document = f"{kind} {_declared(head + asked)} {{ {head} {asked} {tail} }}"
    name = f"{type_name}.{field}"
    needed = frozenset((*rule.scopes, *scopes, *ASKED_FOR.get(name.split(".")[1], ())))
    return Case(name, rule, kind, document, (*way, field), needed)


ARGUMENTS: Mapping[str, str] = {
    "experimentId": "$experimentId",
    "roomId": "$roomId",
    "participantId": "$participantId",
    "ids": "[$experimentNode]",
    "windowMs": "1000",
    "groupBy": "[COMPONENT]",
    "by": "TYPE",
    "everyMs": "100",
    "componentId": '"cmp"',
    "rule": "HOLD",
    "maxGapMs": "1000",
    "dataSummary.dataTypes": "[EVENTS]",
    "recordsAdded.dataType": "EVENTS",
    "node.id": "$experimentNode",
    "exportEstimate.input": "$exportInput",
    "exportCreate.input": "$exportInput",
    "exportScheduleCreate.input": "$scheduleInput",
    "exportScheduleDelete.id": "$scheduleId",
    "collaboratorGrant.input": "$collaboratorInput",
    "collaboratorRevoke.id": "$collaboratorId",
    "userGroupCreate.input": "$groupInput",
    "userGroupUpdate.input": '{name: "Lab B"}',
    "userGroupUpdate.id": "$groupId",
    "userGroupDelete.id": "$groupId",
    "apiKeyCreate.input": '{name: "R", scopes: ["admin:api_keys"]}',
    "apiKeyRevoke.id": "$keyId",
    "experimentCreate.input": '{name: "E"}',
    "experimentUpdate.input": '{name: "E"}',
    "experimentUpdate.id": "$experimentNode",
    "experimentArchive.id": "$experimentNode",
    "roomUpsert.input": "{experimentId: $experimentId, roomId: $newRoomId}",
    "participantUpsert.input": "{roomId: $roomId, participantId: $participantId}",
    "participantWithdraw.input": "{experimentId: $experimentId, participantId: $participantId, "
    'from: "2999-01-01T00:00:00.000Z"}',
    "participantWithdrawalLift.id": "$withdrawalId",
    "retentionSet.input": "{reminderDays: 14}",
    "recordsIngest.input": "{records: [$record]}",
    "quarantineResubmit.items": "[{id: $quarantinedId}]",
    "quarantineDiscard.ids": "[$quarantinedId]",
    "recordingUploadCreate.input": "{experimentId: $experimentId, recordingId: $recordingId, "
    'fileName: "a.webm", fileSize: 10}',
    "webhooks.experimentId": "$experimentId",
    "webhookCreate.input": '{url: "https://example.org/", events: [EXPORT_FINISHED], '
    "experimentId: $experimentId}",
    "webhookUpdate.id": "$webhookId",
    "webhookUpdate.input": "{enabled: true}",
    "webhookDelete.id": "$webhookId",
    "webhookTest.id": "$webhookId",
    "dataRequests.experimentId": "$experimentId",
    "participantDataRequest.input": "{experimentId: $experimentId, participantId: $participantId}",
    "dataRequestRefuse.input": '{id: $requestId, reason: "R"}',
    "participantTokenCreate.input": "{experimentId: $experimentId, participantId: $participantId}",
    "erasure.id": "$erasureId",
    "participantErasureCancel.id": "$erasureId",
    "participantErase.input": "{experimentId: $experimentId, participantId: $participantId}",
    "experimentDelete.id": "$experimentNode",
    "experimentDelete.confirm": "$confirmation",
    "experimentDeletePreview.id": "$experimentNode",
    "userId": "$spareId",
    "id": "$exportId",
}
"""What is given for each argument that must be: by the field, or else by its name alone."""

VARIABLES: Mapping[str, str] = {
    "experimentId": "String!",
    "roomId": "String!",
    "participantId": "String!",
    "experimentNode": "ID!",
    "exportId": "ID!",
    "scheduleId": "ID!",
    "exportInput": "ExportInput!",
    "scheduleInput": "ExportScheduleInput!",
    "spareId": "String!",
    "collaboratorId": "ID!",
    "groupGrantId": "ID!",
    "groupId": "ID!",
    "keyId": "ID!",
    "collaboratorInput": "CollaboratorInput!",
    "groupInput": "UserGroupInput!",
    "newRoomId": "String!",
    "record": "JSON!",
    "quarantinedId": "ID!",
    "recordingId": "String!",
    "withdrawalId": "ID!",
    "sealedId": "ID!",
    "webhookId": "ID!",
    "requestId": "ID!",
    "erasureId": "ID!",
    "confirmation": "String!",
}


def _field(type_name: str, field: str) -> str:
    type_ = BUILT.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
    declared = type_.fields[field]
    given = [
        f"{argument}: {ARGUMENTS.get(f'{field}.{argument}') or ARGUMENTS[argument]}"
        for argument, each in declared.args.items()
        if f"{field}.{argument}" in ARGUMENTS
        or (
            isinstance(each.type, GraphQLNonNull)
            and each.ast_node is not None
            and each.ast_node.default_value is None
        )
    ]
    arguments = f"({', '.join(given)})" if given else ""
    return f"{field}{arguments}{_inside(get_named_type(declared.type))}"


def _inside(shown: Any) -> str:
    if is_leaf_type(shown):
        return ""
    told = [f" {name} {{ {what} }}" for name, what in _TOLD.items() if name in shown.fields]
    return f" {{ __typename{''.join(told)} }}"


_TOLD = {"userErrors": "code", "refused": "code", "nodes": "__typename"}


def _declared(text: str) -> str:
    names = sorted(set(re.findall(r"\$(\w+)", text)))
    return f"({', '.join(f'${name}: {VARIABLES[name]}' for name in names)})" if names else ""


def table() -> str:
    """Return who is shown what, as Markdown: the table of docs/rights.md."""
    lines = [
        f"| | scopes | {' | '.join(WHO)} |",
        f"|---|---|{'---|' * len(WHO)}",
    ]
    for name, rule in {**RULES, **BESIDES}.items():
        marks = " | ".join("yes" if who in ALLOWED[rule.right] else "" for who in WHO)
        scopes = " ".join(f"`{scope}`" for scope in rule.scopes)
        lines.append(f"| `{name}` | {scopes} | {marks} |")
    return "\n".join(lines) + "\n"
