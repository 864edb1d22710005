"""What a student keeps of its champion: both, and the best single member, on the same items.

The champion's test items are opened once, for its certificate. A student is another policy, made after they were
opened, so nothing can be proven by them any more: what it scores there stands beside the champion's as a description,
on record as an opening of its own, and is no verdict. Where the champion never opened them they stay closed, and the
selection items are told of; by those the champion was chosen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from evoswarm.decoding.request import MemberShape
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.candidate import Candidate, Scored, best_of
from evoswarm.evaluation.evaluation import Summary
from evoswarm.experiment.drawn import Drawn
from evoswarm.experiment.openings.guard import Guard
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import singles
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, Recipe
from evoswarm.policies.mix import RecipeMember
from evoswarm.statistics.intervals import AdjustedMean, difference_of, mean_of, strata
from evoswarm.statistics.kept import KeptShare, kept_share
from evoswarm.tasks.task import Item, SplitName, weights_of

BY = "distilled"
"""How an opening of test items says what opened them."""


@dataclass(frozen=True)
class Standing:
    """Who answered, and what came of it.

    Attributes:
        name: for people.
        summary: score and cost.
        score: the mean, with its interval.
        weight_bytes: of all models that are loaded for it.
    """

    name: str
    summary: Summary
    score: AdjustedMean
    weight_bytes: int

    @classmethod
    def of(cls, scored: Scored, score: AdjustedMean, shapes: Mapping[str, MemberShape]) -> Self:
        """Of a policy that was scored.

        Args:
            scored: the policy.
            score: its mean.
            shapes: of the members, by name.
        """
        models = {spec.identity: shapes[spec.name].parameter_bytes for spec in scored.policy.specs}
        return cls(scored.name, scored.summary, score, sum(models.values()))


@dataclass(frozen=True)
class StudentComparison:
    """A student beside its champion and the best single member, on the same items.

    Attributes:
        split: whose items they are.
        items: how many.
        tasks: names of those that were taught, which alone count.
        student: the student.
        champion: the champion.
        member: the single member that is best on the selection items of these tasks.
        behind: champion less student, paired by item.
        kept: what the student keeps of the champion's gain over that member.
    """

    split: SplitName
    items: int
    tasks: tuple[str, ...]
    student: Standing
    champion: Standing
    member: Standing
    behind: AdjustedMean
    kept: KeptShare


def student_policy(spec: MemberSpec, champion: Policy) -> Recipe:
    """A student as a policy: greedy, token by token, asked as the champion is.

    Args:
        spec: of the student, as a member.
        champion: whose prompt format it takes.
    """
    return Recipe(
        alphabet="tokens", members=(RecipeMember(spec=spec),), lead=spec.name, prompt_format=champion.prompt_format
    )


def compare(
    bench: Workbench, drawn: Drawn, champion: Policy, spec: MemberSpec, tasks: Collection[str], guard: Guard, run: Path
) -> StudentComparison:
    """Have a student answer what its champion has answered.

    Args:
        bench: of the run.
        drawn: the items of all splits.
        champion: bound to the pool.
        spec: of the student as a member; its path is the folder with its files.
        tasks: that were taught.
        guard: of the test items.
        run: the run directory, which keeps its own openings.

    Raises:
        RunError: the opening cannot be written down.
        Stopped: Ctrl-C.
    """
    swarm = Swarm.load([spec])
    student = student_policy(swarm.specs[0], champion)
    alone = [Candidate(name.removeprefix("member "), one) for name, one in singles(bench.space)]
    best = best_of([one.score(bench.evaluator, _of(drawn, "selection", tasks)) for one in alone])
    split: SplitName = "selection"
    if guard.seen(champion).again:
        split = "test"
        guard.open([student], BY, runs=[run], seeds=[bench.space.seed])
    items = _of(drawn, split, tasks)
    found = (
        Candidate("student", student).score(bench.evaluator.over(swarm), items),
        Candidate("champion", champion).score(bench.evaluator, items),
        best.candidate.score(bench.evaluator, items),
    )
    return _compared(split, items, tasks, bench, found, {**bench.swarm.shapes, **swarm.shapes})


def _of(drawn: Drawn, split: SplitName, tasks: Collection[str]) -> list[Item]:
    return [item for item in drawn.items[split] if item.task in tasks]


def _compared(
    split: SplitName,
    items: Sequence[Item],
    tasks: Collection[str],
    bench: Workbench,
    found: tuple[Scored, Scored, Scored],
    shapes: Mapping[str, MemberShape],
) -> StudentComparison:
    parts = strata([item.task for item in items], weights_of(bench.tasks))
    student, champion, member = found
    standings = [Standing.of(one, mean_of(one.scores, parts), shapes) for one in found]
    return StudentComparison(
        split,
        len(items),
        tuple(tasks),
        student=standings[0],
        champion=standings[1],
        member=standings[2],
        behind=difference_of(champion.scores, student.scores, parts),
        kept=kept_share(student.scores, champion.scores, member.scores, parts),
    )
