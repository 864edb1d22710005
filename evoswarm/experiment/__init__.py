"""The composition root: a search space is wired up, evolved, and ends as a run directory with a champion in it."""

from evoswarm.experiment.session import search

__all__ = ["search"]
