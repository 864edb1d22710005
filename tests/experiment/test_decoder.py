"""What stands behind ``Decoder`` may be another process: the same search, the same bytes, the same errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import MemberError, RecipeError
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.space import SearchSpace
from tests.experiment.process_decoder import ProcessDecoder
from tests.experiment.runs import as_chosen

PROMPTS = ("Spell this word backward: lamp\n", "", "1 + 1 =")


@pytest.fixture(scope="module")
def far(micro: Callable[..., SearchSpace]) -> Iterator[ProcessDecoder]:
    """The micro pool in another process."""
    space = micro()
    with ProcessDecoder(space.pool, **space.decoding.model_dump()) as decoder:
        yield decoder


@pytest.fixture(scope="module")
def near(micro: Callable[..., SearchSpace]) -> Swarm:
    """The same in this one."""
    return Swarm.load(micro().pool)


def test_a_search_in_another_process_writes_the_same_bytes(
    micro: Callable[..., SearchSpace], finished: SearchResult, far: ProcessDecoder, tmp_path: Path
) -> None:
    before = far.counters.symbols
    result = search(micro(), runs=tmp_path / "runs", swarm=far)
    assert far.counters.symbols > before
    for name in ("individuals.jsonl", "calibration.json", "first_look.json", "front.json"):
        assert (result.directory / name).read_bytes() == (finished.directory / name).read_bytes(), name
    assert as_chosen(result.directory) == as_chosen(finished.directory)
    ours, theirs = finished.certificate, result.certificate
    assert ours is not None
    assert theirs is not None
    played = [[(one.key, one.score.mean) for one in each.rivals] for each in (ours, theirs)]
    assert [one for one in played[0] if one[0] != "R6"] == played[1]
    assert any("no merged weights" in one.why for one in theirs.absent), "their files are not known here"


def test_everything_asked_has_the_same_answer(far: ProcessDecoder, near: Swarm) -> None:
    for name in ("facts", "specs", "shapes", "dtypes", "device_kind", "context_lengths"):
        assert getattr(far, name) == getattr(near, name), name
    for spec in near.specs:
        assert far.prompt_lengths(spec.name, PROMPTS) == near.prompt_lengths(spec.name, PROMPTS)
        assert far.rendered(spec.name, PROMPTS) == near.rendered(spec.name, PROMPTS)
    assert far.silenced(PROMPTS) == near.silenced(PROMPTS)
    mix = Recipe(members=tuple(RecipeMember(spec=spec) for spec in near.specs), lead=near.specs[0].name)
    assert far.symbols(mix) == near.symbols(mix)
    assert [*far.kept] == ["states", "rows", "texts"]
    assert all(0 <= one.bytes <= one.limit for one in far.kept.values())


def recipe_of(spec: MemberSpec) -> Recipe:
    return Recipe(members=(RecipeMember(spec=spec),), lead=spec.name)


def test_an_end_is_asked_for_across_the_border(far: ProcessDecoder) -> None:
    recipe = recipe_of(far.specs[0])
    requests = [Request(recipe, f"Spell this word backward: lamp{number}\n") for number in range(4000)]
    kinds = {
        completion.failure and completion.failure.kind for completion in far.decode(requests, stop_after=lambda: True)
    }
    assert "time_out" in kinds


def test_errors_come_back(far: ProcessDecoder, tmp_path: Path) -> None:
    recipe = recipe_of(far.specs[0])
    unknown = Request(recipe_of(far.specs[0].model_copy(update={"name": "nobody"})), PROMPTS[0])
    with pytest.raises(RecipeError, match="got 'nobody'"):
        far.decode([unknown])
    with pytest.raises(RecipeError, match="got 'nobody'"):
        far.check(unknown.recipe)
    assert far.decode([Request(recipe, PROMPTS[0], max_bytes=1)])[0].failure is None
    with pytest.raises(MemberError, match="gone"):
        ProcessDecoder([MemberSpec(name="gone", path=str(tmp_path / "gone"))])


def test_what_a_search_needs_of_a_decoder_imports_no_torch() -> None:
    code = "import sys, evoswarm.evaluation.evaluator; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
