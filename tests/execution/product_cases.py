"""Documents for the server itself: all its lists and whatever lies beside them.

A variable of the name of one of `Twins.ids` is given that id; others are in `FLAGS`.
"""

from collections.abc import Mapping

from server.records import RecordType

SEVEN = [kind.value.name for kind in RecordType]
EACH = " ".join(f"{name}(first: 2) {{ ...On{name} }}" for name in SEVEN)
PAGES = " ".join(
    f"""fragment On{kind.value.name} on {kind.value.model.__name__}Connection {{ totalCount
    edges {{ cursor node {{ id timestamp __typename }} }} nodes {{ roomId onset participantId }}
    pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}"""
    for kind in RecordType
)
SUMMARY = "dataSummary { dataType recordCount firstTimestamp lastTimestamp }"
QUALITY = """quality { __typename completeness truncated issues { code severity dataType message
  firstAt participant { participantId room { roomId } } } }
  dataSummary { expectedCount completeness }"""

FLAGS = ("a", "b")

ONE_AT_FAULT = (
    "a bad cursor beside good ones",
    "pages that cannot be",
    "an error beside the list",
    "skipped arguments and lists",
)
"""Documents of which each null has one cause for who may see all, so that it must be told."""

DOCUMENTS: Mapping[str, str] = {
    "seven lists at three levels": f"""query($experiment: ID!, $room: ID!, $participant: ID!) {{
      nodes(ids: [$experiment, $room, $participant]) {{ id ... on DataScope {{ {EACH} }} }} }}
      {PAGES}""",
    "the tree": """{ experiments { totalCount edges { cursor node { id experimentId name status
      roles createdAt updatedAt roomCount participantCount owner { userId name } access {
      canView canExport } rooms(first: 1) { totalCount nodes { roomId status startTime endTime
      duration experimentStart participantCount experiment { name } participants { edges { node {
      participantId role status email joinedAt completedAt availableData room { roomId } experiment
      { id } } } pageInfo { endCursor } } } pageInfo { hasNextPage } } } } } }""",
    "summaries": f"""{{ experiments {{ nodes {{ {SUMMARY} two: dataSummary(dataTypes: [EVENTS,
      CHAT_MESSAGES]) {{ recordCount dataType }} none: dataSummary(dataTypes: []) {{ recordCount }}
      rooms {{ nodes {{ {SUMMARY} participants {{ nodes {{ {SUMMARY} }} }} }} }} }} }} }}""",
    "quality": f"""{{ experiments {{ nodes {{ {QUALITY} two: quality {{ issues {{ __typename }} }}
      rooms {{ nodes {{ {QUALITY} participants {{ nodes {{ {QUALITY} }} }} }} }} }} }} }}""",
    "every column": """{ experiments { nodes { events { nodes { eventId eventType category
      componentType componentId content stateId stateName participantRole duration response
      clientTimestamp } } recordings { nodes { recordingId kind startTime endTime duration fileName
      fileSize format status downloadUrl } } chatMessages { nodes { messageId senderId content
      recipientIds messageType } } components { nodes { componentId componentType config variables
      completed } } syncMetrics { nodes { metricId timeDrift band } } continuousRatings { nodes {
      ratingId value rawValue scaleMin scaleMax } } sparseRatings { nodes { ratingId value } } } }
      }""",
    "what has no form, alone": """{ experiments { nodes { experimentId continuousRatings { nodes {
      value } } } } viewer { name } }""",
    "what has no form, in a list of one level": """{ room(roomId: "endless") { duration
      events(orderBy: {field: ONSET}) { nodes { onset duration } } participants { nodes {
      continuousRatings { edges { node { value } } } } } } again: room(roomId: "endless") {
      duration } }""",
    "pages forwards, backwards and none": """query($room: ID!) { node(id: $room) { ... on Room { f:
      events(first: 3) { ...P } l: events(last: 3) { ...P } none: events(first: 0) { ...P } b:
      events(last: 2, orderBy: [{field: ONSET, direction: DESC}]) { ...P } most:
      continuousRatings(first: 10000) { totalCount } } } } fragment P on EventConnection { edges {
      cursor node { id onset } } pageInfo { startCursor endCursor hasNextPage
      hasPreviousPage } }""",
    "a bad cursor beside good ones": """query($room: ID!) { node(id: $room) { ... on Room { roomId
      good: events(first: 1) { nodes { id } } } } bad: node(id: $room) { ... on Room {
      events(after: "x") { nodes { id } } } } worse: node(id: $room) { ... on Room { participants {
      nodes { id recordings(before: "") { totalCount } } } } } }""",
    "what one gives up and another waits for": """query($room: ID!) { a: node(id: $room) { ... on
      Room { events(first: 1) { totalCount } recordings(after: "x") { totalCount } } }
      b: node(id: $room) { ... on Room { experiment { rooms { nodes { events(first: 1) {
      totalCount nodes { id } } } } } } } }""",
    "pages that cannot be": """query($room: ID!) { a: node(id: $room) { ... on Room { events(first:
      -1) { totalCount } } } b: node(id: $room) { ... on Room { events(first: 1001) { totalCount }
      } } c: node(id: $room) { ... on Room { events(first: 1, last: 1) { totalCount } } } d:
      node(id: $room) { ... on Room { events(orderBy: [{field: ONSET}, {field: ONSET, direction:
      DESC}]) { nodes { id } } } } }""",
    "an error within a list that must be": """{ experiments { nodes { rooms(first: 1) { nodes {
      participants(first: 1) { nodes { events(first: -1) { totalCount } } } } } } } }""",
    "an error beside the list": """{ experiments(after: "x") { nodes { id } } }""",
    "filters": """query($roomId: String!, $participantId: String!) { experiments(filter:
      {experimentId: {in: ["an odd experiment"]}}) { nodes { rooms(filter: {roomId: {in: [$roomId,
      "endless"]}}) { nodes { roomId } } events(filter: {participantId: {in: [$participantId]},
      onset: {gte: 0}}) { totalCount nodes { onset } } } } none: experiments(filter: {experimentId:
      {in: []}}) { totalCount nodes { id } pageInfo { startCursor } } }""",
    "ids, good and bad": """query($experiment: ID!, $events: ID!, $export: ID!, $components: ID!) {
      nodes(ids: [$events, "x", $experiment, $events, "", $components, $export]) { __typename id
      ... on Event { eventType } ... on DataScope { events(first: 1) { totalCount } } ... on
      Experiment { name } ... on Export { status progress { percent completedRows totalRows message
      bytesWritten } } ... on Component { config } } node(id: "bad") { id } }""",
    "public ids": """query($experimentId: String!, $roomId: String!, $participantId: String!) {
      experiment(experimentId: $experimentId) { id ...E } no: experiment(experimentId: "no") { id }
      room(roomId: $roomId) { id experiment { ...E } } participant(roomId: $roomId, participantId:
      $participantId) { id availableData room { id experiment { ...E } } } } fragment E on
      Experiment { experimentId owner { name } access { canExport } }""",
    "parents of what is found": """query($participant: ID!, $room: ID!) { node(id: $participant) {
      ... on Participant { room { participants { nodes { room { id experiment { roomCount } } } } }
      } } r: node(id: $room) { ... on Room { experiment { rooms { nodes { id } } } } } }""",
    "fragments on interfaces": """query($experiment: ID!, $room: ID!, $events: ID!) { a: node(id:
      $experiment) { ...S } b: node(id: $room) { ...S ...N } c: node(id: $events) { ...N ...S } }
      fragment S on DataScope { __typename events(first: 1) { nodes { ...N } } ... on Room { roomId
      } ... on Experiment { name } dataSummary { recordCount } } fragment N on Node { id ... on
      Event { eventId onset } }""",
    "the same list twice": """query($room: ID!) { node(id: $room) { ... on Room { events(first: 1)
      { nodes { id } } ...R events(first: 1) { edges { node { onset } } totalCount } } } } fragment
      R on Room { events(first: 1) { pageInfo { endCursor } nodes { eventType } } }""",
    "the order of keys": """{ experiments { pageInfo { hasNextPage } totalCount nodes { name id
      rooms { nodes { id } totalCount } experimentId } edges { node { id name } cursor } } }""",
    "only names": """{ __typename experiments { __typename edges { __typename node { __typename
      rooms { __typename nodes { __typename } pageInfo { __typename } } } } } viewer { __typename }
      }""",
    "only counts": "{ experiments { totalCount nodes { events { totalCount } } } }",
    "exports": """{ exports { totalCount nodes { id status createdAt format fileSize progress {
      percent totalRows } requestedBy { userId } downloadUrl manifest { files { path dataType
      rowCount bytes } ledger { dataType selected } } } pageInfo { hasPreviousPage } } two:
      exports(first: 1, filter: {status: {in: [RUNNING, FAILED]}}) { edges { node { id } } } }""",
    "the export": """query($export: ID!) { export(id: $export) { id manifest { ledger { written } }
      } node(id: $export) { ... on Export { sha256 requestedBy { name } } } none: export(id: "x") {
      id } }""",
    "what may be done": """{ experiments { nodes { access { ...A } rooms { nodes { access { ...A }
      participants { nodes { access { why dataTypes } } } } } } } } fragment A on Access { canView
      canExport canDelete canManage canSeeIdentified dataTypes until why }""",
    "with whom it is shared": """query($collaborator: ID!, $group: ID!) { experiments { nodes {
      collaborators { totalCount nodes { ...C } pageInfo { endCursor } } one: collaborators(first:
      1) { edges { cursor node { id } } } } } userGroups { totalCount nodes { ...G } } nodes(ids:
      [$collaborator, $group]) { __typename ...C ...G } } fragment C on Collaborator { id canExport
      dataTypes anonymization createdAt expiresAt user { userId } group { ...G } grantedBy { name }
      } fragment G on UserGroup { id groupId name createdAt owner { name } members { userId name }
      }""",
    "what identifies": """query($participant: ID!) { experiments { nodes { participants { nodes {
      email ipAddress userAgent participantId } } } } node(id: $participant) { ... on Participant {
      email participantId } } }""",
    "who is asking": "{ viewer { userId name role scopes } v: viewer { __typename } }",
    "introspection beside data": """{ __schema { queryType { name } } __type(name: "Room") { fields
      { name type { name } } } experiments(first: 1) { nodes { id } } }""",
    "skipped and included": """query($a: Boolean!, $b: Boolean! = false, $room: ID!) { experiments
      @skip(if: $a) { totalCount @include(if: $b) nodes { id @skip(if: $b) ...E } } node(id: $room)
      { id ... on Room @include(if: $a) { events(first: 2) { nodes { id @skip(if: $b) onset
      @include(if: $b) __typename } totalCount @skip(if: $a) } } ... @include(if: $b) { __typename
      } } } fragment E on Experiment { rooms @include(if: $b) { nodes { roomId participants
      @skip(if: $a) { totalCount } } } name @skip(if: $a) }""",
    "skipped arguments and lists": """query($a: Boolean!, $b: Boolean!, $room: ID!) { node(id:
      $room) { ... on Room { events(first: 1) @skip(if: $a) { nodes { id } } x: events(first: 2)
      @include(if: $b) { nodes { id } } bad: events(first: -1) @include(if: $a) { totalCount } } }
      }""",
    "a field that is not there": "{ experiments { nodes { nothing } } }",
    "an unknown directive": "{ experiments @live { totalCount } }",
    "a fragment within itself": """{ experiments { nodes { ...E } } } fragment E on Experiment {
      rooms { nodes { experiment { ...E } } } }""",
}

