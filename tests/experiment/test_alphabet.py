"""``alphabet: auto``: what it becomes, and that runs go on as they were begun."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RecipeError, RunError
from evoswarm.experiment.calibrating import BEYOND, calibrate
from evoswarm.experiment.evaluating import evaluate
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.run_directory import INDIVIDUALS
from evoswarm.space import SearchSpace

Micro = Callable[..., SearchSpace]
AUTO = "alphabet=auto"
BRIEF = ("evolution.generations=1", "evolution.islands=1")


@pytest.fixture(scope="module")
def swarm(micro: Micro) -> Swarm:
    """The micro pool, loaded once: both members share one tokenizer."""
    return Swarm.load(micro().pool)


def test_auto_is_tokens_where_all_members_share_one_tokenizer(micro: Micro, swarm: Swarm, tmp_path: Path) -> None:
    result = search(micro(AUTO, *BRIEF), runs=tmp_path, swarm=swarm)
    written = SearchSpace.from_yaml(result.directory / "space.yaml")
    assert written == micro("alphabet=tokens", *BRIEF)
    assert {recipe.alphabet for recipe in result.champion.mixes("sum")} == {"tokens"}
    assert all(recipe.alphabet == "tokens" for one in result.front for recipe in one.policy.mixes("sum"))
    again = search(written, out=result.directory, runs=tmp_path, swarm=swarm)
    assert again.champion == result.champion
    assert again.certificate == result.certificate


def test_what_is_asked_of_a_space_knows_its_alphabet(micro: Micro, swarm: Swarm, tmp_path: Path) -> None:
    with workbench(micro(AUTO), ":memory:", swarm=swarm) as bench:
        assert bench.asked == micro("alphabet=tokens")
        assert bench.space.alphabets == ("tokens",)
        assert {spec.fingerprint for spec in bench.asked.pool} == {None}
        assert None not in {spec.fingerprint for spec in bench.space.pool}


def test_test_items_are_opened_for_the_search_whether_it_says_auto_or_not(micro: Micro, tmp_path: Path) -> None:
    champion = search(micro("alphabet=tokens", *BRIEF), runs=tmp_path).champion
    opened = evaluate(champion, micro(AUTO, *BRIEF), "test", runs=tmp_path, open_test=True).opening
    assert opened is not None
    assert opened.again, "the certificate of the search that said tokens is the same opening"


def test_a_run_that_was_begun_in_bytes_goes_on_in_bytes(micro: Micro, swarm: Swarm, tmp_path: Path) -> None:
    short = search(micro("alphabet=bytes", *BRIEF), runs=tmp_path, swarm=swarm)
    lines = (short.directory / INDIVIDUALS).read_text()
    told: list[str] = []
    longer = search(
        micro(AUTO, "evolution.generations=2", *BRIEF[1:]),
        runs=tmp_path,
        swarm=swarm,
        progress=Progress(note=told.append),
    )
    assert longer.directory == short.directory
    assert (longer.directory / INDIVIDUALS).read_text().startswith(lines)
    assert SearchSpace.from_yaml(longer.directory / "space.yaml").alphabet == "bytes"
    assert f"going on in bytes, as {short.directory} was begun" in told
    named = search(micro(AUTO, *BRIEF), runs=tmp_path, out=short.directory, swarm=swarm)
    assert {recipe.alphabet for recipe in named.champion.mixes("sum")} == {"bytes"}


def test_an_ended_run_in_bytes_is_left_alone(micro: Micro, swarm: Swarm, tmp_path: Path) -> None:
    first = search(micro("alphabet=bytes", *BRIEF), runs=tmp_path, swarm=swarm)
    second = search(micro(AUTO, *BRIEF), runs=tmp_path, swarm=swarm)
    assert first.directory != second.directory
    assert SearchSpace.from_yaml(second.directory / "space.yaml").alphabet == "tokens"


def test_a_directory_of_another_search_is_refused_as_ever(micro: Micro, swarm: Swarm, tmp_path: Path) -> None:
    other = search(micro("alphabet=bytes", "noise_seed=5", *BRIEF), runs=tmp_path, swarm=swarm)
    with pytest.raises(RunError, match="its pool, tasks or settings differ"):
        search(micro(AUTO, *BRIEF), runs=tmp_path, out=other.directory, swarm=swarm)


MIXED = """
name: mixed
pool:
  - {name: llama-a, path: "zoo:llama-a"}
  - {name: neox-e, path: "zoo:neox-e"}
