"""What the members do alone, shown before a search begins: how often they are right, and a few of their answers.

A prompt format that is foreign to the models, a missing chat template or stop string shows here within a minute,
rather than at the end as a champion that scores nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Self

from evoswarm.canonical import digest_of
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.failures import sentence
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import single
from evoswarm.tasks.task import Item

FIRST_LOOK = "first_look.json"

_AT_LIMIT = ("limit", "cut_off")


@dataclass(frozen=True)
class Alone:
    """One member, alone and greedy, on the items of one task.

    Attributes:
        member: its name.
        task: its name.
        items: how many.
        accuracy: its mean score on them; an item that failed counts 0.
        at_limit: how many answers were ended by ``max_bytes``.
        cut_off: of these, those that had come to nothing yet that the scorer could read as an answer.
        empty: how many answers were empty.
        holding: how many wrong answers hold the gold text among other words.
        failed: on how many items it failed.
        failure: the first of these failures, in words; "" where there is none.
    """

    member: str
    task: str
    items: int
    accuracy: float
    at_limit: int
    cut_off: int
    empty: int
    holding: int
    failed: int
    failure: str


@dataclass(frozen=True)
class Answered:
    """One answer of one member.

    Attributes:
        task: its name.
        member: whose answer it is.
        question: as the task words it.
        prompt: as the member read it, special tokens spelled out.
        gold: the right answer; "" where only a verifier knows.
        answer: what the member said.
        score: of it; None where it failed.
        ending: how it ended: ``end``, ``stop``, ``limit``, ``cut_off``; None where it failed.
        failure: why there is no score; "" where there is one.
    """

    task: str
    member: str
    question: str
    prompt: str
    gold: str
    answer: str
    score: float | None
    ending: str | None
    failure: str

    @property
    def is_right(self) -> bool:
        """Whether it has the full score."""
        return self.score == 1.0


@dataclass(frozen=True)
class FirstLook:
    """What the members of a pool do alone.

    Attributes:
        items: of the search split that they were asked.
        alone: by member and task, in the order of the pool.
        shown: a few answers to each task, of different members, right and wrong.
        notes: what may well be meant so, a sentence each.
        warnings: what is likely a mistake, a sentence each.

    Example:
        >>> look = result.first_look
        >>> look.members == tuple(spec.name for spec in space.pool)
        True
        >>> {len([one for one in look.shown if one.task == task]) for task in look.tasks}
        {3}
    """

    items: int
    alone: tuple[Alone, ...]
    shown: tuple[Answered, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(dict.fromkeys(one.member for one in self.alone))

    @property
    def tasks(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(dict.fromkeys(one.task for one in self.alone))

    def of(self, task: str) -> tuple[Alone, ...]:
        """All members on one task."""
        return tuple(one for one in self.alone if one.task == task)

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read back what ``as_dict`` gave.

        Raises:
            ValueError: the text is something else.
        """
        try:
            data = json.loads(text)
            alone = tuple(Alone(**row) for row in data["alone"])
            shown = tuple(Answered(**row) for row in data["shown"])
            said = (tuple(map(str, data[kind])) for kind in ("notes", "warnings"))
            return cls(int(data["items"]), alone, shown, *said)
        except (KeyError, TypeError) as error:
            raise ValueError(f"expected a first look, got other data: {error}") from error


def look_at(bench: Workbench, items: Sequence[Item]) -> FirstLook:
    """Let every member answer some items alone, greedily; nothing of it counts as asked for by a search.

    What is decoded stays in the ledger, where a search finds it again: members alone are among its founders.

    Args:
        bench: the space made ready.
        items: of the search split.

    Raises:
        Stopped: Ctrl-C.
    """
    evaluator = bench.evaluator.over(bench.swarm)
    rows = evaluator.evaluate([single(bench.space, spec) for spec in bench.pool], items)
    answers = {spec.name: row for spec, row in zip(bench.pool, rows, strict=True)}
    places = {task: [place for place, item in enumerate(items) if item.task == task] for task in bench.tasks}
    asked = {task: own for task, own in places.items() if own}
    alone = [
        _alone(member, task, [(items[place], row[place]) for place in own])
        for member, row in answers.items()
        for task, own in asked.items()
    ]
    chosen = [one for task, own in asked.items() for one in _chosen(task, own, answers, alone)]
    return FirstLook(len(items), tuple(alone), _shown(bench, items, answers, chosen))


