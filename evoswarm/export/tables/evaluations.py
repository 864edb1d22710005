"""The tables of items and of evaluations: what every policy of a run answered to every item, out of the ledger."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.kept import KeptEvaluations
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.files.finished_search import FinishedSearch
from evoswarm.export.tables.column import TableColumn, TablePlan
from evoswarm.export.tables.individuals import COSTS
from evoswarm.policies import Policy
from evoswarm.tasks.task import Item, SplitName

_AT_ONCE = 64  # policies whose contexts are looked up together


@dataclass(frozen=True)
class ItemRow:
    """An item and its place.

    Attributes:
        split: that it is in.
        number: within its split, from 1.
        item: the question and its gold.
        question: without the examples that stand before it.
    """

    split: SplitName
    number: int
    item: Item
    question: str


@dataclass(frozen=True)
class EvaluationRow:
    """What a policy did on an item.

    Attributes:
        policy: its digest.
        individual: the first one that expresses it; None where none does.
        contender: its name among those that were tested again; None where it is none of them.
        member: whose plain answers these are; None where it is no member alone.
        place: the item.
        evaluation: of the policy on it.
    """

    policy: str
    individual: str | None
    contender: str | None
    member: str | None
    place: ItemRow
    evaluation: Evaluation


class RunEvaluations:
    """The evaluations of a run, as its ledger holds them; nothing is decoded.

    Items of the test split are there where a certificate has opened them for the champion: the champion's evaluations
    and those of members alone, which is what `evoswarm answers` shows.

    Args:
        search: the run.
        contenders: those that were tested again, by name.
        ledger: of the run; None where there is none.

    Attributes:
        lost: how many individuals' policies could not be made again, so that their evaluations are left out.
    """

    def __init__(self, search: FinishedSearch, contenders: Mapping[str, Policy], ledger: Ledger | None) -> None:
        self._search, self._contenders, self._ledger = search, contenders, ledger
        self._alone = {one.digest: (name, one) for name, ways in search.asked.members.items() for one in ways}
        self._tasks = search.drawn.tasks
        self.lost = 0

    def items(self) -> Iterator[ItemRow]:
        """The items whose questions may be seen, split by split."""
        splits: tuple[SplitName, ...] = ("search", "selection", "test")
        for split in splits if self._search.asked.opened else splits[:2]:
            for number, item in enumerate(self._search.drawn.items[split], start=1):
                yield ItemRow(split, number, item, item.prompt.removeprefix(self._preamble(item)))

    def rows(self) -> Iterator[EvaluationRow]:
        """Policy by policy: individuals as they came, then contenders, the champion and members alone."""
        asked = self._search.asked
        kept = KeptEvaluations(self._ledger, self._tasks, asked.failures)
        places = list(self.items())
        seen = [place for place in places if place.split != "test"]
        everything, unopened = [one.item for one in places], [one.item for one in seen]
        names = {policy.digest: name for name, policy in self._contenders.items()}
        policies = self._policies()
        while some := list(islice(policies, _AT_ONCE)):
            kept.settle([asked.policy, *(policy for policy, _ in some)], everything)
            for policy, individual in some:
                shown = policy.digest == asked.policy.digest or policy.digest in self._alone
                found = kept.evaluations(policy, everything if shown else unopened)
                label = (policy.digest, individual, names.get(policy.digest), self._member(policy))
                for place, one in zip(places if shown else seen, found, strict=True):
                    if one is not None:
                        yield EvaluationRow(*label, place, one)

    def _policies(self) -> Iterator[tuple[Policy, str | None]]:
        """Every policy once, with the first individual that expresses it."""
        seen = set[str]()
        for line in self._search.individuals():
            if line["key"] not in seen:
                seen.add(line["key"])
                policy = self._search.policy(line)
                self.lost += policy is None
                if policy is not None:
                    yield policy, str(line["id"])
        alone = (policy for _, policy in self._alone.values())
        for policy in chain(self._contenders.values(), [self._search.asked.policy], alone):
            if policy.digest not in seen:
                seen.add(policy.digest)
                yield policy, None

    def _member(self, policy: Policy) -> str | None:
        return self._alone[policy.digest][0] if policy.digest in self._alone else None

    def _preamble(self, item: Item) -> str:
        return str(getattr(self._tasks[item.task], "preamble", ""))


def _figure(name: str) -> Callable[[EvaluationRow], Any]:
    return lambda row: getattr(row.evaluation, name)


def _cost(name: str) -> Callable[[EvaluationRow], float]:
    return lambda row: float(getattr(row.evaluation.cost, name))


def _of_member(number: str) -> Callable[..., float | None]:
    def read(row: EvaluationRow, name: str) -> float | None:
        return next((float(getattr(one, number)) for one in row.evaluation.cost.members if one.name == name), None)

    return read


def _margin(row: EvaluationRow) -> float | None:
    return row.evaluation.margin if math.isfinite(row.evaluation.margin) else None


def _failure(name: str) -> Callable[[EvaluationRow], str | None]:
    return lambda row: None if row.evaluation.failure is None else str(getattr(row.evaluation.failure, name)) or None


_ITEM = TableColumn("item", "text", "SHA-256 that names the item.", lambda row: row.item.key)
_PLACE = (
    TableColumn("task", "text", "The item's task.", lambda row: row.item.task),
    TableColumn("split", "text", "search, selection or test.", lambda row: row.split),
    TableColumn("number", "whole number", "Of the item within its split, from 1.", lambda row: row.number),
)


def _placed(columns: Sequence[TableColumn]) -> Iterator[TableColumn]:
    """Columns of an item as those of an evaluation of it."""
    for one in columns:
        yield TableColumn(one.name, one.type, one.says, lambda row, read=one.read: read(row.place))


ITEMS = TablePlan(
    "items",
    "One row per item; of the test split only where a certificate has opened it for the champion.",
    (
        _ITEM,
        *_PLACE,
        TableColumn("question", "text", "As its task words it, without worked examples.", lambda row: row.question),
        TableColumn("gold", "text", "The right answer; empty where only a verifier knows.", lambda row: row.item.gold),
    ),
)

EVALUATIONS = TablePlan(
    "evaluations",
    "One row per policy and item, where the ledger knows it; of a race, only what was run.",
    (
        TableColumn("policy", "text", "SHA-256 of the policy.", lambda row: row.policy),
        TableColumn("individual", "text", "The first that expresses it.", lambda row: row.individual),
        TableColumn("contender", "text", "Its name in the table `front`.", lambda row: row.contender),
        TableColumn("member", "text", "Of the pool, where it is one alone.", lambda row: row.member),
        *_placed([_ITEM, *_PLACE]),
        TableColumn("score", "number", "Missing on failure, which summaries count as 0.", _figure("score"), "0 to 1"),
        TableColumn("answer", "text", "The text that was scored.", _figure("answer")),
        TableColumn("answers", "texts", "The texts of all samples.", lambda row: list(row.evaluation.answers)),
        TableColumn("ending", "text", "How it ended: end, stop, limit or cut_off.", _figure("ending")),
        TableColumn("failure", "text", "Why there is no score: the kind.", _failure("kind")),
        TableColumn("failure_message", "text", "More of it.", _failure("message")),
        TableColumn("failure_member", "text", "Whose failure it is, where it is one's.", _failure("member")),
        TableColumn("margin", "number", "The closest decision; missing where there was none.", _margin, "nats"),
        TableColumn("steps", "whole number", "Decoding steps over all samples.", _figure("steps")),
        TableColumn(
            "open_steps", "whole number", "Of these, at which others than the lead spoke.", _figure("open_steps")
        ),
        TableColumn(
            "lead_tokens", "whole number", "Tokens that the lead read behind the prompt.", _figure("lead_tokens")
        ),
        TableColumn(
            "lead_tokens_touched",
            "whole number",
            "Of these, in which others than the lead spoke.",
            _figure("lead_tokens_touched"),
        ),
        TableColumn(
            "left_out", "number", "Bound on a byte view's error, in total variation.", _figure("left_out"), "0 to 1"
        ),
        TableColumn("entropy", "number", "Of the lead, mean over steps.", _figure("entropy"), "nats"),
        *(TableColumn(name, "number", f"Cost: {says}.", _cost(name), unit) for name, (unit, says) in COSTS.items()),
        *(
            TableColumn(
                name,
                "number",
                f"The member's part of {name}; missing where it is none.",
                _of_member(name),
                unit,
                "MEMBER",
            )
            for name, (unit, _) in COSTS.items()
        ),
        TableColumn(
            "spoken_steps", "number", "Steps at which the member spoke.", _of_member("steps"), "steps", "MEMBER"
        ),
    ),
)
