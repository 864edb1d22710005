"""What has been asked and told: makes asking repeatable, and telling idempotent and independent of order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from evoswarm.evolution.individual import Individual

G = TypeVar("G")


class Record(Generic[G]):
    """The generation that is open, and everything that was asked before.

    Attributes:
        generation: the last one opened; -1 before the first.
        history: individuals of finished generations with their outcomes, and migrants, in order.
        keys: of all individuals ever asked for.
    """

    def __init__(self, objectives: int) -> None:
        self.generation = -1
        self.history: list[Individual[G]] = []
        self.keys: set[str] = set()
        self._objectives = objectives
        self._asked: dict[str, Individual[G]] = {}
        self._told: dict[str, Individual[G]] = {}

    @property
    def pending(self) -> list[Individual[G]]:
        """What is asked and not yet told, in order."""
        return [individual for name, individual in self._asked.items() if name not in self._told]

    def open(self, individuals: Sequence[Individual[G]]) -> None:
        """Begin the next generation with these."""
        self.generation += 1
        self.keys.update(individual.key for individual in individuals)
        self._asked.update((individual.id, individual) for individual in individuals)

    def accept(self, evaluated: Iterable[Individual[G]]) -> list[Individual[G]]:
        """Take outcomes; the whole generation in order of ids when this completes it, else nothing.

        Raises:
            ValueError: an individual was never asked for, is not evaluated, has the wrong number of objectives,
                or was told differently before. Nothing is taken then.
        """
        told = dict(self._told)
        for individual in evaluated:
            told[individual.id] = self._checked(individual, told.get(individual.id))
        if len(told) == len(self._told):
            return []
        self._told = told
        if self.pending:
            return []
        finished = [told[name] for name, asked in self._asked.items() if asked.origin.generation == self.generation]
        self.history.extend(finished)
        return finished

    def _checked(self, individual: Individual[G], before: Individual[G] | None) -> Individual[G]:
        asked = self._asked.get(individual.id)
        if asked is None or asked.key != individual.key:
            raise ValueError(f"{individual.id}: expected an individual that was asked for, got another")
        if not individual.evaluated:
            raise ValueError(f"{individual.id}: expected objectives or a failure, got neither")
        if individual.succeeded and len(individual.objectives) != self._objectives:
            raise ValueError(f"{individual.id}: expected {self._objectives} objectives, got {individual.objectives}")
        if before is not None and _outcome(individual) != _outcome(before):
            raise ValueError(f"{individual.id}: expected the outcome told before, got {_outcome(individual)}")
        return replace(asked, objectives=individual.objectives, failure=individual.failure)


def _outcome(individual: Individual[G]) -> tuple[tuple[float, ...], str | None]:
    return individual.objectives, individual.failure
