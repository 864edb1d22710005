"""Recipes as rows of tables, with their members looked up in the swarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evoswarm.fusion import DECAY, GAMMA, RULES, Parameter, parameters_of
from evoswarm.policies.mix import GATES, Recipe


class Plans:
    """The recipes of one decoding.

    Columns are members in the order of each recipe; where a recipe has fewer than ``width`` of them, nobody speaks.

    Attributes:
        recipes: one per row.
        width: members of the largest.
        members: ``[plans, width]`` index in the swarm.
        lead: ``[plans]`` column of the lead.
        lead_member: ``[plans]`` index of the lead in the swarm.
        draws_speaker: ``[plans]`` whether a step draws who speaks.
        all_speak: ``[plans]`` whether every member speaks at every step.
        heeds_lead: ``[plans]`` whether a step must know what the lead says, whoever speaks.
        weights: ``[plans, width]``.
        temperatures: ``[plans, width]``.
        thresholds: ``[plans, width]`` nats, or of a draw; infinite where there is no member.
        gate: ``[plans]`` index in ``GATES``.
        parameters: ``[plans]`` of each parameter of the fusion rules, by name.
        credits: ``[plans]`` whether credibility moves its weights.
        decay: ``[plans]`` the share of credibility that is left one step later.
        rule: ``[plans]`` number of its fusion rule among ``RULES``.
        draws: ``[plans]`` whether answers are drawn.
        sampling_temperature: ``[plans]``.
        truncates: ``[plans]`` whether something is left out of the draws.
        top_k: ``[plans]``.
        top_p: ``[plans]``.
        min_p: ``[plans]``.
    """

    def __init__(self, recipes: Sequence[Recipe], numbers: Mapping[str, int]) -> None:
        """Look the members of recipes up in the swarm; ``numbers`` are theirs there, by name."""
        self.recipes = tuple(recipes)
        self.width = max(len(recipe.members) for recipe in recipes)
        shape = (len(recipes), self.width)
        self.members = np.zeros(shape, dtype=np.int64)
        self.weights = np.ones(shape, dtype=np.float32)
        self.temperatures = np.ones(shape, dtype=np.float32)
        self.thresholds = np.full(shape, np.inf)
        for row, recipe in enumerate(recipes):
            here = slice(len(recipe.members))
            self.members[row, here] = [numbers[member.spec.name] for member in recipe.members]
            self.weights[row, here] = [member.weight for member in recipe.members]
            self.temperatures[row, here] = [member.temperature for member in recipe.members]
            self.thresholds[row, here] = [member.threshold for member in recipe.members]
        self.gate = np.array([GATES.index(recipe.gate) for recipe in recipes])
        self.lead = np.array([recipe.lead_index for recipe in recipes])
        self.lead_member = self.members[np.arange(len(recipes)), self.lead]
        self.draws_speaker = np.array([recipe.draws_speaker for recipe in recipes])
        self.all_speak = ~self.draws_speaker & ((self.thresholds <= 0) | np.isinf(self.thresholds)).all(1)
        self.heeds_lead = ~self.draws_speaker | (np.isfinite(self.thresholds) & (self.thresholds > 0)).any(1)
        rules = [recipe.fusion for recipe in recipes]
        self.parameters = {
            name: np.array([rule.parameters[name] for rule in rules], dtype=np.float32)
            for name in parameters_of(rule.rule for rule in rules)
        }
        gamma, decay = (self._parameter(one) for one in (GAMMA, DECAY))
        self.credits = gamma > 0
        self.decay = decay.astype(np.float64)
        positions = {name: position for position, name in enumerate(RULES)}
        self.rule = np.array([positions[rule.rule] for rule in rules])
        self.draws = np.array([recipe.draws for recipe in recipes])
        self.sampling_temperature = np.array([recipe.sampling_temperature for recipe in recipes])
        self.top_k = np.array([recipe.top_k for recipe in recipes])
        self.top_p = np.array([recipe.top_p for recipe in recipes])
        self.min_p = np.array([recipe.min_p for recipe in recipes])
        self.truncates = (self.top_k > 0) | (self.top_p < 1) | (self.min_p > 0)

    def _parameter(self, parameter: Parameter) -> NDArray[np.float32]:
        """``[plans]`` its values; the default where no rule has it."""
        missing = np.full(len(self.recipes), parameter.default, dtype=np.float32)
        return self.parameters.get(parameter.name, missing)
