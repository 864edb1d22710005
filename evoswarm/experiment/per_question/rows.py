"""Question by question: what a policy answered, what each member answers alone, and what that was worth."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.kept import KeptEvaluations
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.files.places import ledger_file
from evoswarm.experiment.files.same_items import same_items
from evoswarm.experiment.per_question.asked_policy import AskedPolicy
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.run_directory.directory import events_of
from evoswarm.space import draw_items, make_tasks
from evoswarm.tasks.task import Item, SplitName

AT_ONCE = 512
"""Items whose answers are read or decoded together."""


@dataclass(frozen=True)
class AnswerRow:
    """One question and its answers.

    Attributes:
        number: of the item within its split, from 1.
        item: the question, its gold, and the row that it was made of.
        question: without the examples that stand before it.
        champion: what the policy did; None where nobody knows.
        members: what each member does alone, by name; likewise.
    """

    number: int
    item: Item
    question: str
    champion: Evaluation | None
    members: Mapping[str, Evaluation | None]


@dataclass
class PerQuestion:
    """The answers on a split, to be gone through once.

    Attributes:
        split: which items.
        items: of the split.
        ledger: the file that answers are read from.
        rows: one per item, in order.
        otherwise: alphabets of members whose answers are known in another one than the space's, by name.
        lacking: of how many items so far an answer was not known, by whose it is: "" is the policy's.
    """

    split: SplitName
    items: Sequence[Item]
    ledger: Path
    rows: Iterator[AnswerRow]
    otherwise: Mapping[str, str]
    lacking: Counter[str]


@contextmanager
def kept_answers(asked: AskedPolicy, split: SplitName, ledger: Path | None = None) -> Iterator[PerQuestion]:
    """The answers that the ledger holds; nothing is decoded, and no model is needed.

    Args:
        asked: whose answers.
        split: ``test`` shows what a certificate has opened, and opens nothing.
        ledger: its file; None is ``EVOSWARM_LEDGER``, or beside the runs.

    Raises:
        RunError: the test items were not opened for this policy, or the ledger or the journal cannot be read.
        TaskError: the items cannot be read.
    """
    if split == "test":
        asked.require_opened()
    file = ledger_file(asked.runs, ledger)
    store = Ledger(file) if os.path.exists(file) else None
    try:
        tasks = make_tasks(asked.space)
        items = draw_items(asked.space, tasks)[split]
        if asked.run is not None:
            same_items(asked.run, events_of(asked.run), asked.space, {split: items})
        kept = KeptEvaluations(store, {task.name: task for task in tasks}, asked.failures)
        kept.settle([asked.policy, *(recipe for ways in asked.members.values() for recipe in ways)], items)
        known = {name: max(ways, key=kept.count) for name, ways in asked.members.items() if ways}
        policies = [asked.policy, *known.values()]
        answers = ([kept.evaluations(one, part) for one in policies] for part in _parts(items))
        joined = _Joined(list(asked.members), list(known), items, {task.name: task.preamble for task in tasks})
        usual = asked.space.alphabets[0]
        otherwise = {name: recipe.alphabet for name, recipe in known.items() if recipe.alphabet != usual}
        yield PerQuestion(split, items, file, joined.rows(answers), otherwise, joined.lacking)
    finally:
        if store is not None:
            store.close()


@contextmanager
def decoded_answers(
    asked: AskedPolicy, split: SplitName, ledger: Path | None = None, progress: Progress = SILENT
) -> Iterator[PerQuestion]:
    """The same; what the ledger lacks is decoded, and kept there.

    Args:
        asked: whose answers.
        split: any but ``test``.
        ledger: see `kept_answers`.
        progress: told what is being done.

    What failed for want of memory or time stays a failure: the run's results stand on it.

    Raises:
        ValueError: test items are asked for.
        EvoswarmError: a member cannot be loaded, or see `kept_answers`.
    """
    if split == "test":
        raise ValueError("expected another split (test items are opened by a certificate alone), got 'test'")
    from evoswarm.evaluation.mixes import TransientFailures
    from evoswarm.experiment.workbench import workbench
    from evoswarm.genomes.plain import single
    from evoswarm.policies.document import naming

    file = ledger_file(asked.runs, ledger)
    transient = TransientFailures(asked.failures)
    with workbench(asked.space, file, splits=[split], transient=transient, progress=progress) as bench:
        with naming(str(asked.file)):
            policy = bench.bound(asked.policy)
        members = {spec.name: single(bench.space, spec) for spec in bench.pool}
        items = bench.items[split]
        progress.enter("decoding", f"decoding what the ledger lacks of {len(items):,} items of the {split} split")
        bench.evaluator.summaries([policy, *members.values()], items)  # nobody waits for what comes behind this
        answers = (bench.evaluator.evaluate([policy, *members.values()], part) for part in _parts(items))
        preambles = {task.name: task.preamble for task in make_tasks(asked.space)}
        joined = _Joined(list(members), list(members), items, preambles)
        yield PerQuestion(split, items, file, joined.rows(answers), {}, joined.lacking)


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))


class _Joined:
    """Joins what is known, part by part, and counts what is not.

    Args:
        members: of the pool, by name.
        known: those of them whose answers come, in order.
        items: all.
        preambles: what stands before every question, by task.
    """

    def __init__(
        self, members: Sequence[str], known: Sequence[str], items: Sequence[Item], preambles: Mapping[str, str]
    ) -> None:
        self._members, self._known, self._items, self._preambles = members, known, items, preambles
        self.lacking = Counter[str]()

    def rows(self, answers: Iterator[Sequence[Sequence[Evaluation | None]]]) -> Iterator[AnswerRow]:
        """One per item; of every part come the policy's answers first, then each member's."""
        number = 0
        for own, *others in answers:
            for place, champion in enumerate(own):
                known = dict(zip(self._known, (one[place] for one in others), strict=True))
                members = {name: known.get(name) for name in self._members}
                self.lacking.update(name for name, one in [("", champion), *members.items()] if one is None)
                item = self._items[number]
                number += 1
                question = item.prompt.removeprefix(self._preambles[item.task])
                yield AnswerRow(number, item, question, champion, members)
