"""Scorers: what is the answer within a text, and is it right?

Each `extract`s an answer (for votes, never looking at the gold) and `score`s a whole text. To add one, write a
child of `Scorer` and give it a line in `settings`. (That module is not imported here: confined processes start sooner.)
"""

from evoswarm.tasks.scorers.behind import Behind
from evoswarm.tasks.scorers.choice import LETTERS, Choice
from evoswarm.tasks.scorers.numeric import Numeric
from evoswarm.tasks.scorers.pattern import Regex
from evoswarm.tasks.scorers.scorer import Scorer
from evoswarm.tasks.scorers.words import Contains, Exact

__all__ = [
    "LETTERS",
    "Behind",
    "Choice",
    "Contains",
    "Exact",
    "Numeric",
    "Regex",
    "Scorer",
]
