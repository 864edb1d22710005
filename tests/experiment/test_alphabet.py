"""``alphabet: auto``: what it becomes, and that runs go on as they were begun."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RunError
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import evaluate, workbench
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
    opened = evaluate(champion, micro(AUTO, *BRIEF), "test", runs=tmp_path).opening
    assert opened is not None
    assert not opened.first, "the certificate of the search that said tokens is the same opening"


def test_a_run_that_was_begun_in_bytes_goes_on_in_bytes(micro: Micro, swarm: Swarm, tmp_path: Path) -> None:
    short = search(micro("alphabet=bytes", *BRIEF), runs=tmp_path, swarm=swarm)
    lines = (short.directory / INDIVIDUALS).read_text()
    told: list[str] = []
    longer = search(
        micro(AUTO, "evolution.generations=2", *BRIEF[1:]), runs=tmp_path, swarm=swarm, progress=Progress(told.append)
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
