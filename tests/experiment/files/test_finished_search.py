"""A finished search is read again from its files, whatever kind of policies it searched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evoswarm.canonical import canonical_json
from evoswarm.errors import RunError
from evoswarm.evolution.individual import Individual, Origin
from evoswarm.experiment.drawn import draw
from evoswarm.experiment.files.finished_search import FinishedSearch
from evoswarm.experiment.per_question.asked_policy import asked_policy
from evoswarm.experiment.result import SearchResult
from evoswarm.genomes import GENOMES, Material, PolicyGenomes, genomes_of
from evoswarm.genomes.limits import MemberSize
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.policies import PolicyDocument
from evoswarm.space import SearchSpace

Micro = Callable[..., SearchSpace]

LIMITS = ("genome.max_members=2", "genome.max_parameters=1000000000")


def bred(space: SearchSpace, calibration: Calibration) -> tuple[PolicyGenomes[Any, Any], list[Any]]:
    """Genomes of a space as its search has them, with the members' sizes, and some that it bred."""
    sizes = {spec.name: MemberSize(1000, 1.0, 1000) for spec in space.pool}
    prompts = [item.prompt for item in draw(space).items["search"]]
    genomes = genomes_of(Material(space, sizes, {}, lambda alphabet: calibration, lambda: prompts))
    rng = Random(1)
    found = [genome for genome, _ in genomes.founders(rng)] + [genomes.random(rng) for _ in range(6)]
    return genomes, found + [genomes.mutate(genome, rng, 3.0) for genome in found]


def written(run: Path, space: SearchSpace, genomes: PolicyGenomes[Any, Any], found: list[Any]) -> None:
    """The files of a search over them."""
    rows = []
    for number, genome in enumerate(found):
        one = Individual(genome, genomes.key(genome), Origin(0, 0, number, "random"), (0.5,))
        rows.append({**one.to_dict(genomes.encode), "by_task": {}, "cost": {}})
    (run / "individuals.jsonl").write_text("".join(canonical_json(row) + "\n" for row in rows))
    (run / "space.yaml").write_text(space.to_yaml())
    (run / "champion.json").write_text(PolicyDocument(genomes.express(found[0])).to_json())
    for number, (_, policy) in enumerate(genomes.plain()):
        (run / "recipes" / f"{number}.json").write_text(PolicyDocument(policy).to_json())


@pytest.mark.parametrize("tasks", ["several tasks", "one task"])
@pytest.mark.parametrize("kind", GENOMES)
def test_genomes_express_the_policies_that_were_searched(
    kind: str, tasks: str, micro: Micro, finished: SearchResult, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished.directory, tmp_path / "runs" / "run"))
    for file in [run / "journal.jsonl", run / "champion.json", *(run / "recipes").iterdir()]:
        file.unlink()
    alone = ["tasks=[{name: spell, source: reasoning_gym, family: spell_backward, max_bytes: 12}]"]
    space = micro(f"genome.kind={kind}", *LIMITS, *(alone if tasks == "one task" else [])).resolved("tokens")
    known = {spec.name: spec for one in finished.comparison for spec in one.policy.specs}
    space = space.model_copy(update={"pool": tuple(known[spec.name] for spec in space.pool)})
    table = json.loads((run / "calibration.json").read_text())
    genomes, found = bred(space, Calibration.of(table))
    written(run, space, genomes, found)
    search = FinishedSearch(asked_policy(run))
    lines = list(search.individuals())
    assert [line["key"] for line in lines] == [genomes.key(genome) for genome in found]
    assert len({line["key"] for line in lines}) > 5
    for line, genome in zip(lines, found, strict=True):
        assert search.genome(line) == genome
        policy = search.policy(line)
        assert policy is not None, "it comes out as the digest that the lineage has"
        assert policy.digest == line["key"]


def test_a_damaged_lineage_is_refused_by_its_line(finished: SearchResult, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished.directory, tmp_path / "runs" / "run"))
    file = run / "individuals.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:2]) + lines[2].rstrip("\n"))
    assert len(list(FinishedSearch(asked_policy(run)).individuals())) == 2, "a crash cut the last one short"
    file.write_text("".join(lines[:2]) + "{}\n")
    with pytest.raises(RunError, match=r"individuals\.jsonl:3: expected 'id' of an individual"):
        list(FinishedSearch(asked_policy(run)).individuals())
    file.unlink()
    with pytest.raises(RunError, match="expected the individuals of a search, got nothing there"):
        list(FinishedSearch(asked_policy(run)).individuals())


def test_a_policy_alone_is_no_search(finished: SearchResult, tmp_path: Path) -> None:
    file = Path(shutil.copy(finished.directory / "champion.json", tmp_path / "mine.json"))
    asked = asked_policy(file, finished.directory / "space.yaml")
    with pytest.raises(RunError, match="expected a run directory"):
        FinishedSearch(asked)
