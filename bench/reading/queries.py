"""The four questions, as ours and every server with its schema are asked them."""

PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
RATING = "id ratingId timestamp onset value componentId"

TABS = {
    "events": "eventId eventType category content response",
    "recordings": "recordingId kind duration fileName fileSize",
    "chatMessages": "messageId senderId content recipientIds",
    "continuousRatings": "ratingId componentId value rawValue",
    "sparseRatings": "ratingId question value responseTime confidence",
    "syncMetrics": "metricId timeDrift playbackRate syncQuality latency",
    "components": "componentId componentType config stateName completed",
}
"""A participant's seven lists, and the own fields of each that are asked for."""

Q1 = f"""query($room: String!, $participant: String!) {{
  participant(roomId: $room, participantId: $participant) {{
    id continuousRatings(first: 1000) {{ edges {{ node {{ {RATING} }} }} {PAGE_INFO} }} }} }}"""

Q2 = f"""{{ experiments(first: 50) {{
  edges {{ node {{ id name status createdAt rooms(first: 5) {{
    nodes {{ id roomId participants(first: 4) {{
      nodes {{ id participantId joinedAt dataSummary {{ dataType recordCount }} }} }} }} }} }} }}
  {PAGE_INFO} }} }}"""

_LISTS = " ".join(
    f"{name}(first: 50) {{ edges {{ node {{ id timestamp onset {fields} }} }} {PAGE_INFO} }}"
    for name, fields in TABS.items()
)
Q3 = f"""query($room: String!, $participant: String!) {{
  participant(roomId: $room, participantId: $participant) {{
    id participantId joinedAt {_LISTS} }} }}"""

Q4 = f"""query($experiment: String!, $after: String) {{
  experiment(experimentId: $experiment) {{
    continuousRatings(first: 100, after: $after) {{
      edges {{ cursor node {{ {RATING} }} }} {PAGE_INFO} }} }} }}"""

DOCUMENTS = {"Q1": Q1, "Q2": Q2, "Q3": Q3, "Q4": Q4}
