"""The case that only distributions can win: the composite family ``pair``, a sum and a word in one answer.

Every member alone, the vote over their whole answers, a router that takes the most confident whole answer, and the
ceiling of a router that knows the right answer, against the uniform mix of all. Writes ``composite.json``.

    python tests/benchmarks/composite.py --items 500
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from datetime import date
from itertools import islice
from pathlib import Path

from evoswarm import Recipe, Request, SearchSpace, Swarm
from evoswarm.decoding.request import Completion
from evoswarm.policies.mix import RecipeMember
from evoswarm.space import make_tasks

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_suffix(".json")


def main() -> None:
    """Decode, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--space", type=Path, default=ROOT / "search_spaces" / "quickstart.yaml")
    arguments = parser.parse_args()
    space = SearchSpace.from_yaml(arguments.space)
    task = next(task for task in make_tasks(space) if task.name == "pair")
    items = list(islice(task.items(), arguments.items))
    swarm = Swarm.load(space.pool)
    alone = [Recipe(members=(RecipeMember(spec=spec),), lead=spec.name) for spec in swarm.specs]
    mixed = Recipe(members=tuple(RecipeMember(spec=spec) for spec in swarm.specs), lead=swarm.specs[0].name)
    recipes = [*alone, mixed]
    requests = [
        Request(recipe, item.prompt, item.key, max_bytes=task.max_bytes, stop=task.stop, trace=True)
        for recipe in recipes
        for item in items
    ]
    done = swarm.decode(requests)
    rows = [done[start : start + len(items)] for start in range(0, len(done), len(items))]

    def accuracy(answers: list[str]) -> float:
        return sum(task.score(item, answer) for item, answer in zip(items, answers, strict=True)) / len(items)

    singles = rows[:-1]
    by_item = [list(one) for one in zip(*singles, strict=True)]
    figures = {
        "date": date.today().isoformat(),
        "items": len(items),
        "members": {spec.name: accuracy(texts(row)) for spec, row in zip(swarm.specs, singles, strict=True)},
        "vote over whole answers": accuracy([Counter(texts(one)).most_common(1)[0][0] for one in by_item]),
        "most confident whole answer": accuracy([max(one, key=confidence).samples[0].text for one in by_item]),
        "router that knows the right answer (ceiling)": sum(
            max(task.score(item, text) for text in texts(one)) for item, one in zip(items, by_item, strict=True)
        )
        / len(items),
        "uniform mix of distributions": accuracy(texts(rows[-1])),
    }
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))


def texts(row: list[Completion]) -> list[str]:
    """The first answer of every completion."""
    return [completion.samples[0].text for completion in row]


def confidence(completion: Completion) -> float:
    """Log-probability of the whole answer, as its member gave it."""
    chosen = (dict(step.candidates).get(step.symbol, 0.0) for step in completion.trace)
    return sum(math.log(max(probability, 1e-12)) for probability in chosen)


if __name__ == "__main__":
    main()
