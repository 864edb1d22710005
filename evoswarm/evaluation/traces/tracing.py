"""From policies and items to the lines of a trace: mixes are decoded once more, mostly from what was read before.

What a mix did on an item is a fact that the ledger keeps: a replay decodes nothing, and writes the same digits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

from evoswarm.canonical import digest_of
from evoswarm.decoding.request import Completion, Step
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.failures import lasts
from evoswarm.evaluation.row import UNREADABLE, damaged
from evoswarm.evaluation.traces.lines import (
    PolicyKey,
    SymbolShares,
    TracedPolicy,
    TracePart,
    TraceStep,
    compact_json,
    line_of,
    steps_to_json,
)
from evoswarm.evaluation.traces.parts import PolicyPart, parts_answering, parts_asked, parts_of
from evoswarm.policies import Policy, Recipe, Route
from evoswarm.tasks.task import Item

_VERSION = 1  # of what is kept: facts of another one are not read
_LEAST_SHARE = 0.001  # of a candidate that is kept; the likeliest always is
_FUSED, _OWN = 5, 3  # candidates that are kept of the fused distribution, and of each speaker's own
_SHOWN = 2000  # characters of a question, a gold or an answer


class MixTrace(NamedTuple):
    """What the first sample of a mix did on an item.

    Attributes:
        steps: in order, as JSON text; none where it failed.
        failure: the kind of its failure; None where it did not fail.
    """

    steps: str
    failure: str | None = None

    @classmethod
    def of(cls, recipe: Recipe, completion: Completion) -> Self:
        """By what was decoded with a trace."""
        if completion.failure is not None:
            return cls("[]", completion.failure.kind)
        places = {member.spec.name: place for place, member in enumerate(recipe.members)}
        return cls(steps_to_json([_step(step, places, completion.spelled) for step in completion.trace]))

    def to_json(self) -> str:
        """As JSON text."""
        return f'{{"failure":{json.dumps(self.failure)},"steps":{self.steps}}}'

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it back; what the steps say is for the reader of the file to check.

        Raises:
            RunError: the ledger is damaged.
        """
        try:
            data = json.loads(text)
            return cls(compact_json([*data["steps"]]), data["failure"])
        except UNREADABLE as error:
            raise damaged("steps of an answer", error) from error


