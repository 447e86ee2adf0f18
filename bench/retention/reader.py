"""A reader, in a process of its own: asks until a file is there, and prints how long each took."""

import json
import sys
import time
from pathlib import Path

import httpx2

READ = """query($id: String!) { room(roomId: $id) { roomId
  participants(first: 10) { nodes { participantId } }
  continuousRatings(first: 50) { nodes { timestamp value } } } }"""
REST = 0.005


def main() -> None:
    url, key, over = sys.argv[1:]
    times: list[float] = []
    with httpx2.Client(base_url=url, headers={"X-API-Key": key}, timeout=120) as client:
        while not Path(over).exists():
            began = time.perf_counter()
            answer = client.post("/graphql", json={"query": READ, "variables": {"id": "room_2"}})
            assert answer.json()["data"]["room"] is not None
            times.append(time.perf_counter() - began)
            time.sleep(REST)
    print(json.dumps(times))


if __name__ == "__main__":
    main()
