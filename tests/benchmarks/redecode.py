"""Every (recipe, item) that a quickstart search wrote into its ledger, decoded again by a fresh swarm.

    python -m tests.benchmarks --only redecode_changed

The search decodes whole generations together, this decodes recipe after recipe, so that nothing is batched as it
was. Only an answer with a decision closer than 1e-4 nats may differ.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from evoswarm import SearchResult, search
from evoswarm.canonical import digest_of
from evoswarm.evaluation.evaluation import CLOSE_MARGIN
from evoswarm.experiment.calibrating import genomes_for
from evoswarm.experiment.files.places import CALIBRATION, LEDGER
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.policies import Policy
from evoswarm.run_directory import INDIVIDUALS
from evoswarm.tasks.task import Item
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, exactly
from tests.benchmarks.quickstart import space


def redecode(options: Options) -> Readings:
    """Search, decode again, count the answers that changed, and of these the ones that had no close decision."""
    small = ["splits.search=20", "splits.selection=10"] if options.quick else []
    searched = space("tracking.mlflow=false", f"evolution.generations={options.size(8, 2)}", *small)
    with tempfile.TemporaryDirectory() as directory:
        runs = Path(directory)
        result = search(searched, runs=runs, certify=False)
        held = _count(runs / LEDGER)
        with workbench(searched, runs / LEDGER) as known, workbench(searched, ":memory:") as fresh:
            again = [
                each
                for recipe in _recipes(result, known)
                for items in known.items.values()
                for each in _again(recipe, items, known, fresh)
            ]
    close = sum(margin < CLOSE_MARGIN for margin, _ in again)
    changed = [margin for margin, same in again if not same]
    note = f"{len(again)} of the ledger's {held} answers; {close} had a decision closer than {CLOSE_MARGIN} nats"
    return {
        "redecode_changed": Reading(len(changed), note),
        "redecode_changed_beyond_margin": Reading(sum(margin >= CLOSE_MARGIN for margin in changed), "of these"),
        "redecode_left_out": Reading(held - len(again), "answers of the ledger that were not decoded again"),
    }


def _count(ledger: Path) -> int:
    with closing(sqlite3.connect(ledger)) as database:
        return int(database.execute("SELECT COUNT(*) FROM evaluations").fetchone()[0])


def _recipes(result: SearchResult, bench: Workbench) -> list[Policy]:
    """Everything that the search evaluated: its individuals, and at the end the contenders and what came of one."""
    calibration = Calibration.from_json((result.directory / CALIBRATION).read_text(encoding="utf-8"))
    representation = genomes_for(bench, lambda alphabet: calibration)
    lines = (result.directory / INDIVIDUALS).read_text(encoding="utf-8").splitlines()
    recipes = [representation.express(representation.decode(json.loads(line)["genome"])) for line in lines]
    recipes += [one.policy for one in result.selection.contenders]
    recipes += _lesser(result.selection.winner.policy)
    return list({recipe.digest: recipe for recipe in recipes}.values())


def _lesser(policy: Policy) -> list[Policy]:
    """The policy less one member, or two, or more."""
    fewer = [policy.without(name) for name in policy.removable]
    return [one for each in fewer if each is not None for one in (each, *_lesser(each))]


def _again(recipe: Policy, items: Sequence[Item], known: Workbench, fresh: Workbench) -> Iterator[tuple[float, bool]]:
    """Per item that the ledger holds for the recipe: the smaller margin, and whether the answers are alike."""
    context = digest_of(known.evaluator.context(recipe))  # type: ignore[arg-type]
    digests = [known.evaluator.item_digest(item, recipe.prompt_format) for item in items]
    names = [member.spec.name for member in recipe.members]  # type: ignore[attr-defined]
    rows = zip(items, known.evaluator.ledger.read(recipe.digest, context, digests), strict=True)
    found = [(item, row.evaluation(names)) for item, row in rows if row is not None]
    if found:
        again = fresh.evaluator.evaluate([recipe], [item for item, _ in found])[0]
        for (_, one), other in zip(found, again, strict=True):
            yield min(one.margin, other.margin), (one.answers, one.score) == (other.answers, other.score)


MEASUREMENTS = (
    Measurement(
        {
            "redecode_changed": None,
            "redecode_changed_beyond_margin": exactly(0),
            "redecode_left_out": exactly(0),
        },
        redecode,
    ),
)