tasks:
  - {name: spell, source: reasoning_gym, family: spell_backward, max_bytes: 12}
  - {name: sum, source: reasoning_gym, family: chain_sum, max_bytes: 8}
splits: {search: 6, selection: 6, test: 6}
evolution: {generations: 2, islands: 1, population: 8}
tracking: {mlflow: false}
"""


@pytest.fixture(scope="module")
def mixed() -> Swarm:
    """Two members of different tokenizers."""
    return Swarm.load(SearchSpace.from_text(MIXED).pool)


def test_auto_is_common_where_tokenizers_differ_and_everything_is_in_it(mixed: Swarm, tmp_path: Path) -> None:
    result = search(SearchSpace.from_text(MIXED), runs=tmp_path, swarm=mixed)
    assert SearchSpace.from_yaml(result.directory / "space.yaml").alphabet == "common"
    assert {one.policy.parameters()["alphabet"] for one in result.selection.contenders} == {"common"}
    assert result.certificate is not None
    assert (
        evaluate(result.champion, SearchSpace.from_text(MIXED), "test", runs=tmp_path, open_test=True).opening
        is not None
    )


def test_tokens_over_several_tokenizers_are_refused_and_common_is_named(mixed: Swarm, tmp_path: Path) -> None:
    space = SearchSpace.from_text(MIXED + "alphabet: tokens\n")
    with pytest.raises(RecipeError, match=r"expected 'common' or 'bytes', or 'auto' in a space .*'llama-a' and 'neox-"):
        search(space, runs=tmp_path, swarm=mixed)


def test_a_lead_is_calibrated_in_the_symbols_of_the_pool(mixed: Swarm) -> None:
    """A lone member's symbols are its own tokens; thresholds stand in recipes whose symbols are fewer."""
    with workbench(SearchSpace.from_text(MIXED), ":memory:", swarm=mixed) as bench:
        items = [item for item in bench.items["search"] if item.task == "spell"]
        lead = bench.pool[0]
        both: tuple[AlphabetName, ...] = ("common", "bytes")
        tables = {one: calibrate(bench, items, one).entropies[lead.name]["spell"] for one in both}
        alone = [n for row in bench.evaluator.entropies([single(bench.space, lead)], items)[0] for n in row]
        together = uniform(bench.space, bench.pool).changed(lead=lead.name)
        members = [{**member.model_dump(), "threshold": BEYOND} for member in together.members]
        silent = together.changed(members=members)
        steps = [n for row in bench.evaluator.entropies([silent], items)[0] for n in row]
        assert tables["common"] == tuple(sorted(round(nats, 6) for nats in steps))
        assert bench.evaluator.summaries([silent], items)[0].open_share == 0.0
    assert tables["common"] != tuple(sorted(round(nats, 6) for nats in alone))
    assert len(alone) <= len(tables["common"]) < len(tables["bytes"])


@pytest.mark.parametrize("kind", ["mix", "vote"])
def test_the_search_may_choose_the_alphabet(mixed: Swarm, kind: str, tmp_path: Path) -> None:
    both = f"genome: {{kind: {kind}, alphabets: [common, bytes]}}\n"
    space = SearchSpace.from_text(MIXED + both)
    result = search(space, runs=tmp_path, swarm=mixed, certify=False)
    rows = [json.loads(line)["genome"] for line in (result.directory / INDIVIDUALS).read_text().splitlines()]
    seen = {row["alphabet"] for row in rows} if kind == "mix" else {one for row in rows for one in row["alphabets"]}
    assert seen == {"common", "bytes"}
    files = {path.name: path.read_text() for path in result.directory.glob("calibration*.json")}
    expected = {"calibration.json", "calibration-bytes.json"} if kind == "mix" else set()
    assert set(files) == expected
    assert len(set(files.values())) == len(files)
    written = SearchSpace.from_yaml(result.directory / "space.yaml")
    assert (written.alphabet, written.alphabets) == ("common", ("common", "bytes"))
    assert search(space, out=result.directory, runs=tmp_path, swarm=mixed, certify=False).champion == result.champion
