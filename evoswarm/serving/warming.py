"""A first question to everything that is offered, so that nobody's own is the one that waits for what is made once."""

from __future__ import annotations

from evoswarm.answering.engine import Engine
from evoswarm.answering.question import Question
from evoswarm.serving.offered import Offers

_QUESTION = "1 + 1 ="


def warm(engine: Engine, offers: Offers) -> None:
    """Ask every policy something, so that symbols, templates and kernels are there.

    Raises:
        EvoswarmError: a policy cannot be asked at all.
    """
    tasks = {name: next(iter(one.tasks), None) for name, one in offers.items()}
    engine.answer([Question(_QUESTION, name, task=task, raw=True, max_symbols=1) for name, task in tasks.items()])
    engine.forget()
