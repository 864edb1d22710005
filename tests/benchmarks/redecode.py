"""Every (recipe, item) that a quickstart search wrote into its ledger, decoded again by a fresh swarm.

    python -m tests.benchmarks.redecode

The search decodes whole generations together, this decodes recipe after recipe, so that nothing is batched as it
was. Only an answer with a decision closer than 1e-4 nats may differ, and at most one in 10,000 answers.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from evoswarm import Recipe, SearchResult, search
from evoswarm.controls.plain import without
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.evaluation.evaluation import digest_of
from evoswarm.evaluation.ledger import Key
from evoswarm.experiment.calibrating import CALIBRATION, representation_of
from evoswarm.experiment.workbench import LEDGER, Workbench, workbench
from evoswarm.genomes.thresholds import Calibration
from evoswarm.run_directory import INDIVIDUALS
from evoswarm.tasks.task import Item
from tests.benchmarks.quickstart import space

SURE = 1e-4  # nats
MOST_UNLIKE = 1e-4  # share of answers


def main() -> None:
    """Search, decode again, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generations", type=int, default=8)
    arguments = parser.parse_args()
    silence_loading()
    searched = space("tracking.mlflow=false", f"evolution.generations={arguments.generations}")
    compared = close = unlike = unexcused = 0
    with tempfile.TemporaryDirectory() as directory:
        runs = Path(directory)
        result = search(searched, runs=runs, certify=False)
        held = _count(runs / LEDGER)
        with workbench(searched, runs / LEDGER) as known, workbench(searched, ":memory:") as fresh:
            for recipe in _recipes(result, known):
                for items in known.items.values():
                    for margin, same in _again(recipe, items, known, fresh):
                        compared += 1
                        close += margin < SURE
                        unlike += not same
                        unexcused += not same and margin >= SURE
    print(f"{compared} of the ledger's {held} answers decoded again, {close} with a decision closer than {SURE} nats")
    print(f"{unlike} differ (at most {MOST_UNLIKE * compared:.1f} may), {unexcused} of them without such a decision")
    raise SystemExit(unexcused > 0 or unlike > MOST_UNLIKE * compared)


def _count(ledger: Path) -> int:
    with closing(sqlite3.connect(ledger)) as database:
        return int(database.execute("SELECT COUNT(*) FROM evaluations").fetchone()[0])


def _recipes(result: SearchResult, bench: Workbench) -> list[Recipe]:
    """Everything that the search evaluated: its individuals, and at the end the contenders and what came of one."""
    calibration = Calibration.from_json((result.directory / CALIBRATION).read_text(encoding="utf-8"))
    representation = representation_of(bench, calibration)
    lines = (result.directory / INDIVIDUALS).read_text(encoding="utf-8").splitlines()
    recipes = [representation.express(representation.decode(json.loads(line)["genome"])) for line in lines]
    recipes += [standing.recipe for standing in result.selection.standings]
    recipes += _lesser(result.selection.winner.recipe)
    return list({recipe.digest: recipe for recipe in recipes}.values())


def _lesser(recipe: Recipe) -> list[Recipe]:
    """The recipe less one follower, or two, or more."""
    names = [member.spec.name for member in recipe.members if member.spec.name != recipe.lead]
    fewer = [without(recipe, name) for name in names]
    return [one for each in fewer for one in (each, *_lesser(each))]


def _again(recipe: Recipe, items: Sequence[Item], known: Workbench, fresh: Workbench) -> Iterator[tuple[float, bool]]:
    """Per item that the ledger holds for the recipe: the smaller margin, and whether the answers are alike."""
    context = digest_of(known.evaluator.context(recipe))
    keys = {
        Key(recipe.digest, known.evaluator.item_digest(item, recipe.prompt_format), context): item for item in items
    }
    names = {recipe.digest: [member.spec.name for member in recipe.members]}
    found = known.evaluator.ledger.read(list(keys), names)
    asked = [key for key in keys if key in found]
    if asked:
        for key, other in zip(asked, fresh.evaluator.evaluate([recipe], [keys[key] for key in asked])[0], strict=True):
            one = found[key]
            yield min(one.margin, other.margin), (one.answers, one.score) == (other.answers, other.score)


if __name__ == "__main__":
    main()
