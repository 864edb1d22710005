"""Everybody answers the test items: the champion, all it is compared with, and the champion without each member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from evoswarm.certificate.document import Items, Opening, Subject
from evoswarm.certificate.evidence import Evidence, Speaker
from evoswarm.decoding.request import DECODING_VERSION
from evoswarm.evaluation.candidate import Candidate, Scored, score
from evoswarm.evaluation.evaluation import Summary, scores_of, summarize
from evoswarm.experiment.files.run_history import expected_of, history, note_once
from evoswarm.experiment.owners import owners_of, unobeyed
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import uniform
from evoswarm.policies import Policy, Recipe
from evoswarm.rivals.tuning import Rivals
from evoswarm.run_directory import RunDirectory
from evoswarm.space import SearchSpace, small_test_split
from evoswarm.tasks.task import weights_of


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
    note, owners = small_test_split(space), owners_of(bench)
    return Evidence(
        subject=_subject(space, champion, champion.words(summary.spoken)),
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
        is_uniform=champion.digest == uniform(space, bench.pool).digest,
        is_fitted=rivals.fitted is not None and champion.digest == rivals.fitted.policy.digest,
        absent=rivals.absent,
        owners=owners,
        speakers=_speakers(champion, summary, dict(zip(less, map(scores_of, shorter), strict=True))),
        selection=evaluator.summaries([champion], selection)[0].scores,
        selection_tasks=tuple(item.task for item in selection),
        search=searched,
        expected=expected_of(run, champion),
        thrifty=space.saving is not None,
        recipes_tried=tried,
        notes=(*([] if note is None else [note]), *unobeyed(owners)),
    )


def _ablated(champion: Policy) -> dict[str, Policy]:
    """The champion without each of its members, by name, where something is left."""
    shorter = {spec.name: champion.without(spec.name) for spec in champion.specs}
    return {name: policy for name, policy in shorter.items() if policy is not None}


def _speakers(champion: Policy, summary: Summary, without: Mapping[str, tuple[float, ...]]) -> tuple[Speaker, ...]:
    """How often each member spoke on the test items, and what the others do without it."""
    return tuple(
        Speaker(
            name=spec.name,
            identity=spec.fingerprint or f"{spec.path}@{spec.revision}",
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


def _subject(space: SearchSpace, champion: Policy, words: Sequence[str]) -> Subject:
    return Subject(
        space=space.name,
        space_digest=space.digest,
        search_digest=space.continuation_digest,
        seed=space.seed,
        noise_seed=space.noise_seed,
        champion=champion.digest,
        kind=champion.kind,
        members=tuple(spec.name for spec in champion.specs),
        lead=_lead(champion),
        words=tuple(words),
        evoswarm=version("evoswarm"),
        decoding=DECODING_VERSION,
    )
