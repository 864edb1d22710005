"""The judge: one recipe, one prompt, no cache, no batch, plain Python numbers. Slow and obvious on purpose.

Nothing here is imported from ``evoswarm.decoding``: what it states, it states for itself.
"""

from __future__ import annotations

import codecs
import hashlib
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from evoswarm.policies.mix import Recipe
from tests.oracle_member import OracleMember
from tests.oracle_symbols import symbols_of, view_of

FLOOR = 1e-12


def philox(position: int, symbol: int, key: int, purpose: int = 0) -> int:
    """First word of Philox-4x32-10."""
    c, k, mask = [position, symbol, purpose, 0], [key & 0xFFFFFFFF, key >> 32], 0xFFFFFFFF
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & mask, (a >> 32) ^ c[3] ^ k[1], a & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c[0]


def normalise(scores: dict[int, float]) -> dict[int, float]:
    top = max(scores.values())
    total = top + math.log(sum(math.exp(score - top) for score in scores.values()))
    return {symbol: score - total for symbol, score in scores.items()}


def entropy(row: dict[int, float]) -> float:
    return -sum(math.exp(log_prob) * log_prob for log_prob in row.values())


class Said(NamedTuple):
    """What the speakers say: tempered log-probabilities of the allowed symbols and weights by member, the lead and what
    it says untempered (none where it abstains), the rule's parameters."""

    rows: dict[int, dict[int, float]]
    w: dict[int, float]
    lead: int
    plain: list[float] | None
    parameters: Mapping[str, float]

    def each(self, value: Callable[[int], float]) -> dict[int, float]:
        """A value for every symbol."""
        return {s: value(s) for s in next(iter(self.rows.values()))}


def mixture(it: Said) -> dict[int, float]:
    return it.each(lambda s: math.log(sum(it.w[i] * math.exp(row[s]) for i, row in it.rows.items())))


def product(it: Said) -> dict[int, float]:
    return it.each(lambda s: sum(it.w[i] * row[s] for i, row in it.rows.items()))


def power(it: Said) -> dict[int, float]:
    alpha = it.parameters["alpha"]
    if abs(alpha) < 1e-3:
        return product(it)
    if math.isinf(alpha):
        return it.each(lambda s: (max if alpha > 0 else min)(row[s] for row in it.rows.values()))

    def mean(s: int) -> float:
        top = max(alpha * row[s] for row in it.rows.values())
        return (top + math.log(sum(it.w[i] * math.exp(alpha * row[s] - top) for i, row in it.rows.items()))) / alpha

    return it.each(mean)


def most_confident(it: Said) -> dict[int, float]:
    least = min(entropy(row) for row in it.rows.values())
    best = [i for i, row in it.rows.items() if entropy(row) <= least + 1e-6]
    return it.rows[it.lead if it.lead in best else best[0]]


def vote(it: Said) -> dict[int, float]:
    votes = it.each(lambda s: 0.0)
    for i, row in it.rows.items():
        votes[min(row, key=lambda s: (-row[s], s))] += it.w[i]
    tied = [s for s in votes if votes[s] >= max(votes.values()) - 1e-6]
    votes[min(tied, key=lambda s: (-it.plain[s] if it.plain else 0.0, s))] += 2e-6
    return {s: math.log(max(v, FLOOR)) for s, v in votes.items()}


def contrast(it: Said) -> dict[int, float]:
    if it.lead not in it.rows:
        return mixture(it)
    row, strength = it.rows[it.lead], it.parameters["contrast"]
    total = sum(w for i, w in it.w.items() if i != it.lead)
    others = {i: w / total for i, w in it.w.items() if i != it.lead}
    scores = it.each(lambda s: (1 + strength) * row[s] - strength * sum(others[i] * it.rows[i][s] for i in others))
    return {s: score for s, score in scores.items() if row[s] >= max(row.values()) + math.log(0.1)}


RULES = {
    "mixture": mixture,
    "product": product,
    "power": power,
    "most_confident": most_confident,
    "vote": vote,
    "contrast": contrast,
}


def within(raw: bytes) -> str:
    """Whether a text ends within a "number", within a "word" (or within a character), or neither."""
    text = raw.decode(errors="replace")
    if not text:
        return ""
    return "number" if text[-1].isdecimal() else "word" if text[-1].isalpha() or text[-1] == "\ufffd" else ""


def nearness(scores: Iterable[float]) -> float:
    """How near the second of some log-probabilities comes to the first: p2 / p1."""
    first, second = sorted(scores)[-1:-3:-1]
    return math.exp(second - first)


