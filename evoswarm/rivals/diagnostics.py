"""What the parts of a champion are good for: other gates at the same share, plain mixes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from evoswarm.canonical import round_significant
from evoswarm.evaluation.candidate import Candidate, score
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.genomes.plain import uniform
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, Recipe
from evoswarm.policies.mix import GateName
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item

UNIFORM_POOL = "uniform_pool"
"""Key of the uniform mix of the pool: the second sentence of a verdict compares the champion with it."""

_DIGITS = 2
"""Of a threshold that is read off decoded entropies: coarse, so that rounding elsewhere seldom makes another one."""


def diagnostics(
    evaluator: Evaluator, items: Sequence[Item], space: SearchSpace, specs: Sequence[MemberSpec], champion: Policy
) -> tuple[Candidate, ...]:
    """Tune all of them; a champion that is no mix has no gates to be changed.

    A gated champion is decoded once more, to see the entropies of its lead.

    Args:
        evaluator: decodes.
        items: of the selection split.
        space: of the search.
        specs: of the pool.
        champion: to be taken apart.

    Raises:
        Stopped: the evaluator was told to stop.
    """
    found = [*_gates(evaluator, items, champion)] if isinstance(champion, Recipe) else []
    found += _mixes(space, specs, champion)
    known = {champion.digest: "the champion itself"}
    told = []
    for scored in score(found, evaluator, items):
        one = scored.candidate
        same = known.get(one.policy.digest)
        known.setdefault(one.policy.digest, f"the same recipe as the {one.name}")
        note = f", here {same}" if same else _realised(evaluator, items, one)
        said = f"{one.description}{note}: {scored.accuracy:.1%} on selection."
        told.append(replace(one, description=said))
    return tuple(told)


def _gates(evaluator: Evaluator, items: Sequence[Item], champion: Recipe) -> Iterator[Candidate]:
    """The champion with other gates."""
    shares = realised_shares(champion, evaluator.evaluate([champion], items)[0])
    yield Candidate(
        "always fuse",
        regated(champion, dict.fromkeys(shares, 0.0), "entropy"),
        "always_fuse",
        "The champion with all gates open at every step",
    )
    yield Candidate(
        "random gate",
        regated(champion, {name: _random_threshold(share) for name, share in shares.items()}, "random"),
        "random_gate",
        f"The champion with followers that speak at random steps, as often as in the champion ({_told(shares)})",
    )
    yield Candidate(
        "lowest-entropy gate",
        regated(champion, _low_entropy_gate(evaluator, items, champion, shares), "low_entropy"),
        "low_entropy_gate",
        f"The champion with followers that speak where the lead is surest, as often as in it ({_told(shares)})",
    )


def _mixes(space: SearchSpace, specs: Sequence[MemberSpec], champion: Policy) -> Iterator[Candidate]:
    """The plain mixes."""
    yield Candidate(
        "uniform mix of its members",
        uniform(space, champion.specs, champion.alphabet if isinstance(champion, Recipe) else None),
        "uniform_members",
        "The champion's members at every step with equal weights",
    )
    yield Candidate(
        "uniform mix of the pool",
        uniform(space, specs),
        UNIFORM_POOL,
        f"All {len(specs)} members of the pool at every step with equal weights",
    )


def _low_entropy_gate(
    evaluator: Evaluator, items: Sequence[Item], champion: Recipe, shares: Mapping[str, float]
) -> dict[str, float | None]:
    """By follower, the threshold of a gate that opens where the lead is surest, as often as the champion's does."""
    if not any(member.threshold > 0 for member in champion.members):
        return dict.fromkeys(shares, 0.0)
    entropies = evaluator.entropies([champion], items)[0]
    return low_thresholds([nats for row in entropies for nats in row], shares)


def realised_shares(recipe: Recipe, rows: Sequence[Evaluation]) -> dict[str, float]:
    """By follower, the share of all steps at which it spoke; failures are left out.

    Args:
        recipe: any.
        rows: its evaluations.
    """
    steps = dict.fromkeys((member.spec.name for member in recipe.members), 0.0)
    for row in rows:
        if row.failure is None:
            for member in row.cost.members:
                steps[member.name] += member.steps
    lead = steps.pop(recipe.lead)
    return {name: count / lead if lead else 0.0 for name, count in steps.items()}


def low_thresholds(entropies: Sequence[float], shares: Mapping[str, float]) -> dict[str, float | None]:
    """By follower, the entropy up to which it must speak to do so at its share of the steps; see ``Recipe.gate``.

    Args:
        entropies: of the lead at all steps, nats.
        shares: by follower.

    Returns:
        nats, of two digits; 0 (always) for a share of 1, None (never) for 0.
    """
    grid = sorted({round_significant(nats, _DIGITS) for nats in entropies if nats > 0})
    reached = {nats: sum(one <= nats for one in entropies) / len(entropies) for nats in grid}
    found: dict[str, float | None] = {}
    for name, share in shares.items():
        found[name] = 0.0 if share >= 1 else None
        if 0 < share < 1 and grid:
            found[name] = min(grid, key=lambda nats: (abs(reached[nats] - share), nats))
    return found


def regated(champion: Recipe, thresholds: Mapping[str, float | None], gate: GateName) -> Recipe:
    """The champion with other gates.

    Args:
        champion: any recipe.
        thresholds: by follower; who never speaks (None) leaves, and weights stay in proportion.
        gate: what the thresholds are of.
    """
    members = [
        {**member.model_dump(), "threshold": thresholds.get(member.spec.name, 0.0)}
        for member in champion.members
        if thresholds.get(member.spec.name, 0.0) is not None
    ]
    return champion.changed(members=members, gate=gate)


def _random_threshold(share: float) -> float | None:
    return 1 - share if share > 0 else None


def _told(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} at {share:.1%} of steps" for name, share in shares.items()) or "it has none"


def _realised(evaluator: Evaluator, items: Sequence[Item], one: Candidate) -> str:
    """How often followers really spoke under a gate that is not the champion's."""
    recipe = one.policy
    if not one.key.endswith("_gate") or not isinstance(recipe, Recipe) or len(recipe.members) == 1:
        return ""
    return f", here {_told(realised_shares(recipe, evaluator.evaluate([recipe], items)[0]))}"
