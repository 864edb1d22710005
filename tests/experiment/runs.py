"""Run directories in tests: what they hold, whether two hold the same, and copies to do with as one likes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.openings.book import OpeningBook
from evoswarm.evaluation.openings.opening import OpeningRecord
from evoswarm.evaluation.openings.places import LedgerPlace
from evoswarm.experiment.drawn import draw
from evoswarm.experiment.result import SearchResult
from evoswarm.genomes.plain import single, uniform
from evoswarm.policies.mix import Recipe
from evoswarm.run_directory import TRACES
from evoswarm.space import SearchSpace

OUTCOMES = (
    "individuals.jsonl",
    "calibration.json",
    "first_look.json",
    "front.json",
    "champion.json",
    "certificate.json",
    "certificate.txt",
    "space.yaml",
    "alone.json",
)


def lines(run: Path) -> list[dict[str, object]]:
    """The lineage of a run."""
    return [json.loads(line) for line in (run / "individuals.jsonl").read_text().splitlines()]


def same_outcome(first: Path, second: Path) -> bool:
    """Whether two runs wrote the same bytes, and the same traces."""
    recipes = [sorted(path.name for path in (run / "recipes").iterdir()) for run in (first, second)]
    same = all((first / n).read_bytes() == (second / n).read_bytes() for n in OUTCOMES)
    return recipes[0] == recipes[1] and same and told_by(first / TRACES) == told_by(second / TRACES)


def told_by(traces: Path) -> list[Any]:
    """What traces say, whatever was read beside it: all but the last digits of numbers, and who they put in front."""
    header, *rows = [json.loads(line) for line in traces.read_text().split("\n")[:-1]]
    for row in rows:
        row["steps"] = [[symbol, speakers] for symbol, _, _, _, speakers, _, _ in row["steps"]]
    return [header, *rows]


def as_chosen(run: Path) -> dict[str, Any]:
    """The champion's file as the choice left it: less the names of run and space, and what a certificate adds."""
    content: dict[str, Any] = json.loads((run / "champion.json").read_text())
    for key in ("run", "space_digest", "test", "verdict", "refusal"):
        content["about"].pop(key, None)
    return content


def copied(finished: SearchResult, target: Path) -> Path:
    """The run of a finished search with its ledger, to do with as one likes."""
    shutil.copytree(finished.directory.parent, target)
    return target / finished.directory.name


def other_champion(run: Path) -> Recipe:
    """A plain recipe that is not the champion, as the champion of a run."""
    champion = Recipe.load(run)
    known = SearchSpace.from_yaml(run / "space.yaml")  # whose alphabet is known
    specs = {
        member.spec.name: member.spec for file in (run / "recipes").iterdir() for member in Recipe.load(file).members
    }
    plain = [single(known, spec) for spec in specs.values()] + [uniform(known, list(specs.values()))]
    other = next(recipe for recipe in plain if recipe.digest != champion.digest)
    (run / "champion.json").write_text(other.to_json())
    return other


def open_for(recipe: str, ledger: Ledger, space: SearchSpace) -> OpeningRecord:
    """The test items of a space as another search opened them."""
    opening = OpeningRecord(
        at=1.0,
        how="certificate",
        space=space.name,
        search=space.resolved("bytes").continuation_digest,
        champions=(recipe,),
        questions=frozenset(key for keys in draw(space).test_keys for key in keys),
    )
    OpeningBook([LedgerPlace(ledger)]).record(opening)
    return opening