def hear(
    recipe: Recipe, spoken: dict[int, list[float]], lead: int, ok: list[bool], credit: Mapping[int, float], raw: bytes
) -> Said:
    """What rules see; ``spoken`` maps members to floored log-probabilities, ``credit`` to their credibility."""
    rows = {
        i: normalise({s: row[s] / recipe.members[i].temperature for s in range(len(ok)) if ok[s]})
        for i, row in sorted(spoken.items())
    }
    by = recipe.fusion.parameters
    best = {i: min(row, key=lambda s: (-row[s], s)) for i, row in rows.items()}
    logs = {}
    for i, row in rows.items():
        others = [best[j] == best[i] for j in rows if j != i]
        logs[i] = math.log(recipe.members[i].weight) - by["beta"] * entropy(row) + by["gamma"] * credit.get(i, 0.0)
        logs[i] += by["own_margin"] * (1 - nearness(row.values()))
        logs[i] += by["agreement"] * sum(others) / max(1, len(others))
        if i == lead:
            logs[i] += by["lead_position"] * math.log(1 + len(raw))
            logs[i] += by["lead_number"] * {"number": 1, "word": -1, "": 0}[within(raw)]
    w = {i: math.exp(log) for i, log in normalise(logs).items()}
    return Said(rows, w, lead, spoken.get(lead), recipe.fusion.parameters)


def fused(recipe: Recipe, said: Said, symbols: int) -> list[float]:
    """Fused log-probabilities."""
    final = normalise(RULES[recipe.fusion.rule](said) if len(said.rows) > 1 else next(iter(said.rows.values())))
    return [final.get(s, -math.inf) for s in range(symbols)]


def fuse(recipe: Recipe, spoken: dict[int, list[float]], lead: int, ok: list[bool]) -> list[float]:
    """Both, at the first symbol."""
    return fused(recipe, hear(recipe, spoken, lead, ok, {}, b""), len(ok))


def credited(recipe: Recipe, credit: Mapping[int, float], said: Said, symbol: int) -> dict[int, float]:
    """The credibility of members one symbol later: who spoke gains by what it gave more than all together."""
    together = math.log(sum(said.w[i] * math.exp(row[symbol]) for i, row in said.rows.items()))
    gain = {i: row[symbol] - together for i, row in said.rows.items()}
    decay = recipe.fusion.parameters["decay"]
    return {i: decay * (credit.get(i, 0.0) + gain.get(i, 0.0)) for i in range(len(recipe.members))}


