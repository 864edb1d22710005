"""Who a champion is compared with: plans fixed on the selection split, and what playing them on other items gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from evoswarm.evaluation.cost import Cost
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.failures import FailedItems
from evoswarm.tasks.task import Item

UNIFORM_POOL = "uniform_pool"
"""Key of the uniform mix of the pool: the second sentence of a verdict compares the champion with it."""


@dataclass(frozen=True)
class Contestant:
    """Somebody whose scores on some items are known.

    Attributes:
        key: which one: ``R1`` to ``R4``, ``always_fuse``, ``random_gate``, ``low_entropy_gate``,
            ``uniform_members``, ``uniform_pool``, ``oracle_router`` or ``pass_at_k``.
        name: in a few words.
        description: one sentence: what it is and how it was chosen.
        scores: per item, in the items' order; a failure counts 0.
        failed: the items on which it failed, by kind and member.
        cost: deployed alone, mean per item, tasks weighted; of failed items, what was read.
        at_limit: answers that were ended by their limit of bytes.
        cut_off: of these, those that had nothing yet that could be read as an answer.
    """

    key: str
    name: str
    description: str
    scores: tuple[float, ...]
    failed: tuple[FailedItems, ...]
    cost: Cost
    at_limit: int = 0
    cut_off: int = 0

    @property
    def failures(self) -> int:
        """On how many items it failed."""
        return sum(one.items for one in self.failed)


class Plan(Protocol):
    """How a contestant plays; nothing about it changes once it has been tuned."""

    @property
    def key(self) -> str:
        """As in ``Contestant``."""

    @property
    def name(self) -> str:
        """As in ``Contestant``."""

    @property
    def description(self) -> str:
        """As in ``Contestant``."""

    def play(self, evaluator: Evaluator, items: Sequence[Item]) -> Contestant:
        """Decode the items, or look them up in the ledger.

        Raises:
            RunError: the ledger cannot be written.
            Stopped: the evaluator was told to stop.
        """


@dataclass(frozen=True)
class Controls:
    """All plans of one champion.

    Attributes:
        rivals: R1 to R4: the champion must beat every one of them.
        diagnostics: what its parts are good for: other gates, plain mixes.
        ceilings: what nobody can play, because they are told the right answers: an upper end for the eye.
    """

    rivals: tuple[Plan, ...]
    diagnostics: tuple[Plan, ...]
    ceilings: tuple[Plan, ...]
