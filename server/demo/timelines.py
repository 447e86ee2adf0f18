"""What a participant goes through, from the consent form to the last click."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from server.demo.answers import answer, answer_prompts, debrief
from server.demo.conversations import conversation
from server.demo.faults import NeverCompleted, faults_of
from server.demo.playback import count_pulses, fire_trigger, show_pictures, watch
from server.demo.rooms import Showing
from server.demo.stories import Story
from server.records.chat_messages import ChatMessage
from server.records.components import Component


def tell(story: Story) -> None:
    """Tell the whole of a person's part in a room, whatever comes of it."""
    prepare(story)
    story.event(0, "experiment.start", "system", content="The room is complete")
    for state, group in groupby(story.room.showings, lambda showing: showing.state_id):
        showings = list(group)
        _enter(story, state, showings)
        for showing in showings:
            _show(story, showing)
    end = story.room.showings[-1].end + 100
    story.event(end, "experiment.end", "system", duration=end, content="Thank you")


def prepare(story: Story) -> None:
    """Tell what comes before time zero: consent, instructions, questions on them, waiting."""
    chance = story.chance
    begin = onset = story.seat.joined + chance.randint(6000, 25_000)
    story.event(onset, "consent.accepted", "pre_experiment", response={"value": True, "form": "v3"})
    for page in range(1, 4):
        looked = chance.randint(7000, 16_000)
        story.event(
            onset + 500,
            "instructions.page_view",
            "pre_experiment",
            content=f"Page {page} of 3",
            duration=looked,
        )
        onset += looked
    for attempt in range(1, 2 + (chance.random() < 0.3)):
        took = chance.randint(4000, 14_000)
        onset += took
        story.event(
            onset,
            "instructions.comprehension_attempt",
            "pre_experiment",
            content="When does the session end?",
            response={
                "value": ["b", "c"] if attempt == 1 else "c",
                "attempt": attempt,
                "responseTime": took,
            },
        )
    story.event(onset + 20, "instructions.comprehension_passed", "pre_experiment")
    onset += 900
    story.event(onset, "instructions.completed", "pre_experiment", duration=onset - begin)
    story.add(
        Component,
        onset + 50,
        component_id=f"cmp_{story.room.study.stem}_waiting",
        component_type="waiting",
        config={"text": "Waiting for the others", "timeoutMs": 600_000},
        completed=True,
    )


def _enter(story: Story, state_id: str, showings: Sequence[Showing]) -> None:
    name = showings[0].state.name
    story.event(
        showings[0].begin - 20,
        "state.enter",
        "state",
        content=f"Entered “{name}”",
        state_id=state_id,
        state_name=name,
    )


def _show(story: Story, showing: Showing) -> None:
    block, chance = showing.block, story.chance
    stuck = any(fault.block == block.name for fault in faults_of(story.place, NeverCompleted))
    begin, end = showing.begin + chance.randint(5, 90), showing.end - chance.randint(10, 90)
    story.event(begin, "component.start", "component", showing)
    story.add(
        Component,
        begin,
        component_id=showing.component_id,
        component_type=block.kind,
        config={**block.config, "question": block.question} if block.question else block.config,
        state_id=showing.state_id,
        state_name=showing.state.name,
        variables=_variables(story),
        completed=story.tells(end) and not stuck,
    )
    if block.kind in CONTENTS:
        CONTENTS[block.kind](story, showing)
    if not stuck:
        story.event(end, "component.complete", "component", showing, duration=end - begin)


def _variables(story: Story) -> dict[str, Any]:
    others = [seat for seat in story.room.seats if seat is not story.seat]
    return {
        "condition": "together" if others else "alone",
        "partnerIds": [seat.person.participant_id for seat in others],
        "group": {"room": story.room.room_id, "size": len(story.room.seats)},
        "lastAnswer": None,
    }


def chat(story: Story, showing: Showing) -> None:
    """Write one's own messages of a conversation."""
    for message in conversation(story.room, showing):
        if message.sender != story.seat.number:
            continue
        story.add(
            ChatMessage,
            message.onset,
            sender_id=story.seat.person.participant_id,
            sender_name=story.seat.person.name,
            content=message.content,
            recipient_ids=[
                story.room.seats[number].person.participant_id for number in message.recipients
            ],
            message_type="private" if message.recipients else "text",
        )
        story.event(
            message.onset,
            "communication.message",
            "communication",
            showing,
            content=message.content,
        )


CONTENTS: dict[str, Callable[[Story, Showing], None]] = {
    "showvideo": watch,
    "showimage": show_pictures,
    "scannerpulserecorder": count_pulses,
    "trigger": fire_trigger,
    "sparserating": answer_prompts,
    "textchat": chat,
    "code": debrief,
    **dict.fromkeys(
        ("vasrating", "likertscale", "multiplechoice", "ranking", "textinput", "rapidrate"),
        answer,
    ),
}
"""What happens while a component of each kind is shown."""
