"""Many questions of an engine at once, beside the same questions one after the other.

    python -m tests.benchmarks --only continuous_vs_one_by_one continuous_arriving_vs_one_by_one

Every run begins with nothing in memory. Where questions arrive, two more come at every turn, as from clients that know
nothing of each other. Answers are compared, and must be the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from evoswarm import Engine, Question
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, alternate, at_least, exactly, spread
from tests.benchmarks.figures import median_ratio as ratio
from tests.decoding.recipes import recipe

MEMBERS = ("llama-a", "gpt2-c", "mistral-h")
CLIENTS = 64
LONGEST = 32  # bytes of an answer
A_TURN = 2  # questions that arrive


def continuous(options: Options) -> Readings:
    """Questions of the zoo's tasks to a mix of three tokenizers by bytes; none has the same text as another."""
    engine = Engine.load(recipe(*MEMBERS, alphabet="bytes"))
    chance, clients = random.Random(7), options.size(CLIENTS, 8)
    words = [f"{one}{other}{chance.choice('ent')}" for one in ("sta", "pla", "tri") for other in "bcdfgklmnprst"]
    sums = [f"{chance.randrange(10, 99)}+{number + 10}=" for number in range(clients // 2)]
    asked = [Question(text, max_bytes=LONGEST) for text in [*sums, *(f"rev {one}=" for one in words[: clients // 2])]]

    def one_by_one() -> list[str]:
        engine.forget()
        return [_all(engine, [one], 1)[0] for one in asked]

    def together(per_turn: int) -> Callable[[], list[str]]:
        def run() -> list[str]:
            engine.forget()
            return _all(engine, asked, per_turn)

        return run

    same = one_by_one() == together(clients)() == together(A_TURN)()
    at_once = alternate(one_by_one, together(clients), options.pairs)
    arriving = alternate(one_by_one, together(A_TURN), options.pairs)
    what = f"{clients} questions, three members by bytes, two cores"
    return {
        "continuous_same_answers": Reading(same, "at once, arriving, and one after the other"),
        "continuous_vs_one_by_one": Reading(ratio(at_once), f"times as fast at once, {what}: {spread(at_once)}"),
        "continuous_arriving_vs_one_by_one": Reading(
            ratio(arriving), f"times as fast, {A_TURN} arriving at every turn: {spread(arriving)}"
        ),
    }


def _all(engine: Engine, asked: list[Question], per_turn: int) -> list[str]:
    """The answers in order; so many questions come before every turn."""
    rest, tickets, texts = list(asked), list[int](), dict[int, str]()
    while rest or not engine.idle:
        tickets += [engine.submit(one) for one in rest[:per_turn]]
        rest = rest[per_turn:]
        texts.update((news.ticket, news.reply.text) for news in engine.turn() if news.reply is not None)
    return [texts[ticket] for ticket in tickets]


MEASUREMENTS = (
    Measurement(
        {
            "continuous_same_answers": exactly(True),
            "continuous_vs_one_by_one": at_least(5.0),
            "continuous_arriving_vs_one_by_one": None,
        },
        continuous,
    ),
)
