"""What will stand in a search's way, as a small sample shows: long prompts, limits of answers, failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.evaluation import Evaluation, Summary
from evoswarm.evaluation.failures import FailedItems, hopeless, in_words, sentence, together
from evoswarm.experiment.workbench import Workbench
from evoswarm.space.long_prompts import LongPrompts, counted, may_be_long
from evoswarm.tasks.task import Item, SplitName

_FIRST_STEPS = 8  # of members that are looked at: what opens an answer is much the same for all questions
_WORTH_A_WORD, _MUCH = 0.01, 0.5
_UNHEARD = ": its answers begin where it was never trained to go on (expect nonsense, or nothing at all)"


@dataclass(frozen=True)
class AtLimit:
    """Answers of one member, alone and greedy, to one task.

    Attributes:
        member: its name.
        task: its name.
        share: of the answers that reached the limit of bytes.
        cut_off: share of those that did so before anything that the scorer could read as an answer.
    """

    member: str
    task: str
    share: float
    cut_off: float

    @property
    def words(self) -> str:
        """The member with its share."""
        unread = f", {self.cut_off:.0%} before an answer could be read" if self.cut_off else ""
        return f"{self.member} {self.share:.0%}{unread}"


@dataclass(frozen=True)
class Obstacles:
    """What a sample shows.

    Attributes:
        long: prompts of all splits that are too long for some member.
        at_limit: by member and task, where any answer reached its limit.
        failed: evaluations of the sample that failed.
        evaluations: how many there were.
        hopeless: why nothing at all could be evaluated; None where anything could.
        silenced: share of a member's first step that goes to special tokens, by name, where it is worth a word.
    """

    long: tuple[LongPrompts, ...] = ()
    at_limit: tuple[AtLimit, ...] = ()
    failed: tuple[FailedItems, ...] = ()
    evaluations: int = 0
    hopeless: str | None = None
    silenced: Mapping[str, float] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """In words, the beginnings of the lines as those of a plan."""
        found = [f"prompts:   {one.words}" for one in self.long]
        tasks = dict.fromkeys(one.task for one in self.at_limit)
        found += [
            f"limits:    {task}: answers that reached max_bytes, of each member alone: "
            + "; ".join(one.words for one in self.at_limit if one.task == task)
            for task in tasks
        ] or ["limits:    no answer of a member alone reached max_bytes"]
        found += [
            f"silenced:  {name} gives {share:.0%} of its first step to special tokens, which are never spelled"
            + (_UNHEARD if share > _MUCH else "")
            for name, share in self.silenced.items()
        ]
        if self.hopeless is not None:
            found.append(f"failures:  a search would end after its first generation: {self.hopeless}")
        elif self.failed:
            count = sum(one.items for one in self.failed)
            found.append(
                f"failures:  {count:,} of {self.evaluations:,} evaluations failed and count as wrong answers: "
                f"{in_words(self.failed)}; the commonest: {sentence(self.failed[0])}"
            )
        return found


def obstacles(
    bench: Workbench,
    items: Sequence[Item],
    plain: Sequence[tuple[Candidate, Sequence[Evaluation]]],
    summaries: Sequence[Summary],
) -> Obstacles:
    """Collect what a sample shows.

    Args:
        bench: with the items of all splits: only the lengths of their prompts are looked at.
        items: of the sample.
        plain: the plainest policies with what they did on the sample.
        summaries: of all policies of the sample.
    """
    alone = [(one.policy.specs[0].name, rows) for one, rows in plain if len(one.policy.specs) == 1]
    limits = [_at_limit(name, task, items, rows) for task in bench.tasks for name, rows in alone]
    return Obstacles(
        long=tuple(_long_prompts(bench)),
        at_limit=tuple(one for one in limits if one.share),
        failed=together(summary.failed for summary in summaries),
        evaluations=sum(summary.items for summary in summaries),
        hopeless=hopeless(summaries),
        silenced={name: share for name, share in _silenced(bench, items).items() if share > _WORTH_A_WORD},
    )


def _silenced(bench: Workbench, items: Sequence[Item]) -> dict[str, float]:
    texts = [bench.space.prompt_format.replace("{prompt}", item.prompt) for item in items[:_FIRST_STEPS]]
    return bench.swarm.silenced(texts)


def _at_limit(member: str, task: str, items: Sequence[Item], rows: Sequence[Evaluation]) -> AtLimit:
    own = [row for item, row in zip(items, rows, strict=True) if item.task == task]
    count = max(1, len(own))
    reached = sum(row.ending in ("limit", "cut_off") for row in own)
    return AtLimit(member, task, reached / count, sum(row.ending == "cut_off" for row in own) / count)


def _long_prompts(bench: Workbench) -> list[LongPrompts]:
    """Counted as the members themselves render them."""
    prompts: Mapping[SplitName, Sequence[str]] = {
        split: [bench.space.prompt_format.replace("{prompt}", item.prompt) for item in drawn]
        for split, drawn in bench.items.items()
    }
    found = []
    for name, context in bench.swarm.context_lengths.items():
        if context is not None:
            frame = bench.swarm.prompt_lengths(name, [""])[0]
            lengths = {
                split: bench.swarm.prompt_lengths(name, [text for text in texts if may_be_long(text, context, frame)])
                for split, texts in prompts.items()
            }
            padded = {split: [*own, *[0] * (len(prompts[split]) - len(own))] for split, own in lengths.items()}
            one = counted(name, context, padded)
            found += [one] if one is not None else []
    return found
