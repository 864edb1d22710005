"""The population together: against each recipe alone, free and along known texts, and against a user's own loop."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import islice

from evoswarm import MemberSpec, Recipe, Request, Swarm
from evoswarm.decoding.member import Member
from evoswarm.policies.mix import RecipeMember
from evoswarm.space import make_tasks
from tests.benchmarks.english import passages, ranges
from tests.benchmarks.figures import (
    Measurement,
    Options,
    Reading,
    Readings,
    alternate,
    at_least,
    at_most,
    exactly,
    median_ratio,
    spread,
)
from tests.benchmarks.host import LONG, PROMPT_BYTES, follow, stub
from tests.benchmarks.plain_loop import decode_plainly
from tests.benchmarks.quickstart import quickstart, space

RECIPES, ITEMS, MAX_SYMBOLS = 48, 200, 16
SHARED = ("llama-a", "llama-b", "mamba-b")  # one tokenizer
STUBS, FORCED_ITEMS, FORCED_TOKENS, FORCED_PAIRS = 2, 32, 256, 3
EVERY = 6
"""Of the recipes along known texts one in so many is decoded alone too; their time stands for that of all."""


def population_vs_alone(options: Options) -> Readings:
    """Random recipes of the quickstart's genome space together, against one after the other from an empty memory."""
    ready = quickstart()
    recipes = ready.recipes(options.size(RECIPES, 4))
    asked = ready.requests(recipes, ready.spread_items(options.size(ITEMS, 10)))
    together, alone = _together_and_alone(ready.members, asked)
    times = alternate(alone, together, options.pairs)
    swarm = Swarm(ready.members)
    done = swarm.decode(asked)
    deployed = sum(use.tokens for one in done for use in one.use)
    answered = sum(len(sample.text.encode()) + 1 for one in done for sample in one.samples)
    seconds = statistics.median(times[1])
    return {
        "population_vs_alone": Reading(
            median_ratio(times), f"{len(recipes)} recipes, {len(asked) // len(recipes)} items; {spread(times)}"
        ),
        "rows_alone_vs_population": Reading(
            deployed / swarm.counters.rows_forwarded, f"{deployed} rows alone, {swarm.counters.rows_forwarded} together"
        ),
        "bytes_per_second_population": Reading(
            answered / seconds, f"{answered} bytes, END counted, in {seconds:.2f} s, the median of the pairs"
        ),
    }


def _together_and_alone(
    members: Sequence[Member], asked: Sequence[Request]
) -> tuple[Callable[[], None], Callable[[], None]]:
    """The whole population at once, and recipe after recipe, each from an empty memory."""
    by_recipe: dict[int, list[Request]] = {}
    for request in asked:
        by_recipe.setdefault(id(request.recipe), []).append(request)

    def together() -> None:
        Swarm(members).decode(asked)

    def alone() -> None:
        for own in by_recipe.values():
            Swarm(members).decode(own)

    return together, alone


def forced_population(options: Options) -> Readings:
    """Every recipe along the same long texts by tokens: together, against recipe after recipe from an empty memory.

    The members look their logits up: what the engine does itself is compared, of which a population shares less than of
    forwards. With members whose forwards take time, together gains more.
    """
    members = [stub(f"table-{number}", options.size(2000, 600)) for number in range(STUBS)]
    mixes = _mixtures([member.spec for member in members], options.size(RECIPES, 4))
    every = options.size(EVERY, 2)
    texts = ranges(options.size(FORCED_ITEMS, 4), PROMPT_BYTES + 6 * LONG)
    length = options.size(FORCED_TOKENS, 16)
    asked = [[follow(mix, members[0], text, length) for text in texts] for mix in mixes]
    together, _ = _together_and_alone(members, [request for own in asked for request in own])
    _, alone = _together_and_alone(members, [request for own in asked[::every] for request in own])
    took = alternate(together, alone, min(options.pairs, FORCED_PAIRS))
    times = (took[0], [every * seconds for seconds in took[1]])
    note = (
        f"the largest of the pairs; {len(mixes)} recipes x {len(texts)} texts x {length} tokens, {STUBS} members whose"
        f" forwards are lookups; alone, {every} times what every {every}th recipe took; {spread(times)}"
    )
    worst = max(one / other for one, other in zip(*times, strict=True))
    return {"forced_population_vs_alone": Reading(worst, note)}