class Tracer:
    """Traces policies of all kinds.

    Args:
        evaluator: scores them; what is traced is kept in its ledger.
        policies: by their roles, with names for people.
    """

    def __init__(self, evaluator: Evaluator, policies: Mapping[PolicyKey, tuple[str, Policy]]) -> None:
        self._evaluator, self._policies = evaluator, policies
        self._parts = {key: parts_of(policy) for key, (_, policy) in policies.items()}
        self._firsts = {key: [part.first_sample for part in parts] for key, parts in self._parts.items()}
        firsts = [one for some in self._firsts.values() for one in some]
        self._digests = {id(one): digest_of([one.digest, evaluator.context(one)]) for one in firsts}

    @property
    def told(self) -> tuple[TracedPolicy, ...]:
        """The policies, as the first line tells them."""
        return tuple(
            TracedPolicy(key, name, policy.digest, tuple(_told(part) for part in self._parts[key]))
            for key, (name, policy) in self._policies.items()
        )

    def lines(self, items: Sequence[Item], first: int = 1) -> list[list[str]]:
        """Per item, in order, what each policy did on it, part by part: each a `TraceLine` as it is written.

        Args:
            items: one behind the other in their split.
            first: the number of the first of them there.

        Raises:
            RunError: the ledger cannot be written, or is damaged.
            Stopped: the evaluator was told to stop.
        """
        scored = {key: self._evaluator.evaluate([policy], items)[0] for key, (_, policy) in self._policies.items()}
        answering = {key: self._answering(policy, items) for key, (_, policy) in self._policies.items()}
        wanted = [
            (key, place, number)
            for number in range(len(items))
            for key, places in answering.items()
            for place in places[number]
        ]
        traces = self._traces([(self._firsts[key][place], items[number]) for key, place, number in wanted])
        found: list[list[str]] = [[] for _ in items]
        for (key, place, number), trace in zip(wanted, traces, strict=True):
            found[number].append(self._line(first + number, items[number], key, place, scored[key][number], trace))
        return found

    def _line(self, number: int, item: Item, key: PolicyKey, part: int, row: Evaluation, trace: MixTrace) -> str:
        preamble = str(getattr(self._evaluator.tasks[item.task], "preamble", ""))
        about = {
            "number": number,
            "item": item.key,
            "task": item.task,
            "question": _short(item.prompt.removeprefix(preamble)),
            "gold": _short(item.gold),
            "policy": key,
            "part": part,
            "score": row.score,
            "answer": _short(row.answer),
            "failure": trace.failure or (None if row.failure is None else row.failure.kind),
        }
        return line_of(about, trace.steps)

    def _answering(self, policy: Policy, items: Sequence[Item]) -> list[list[int]]:
        """Per item, the parts that answered it."""
        rows: list[list[Evaluation]] = [[] for _ in items]
        if isinstance(policy, Route) and policy.by == "confidence":
            parts = parts_of(policy)
            columns = self._evaluator.evaluate([part.recipe for part in parts], items)
            rows = [
                [columns[place][number] for place in parts_asked(policy, item)] for number, item in enumerate(items)
            ]
        tasks = self._evaluator.tasks
        return [parts_answering(policy, tasks[item.task], item, own) for item, own in zip(items, rows, strict=True)]

    def _traces(self, asked: Sequence[tuple[Recipe, Item]]) -> list[MixTrace]:
        """What mixes did on items: from the ledger, or decoded and kept there; what is owed to the moment is not."""
        keys = [self._key(*one) for one in asked]
        known = self._evaluator.ledger.facts(keys)
        missing = {key: one for key, one in zip(keys, asked, strict=True) if key not in known}
        passing = {}
        if missing:
            completions = self._evaluator.traced(list(missing.values()))
            made = {
                key: MixTrace.of(recipe, completion)
                for (key, (recipe, _)), completion in zip(missing.items(), completions, strict=True)
            }
            fresh = [lasts(completion.failure) for completion in completions]
            kept = {key: trace.to_json() for (key, trace), one in zip(made.items(), fresh, strict=True) if one}
            known |= self._evaluator.ledger.keep(kept)
            passing = {key: trace for key, trace in made.items() if key not in kept}
        return [passing[key] if key in passing else MixTrace.from_json(known[key]) for key in keys]

    def _key(self, recipe: Recipe, item: Item) -> str:
        """What a trace is kept under."""
        asked = self._evaluator.item_digest(item, recipe.prompt_format)
        return digest_of(["trace", _VERSION, self._digests[id(recipe)], asked])


def _told(part: PolicyPart) -> TracePart:
    recipe = part.recipe
    names = tuple(spec.name for spec in recipe.specs)
    return TracePart(part.label, names, recipe.lead, recipe.alphabet, recipe.fusion.rule)


def _step(step: Step, places: Mapping[str, int], spelled: Mapping[int, bytes]) -> TraceStep:
    """A step with what its symbols spell."""

    def likeliest(candidates: Sequence[tuple[int, float]], most: int) -> SymbolShares:
        kept = [one for place, one in enumerate(candidates[:most]) if not place or one[1] >= _LEAST_SHARE]
        return tuple([(spelled.get(symbol), min(1.0, share)) for symbol, share in kept])

    return TraceStep(
        symbol=spelled.get(step.symbol),
        entropy=_known(step.entropy, 0.0),
        log_prob=_known(step.log_prob, None, 0.0),
        moved=_known(step.moved, 0.0, 1.0),
        speakers=tuple([places[name] for name in step.speakers]),
        candidates=likeliest(step.candidates, _FUSED),
        said=tuple([likeliest(one, _OWN) for one in step.said]),
    )


def _known(value: float, least: float | None = None, most: float | None = None) -> float | None:
    """A number within its bounds, which rounding may have overstepped; None where it is none."""
    if math.isnan(value):
        return None
    value = value if least is None else max(least, value)
    return value if most is None else min(most, value)


def _short(text: str) -> str:
    """A text, of a long one both ends."""
    half = _SHOWN // 2
    return text if len(text) <= _SHOWN else f"{text[:half]} [...] {text[-half:]}"