def _alone(member: str, task: str, answered: Sequence[tuple[Item, Evaluation]]) -> Alone:
    rows = [row for _, row in answered]
    failures = [row.failure for row in rows if row.failure is not None]
    wrong = [(item, row) for item, row in answered if row.score is not None and row.score < 1.0]
    return Alone(
        member=member,
        task=task,
        items=len(rows),
        accuracy=sum(row.score or 0.0 for row in rows) / len(rows),
        at_limit=sum(row.ending in _AT_LIMIT for row in rows),
        cut_off=sum(row.ending == "cut_off" for row in rows),
        empty=sum(not row.answer.strip() for row in rows if row.failure is None),
        holding=sum(_holds(row.answer, item.gold) for item, row in wrong),
        failed=len(failures),
        failure=sentence(failures[0]) if failures else "",
    )


def _holds(answer: str, gold: str) -> bool:
    """Whether a gold text stands among an answer's other words."""
    words = answer.casefold().split()
    sought = gold.casefold().split()
    trimmed = [word.strip(".,;:!?\"'()[]*") for word in words]
    starts = range(len(words) - len(sought) + 1)
    return bool(sought) and any(sought == trimmed[start : start + len(sought)] for start in starts)


_Chosen = tuple[str, int]
"""A member and the place of an item."""


def _chosen(
    task: str, places: Sequence[int], answers: Mapping[str, Sequence[Evaluation]], alone: Sequence[Alone]
) -> list[_Chosen]:
    """Answers that tell most: a wrong one of the worst member, a right one of the best, and one of another."""
    accuracy = {one.member: one.accuracy for one in alone if one.task == task}
    left = [(member, place) for place in places for member in answers]
    chosen: list[_Chosen] = []

    def worth(one: _Chosen, right: bool, best: bool) -> tuple[bool, bool, bool, float, int]:
        member, place = one
        heard, asked = any(member == other for other, _ in chosen), any(place == other for _, other in chosen)
        fits = (answers[member][place].score == 1.0) == right
        return heard, not fits, asked, -accuracy[member] if best else accuracy[member], place

    for right, best in ((False, False), (True, True), (False, True)):
        if left:
            chosen.append(min(left, key=partial(worth, right=right, best=best)))
            left.remove(chosen[-1])
    return chosen


def _shown(
    bench: Workbench,
    items: Sequence[Item],
    answers: Mapping[str, Sequence[Evaluation]],
    chosen: Sequence[_Chosen],
) -> tuple[Answered, ...]:
    prompts = _rendered(bench, [(member, items[place]) for member, place in chosen])
    return tuple(
        Answered(
            task=items[place].task,
            member=member,
            question=items[place].prompt,
            prompt=prompt,
            gold=items[place].gold,
            answer=answers[member][place].answer,
            score=answers[member][place].score,
            ending=answers[member][place].ending,
            failure="" if (failure := answers[member][place].failure) is None else sentence(failure),
        )
        for (member, place), prompt in zip(chosen, prompts, strict=True)
    )


def _rendered(bench: Workbench, asked: Sequence[tuple[str, Item]]) -> list[str]:
    """The prompts as members read them; a fact of the ledger, so that nobody is loaded for it a second time."""
    ledger, fingerprints = bench.evaluator.ledger, {spec.name: spec.fingerprint for spec in bench.pool}
    texts = [(member, bench.space.prompt_format.replace("{prompt}", item.prompt)) for member, item in asked]
    digests = [digest_of(["rendered", fingerprints[member], text]) for member, text in texts]
    known = dict(ledger.facts(digests))
    fresh = {
        digest: json.dumps(bench.swarm.rendered(member, [text])[0])
        for digest, (member, text) in zip(digests, texts, strict=True)
        if digest not in known
    }
    if fresh:
        known |= ledger.keep(fresh)
    return [str(json.loads(known[digest])) for digest in digests]
