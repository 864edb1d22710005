"""The built-in pool with prompts, foreign texts and recipes by chance: for figures about meaning and memory."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

from evoswarm import Recipe, Request, Swarm
from evoswarm.decoding.member import Member
from evoswarm.zoo.catalogue import member_path
from tests.decoding.recipes import ZOO, recipe, spec
from tests.oracle_member import OracleMember

PROMPTS = ("47+85=", "rev tiger=", "sort 3,1", "sort 3,1,2=", "sort 3,1,20=", "gcd 48,36=")
TEXTS = (
    "132 regit",
    "the cat  sat",
    "naïve ß東京",
    "a 🙂🎉",
    "it's they'll",
    "x\n\n\t\tword\n  y",
    "1234567 20,480",
    "<eos>a<|im_end|>",
    "zQ~|}{^qx\x00\x7f",
)
FORCED_BYTES, FREE_BYTES = 64, 10


@cache
def judge(name: str) -> OracleMember:
    """The oracle's member of the zoo."""
    return OracleMember(member_path(name), chat_template=spec(name).chat_template)


@cache
def zoo() -> tuple[Member, ...]:
    """All members of the zoo, loaded."""
    return Swarm.load([spec(name) for name in ZOO]).members


def some(names: Sequence[str]) -> list[Member]:
    """Members of the zoo by name."""
    return [member for member in zoo() if member.spec.name in names]


def recipes_by_chance(names: Sequence[str], alphabet: str, count: int, seed: int = 7) -> list[Recipe]:
    """Mixtures of one to four members, followers always open or gated."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        chosen = chance.sample(list(names), chance.randint(1, min(4, len(names))))
        weights = [chance.uniform(0.2, 3.0) for _ in chosen]
        thresholds = [chance.choice([0.0, 0.0, 0.3, 1.1]) for _ in chosen]
        found.append(recipe(*chosen, weights=weights, thresholds=thresholds, alphabet=alphabet))
    return found


def mixed_requests(recipes: Sequence[Recipe], prompts: Sequence[str] = PROMPTS, seed: int = 7) -> list[Request]:
    """Every recipe on every prompt, traced; in bytes every third request follows a foreign text."""
    chance = random.Random(seed)
    asked = []
    for one in recipes:
        for prompt in prompts:
            text = chance.choice(TEXTS)
            if one.alphabet == "bytes" and chance.random() < 1 / 3:
                asked.append(Request(one, prompt, max_bytes=FORCED_BYTES, trace=True, forced=text))
            else:
                asked.append(Request(one, prompt, max_bytes=FREE_BYTES, trace=True))
    return asked
