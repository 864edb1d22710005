"""Members as their owners run them: what a search's way of asking all alike does not show."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from evoswarm.certificate.verdict import decide
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.candidate import Candidate, score
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.policies import Policy, Recipe, Route
from evoswarm.rivals.as_deployed import QUESTION, samplers, ways_of
from evoswarm.rivals.matched import best_sampling, best_single, try_singles
from evoswarm.rivals.routers import best_router
from evoswarm.rivals.tuning import tune
from evoswarm.space import SearchSpace
from evoswarm.statistics.intervals import difference_of, strata
from evoswarm.zoo.catalogue import member_path
from tests.rivals.conftest import tell

SPACE = """
name: deployed
pool:
  - {{name: mine, path: {mine}}}
  - {{name: llama-a, path: "zoo:llama-a"}}
tasks:
  - {{name: gcd, source: reasoning_gym, family: gcd, max_bytes: 8}}
  - {{name: sums, source: reasoning_gym, family: chain_sum, max_bytes: 8}}
alphabet: bytes
splits: {{search: 4, selection: 24, test: 24}}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chat model whose settings ask for samples: it does sums and divisors, and only when asked as it was trained."""
    home = Path(shutil.copytree(member_path("qwen3-d"), tmp_path_factory.mktemp("models") / "mine"))
    settings = {"eos_token_id": [3, 1], "do_sample": True, "temperature": 0.6, "top_p": 0.95, "repetition_penalty": 1.1}
    (home / "generation_config.json").write_text(json.dumps(settings))
    return home


@pytest.fixture(scope="module")
def space(home: Path, tmp_path_factory: pytest.TempPathFactory) -> SearchSpace:
    """Asks it without its template, beside a member that does sums."""
    file = tmp_path_factory.mktemp("deployed") / "space.yaml"
    file.write_text(SPACE.format(mine=home), encoding="utf-8")
    return SearchSpace.from_yaml(file, ())


@pytest.fixture(scope="module")
def loaded(space: SearchSpace) -> Swarm:
    return Swarm.load(space.pool)


@pytest.fixture
def straw(space: SearchSpace, loaded: Swarm) -> Iterator[Workbench]:
    """The space made ready with an evaluator that knows of no templates."""
    with workbench(space, ":memory:", splits=("selection", "test"), swarm=loaded) as bench:
        yield bench


@pytest.fixture
def bench(straw: Workbench) -> Workbench:
    """The same, as a certificate has it."""
    return straw.as_deployed()


def named(ways: Sequence[Candidate], *words: str) -> Recipe:
    (found,) = [one.policy for one in ways if all(word in one.name for word in words)]
    assert isinstance(found, Recipe)
    return found


def test_the_ways_of_a_member(bench: Workbench) -> None:
    alone = single(bench.space, bench.pool[0])
    ways = ways_of(alone, bench.evaluator.swarm)
    assert [one.name for one in ways] == [
        f"mine as its owner runs it ({how}, without its repetition_penalty 1.1), {answer}"
        for how in ("own tokens", "own tokens, own chat template")
        for answer in ("one greedy answer", "one answer sampled at temperature 0.60, top-k 50, top-p 0.95")
    ]
    greedy = named(ways, "own chat template", "greedy")
    assert (greedy.alphabet, greedy.lead, greedy.prompt_format) == ("common", "mine.chat", QUESTION)
    assert greedy.specs[0].chat_template
    drawn = named(ways, "own chat template", "sampled")
    assert (drawn.sampled, drawn.sampling_temperature, drawn.top_k, drawn.top_p) == (True, 0.6, 50, 0.95)
    other = ways_of(single(bench.space, bench.pool[1]), bench.evaluator.swarm)
    assert [one.name for one in other] == ["llama-a as its owner runs it (own tokens), one greedy answer"]


def test_through_a_template_items_are_asked_as_they_are_too(bench: Workbench) -> None:
    alone = single(bench.space, bench.pool[0]).changed(prompt_format="Q: {prompt}\nA:", alphabet="tokens")
    ways = ways_of(alone, bench.evaluator.swarm)
    formats = [(one.policy.specs[0].chat_template, one.policy.prompt_format) for one in ways if "greedy" in one.name]
    assert formats == [(True, "Q: {prompt}\nA:"), (True, QUESTION)], (
        "in tokens the space's own way is its tokens already"
    )
    assert "the question as it is" in ways[-1].name
    assert {one.policy.mixes("")[0].alphabet for one in ways} == {"tokens"}


def test_a_router_lets_each_member_answer_as_it_is_best(bench: Workbench) -> None:
    """Also where its own way leaves out what the space puts around a question."""
    items = bench.items["selection"]
    singles = try_singles(
        bench.evaluator,
        items,
        bench.space.model_copy(update={"prompt_format": "Please tell me: {prompt}"}),
        bench.pool,
        flops=1.0,
    )
    formats = {one.policy.prompt_format for one in singles.best_ways}
    assert len(formats) == 2, "the test would show nothing"
    assert best_router(bench.evaluator, items, singles).key == "R4"


def test_a_member_is_what_its_files_would_answer(bench: Workbench, home: Path) -> None:
    """Greedily, against ``generate`` of the model itself behind its own template."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(home), AutoTokenizer.from_pretrained(home)
    items = bench.items["selection"][:6]
    greedy = named(ways_of(single(bench.space, bench.pool[0]), bench.evaluator.swarm), "own chat template", "greedy")
    for item, row in zip(items, bench.evaluator.evaluate([greedy], items)[0], strict=True):
        turns = [{"role": "user", "content": item.prompt}]
        ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=False)
        out = model.generate(ids, do_sample=False, max_new_tokens=16, repetition_penalty=1.0)[0, ids.shape[1] :]
        assert row.answer == tokenizer.decode(out, skip_special_tokens=True)