def noise_key(recipe: Recipe, key: str, sample: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{recipe.noise_seed}:{key}:{sample}".encode()).digest()[:8], "big")


def _opens(recipe: Recipe, threshold: float, surprise: float, drawn: float, lead_abstains: bool) -> bool:
    """Whether a follower speaks."""
    if threshold == 0 or lead_abstains:
        return True
    if recipe.gate == "low_entropy":
        return surprise <= threshold
    return (drawn if recipe.gate == "random" else surprise) >= threshold


def of_place(recipe: Recipe, led: Sequence[float], ok: list[bool], raw: bytes) -> float:
    """What gates add to the lead's entropy."""
    near = nearness(math.log(max(p, FLOOR)) for p, may in zip(led, ok, strict=True) if may)
    by = recipe.fusion.parameters
    return by["gate_margin"] * near + by["gate_inside"] * bool(within(raw))


def cut(recipe: Recipe, scores: list[float]) -> list[float]:
    """Tempered scores, -inf where top-k, then top-p, then min-p leave a symbol out of the draw."""
    order = sorted(range(len(scores)), key=lambda s: (-scores[s], s))
    left = [s for s in order if not recipe.top_k or scores[s] >= scores[order[: recipe.top_k][-1]]]
    probability = {s: math.exp(log) for s, log in normalise({s: scores[s] for s in left}).items()}
    nucleus, mass = [], 0.0
    for s in left:
        nucleus += [s] if recipe.top_p == 1 or mass < recipe.top_p else []
        mass += probability[s]
    best = scores[order[0]]
    kept = [s for s in nucleus if math.exp(scores[s] - best) >= recipe.min_p]
    return [scores[s] if s in kept else -math.inf for s in range(len(scores))]


def choose(recipe: Recipe, fused: list[float], position: int, key: str, sample: int) -> tuple[int, float]:
    """The chosen symbol and its lead over the second."""
    scores = fused
    if recipe.samples > 1 or recipe.sampled:
        word = noise_key(recipe, key, sample)
        drawn = [(philox(position, s, word) + 0.5) / 2**32 for s in range(len(fused))]
        noise = [-math.log(-math.log(u)) for u in drawn]
        left = cut(recipe, [v / recipe.sampling_temperature for v in fused])
        scores = [v + n for v, n in zip(left, noise, strict=True)]
    first, second = sorted(range(len(scores)), key=lambda s: (-scores[s], s))[:2]
    return first, scores[first] - scores[second]


def draws_speaker(recipe: Recipe) -> bool:
    """Whether each step draws one member by weight, and asks no other."""
    whole = (recipe.sampling_temperature, recipe.top_k, recipe.top_p, recipe.min_p) == (1, 0, 1, 0)
    parameters = recipe.fusion.parameters
    moving = ("beta", "gamma", "own_margin", "agreement", "lead_position", "lead_number")
    plain = recipe.fusion.rule == "mixture" and not any(parameters[name] for name in moving)
    return len(recipe.members) > 1 and (recipe.samples > 1 or recipe.sampled) and whole and plain


def by_lot(recipe: Recipe, position: int, key: str, sample: int) -> list[int]:
    """The members in the order in which they are drawn, each by its share of the weight that is left."""
    word = noise_key(recipe, key, sample)
    drawn = [(philox(position, i, word, purpose=1) + 0.5) / 2**32 for i in range(len(recipe.members))]
    scores = [math.log(m.weight) - math.log(-math.log(u)) for m, u in zip(recipe.members, drawn, strict=True)]
    return sorted(range(len(scores)), key=lambda i: -scores[i])


class Answer(NamedTuple):
    """A text, its smallest margin (gates included), and the lead's entropies at the steps where it does not abstain."""

    text: str
    margin: float
    entropies: list[float]


def decode(
    recipe: Recipe,
    members: list[OracleMember],
    prompt: str,
    key: str,
    max_bytes: int = sys.maxsize,
    sample: int = 0,
    max_symbols: int = sys.maxsize,
) -> Answer:
    """One answer. ``members`` as in the recipe."""
    symbols = symbols_of(recipe.alphabet, members)
    views = [view_of(member, symbols) for member in members]
    prompts = [member.prompt(recipe.prompt_format.replace("{prompt}", prompt)) for member in members]
    margin, lead = math.inf, recipe.lead_index
    lots = draws_speaker(recipe)
    x: tuple[int, ...] = ()
    entropies: list[float] = []
    credit: dict[int, float] = {}
    while len(symbols.raw(x)) < max_bytes and len(x) < max_symbols:
        led = views[lead].next_symbol(prompts[lead], x, recipe.epsilon)
        raw = symbols.raw(x)
        ok = symbols.allowed(raw)
        nats = math.inf if led is None else -sum(p * math.log(p) for p in led[0] if p > 0)
        surprise = nats if led is None else nats + of_place(recipe, led[0], ok, raw)
        drawn = philox(len(x), 0xFFFFFFFF, noise_key(recipe, key, sample)) / 2**32
        spoken: dict[int, list[float]] = {}
        asked: set[int] = {lead} if not lots or any(member.threshold > 0 for member in recipe.members) else set()
        for i in by_lot(recipe, len(x), key, sample) if lots else range(len(recipe.members)):
            member = recipe.members[i]
            open_to = i == lead or _opens(recipe, member.threshold, surprise, drawn, led is None)
            if open_to and not (lots and spoken):
                asked.add(i)
                said = views[i].next_symbol(prompts[i], x, recipe.epsilon)
                if said is not None:
                    spoken[i] = [math.log(max(p, FLOOR)) for p in said[0]]
            if i != lead and member.threshold > 0:
                signal = drawn if recipe.gate == "random" else surprise
                margin = min(margin, math.inf if led is None else abs(signal - member.threshold))
        entropies += [] if led is None or lead not in asked else [nats]
        if not spoken:
            return Answer("no_mass", margin, entropies)
        heard = hear(recipe, spoken, lead, ok, credit, raw)
        symbol, gap = choose(recipe, fused(recipe, heard, len(ok)), len(x), key, sample)
        credit = credited(recipe, credit, heard, symbol)
        margin = min(margin, gap)
        if symbol == symbols.end:
            return Answer(symbols.raw(x).decode(errors="replace"), margin, entropies)
        x += (symbol,)
    return Answer(_cut(symbols.raw(x), max_bytes), margin, entropies)


def _cut(text: bytes, max_bytes: int) -> str:
    """What of a text is within a limit, less a character that is not finished there."""
    return codecs.getincrementaldecoder("utf-8")(errors="replace").decode(text[:max_bytes])
