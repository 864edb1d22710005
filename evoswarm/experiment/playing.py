"""Everybody answers the test items: the champion, all it is compared with, and the champion without each member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from evoswarm.certificate.document import Items, Opening, Subject
from evoswarm.certificate.evidence import Evidence, Speaker
from evoswarm.certificate.verdict import SPEAKS
from evoswarm.decoding.request import DECODING_VERSION
from evoswarm.evaluation.answers import by_mixes
from evoswarm.evaluation.candidate import Candidate, Scored, score
from evoswarm.evaluation.evaluation import Summary, scores_of, summarize
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.experiment.files.run_history import expected_of, history, note_once, origin_of
from evoswarm.experiment.owners import owners_of, unobeyed
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import uniform
from evoswarm.policies import Policy, Recipe, Route
from evoswarm.policies.route import sole
from evoswarm.rivals.tuning import Rivals
from evoswarm.run_directory import RunDirectory
from evoswarm.space import SearchSpace, small_test_split
from evoswarm.tasks.task import Item, weights_of

NOT_TAKEN_APART = (
    "A route has no ablations (without a member, others would answer its items, which makes another route) and no "
    "gates of its own to be changed (they are those of the mixes that it chooses from)."
)
"""Said of champions that are routes."""


TOGETHER = 250
"""Test items that everybody answers before the next ones: policies share what is read of an item, items hardly any."""


def play_in_parts(bench: Workbench, champion: Policy, rivals: Rivals) -> None:
    """Have all answers to the test items in the ledger, some items at a time: what is read of these is forgotten then.

    Who looks for an answer afterwards finds it there, and decodes nothing. Few items are not divided.

    Raises:
        RunError: the ledger cannot be written.
        Stopped: Ctrl-C.
    """
    evaluator, items = bench.evaluator, bench.items["test"]
    policies = [champion, *_ablated(champion).values()]
    policies += [one.policy for one in (*rivals.matched, *rivals.diagnostics)]
    for ceiling in rivals.ceilings:
        policies += ceiling.policy.policies if isinstance(ceiling.policy, Route) else [ceiling.policy]
    if len(items) <= TOGETHER or evaluator.knows(policies, items):
        return
    for start in range(0, len(items), TOGETHER):
        evaluator.evaluate(policies, items[start : start + TOGETHER])
        bench.on_other_items()


def evidence_of(
    bench: Workbench, run: RunDirectory, space: SearchSpace, champion: Policy, rivals: Rivals, opening: Opening
) -> Evidence:
    """Play everything on the test items and collect what is known besides."""
    evaluator, items, selection = bench.evaluator, bench.items["test"], bench.items["selection"]
    less = _ablated(champion)
    evaluations, *shorter = evaluator.evaluate([champion, *less.values()], items)
    summary = summarize(items, evaluations, bench.tasks)
    note_once(run, "close_decisions", champion=champion.digest, items=summary.close)  # margins depend on the batches
    tried, searched = history(run, champion, len(bench.items["search"]))
    counts = {split: len(bench.items[split]) for split in ("search", "selection", "test")}
    note, owners, expected = small_test_split(space), owners_of(bench), expected_of(run, champion)
    return Evidence(
        subject=_subject(space, champion, champion.words(summary.spoken), mixes=_mixes(evaluator, items, champion)),
        items=Items(**counts),
        opening=opening,
        margin=space.certificate.margin,
        tasks=tuple(item.task for item in items),
        weights=weights_of(bench.tasks),
        champion=Scored(Candidate("champion", champion, "champion"), summary),
        rivals=tuple(score(rivals.matched, evaluator, items)),
        diagnostics=tuple(score(rivals.diagnostics, evaluator, items)),
        ceilings=tuple(ceiling.score(evaluator, items) for ceiling in rivals.ceilings),
        pool=len(bench.pool),
        is_uniform=sole(champion).digest == uniform(space, bench.pool).digest,
        is_fitted=rivals.fitted is not None and sole(champion).digest == rivals.fitted.policy.digest,
        origin=origin_of(run, champion),
        absent=rivals.absent,
        owners=owners,
        speakers=_speakers(champion, summary, dict(zip(less, map(scores_of, shorter), strict=True))),
        selection=evaluator.summaries([champion], selection)[0].scores,
        selection_tasks=tuple(item.task for item in selection),
        search=searched,
        expected=None if expected is None else expected.accuracy,
        thrifty=space.saving is not None,
        recipes_tried=tried,
        notes=(
            *([] if note is None else [note]),
            *([NOT_TAKEN_APART] if isinstance(champion, Route) else []),
            *unobeyed(owners),
        ),
    )


def _mixes(evaluator: Evaluator, items: Sequence[Item], champion: Policy) -> bool:
    """Whether a route is one to mixes: at least two different members really speak within one that it chose."""
    if not isinstance(champion, Route):
        return False
    places: dict[str, list[int]] = {}
    chosen: dict[str, Recipe] = {}
    for mixes, where in by_mixes(champion, items):
        for recipe in mixes:
            chosen.setdefault(recipe.digest, recipe)
            places.setdefault(recipe.digest, []).extend(where)
    used, steps = dict[str, dict[str, float]](), 0.0
    for digest, recipe in chosen.items():
        rows = evaluator.evaluate([recipe], [items[place] for place in places[digest]])[0]
        steps += sum(row.steps for row in rows)
        known = used.setdefault(digest, {})
        names = {spec.name: spec.identity for spec in recipe.specs}
        for one in (member for row in rows for member in row.cost.members):
            known[names[one.name]] = known.get(names[one.name], 0.0) + one.steps
    return any(sum(count >= SPEAKS * steps for count in known.values()) >= 2 for known in used.values())


def _ablated(champion: Policy) -> dict[str, Policy]:
    """The champion without each of its members, by name, where something is left."""
    shorter = {spec.name: champion.without(spec.name) for spec in champion.specs}
    return {name: policy for name, policy in shorter.items() if policy is not None}


def _speakers(champion: Policy, summary: Summary, without: Mapping[str, tuple[float, ...]]) -> tuple[Speaker, ...]:
    """How often each member spoke on the test items, and what the others do without it."""
    return tuple(
        Speaker(
            name=spec.name,
            identity=spec.identity,
            role=champion.role(spec.name),
            share_of_steps=summary.spoken.get(spec.name, 0.0),
            without=without.get(spec.name),
            led_by=_lead(champion.without(spec.name)),
        )
        for spec in champion.specs
    )


def _lead(policy: Policy | None) -> str:
    """Who leads a mix; nobody leads anything else."""
    return policy.lead if isinstance(policy, Recipe) else ""


def _subject(space: SearchSpace, champion: Policy, words: Sequence[str], *, mixes: bool) -> Subject:
    return Subject(
        space=space.name,
        space_digest=space.digest,
        search_digest=space.continuation_digest,
        seed=space.seed,
        noise_seed=space.noise_seed,
        champion=champion.digest,
        kind=champion.kind,
        mixes=mixes,
        members=tuple(spec.name for spec in champion.specs),
        lead=_lead(champion),
        words=tuple(words),
        evoswarm=version("evoswarm"),
        decoding=DECODING_VERSION,
    )
