"""What a run keeps for those who want to see: the champion's answers step by step, and what everybody scores alone.

It is about the test items where they were opened for the champion, else about the selection items: no test item is
looked at for this that a certificate has not decided on. Whatever was read or scored before is not read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from evoswarm.errors import RunError
from evoswarm.evaluation.alone import AloneOnSplit, ScoresAlone, read_alone
from evoswarm.evaluation.candidate import Candidate, best_of, score
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.traces.lines import PolicyKey, TraceHeader
from evoswarm.evaluation.traces.reading import read_traces
from evoswarm.evaluation.traces.tracing import Tracer
from evoswarm.experiment.files.policy_files import certificate_in
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import single, singles, uniform
from evoswarm.policies import Policy
from evoswarm.run_directory import ALONE, TRACES, RunDirectory
from evoswarm.tasks.task import Item, SplitName, weights_of
from evoswarm.tracking import Tracker
from evoswarm.user_files import MIB

MOST_ITEMS = 200
"""Items that are traced, the first of their split."""

MOST_BYTES = 8 * MIB
"""Of all lines of a trace; where answers are long, fewer items are traced, but one in any case."""

_FIRST = 16  # items that are traced before anybody knows how long their lines are


def trace(
    bench: Workbench, run: RunDirectory, champion: Policy, progress: Progress, tracker: Tracker | None = None
) -> None:
    """Write ``alone.json`` and ``traces.jsonl``, unless they stand for this champion and these items.

    Args:
        bench: the space made ready; with the test items where they may be looked at.
        run: with the champion's certificate in it, where it has one.
        champion: bound to the pool as loaded.
        progress: told of it.
        tracker: tells MLflow; None where it hears of all files later.

    Raises:
        RunError: a file or the ledger cannot be written.
        Stopped: Ctrl-C.
    """
    opened = "test" in bench.items and certificate_in(run, champion) is not None
    split: SplitName = "test" if opened else "selection"
    if _stands(run, champion, split):
        return
    most = min(MOST_ITEMS, len(bench.items[split]))
    progress.enter("tracing", f"tracing answers to {most} {split} items, step by step")
    evaluator = bench.evaluator.over(bench.swarm)  # nothing of it counts as asked for by a search
    tracer = Tracer(evaluator, _policies(evaluator, bench, champion))
    lines, items = _lines(tracer, bench.items[split][:MOST_ITEMS])
    progress.at("who is right where others fail")
    run.write(ALONE, _alone(evaluator, bench, champion, split, items).to_json())
    header = TraceHeader(1, split, items, tracer.told).to_json()
    run.write(TRACES, "".join(f"{line}\n" for line in (header, *lines)))  # last: it says whose both files are
    if tracker is not None:
        tracker.files(run, [ALONE, TRACES])


def _stands(run: RunDirectory, champion: Policy, split: SplitName) -> bool:
    """Whether both files are whole and of this champion: on these items, or on test items that it has opened."""
    with suppress(RunError):
        read_alone(run.path / ALONE)
        header = read_traces(run.path / TRACES).header
        known = header.policy("champion")
        return known is not None and known.digest == champion.digest and header.split in (split, "test")
    return False


def _policies(evaluator: Evaluator, bench: Workbench, champion: Policy) -> dict[PolicyKey, tuple[str, Policy]]:
    """The champion, the member that is best alone on the selection items, and the mix of all; with their names."""
    alone = [Candidate(*one) for one in singles(bench.space)]
    best = best_of(score(alone, evaluator, bench.items["selection"]))
    return {
        "champion": ("champion", champion),
        "best_member": (best.name, best.policy),
        "uniform": ("uniform mix", uniform(bench.space, bench.pool)),
    }


def _lines(tracer: Tracer, items: Sequence[Item]) -> tuple[list[str], int]:
    """The lines of as many items, from the first, as there is room for; and how many items these are."""
    lines: list[str] = []
    size, number, batch = 0, 0, _FIRST
    while number < len(items):
        for traced in tracer.lines(items[number : number + batch], number + 1):
            size += sum(len(line.encode()) for line in traced)
            if lines and size > MOST_BYTES:
                return lines, number
            lines += traced
            number += 1
        batch = max(1, (MOST_BYTES - size) * number // size)
    return lines, number


def _alone(evaluator: Evaluator, bench: Workbench, champion: Policy, split: SplitName, traced: int) -> ScoresAlone:
    """What everybody scores on the selection items, and on as many test items as are known of all."""
    policies = [*(single(bench.space, spec) for spec in bench.pool), champion, uniform(bench.space, bench.pool)]
    names = tuple(spec.name for spec in bench.pool)

    def on(items: Sequence[Item]) -> AloneOnSplit:
        *alone, own, mixed = evaluator.scores(policies, items)
        tasks = tuple(bench.tasks)
        return AloneOnSplit(
            items=len(items),
            tasks=tasks,
            task=tuple(tasks.index(item.task) for item in items),
            weight=weights_of(bench.tasks),
            scores=dict(zip(names, alone, strict=True)),
            champion=own,
            uniform=mixed,
        )

    found: dict[SplitName, AloneOnSplit] = {"selection": on(bench.items["selection"])}
    if split == "test":
        items = bench.items["test"]
        found["test"] = on(items if evaluator.knows(policies, items) else items[:traced])
    return ScoresAlone(1, names, found)