def test_the_best_single_member_is_found_as_its_owner_runs_it(straw: Workbench, bench: Workbench) -> None:
    at = straw.items["selection"], straw.space, straw.pool
    before, after = (try_singles(one.evaluator, *at, flops=1.0) for one in (straw, bench))
    poor, rich = best_single(before), best_single(after)
    assert poor.policy.specs[0].name == "llama-a"
    assert rich.policy.specs[0].name == "mine.chat"
    assert "best alone, mine as its owner runs it (own tokens, own chat template" in rich.description
    assert "(tried were one answer of each as the space asks it and as its owner runs it)" in rich.description
    accuracy = [one.accuracy for one in score([poor, rich], bench.evaluator, at[0])]
    assert accuracy[0] < 0.6
    assert accuracy[1] > 0.9
    assert [one.policy for one in after.greedy] == [one.policy for one in before.greedy]
    assert after.best_ways[0].policy.specs[0].name == "mine.chat"


def test_votes_are_drawn_in_the_owners_way_too(bench: Workbench) -> None:
    singles = try_singles(bench.evaluator, bench.items["selection"], bench.space, bench.pool, flops=1.0)
    arms = [one.arm for one in singles.draws if one.arm.member == "mine.chat"]
    how = "as its owner runs it (own tokens, own chat template, without its repetition_penalty 1.1)"
    assert [arm.words for arm in arms] == [
        f"{how} at temperature 0.60, top-k 50, top-p 0.95",
        *(f"{how} at temperature {heat}" for heat in ("0.4", "0.7", "1")),
    ]
    assert (arms[0].recipe.samples, arms[0].recipe.top_k, arms[0].recipe.top_p) == (3, 50, 0.95)
    sampling = best_sampling(singles)
    assert sampling.policy.specs[0].name == "mine.chat"
    assert sampling.description.startswith(f"The best of {len(singles.all)} single-member recipes")
    asked = [one.policy for one in samplers(singles.greedy[1], singles.deployed[1])]
    assert all(isinstance(one, Recipe) and not one.sampled for one in asked), "its settings ask for no samples"


def test_routers_have_members_as_each_is_best(bench: Workbench) -> None:
    items = bench.items["selection"]
    singles = try_singles(bench.evaluator, items, bench.space, bench.pool, flops=1.0)
    router = best_router(bench.evaluator, items, singles)
    assert isinstance(router.policy, Route)
    assert "mine.chat" in [spec.name for spec in router.policy.specs]
    assert score([router], bench.evaluator, items)[0].accuracy > 0.9


def verdict(bench: Workbench, champion: Policy) -> str:
    """By the rule of certificates, on the test items."""
    items, evaluator = bench.items["test"], bench.evaluator
    rivals = tune(bench.space, bench.pool, champion, evaluator, bench.items["selection"])
    (own, *others) = score([Candidate("champion", champion), *rivals.matched], evaluator, items)
    parts = strata([item.task for item in items], {name: task.weight for name, task in bench.tasks.items()})
    gains = {one.key: difference_of(own.scores, one.scores, parts) for one in others}
    return decide(gains, speakers=2, items=len(items), margin=0.03).outcome


def right(champion: Recipe, bench: Workbench) -> None:
    """Let the ledger say that a champion is right everywhere, at its real cost: all the others are really decoded."""
    for items in bench.items.values():
        rows = bench.evaluator.evaluate([champion.changed(noise_seed=1)], items)[0]
        told = [replace(row, score=1.0, answer=item.gold) for row, item in zip(rows, items, strict=True)]
        tell(bench.evaluator, champion, items, told)


def test_a_mix_that_only_beats_straw_men_adds_no_value(straw: Workbench, bench: Workbench) -> None:
    """It does what one of its members does alone as soon as that is asked as it was trained."""
    champion = uniform(straw.space, straw.pool)
    right(champion, straw)
    assert verdict(straw, champion) == "adds value"
    assert verdict(bench, champion) != "adds value"