def population_vs_plain_loop(options: Options) -> Readings:
    """Members that share a tokenizer, always-open greedy mixtures in ``tokens``, against a plain loop."""
    pool = [MemberSpec(name=name, path=f"zoo:{name}") for name in SHARED]
    members = Swarm.load(pool).members
    asked = _requests(_mixtures(pool, options.size(RECIPES, 4)), options.size(ITEMS, 10))
    models = {member.spec.name: member.reader.model for member in members}  # type: ignore[attr-defined]
    rows = {"plain": 0, "ours": 0}
    answers: dict[str, list[str]] = {}

    def ours() -> None:
        swarm = Swarm(members)
        answers["ours"] = [one.samples[0].text for one in swarm.decode(asked)]
        rows["ours"] = swarm.counters.rows_forwarded

    def plain() -> None:
        answers["plain"], rows["plain"] = decode_plainly(members, models, asked)

    times = alternate(plain, ours, options.pairs)
    same = sum(one == other for one, other in zip(answers["ours"], answers["plain"], strict=True))
    return {
        "population_vs_plain_loop": Reading(median_ratio(times), spread(times)),
        "rows_vs_plain_loop": Reading(rows["plain"] / rows["ours"], f"{rows['plain']} rows and {rows['ours']}"),
        "answers_as_plain_loop": Reading(same / len(asked), f"{same} of {len(asked)} answers are identical"),
    }


def _mixtures(pool: Sequence[MemberSpec], count: int) -> list[Recipe]:
    """Mixtures of two members or more, any lead, drawn from one seed."""
    rng = random.Random(0)
    recipes = []
    for _ in range(count):
        chosen = sorted(rng.sample(range(len(pool)), rng.randint(2, len(pool))))
        members = tuple(RecipeMember(spec=pool[index], weight=rng.uniform(0.1, 1.0)) for index in chosen)
        lead = pool[rng.choice(chosen)].name
        recipes.append(Recipe.model_validate({"alphabet": "tokens", "members": members, "lead": lead}))
    return recipes


def _requests(recipes: Sequence[Recipe], items: int) -> list[Request]:
    """Every recipe on the same items of the quickstart's tasks, tasks in equal numbers."""
    tasks = make_tasks(space())
    chosen = [(task, item) for task in tasks for item in islice(task.items(), items // len(tasks))]
    return [
        Request(recipe, item.prompt, item.key, max_bytes=task.max_bytes, max_symbols=MAX_SYMBOLS)
        for recipe in recipes
        for task, item in chosen
    ]


def one_stream(options: Options) -> Readings:
    """An exact mix of two members with different tokenizers, one text at a time, each followed by force."""
    chosen = [member for member in quickstart().members if member.spec.name in ("llama-a", "neox-e")]
    parts = tuple(RecipeMember(spec=member.spec) for member in chosen)
    recipe = Recipe(members=parts, lead=chosen[0].spec.name, epsilon=0.0)
    texts = passages(options.size(8, 2), prompt_bytes=16, text_bytes=48)
    rates = []
    for _ in range(options.pairs):
        swarm = Swarm(chosen)
        began = time.perf_counter()
        done = [swarm.decode([Request(recipe, prompt, forced=text)])[0] for prompt, text in texts]
        rates.append(sum(one.steps for one in done) / (time.perf_counter() - began))
    note = f"median of {len(rates)}; epsilon 0, {len(texts)} English texts of about 50 bytes with their prompts"
    return {"bytes_per_second_one_stream": Reading(statistics.median(rates), note)}


MEASUREMENTS = (
    Measurement(
        {
            "population_vs_alone": at_least(15),
            "rows_alone_vs_population": None,
            "bytes_per_second_population": at_least(60_000),
        },
        population_vs_alone,
    ),
    Measurement(
        {
            "population_vs_plain_loop": at_least(25),
            "rows_vs_plain_loop": at_least(25),
            "answers_as_plain_loop": exactly(1.0),
        },
        population_vs_plain_loop,
    ),
    Measurement({"forced_population_vs_alone": at_most(0.9)}, forced_population),
    Measurement({"bytes_per_second_one_stream": at_least(600)}, one_stream),
)
