"""What the parts of a champion are good for: other gates at the same share, plain mixes, and ceilings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evoswarm.canonical import round_significant
from evoswarm.controls.contestant import UNIFORM_POOL
from evoswarm.controls.plain import uniform
from evoswarm.controls.rivals import Singles
from evoswarm.controls.trial import Entrant, Trial, Trials, best_of
from evoswarm.controls.ways import AnySampleWithGold, BestWithGold, Decode
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import GateName, Recipe
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item

_DIGITS = 2
"""Of a threshold that is read off decoded entropies: coarse, so that rounding elsewhere seldom makes another one."""


def diagnostics(
    trials: Trials, space: SearchSpace, specs: Sequence[MemberSpec], champion: Recipe, lows: Mapping[str, float | None]
) -> tuple[Entrant, ...]:
    """Tune all of them.

    Args:
        trials: on the selection items.
        space: of the search.
        specs: of the pool.
        champion: to be taken apart.
        lows: thresholds of the lowest-entropy gate, see `low_entropy_gate`.
    """
    shares = realised_shares(champion, trials.run([("the champion", Decode(champion))])[0].rows)
    found = [*_gates(champion, shares, lows), *_mixes(space, specs, champion)]
    tried = trials.run([(name, Decode(recipe)) for _, name, _, recipe in found])
    known = {champion.digest: "the champion itself"}
    entrants = []
    for (key, name, description, recipe), trial in zip(found, tried, strict=True):
        same = known.get(recipe.digest)
        known.setdefault(recipe.digest, f"the same recipe as the {name}")
        note = f", here {same}" if same else _realised(trial, recipe, key)
        entrants.append(trial.entrant(key, name, description + note))
    return tuple(entrants)


def _gates(
    champion: Recipe, shares: Mapping[str, float], lows: Mapping[str, float | None]
) -> Iterator[tuple[str, str, str, Recipe]]:
    """Key, name, description and recipe of the champion with other gates."""
    yield (
        "always_fuse",
        "always fuse",
        "The champion with all gates open at every step",
        regated(champion, dict.fromkeys(shares, 0.0), "entropy"),
    )
    yield (
        "random_gate",
        "random gate",
        f"The champion with followers that speak at random steps, as often as in the champion ({_told(shares)})",
        regated(champion, {name: _random_threshold(share) for name, share in shares.items()}, "random"),
    )
    yield (
        "low_entropy_gate",
        "lowest-entropy gate",
        f"The champion with followers that speak where the lead is surest, as often as in it ({_told(shares)})",
        regated(champion, lows, "low_entropy"),
    )


def _mixes(space: SearchSpace, specs: Sequence[MemberSpec], champion: Recipe) -> Iterator[tuple[str, str, str, Recipe]]:
    """Key, name, description and recipe of the plain mixes."""
    yield (
        "uniform_members",
        "uniform mix of its members",
        "The champion's members at every step with equal weights",
        uniform(space, [member.spec for member in champion.members]),
    )
    yield (
        UNIFORM_POOL,
        "uniform mix of the pool",
        f"All {len(specs)} members of the pool at every step with equal weights",
        uniform(space, specs),
    )


def low_entropy_gate(evaluator: Evaluator, champion: Recipe, items: Sequence[Item]) -> dict[str, float | None]:
    """By follower, the threshold of a gate that opens where the lead is surest, as often as the champion's does.

    A gated champion is decoded once more, to see the entropies of its lead.

    Args:
        evaluator: decodes.
        champion: any recipe.
        items: of the selection split.

    Raises:
        Stopped: the evaluator was told to stop.
    """
    shares = realised_shares(champion, evaluator.evaluate([champion], items)[0])
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
    return Recipe.model_validate({**champion.model_dump(by_alias=True), "members": members, "gate": gate})


def ceilings(trials: Trials, singles: Singles) -> tuple[Entrant, ...]:
    """What nobody can play, because it is told the right answers."""
    pool = tuple(recipe for trial in singles.greedy for recipe in trial.way.recipes)
    sampled = best_of(singles.sampled)
    recipe = sampled.way.recipes[0]
    router, samples = trials.run([("", BestWithGold(pool)), ("", AnySampleWithGold(recipe))])
    told = "A ceiling that is told the right answers"
    return (
        router.entrant(
            "oracle_router",
            "oracle router (told the answers)",
            f"{told}: right where any of the {len(pool)} members of the pool is, with one greedy answer each",
        ),
        samples.entrant(
            "pass_at_k",
            f"pass@{recipe.samples} (told the answers)",
            f"{told}: right where any sample is of {sampled.words}",
        ),
    )


def _random_threshold(share: float) -> float | None:
    return 1 - share if share > 0 else None


def _told(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} at {share:.1%} of steps" for name, share in shares.items()) or "it has none"


def _realised(trial: Trial, recipe: Recipe, key: str) -> str:
    """How often followers really spoke under a gate that is not the champion's."""
    if not key.endswith("_gate") or len(recipe.members) == 1:
        return ""
    return f", here {_told(realised_shares(recipe, trial.rows))}"
