"""The three studies of the demo data: who takes part in them, and what they are shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.records.experiments import ExperimentStatus


@dataclass(frozen=True)
class Block:
    """A component of a study: its kind, what it asks, and how it is set up."""

    name: str
    kind: str
    question: str | None = None
    dimension: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class State:
    """A part of a study that all of a room go through together.

    Its blocks are shown side by side, each for the whole time, or one after the other.
    """

    name: str
    seconds: int
    blocks: tuple[Block, ...]
    side_by_side: bool = False


@dataclass(frozen=True)
class Study:
    """An experiment, as it was set up."""

    number: int
    stem: str
    name: str
    description: str
    status: ExperimentStatus
    roles: tuple[str, ...]
    seats: int
    rooms: int
    first_day: str
    states: tuple[State, ...]
    participants_may_request_data: bool = False

    @property
    def experiment_id(self) -> str:
        """The public id."""
        return f"exp_{self.stem}"


SCALE = {"min": 0, "max": 100}
LIKERT = {"min": 1, "max": 7, "labels": ["not at all", "", "", "somewhat", "", "", "very much"]}
WELCOME = State("Welcome", 15, (Block("welcome", "showtext", config={"text": "Thank you!"}),))

WATCHING = Study(
    number=1,
    stem="dyadvideo01",
    name="Watching together",
    description="Two people watch one film at the same time, rate it, and talk about it.",
    status=ExperimentStatus.ACTIVE,
    roles=("host", "viewer"),
    seats=2,
    rooms=8,
    first_day="2026-09-07",
    participants_may_request_data=True,
    states=(
        WELCOME,
        State(
            "Before the film",
            40,
            (
                Block("mood", "vasrating", "How do you feel right now?", "valence", SCALE),
                Block("arousal", "likertscale", "How awake are you?", "arousal", LIKERT),
            ),
        ),
        State(
            "Film",
            600,
            (
                Block("film", "showvideo", config={"src": "alpine-crossing.webm", "syncMs": 100}),
                Block(
                    "dial",
                    "continuousrating",
                    "How moved are you?",
                    "emotion",
                    {**SCALE, "intervalMs": 250, "labels": ["not at all", "deeply"]},
                ),
                Block(
                    "closeness",
                    "sparserating",
                    "How close do you feel to your partner?",
                    "closeness",
                    {**LIKERT, "everySeconds": 120, "timeoutMs": 6000},
                ),
            ),
            side_by_side=True,
        ),
        State(
            "After the film",
            90,
            (
                Block(
                    "feelings",
                    "multiplechoice",
                    "What did you feel?",
                    "emotion",
                    {"options": ["joy", "awe", "sadness", "fear", "none of these"], "many": True},
                ),
                Block("scenes", "textinput", "Which scene stays with you?", "memory"),
                Block("circumplex", "rapidrate", "Tap where you are.", "affect", SCALE),
            ),
        ),
        State("Talk", 120, (Block("talk", "textchat", config={"maxLength": 500}),)),
        State("Goodbye", 16, (Block("goodbye", "videochat", config={"record": True}),)),
        State("Debriefing", 60, (Block("debriefing", "code", config={"form": "debriefing"}),)),
    ),
)

DECIDING = Study(
    number=2,
    stem="groupchat01",
    name="Deciding together",
    description="Four people rank what they would take along, alone and then by chat.",
    status=ExperimentStatus.COMPLETED,
    roles=("chair", "member"),
    seats=4,
    rooms=3,
    first_day="2026-06-15",
    states=(
        WELCOME,
        State(
            "Alone",
            60,
            (
                Block(
                    "own_ranking",
                    "ranking",
                    "What would you take along?",
                    "priority",
                    {"items": ["rope", "map", "lamp", "water, 5 l", 'the "good" tent']},
                ),
            ),
        ),
        State("Discussion", 420, (Block("discussion", "textchat", config={"maxLength": 500}),)),
        State(
            "Decision",
            60,
            (
                Block("sure", "vasrating", "How sure is the group?", "confidence", SCALE),
                Block("why", "textinput", "Why?", "reason"),
            ),
        ),
        State("In a word", 10, (Block("word", "audiorecording", config={"maxSeconds": 5}),)),
        State("Debriefing", 60, (Block("debriefing", "code", config={"form": "debriefing"}),)),
    ),
)

RATING = Study(
    number=3,
    stem="solorating01",
    name="Rating alone in the scanner",
    description="One person rates pictures while the scanner runs.",
    status=ExperimentStatus.ARCHIVED,
    roles=("participant",),
    seats=1,
    rooms=5,
    first_day="2026-03-02",
    states=(
        WELCOME,
        State("Scanner start", 10, (Block("sync_pulse", "trigger", config={"code": 255}),)),
        State(
            "Run",
            480,
            (
                Block("pulses", "scannerpulserecorder", config={"repetitionMs": 2000}),
                Block("pictures", "showimage", config={"set": "landscapes", "perImageMs": 8000}),
                Block(
                    "dial",
                    "continuousrating",
                    "How pleasant is it?",
                    "valence",
                    {**SCALE, "intervalMs": 250},
                ),
                Block(
                    "attention",
                    "sparserating",
                    "Where is your attention?",
                    "attention",
                    {**LIKERT, "everySeconds": 60, "timeoutMs": 4000},
                ),
            ),
            side_by_side=True,
        ),
        State("In a word", 10, (Block("word", "audiorecording", config={"maxSeconds": 5}),)),
        State("Debriefing", 60, (Block("debriefing", "code", config={"form": "debriefing"}),)),
    ),
)

STUDIES = (WATCHING, DECIDING, RATING)
