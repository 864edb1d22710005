"""Taking the first look: members are asked alone, and answers are chosen that tell something."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial

from evoswarm.canonical import digest_of
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.failures import sentence
from evoswarm.experiment.first_look.look import Alone, Answered, FirstLook
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import single
from evoswarm.tasks.task import Item

_AT_LIMIT = ("limit", "cut_off")


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
