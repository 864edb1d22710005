"""How fast the engine is, as ratios within one run: the population together against what else a user could do.

    python -m tests.benchmarks.engine --pairs 5

Prints one table and writes ``results.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import date
from itertools import islice
from pathlib import Path

import torch

from evoswarm import MemberSpec, Recipe, Request, SearchSpace, Swarm
from evoswarm.decoding.member import Member
from evoswarm.recipe import RULES, Fusion, RecipeMember
from evoswarm.space import make_tasks
from tests.benchmarks.plain_loop import decode_plainly

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("results.json")
RECIPES, ITEMS, MAX_SYMBOLS = 48, 200, 16
SHARED = ("llama-a", "llama-b", "mamba-b")  # one tokenizer


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5, help="alternating repetitions; the median counts")
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--recipes", type=int, default=RECIPES)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    figures: dict[str, float] = {}
    figures |= bytes_population(arguments.recipes, arguments.items, arguments.pairs)
    figures |= tokens_population(arguments.recipes, arguments.items, arguments.pairs)
    record = {
        "date": date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, CPU",
        "pairs": arguments.pairs,
        **{key: round(value, 4) for key, value in figures.items()},
    }
    RESULTS.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    for key, value in figures.items():
        print(f"{key:28} {value:12.3f}")


def bytes_population(recipes: int, items: int, pairs: int) -> dict[str, float]:
    """The quickstart's pool and items, random recipes over all five members."""
    space = SearchSpace.from_yaml(ROOT / "search_spaces" / "quickstart.yaml")
    members = Swarm.load(space.pool).members
    asked = requests(random_recipes(space.pool, recipes, alphabet="bytes"), space, items)
    together, alone = together_and_alone(members, asked)
    ratio = median_ratio(alone, together, pairs)
    swarm = Swarm(members)
    began = time.perf_counter()
    done = swarm.decode(asked)
    seconds = time.perf_counter() - began
    deployed = sum(use.tokens for one in done for use in one.use)
    answered = sum(len(sample.text.encode()) + 1 for one in done for sample in one.samples)
    return {
        "population_vs_alone": ratio,
        "rows_alone_vs_rows": deployed / swarm.counters.rows_forwarded,
        "bytes_per_second_population": answered / seconds,
        "seconds_in_forwards": swarm.counters.forward_seconds / seconds,
    }


def tokens_population(recipes: int, items: int, pairs: int) -> dict[str, float]:
    """Members that share a tokenizer, against the loop that a user would write; greedy mixtures, always open."""
    space = SearchSpace.from_yaml(ROOT / "search_spaces" / "quickstart.yaml")
    pool = [MemberSpec(name=name, path=f"zoo:{name}") for name in SHARED]
    members = Swarm.load(pool).members
    chosen = random_recipes(pool, recipes, alphabet="tokens", rules=("mixture",), gated=False)
    asked = requests(chosen, space, items)
    models = {member.spec.name: member.runner.model for member in members}
    rows = {"plain": 0, "ours": 0}
    answers: dict[str, list[str]] = {}

    def ours() -> None:
        swarm = Swarm(members)
        answers["ours"] = [one.samples[0].text for one in swarm.decode(asked)]
        rows["ours"] = swarm.counters.rows_forwarded

    def plain() -> None:
        answers["plain"], rows["plain"] = decode_plainly(members, models, asked)

    ratio = median_ratio(plain, ours, pairs)
    same = sum(one == other for one, other in zip(answers["ours"], answers["plain"], strict=True))
    return {
        "population_vs_plain_loop": ratio,
        "rows_vs_plain_loop": rows["plain"] / rows["ours"],
        "answers_as_plain_loop": same / len(asked),
    }


def together_and_alone(
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


def median_ratio(slow: Callable[[], None], fast: Callable[[], None], pairs: int) -> float:
    """Median of the ratios of alternating runs."""
    ratios = []
    for _ in range(pairs):
        times = []
        for run in (slow, fast):
            began = time.perf_counter()
            run()
            times.append(time.perf_counter() - began)
        ratios.append(times[0] / times[1])
    return statistics.median(ratios)


def random_recipes(
    pool: Sequence[MemberSpec],
    count: int,
    *,
    alphabet: str,
    rules: Sequence[str] = RULES,
    gated: bool = True,
) -> list[Recipe]:
    """Recipes drawn from one seed: two members or more, any lead, thresholds from always to seldom."""
    rng = random.Random(0)
    recipes = []
    for _ in range(count):
        specs = sorted(rng.sample(range(len(pool)), rng.randint(2, len(pool))))
        members = tuple(
            RecipeMember(
                spec=pool[index],
                weight=rng.uniform(0.1, 1.0),
                temperature=rng.choice([0.5, 1.0, 2.0]) if gated else 1.0,
                threshold=rng.choice([0.0, 0.05, 0.3, 1.0]) if gated else 0.0,
            )
            for index in specs
        )
        fusion = {
            "rule": rng.choice(rules),
            "alpha": 0.5,
            "beta": rng.choice([0.0, 1.0]) if gated else 0.0,
            "lambda": 0.3,
        }
        lead = pool[rng.choice(specs)].name
        recipes.append(
            Recipe.model_validate({"alphabet": alphabet, "members": members, "lead": lead, "fusion": Fusion(**fusion)})
        )
    return recipes


def requests(recipes: Sequence[Recipe], space: SearchSpace, items: int) -> list[Request]:
    """Every recipe on the same items, tasks in equal numbers."""
    tasks = make_tasks(space)
    chosen = [(task, item) for task in tasks for item in islice(task.items(), items // len(tasks))]
    return [
        Request(recipe, item.prompt, item.key, max_bytes=task.max_bytes, max_symbols=MAX_SYMBOLS)
        for recipe in recipes
        for task, item in chosen
    ]


if __name__ == "__main__":
    main()