MUTATIONS: Mapping[str, str] = {
    "refused": """mutation($roomId: String!) { a: exportCreate(input: {}) { export { id }
      userErrors { code field message } } b: exportCreate(input: {roomIds: ["no such"]}) {
      __typename export { status } userErrors { ...U } } c: exportCreate(input: {roomIds:
      [$roomId], dataTypes: []}) { userErrors { ...U } } d: exportCancel(id: "x") { userErrors {
      ...U } } } fragment U on UserError { code field __typename }""",
    "one export, asked for twice": """mutation($roomId: String!) { exportCreate(input: {roomIds:
      [$roomId], idempotencyKey: "once"}) { userErrors { code } export { id status format createdAt
      progress { percent message } requestedBy { name } manifest { ledger { written } } } } again:
      exportCreate(input: {roomIds: [$roomId], idempotencyKey: "once"}) { export { id } } }""",
    "sharing refused": """mutation($experimentId: String!, $group: ID!) { a:
      collaboratorGrant(experimentId: $experimentId, input: {userId: "usr_none"}) { collaborator {
      id } userErrors { ...U } } b: experimentTransfer(experimentId: "none", userId: "x") {
      experiment { id } userErrors { ...U } } c: collaboratorRevoke(id: "x") { deletedId userErrors
      { ...U } } d: userGroupUpdate(id: $group, input: {memberIds: ["usr_none"]}) { group { id }
      userErrors { ...U } } } fragment U on UserError { code field
      message }""",
    "too late to cancel": """mutation($export: ID!, $a: Boolean!) { exportCancel(id: $export) {
      export @include(if: $a) { id status } userErrors { code message @skip(if: $a) } } }""",
}
