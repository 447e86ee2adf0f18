"""What people answer: to the questions of a study, while a film runs, and in a questionnaire."""

from collections.abc import Callable
from random import Random
from typing import Any

from server.demo.rooms import Showing
from server.demo.stories import Story
from server.demo.studies import Block
from server.records.sparse_ratings import SparseRating

TEXTS = (
    "The moment at the summit, when nobody says anything.",
    "Das Gespräch am Feuer – „fast wie zu Hause“",
    'He says "go on", and then\nthe snow begins.',
    "-",
    "el final 🎬, sin duda; también la música",
    "=the first one",
    "山の朝の場面",
)


def _slider(chance: Random, block: Block) -> tuple[Any, Any]:
    raw = round(chance.uniform(block.config["min"], block.config["max"]), 1)
    return round(raw / 100, 3), raw


def _likert(chance: Random, block: Block) -> tuple[Any, Any]:
    answer = min(max(round(chance.gauss(4.6, 1.3)), block.config["min"]), block.config["max"])
    return answer, answer


def _choices(chance: Random, block: Block) -> tuple[Any, Any]:
    options = block.config["options"]
    chosen = sorted(chance.sample(range(len(options)), chance.randint(1, 3)))
    return [options[n] for n in chosen], chosen


def _ranking(chance: Random, block: Block) -> tuple[Any, Any]:
    items = list(block.config["items"])
    chance.shuffle(items)
    return items, {item: place for place, item in enumerate(items, start=1)}


def _text(chance: Random, _block: Block) -> tuple[Any, Any]:
    text = chance.choice(TEXTS)
    return text, text


def _point(chance: Random, _block: Block) -> tuple[Any, Any]:
    x, y = chance.randint(0, 400), chance.randint(0, 400)
    return {"valence": x / 400, "arousal": y / 400}, {"x": x, "y": y}


ANSWERS: dict[str, Callable[[Random, Block], tuple[Any, Any]]] = {
    "vasrating": _slider,
    "likertscale": _likert,
    "multiplechoice": _choices,
    "ranking": _ranking,
    "textinput": _text,
    "rapidrate": _point,
    "sparserating": _likert,
}
"""How each kind of component is answered: the value, and what came in before any scaling."""


def answer(story: Story, showing: Showing) -> None:
    """Answer a question at leisure."""
    patience = int((showing.end - showing.begin) * 0.8)
    _rate(story, showing, showing.begin, patience, hesitation=0.4, timeout_share=0.0)


def answer_prompts(story: Story, showing: Showing) -> None:
    """Answer the same question again and again while something else goes on, or fail to."""
    settings = showing.block.config
    for asked in range(showing.begin, showing.end, settings["everySeconds"] * 1000):
        onset = asked + settings["everySeconds"] * 500 + story.chance.randint(0, 4000)
        _rate(story, showing, onset, settings["timeoutMs"], hesitation=0.45, timeout_share=0.18)


def _rate(
    story: Story,
    showing: Showing,
    asked: int,
    patience: int,
    *,
    hesitation: float,
    timeout_share: float,
) -> None:
    chance, block = story.chance, showing.block
    timed_out = chance.random() < timeout_share
    touched = not timed_out or chance.random() < 0.4
    took = min(int(patience * chance.lognormvariate(-1.2, hesitation)), patience - 1)
    value, raw = ANSWERS[block.kind](chance, block)
    if timed_out:
        took, value = patience, None
    onset = asked + took
    story.add(
        SparseRating,
        onset,
        component_id=showing.component_id,
        component_type=block.kind,
        value=value,
        raw_value=raw if touched else None,
        scale_min=block.config.get("min"),
        scale_max=block.config.get("max"),
        labels=block.config.get("labels"),
        response_time=None if timed_out else took,
        question=block.question,
        dimension=block.dimension,
        state_id=showing.state_id,
        stimulus_id=showing.state.blocks[0].name if showing.state.side_by_side else None,
        stimulus_time=onset - showing.begin if showing.state.side_by_side else None,
        confidence=None if timed_out else round(chance.betavariate(5, 2), 2),
        submitted=not timed_out,
        timed_out=timed_out,
        interacted=touched,
        details={"clicks": chance.randint(1, 4), "device": {"pointer": "mouse", "dpr": 1.5}}
        if touched
        else None,
    )
    sparse = block.kind == "sparserating"
    story.event(
        onset,
        "sparse_rating_response" if sparse else "component.response",
        "sparse_rating" if sparse else "component",
        showing,
        content=block.question,
        response={"value": value, "responseTime": took, "timedOut": timed_out},
    )


def debrief(story: Story, showing: Showing) -> None:
    """Fill the questionnaire at the end in."""
    chance, person = story.chance, story.seat.person
    category = "questionnaire" if len(story.room.seats) == 1 else "post_experiment"
    items: dict[str, Any] = {
        "age": chance.randint(18, 64),
        "languages": chance.sample(["en", "de", "es", "ja", "ar", "uk"], chance.randint(1, 3)),
        "contact": {"email": person.email, "mayWrite": True} if person.email else None,
        "partners": [
            {"participantId": other.person.participant_id, "knownBefore": chance.random() < 0.2}
            for other in story.room.seats
            if other is not story.seat
        ],
        "remarks": chance.choice((*TEXTS, "", None)),
    }
    onset = showing.begin
    for name, value in items.items():
        took = chance.randint(2500, 9000)
        onset += took
        story.event(
            onset,
            "questionnaire.response",
            category,
            showing,
            content=name,
            response={"item": name, "value": value, "responseTime": took},
        )
    story.event(
        onset + 300,
        "questionnaire.completed",
        category,
        showing,
        duration=onset + 300 - showing.begin,
        response={"value": {"answered": len(items), "form": dict(showing.block.config)}},
    )
