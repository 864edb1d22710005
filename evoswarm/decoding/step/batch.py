"""The batch of one decoding step: streams that take it together, and what is found out about each of them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.step.plan import Plans
from evoswarm.decoding.step.streams import Streams


@dataclass(slots=True)
class StepBatch:
    """Streams on their way to their next symbols; ``Stages`` fill in what is known of them, one after the other.

    Attributes:
        streams: ``[n]``.
        plan: ``[n]`` rows of their recipes.
        context: ``[n]`` where they stand.
        lead: ``[n]`` index in the swarm.
        members: ``[n, width]`` indices in the swarm.
        speaks: ``[n, width]`` who is heard; before the gates are open, who is whatever the lead says.
        may_speak: ``[n, width]`` for whom the gates are open: more than speak where a step draws its speaker.
        gate_margin: ``[n]`` distance of the lead's entropy (nats), or of the draw, from the nearest threshold.
        present: ``[n, width]`` speaks, is known, and has something to say.
        alone: ``[n]`` one member speaks, greedily, and nobody asks for more than its most likely symbol.
    """

    streams: NDArray[np.int64]
    plan: NDArray[np.int64]
    context: NDArray[np.int64]
    lead: NDArray[np.int64]
    members: NDArray[np.int64]
    speaks: NDArray[np.bool_]
    may_speak: NDArray[np.bool_]
    gate_margin: NDArray[np.float64]
    present: NDArray[np.bool_]
    alone: NDArray[np.bool_]

    @classmethod
    def of(cls, moving: NDArray[np.int64], streams: Streams) -> StepBatch:
        """``[n]`` streams before the first stage."""
        plans, plan = streams.plans, streams.plan[moving]
        members = plans.members[plan]
        speaks = plans.thresholds[plan] <= 0
        speaks[plans.draws_speaker[plan]] = False  # who it will be is not drawn yet
        return cls(
            streams=moving,
            plan=plan,
            context=streams.context[moving],
            lead=plans.members[plan, plans.lead[plan]],
            members=members,
            speaks=speaks,
            may_speak=np.zeros(members.shape, dtype=bool),
            gate_margin=np.full(len(moving), np.inf),
            present=np.zeros(members.shape, dtype=bool),
            alone=np.zeros(len(moving), dtype=bool),
        )

    def some(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> StepBatch:
        """Some of the streams."""
        return StepBatch(*(getattr(self, one.name)[which] for one in fields(self)))

    @property
    def at(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where tables of contexts and members hold what the members say here: ``[n, 1]`` and ``[n, width]``."""
        return self.context[:, None], self.members

    @property
    def at_lead(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The same for the leads: ``[n]`` and ``[n]``."""
        return self.context, self.lead

    def asked(self, plans: Plans) -> NDArray[np.bool_]:
        """``[n, width]`` whose distributions the step takes: the speakers', and the lead's where it opens gates."""
        asked = self.speaks.copy()
        heeds = np.flatnonzero(plans.heeds_lead[self.plan])
        asked[heeds, plans.lead[self.plan[heeds]]] = True
        return asked

    def __len__(self) -> int:
        return len(self.streams)
