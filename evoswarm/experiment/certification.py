"""From a champion to its certificate: tune the rivals, state what can be proven, open the test items, play, write.

The order is what makes the verdict worth something. Everything that is chosen is chosen on the selection items; what
could be proven is written down; then the opening is recorded in the ledger; only then a test item is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from evoswarm.certificate.detectable import detectable_gain
from evoswarm.certificate.document import Certificate, Items, Opening, Owner, Subject
from evoswarm.certificate.evidence import Evidence, Speaker, certificate_of
from evoswarm.certificate.page import page
from evoswarm.certificate.verdict import COUNTS, points
from evoswarm.decoding.decoder import Decoder
from evoswarm.decoding.request import DECODING_VERSION
from evoswarm.evaluation.candidate import Candidate, Scored, score
from evoswarm.evaluation.evaluation import Evaluation, scores_of, summarize
from evoswarm.evaluation.ledger import OpenedBefore, OpeningRecord
from evoswarm.evaluation.mixes import Stopped
from evoswarm.experiment import mirror
from evoswarm.experiment.finished_run import read_run
from evoswarm.experiment.interrupt import Interrupt, SearchInterrupted
from evoswarm.experiment.opening import permitted
from evoswarm.experiment.places import ledger_file, root_of
from evoswarm.experiment.policy_files import write_certified, write_refused
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.result import PAGE
from evoswarm.experiment.run_history import history, note_once, retire, transient_failures
from evoswarm.experiment.same_items import require_same_items
from evoswarm.experiment.workbench import Workbench, naming, workbench
from evoswarm.genomes.plain import uniform
from evoswarm.policies import Policy, Recipe
from evoswarm.rivals.tuning import Rivals, tune
from evoswarm.run_directory import CERTIFICATE, CHAMPION, RunDirectory
from evoswarm.space import SearchSpace, small_test_split
from evoswarm.statistics.intervals import discordances, strata
from evoswarm.tasks.task import SPLITS
from evoswarm.tracking import Tracker
from evoswarm.trust import NOBODY, Trust


def certify(
    run: str | Path,
    *,
    force: bool = False,
    runs: str | Path | None = None,
    progress: Progress = SILENT,
    swarm: Decoder | None = None,
    trust: Trust = NOBODY,
    ledger: str | Path | None = None,
) -> Certificate:
    """Give the champion of a finished search its certificate, from the run directory alone.

    The same champion again is the same opening: nothing is decoded, and the files come out the same to the byte.

    Args:
        run: the run directory.
        force: also where the test items of this search were opened for another champion before.
        runs: the directory of the ledger and of MLflow's store; None is the one that the run lies in, or ``runs``
            where that has no ledger.
        progress: told what is being done.
        swarm: the pool, loaded already; None loads it.
        trust: whose code may run where the space asks for it.
        ledger: its file; None is ``EVOSWARM_LEDGER``, or beside the runs.

    Raises:
        OpenedBefore: they were, and nothing was forced.
        EvoswarmError: the directory holds no finished search, or its space, tasks or members are not what they were.
        SearchInterrupted: Ctrl-C; everything is kept, and the same call goes on.

    Example:
        >>> certificate = certify(result.directory)
        >>> certificate == result.certificate
        True
    """
    path = Path(run)
    space, champion = read_run(path, trust)
    root = root_of(path) if runs is None else Path(runs)
    with ExitStack() as stack:
        directory = RunDirectory(path)
        stack.callback(directory.close)
        interrupt = stack.enter_context(Interrupt(path))
        transient, stop = transient_failures(directory), interrupt.asked
        bench = stack.enter_context(
            workbench(
                space,
                ledger_file(root, ledger),
                splits=SPLITS,
                transient=transient,
                stop=stop,
                progress=progress,
                swarm=swarm,
            )
        )
        require_same_items(directory, space, bench.items)
        with naming(str(path / CHAMPION)):
            bound = bench.bound(champion)
        tracker = Tracker.of(space, root)
        stack.callback(tracker.close)
        try:
            return certify_champion(bench, directory, bound, tracker, force=force, progress=progress)
        except Stopped as error:
            directory.journal("interrupted")
            raise SearchInterrupted(path) from error


def certify_champion(
    bench: Workbench, run: RunDirectory, champion: Policy, tracker: Tracker, *, force: bool, progress: Progress
) -> Certificate:
    """Certify the champion of a run that is at hand.

    Args:
        bench: the space made ready, with the items of all splits.
        run: with ``space.yaml``, ``front.json`` and ``individuals.jsonl`` in it; the certificate is written there.
        champion: frozen; bound to the pool as loaded.
        tracker: told of the opening.
        force: open the items also where another champion of this search opened them.
        progress: told what is being done.

    Raises:
        OpenedBefore: another champion did, and nothing was forced; nothing was opened.
        RunError: a file cannot be written.
        Stopped: Ctrl-C.
    """
    retire(run, champion)
    space = bench.asked  # a loaded one knows its fingerprints
    evaluator, items = bench.evaluator, bench.items["test"]
    digests = [evaluator.item_digest(item, champion.prompt_format) for item in items]
    identity = space.continuation_digest
    try:
        forced = permitted(run, champion, evaluator.ledger.opening(identity, champion.digest, digests), force)
    except OpenedBefore as refusal:
        write_refused(bench, run, champion, refusal.message)
        raise
    bench = bench.as_deployed()
    evaluator, selection = bench.evaluator, bench.items["selection"]
    progress.stage(f"tuning rivals on {len(selection)} selection items")
    rivals = tune(bench.space, bench.pool, champion, evaluator, selection)
    gain = _detectable(bench, champion, rivals)
    statement = _statement(gain, len(items), len(rivals.matched))
    note_once(run, "opening", champion=champion.digest, detectable_gain=gain, statement=statement)
    progress.stage(f"{statement}; opening them")
    opened = evaluator.ledger.open_items(identity, champion.digest, digests, forced=forced)
    opening = Opening(
        forced=opened.same_space > 0,
        others_of_this_space=opened.same_space,
        others=opened.others,
        detectable_gain=gain,
        statement=f"{statement[0].upper()}{statement[1:]}.",
    )
    certificate = certificate_of(_evidence(bench, run, space, champion, rivals, opening))
    run.write(CERTIFICATE, certificate.to_json())
    run.write(PAGE, page(certificate))
    write_certified(bench, run, champion, certificate)
    _tell(tracker, space, certificate, opened)
    return certificate


def _detectable(bench: Workbench, champion: Policy, rivals: Rivals) -> float | None:
    """What could be proven against all rivals, by how often champion and rival differ on the selection items."""
    evaluator, items = bench.evaluator, bench.items["selection"]
    parts = strata([item.task for item in items], _weights(bench))
    own, *others = evaluator.summaries([champion, *(rival.policy for rival in rivals.matched)], items)
    named = zip(rivals.matched, others, strict=True)
    squares = {rival.key: discordances(own.scores, one.scores, parts) for rival, one in named}
    gain = detectable_gain(squares, parts, len(bench.items["test"]) / len(items))
    return None if gain is None else round(gain, 6)


def _statement(gain: float | None, items: int, rivals: int) -> str:
    if gain is None:
        return f"these {items:,} items are too few to prove any gain"
    shown = f"a gain under {points(gain)} cannot be proven against all {COUNTS[rivals]} rivals"
    return f"with these {items:,} items {shown}"


def _evidence(
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
    note, owners = small_test_split(space), _owners(bench)
    return Evidence(
        subject=_subject(space, champion, champion.words(summary.cost.spoken)),
        items=Items(**counts),
        opening=opening,
        margin=space.certificate.margin,
        tasks=tuple(item.task for item in items),
        weights=_weights(bench),
        champion=Scored(Candidate("champion", champion, "champion"), summary),
        rivals=tuple(score(rivals.matched, evaluator, items)),
        diagnostics=tuple(score(rivals.diagnostics, evaluator, items)),
        ceilings=tuple(ceiling.score(evaluator, items) for ceiling in rivals.ceilings),
        pool=len(bench.pool),
        is_uniform=champion.digest == uniform(space, bench.pool).digest,
        owners=owners,
        speakers=_speakers(champion, evaluations, dict(zip(less, map(scores_of, shorter), strict=True))),
        selection=evaluator.summaries([champion], selection)[0].scores,
        selection_tasks=tuple(item.task for item in selection),
        search=searched,
        recipes_tried=tried,
        notes=(*([] if note is None else [note]), *_unobeyed(owners)),
    )


def _ablated(champion: Policy) -> dict[str, Policy]:
    """The champion without each of its members, by name, where something is left."""
    shorter = {spec.name: champion.without(spec.name) for spec in champion.specs}
    return {name: policy for name, policy in shorter.items() if policy is not None}


def _speakers(
    champion: Policy, evaluations: Sequence[Evaluation], without: Mapping[str, tuple[float, ...]]
) -> tuple[Speaker, ...]:
    """How often each member spoke on the test items, and what the others do without it."""
    steps = sum(evaluation.steps for evaluation in evaluations)
    if champion.kind == "route":  # whose evaluations tell the steps of the chosen answer, and the costs of all
        steps = sum(round(cost.steps) for evaluation in evaluations for cost in evaluation.cost.members)
    spoken = dict.fromkeys((spec.name for spec in champion.specs), 0.0)
    for evaluation in evaluations:
        for cost in evaluation.cost.members:
            spoken[cost.name] += cost.steps
    return tuple(
        Speaker(
            name=spec.name,
            identity=spec.fingerprint or f"{spec.path}@{spec.revision}",
            role=champion.role(spec.name),
            share_of_steps=spoken[spec.name] / steps if steps else 0.0,
            without=without.get(spec.name),
            led_by=_lead(champion.without(spec.name)),
        )
        for spec in champion.specs
    )


def _lead(policy: Policy | None) -> str:
    """Who leads a mix; nobody leads anything else."""
    return policy.lead if isinstance(policy, Recipe) else ""


def _owners(bench: Workbench) -> tuple[Owner, ...]:
    """How the owners of the pool's members would run them."""
    decoder = bench.evaluator.swarm
    return tuple(
        Owner(
            member=facts.spec.name,
            chat_template=facts.spec.chat_template or facts.spec.name in decoder.templated,
            sampled=facts.generation.sampled,
            temperature=facts.generation.temperature,
            top_k=facts.generation.top_k,
            top_p=facts.generation.top_p,
            min_p=facts.generation.min_p,
            left_out=facts.generation.left_out,
        )
        for facts in bench.swarm.facts
    )


def _unobeyed(owners: Sequence[Owner]) -> Iterator[str]:
    """What members' owners would set, and nothing here obeys."""
    for one in owners:
        if one.left_out:
            settings = " and ".join(one.left_out)
            yield f"The generation settings of {one.member} also say {settings}; its answers are decoded without."


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


def _tell(tracker: Tracker, space: SearchSpace, certificate: Certificate, opened: OpeningRecord) -> None:
    """Mirror the opening in MLflow."""
    metrics = {"test_accuracy": certificate.score.mean, "items": certificate.items.test}
    metrics["flops"], metrics["open_share"] = certificate.compute.flops, certificate.open_share.steps
    tracker.opening(*mirror.opening(space, certificate.subject.champion, opened), metrics)


def _weights(bench: Workbench) -> Mapping[str, float]:
    return {name: task.weight for name, task in bench.tasks.items()}
