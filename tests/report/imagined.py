"""A pool that answers without models: what a search of large ones would write, in seconds and on any machine.

Members know some tasks better than others, and each item is as hard as it is: a mix answers it where what its members
know of it, weighed as the mix weighs them, is enough. So weights, temperatures, thresholds and rules matter, evolution
has something to find, and everything beside decoding is the real thing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from evoswarm.canonical import digest_of
from evoswarm.decoding.decoder import Decoder, MemberFacts, MemoryKept, OnDone, SymbolFacts
from evoswarm.decoding.request import Completion, Counters, MemberShape, MemberUse, Request, Sample, Step
from evoswarm.evaluation.cost import CostTable, cost_of
from evoswarm.evaluation.evaluation import Summary, summary_of
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.failure import Failure
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy
from evoswarm.policies.mix import Recipe
from evoswarm.tasks.task import Item

Counts = NDArray[np.int64]

PIECES = re.compile(r"\s?[\w'.]{1,7}|\s?[^\w\s]|\s+")
REASONS = (
    "Let me think about what is asked here before I answer.",
    "First I write down what is given, then what follows from it.",
    "Each part is small, so I take them one after the other.",
    "None of the other choices fits what the question says.",
    "It is worth checking once more that nothing was left out.",
)
OTHERS = sorted({piece for reason in REASONS for piece in PIECES.findall(reason)} | {" é", " 7", "\n", "  "})
"""Symbols that are likely beside the chosen one."""
SHOWN = 4  # of the likeliest symbols of a step
END = 60_000
RULES = {"mixture": 0.3, "product": 0.1, "power": 0.2, "most_confident": 0.1, "vote": 0.0}
"""What a rule adds to what its speakers know; any other takes away."""
FORGETFUL, TOO_HARD = "falcon-mamba-7b-instruct", 3.0
"""A member that cannot read the prompts of items as hard as this, and leads contrasts to no number at all."""


class ImaginedSwarm(Decoder):
    """Answers the items of a space.

    Args:
        pool: of the space.
        items: whatever may be asked.
    """

    def __init__(self, pool: Sequence[MemberSpec], items: Iterable[Item]) -> None:
        self.counters = Counters()
        self._facts = tuple(_facts(spec, number) for number, spec in enumerate(pool))
        self._items = {item.key: item for item in items}
        tasks = sorted({item.task for item in self._items.values()})
        self._skills = {
            spec.name: {task: Random(f"{spec.name} {task}").gauss(0.0, 1.2) for task in tasks} for spec in pool
        }
        self._heard: dict[tuple[str, ...], Heard] = {}
        self._numbers: dict[str | bytes, int] = {}

    @property
    def facts(self) -> tuple[MemberFacts, ...]:
        return self._facts

    @property
    def context_lengths(self) -> Mapping[str, int | None]:
        return {spec.name: 131_072 for spec in self.specs}

    @property
    def kept(self) -> Mapping[str, MemoryKept]:
        return {}

    def prompt_lengths(self, member: str, prompts: Sequence[str]) -> list[int]:
        return [len(PIECES.findall(prompt)) for prompt in prompts]

    def rendered(self, member: str, prompts: Sequence[str]) -> list[str]:
        return [f"<|user|>\n{prompt}<|end|>\n<|assistant|>\n" for prompt in prompts]

    def silenced(self, prompts: Sequence[str]) -> dict[str, float]:
        return {spec.name: 0.0 for spec in self.specs}

    def symbols(self, recipe: Recipe) -> SymbolFacts:
        names = [spec.name for spec in recipe.specs]
        return SymbolFacts(END, dict.fromkeys(names, 128_000), dict.fromkeys(names, 128_000 - END))

    def decode(
        self,
        requests: Sequence[Request],
        *,
        stop_after: Callable[[], bool] | None = None,
        on_done: OnDone | None = None,
    ) -> list[Completion]:
        done = [self._answer(request) for request in requests]
        self.counters.answers += sum(len(one.samples) for one in done)
        self.counters.symbols += sum(one.steps for one in done)
        self.counters.seconds += 1e-3 * len(done)
        return done

    def heard(self, items: Sequence[Item]) -> Heard:
        """Items as this pool hears them; kept, for they are asked again and again."""
        keys = tuple(item.key for item in items)
        if keys not in self._heard:
            self._heard[keys] = Heard(items, self._skills)
        return self._heard[keys]

    def _answer(self, request: Request) -> Completion:
        recipe, item = request.recipe, self._items[request.key]
        heard = self.heard([item])
        use = tuple(MemberUse(one.name, *(int(number[0]) for number in one[1:])) for one in heard.use(recipe))
        failure = heard.failure(recipe, 0)
        if failure is not None:
            return Completion(failure=failure, use=use)
        steps, opened = int(heard.steps[0]) * recipe.samples, int(heard.opened(recipe)[0]) * recipe.samples
        strength, right = float(heard.strength(recipe)[0]), []
        for number in range(recipe.samples):
            noise = Random(f"{request.key} {recipe.noise_seed} {number}").gauss(0.0, recipe.sampling_temperature)
            right.append(bool(strength + (noise if recipe.samples > 1 else 0.0) > heard.hardness[0]))
        return Completion(
            samples=tuple(Sample(heard.texts[0][one], "end", int(heard.steps[0])) for one in right),
            use=use,
            steps=steps,
            open_steps=opened,
            lead_tokens=steps,
            lead_tokens_touched=opened,
            margin=0.01,
            left_out=recipe.epsilon / 10,
            entropy=float(heard.entropies[recipe.lead][0].mean()),
            trace=self._trace(recipe, heard, item, right[0]) if request.trace else (),
            spelled={number: _bytes(piece) for piece, number in self._numbers.items()} if request.trace else {},
        )

    def _trace(self, recipe: Recipe, heard: Heard, item: Item, right: bool) -> tuple[Step, ...]:
        draw, entropies = Random(f"{recipe.digest} {item.key}"), heard.entropies[recipe.lead][0]
        steps = []
        for place, piece in enumerate([*_spelled(heard.texts[0][right]), None]):
            entropy = float(
                entropies[min(place, len(entropies) - 1)]
            )  # a wrong answer may be longer than the right one
            speakers = tuple(one.spec.name for one in recipe.members if entropy >= one.threshold)
            symbol, *others = (self._number(one) for one in (piece, *draw.sample(OTHERS, SHOWN - 1)))
            said = tuple(_said(symbol, others, entropy, draw) for _ in speakers)
            fused = {one: sum(dict(own)[one] for own in said) / len(said) for one in (symbol, *others)}
            moved = sum(abs(fused[one] - chance) for one, chance in said[speakers.index(recipe.lead)]) / 2
            likeliest = tuple(sorted(fused.items(), key=lambda pair: -pair[1]))
            steps.append(Step(symbol, entropy, speakers, likeliest, math.log(fused[symbol]), said, moved))
        return tuple(steps)

    def _number(self, piece: str | bytes | None) -> int:
        return END if piece is None else self._numbers.setdefault(piece, len(self._numbers))


class Use(NamedTuple):
    """What a member would read for each of some items; arrays ``[items]``, else as `MemberUse`."""

    name: str
    prompt_tokens: Counts
    tokens: Counts
    passes: Counts
    rows: Counts
    context: Counts
    steps: Counts


class Heard:
    """Items as the members hear them.

    Attributes:
        hardness: ``[items]`` what a mix has to know to be right.
        texts: per item, the wrong and the right answer.
        steps: ``[items]`` of the right answer, END included.
        entropies: by member ``[items, steps]``, nats; below 0 behind an answer's end.
    """

    def __init__(self, items: Sequence[Item], skills: Mapping[str, Mapping[str, float]]) -> None:
        draws = [Random(item.key) for item in items]
        asked = list(zip(items, draws, strict=True))
        self.hardness = np.array([draw.gauss(1.5, 1.3) for draw in draws])
        self._known = {
            name: np.array([own[item.task] + draw.gauss(0.0, 1.0) for item, draw in asked])
            for name, own in skills.items()
        }
        self.texts = [_texts(item.gold, draw) for item, draw in asked]
        self.steps = np.array([len(_spelled(texts[True])) + 1 for texts in self.texts])
        self._prompts = np.array([len(PIECES.findall(item.prompt)) for item in items])
        self.entropies = {name: np.full((len(items), int(self.steps.max())), -1.0) for name in skills}
        for place, draw in enumerate(draws):
            steps = int(self.steps[place])
            for rows in self.entropies.values():  # most steps are sure; a fifth of them carries most of the entropy
                rows[place, :steps] = [draw.gammavariate(0.25, 1.2) for _ in range(steps)]

    def failure(self, recipe: Recipe, place: int) -> Failure | None:
        """Why a mix fails on an item."""
        if recipe.lead == FORGETFUL and recipe.fusion.rule == "contrast":
            return Failure("non_finite", "a distribution was not finite", recipe.lead)
        if recipe.lead == FORGETFUL and self.hardness[place] > TOO_HARD:
            return Failure("prompt_too_long", "the prompt has more tokens than it can read", recipe.lead)
        return None

    def opened(self, recipe: Recipe) -> Counts:
        """At how many steps a follower speaks: as often as the one of the lowest threshold."""
        followers = [one.threshold for one in recipe.members if one.spec.name != recipe.lead]
        return self._spoken(recipe.lead, min(followers, default=math.inf))

    def use(self, recipe: Recipe) -> list[Use]:
        """What each member would read: the prompt once, the answer if it speaks at all; nothing where a mix fails."""
        able = np.array([self.failure(recipe, place) is None for place in range(len(self.steps))])
        found = []
        for one in recipe.members:
            steps = self._spoken(recipe.lead, one.threshold) * recipe.samples * able
            heard = steps > 0
            tokens = (self._prompts + self.steps * recipe.samples) * heard
            context = tokens * (tokens + 1) // 2
            found.append(Use(one.spec.name, self._prompts * heard, tokens, steps + heard, steps, context, steps))
        return found

    def strength(self, recipe: Recipe) -> NDArray[np.float64]:
        """``[items]`` how well a mix knows each: what its members know, more where more are heard, less what is off.

        Loud are members of weight that speak often, and by confidence those that know much; each has a temperature at
        which it is best.
        """
        sharp = 1.0 - math.exp(-recipe.fusion.parameters["beta"]) if recipe.fusion.rule == "mixture" else 0.4
        known = np.array([self._known[one.spec.name] for one in recipe.members])
        shares = np.array([self._spoken(recipe.lead, one.threshold) / self.steps for one in recipe.members])
        loud = np.array([[one.weight] for one in recipe.members]) * np.sqrt(shares) * np.exp(sharp * known)
        off = sum(abs(math.log(one.temperature) - _best(one.spec.name)) for one in recipe.members) / len(recipe.members)
        heard = loud.sum(axis=0) ** 2 / (loud**2).sum(axis=0)  # how many members, counted by their loudness
        mean: NDArray[np.float64] = (known * loud).sum(axis=0) / loud.sum(axis=0)
        return mean + 0.8 * np.log(heard) + RULES.get(recipe.fusion.rule, -0.5) - 0.6 * off

    def _spoken(self, lead: str, threshold: float) -> Counts:
        """At how many steps a member of this threshold speaks."""
        counts: Counts = (self.entropies[lead] >= threshold).sum(axis=1)
        return counts


class HastyEvaluator(Evaluator):
    """Sums up greedy mixes over an imagined pool many times as fast: what they answer is not in the ledger."""

    def summaries(self, policies: Sequence[Policy], items: Sequence[Item]) -> list[Summary]:
        known: dict[str, Summary] = {}
        for policy in policies:
            if not (isinstance(self.swarm, ImaginedSwarm) and isinstance(policy, Recipe) and policy.samples == 1):
                return super().summaries(policies, items)
            known[policy.digest] = known.get(policy.digest) or self._summary(policy, items, self.swarm.heard(items))
        return [known[policy.digest] for policy in policies]

    def _summary(self, recipe: Recipe, items: Sequence[Item], heard: Heard) -> Summary:
        failures = [heard.failure(recipe, place) for place in range(len(items))]
        able = np.array([failure is None for failure in failures])
        right = (heard.strength(recipe) > heard.hardness).tolist()
        steps, opened = (heard.steps * able).tolist(), (heard.opened(recipe) * able).tolist()
        columns = {
            "score": [float(one) if failure is None else None for one, failure in zip(right, failures, strict=True)],
            "margin": [0.01] * len(items),
            "steps": steps,
            "open_steps": opened,
            "lead_tokens": steps,
            "lead_tokens_touched": opened,
            "failure": failures,
            "ending": ["end"] * len(items),
        }
        cost = cost_of(cast(Any, heard.use(recipe)), self.swarm.shapes)  # arrays instead of numbers
        numbers = np.array([one[1:] for one in cost.members], dtype=np.float64).transpose(2, 0, 1)
        costs = CostTable(cost.names, numbers)
        self.asked += len(items)
        self.tokens += costs.total("tokens", range(len(items)))
        self.flops += costs.total("flops", range(len(items)))
        return summary_of(items, columns, costs, self.tasks)


def _texts(gold: str, draw: Random) -> tuple[str, str]:
    """A wrong and a right answer, for the same reasons."""
    reasons = " ".join(draw.sample(REASONS, draw.randint(1, len(REASONS))))
    wrong = str(int(gold) + draw.choice((-1, 1, 10))) if gold.isdigit() else gold[::-1]
    return f"{reasons} The answer is: {wrong}", f"{reasons} The answer is: {gold}"


@cache
def _best(name: str) -> float:
    """The logarithm of the temperature at which a member is best."""
    return Random(f"temperature of {name}").uniform(-0.8, 0.8)


def _spelled(text: str) -> list[str | bytes]:
    """A text as symbols; characters beyond ASCII are bytes, as they are where no token is one of them."""
    pieces: list[str | bytes] = []
    for piece in PIECES.findall(text):
        pieces += [piece] if piece.isascii() else [bytes([one]) for one in piece.encode()]
    return pieces


def _bytes(piece: str | bytes) -> bytes:
    return piece.encode() if isinstance(piece, str) else piece


def _said(symbol: int, others: Sequence[int], entropy: float, draw: Random) -> tuple[tuple[int, float], ...]:
    """The likeliest symbols of a speaker; the less sure the step, the likelier is another one than the chosen first."""
    order = [symbol, *others]
    if draw.random() < min(0.4, entropy / 4):
        order[0], order[1] = order[1], order[0]
    rest, chances = 1.0, []
    for _ in order:
        chances.append(rest * max(0.3, 1 / (1 + entropy)) * draw.uniform(0.9, 1.0))
        rest -= chances[-1]
    return tuple(zip(order, sorted(chances, reverse=True), strict=True))


def _facts(spec: MemberSpec, number: int) -> MemberFacts:
    """A member of the size that its name tells (4b), in bfloat16."""
    found = re.search(r"(\d+(?:\.\d+)?)b\b", spec.name.lower())
    parameters = int(float(found[1] if found else 1 + number) * 1e9)
    shape = MemberShape(int(parameters * 0.9), int(parameters * 0.1), parameters, 2 * parameters, 4096)
    fingerprint = digest_of(["imagined", spec.name])
    return MemberFacts(spec.model_copy(update={"fingerprint": fingerprint}), "cpu", "float32", shape, fingerprint)
