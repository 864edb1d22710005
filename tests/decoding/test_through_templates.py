"""Members asked through their own chat templates, though their pool asks them without: the same models, loaded once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evoswarm.checkpoint import Generation
from evoswarm.decoding.beside import Beside
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import MemberError, RecipeError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.zoo.catalogue import member_path
from tests.decoding.recipes import spec
from tests.decoding.test_pool import Shelf

POOL = ("llama-a", "qwen3-d")
PROMPTS = ("47+85=", "rev tiger=", "gcd 48,36=")


@pytest.fixture
def specs() -> list[MemberSpec]:
    """Two members of the built-in pool, both asked without a template; only the second has one."""
    return [spec(name, chat_template=False) for name in POOL]


def alone(one: MemberSpec, **fields: object) -> Recipe:
    return Recipe.model_validate({"members": [{"spec": one.model_dump()}], "lead": one.name, **fields})


def answers(swarm: Swarm | Beside, recipe: Recipe) -> list[str]:
    done = swarm.decode([Request(recipe, prompt, max_bytes=8) for prompt in PROMPTS])
    return [one.samples[0].text for one in done]


def test_it_is_the_member_that_a_pool_with_the_template_has(specs: list[MemberSpec], loaded: list[str]) -> None:
    swarm = Swarm.load(specs)
    through = swarm.through_templates()
    assert through is not None
    assert [one.name for one in through.specs] == ["qwen3-d.chat"]
    assert loaded == [*POOL]
    want = Swarm.load([spec("qwen3-d", chat_template=True)])
    assert through.specs[0].fingerprint == want.specs[0].fingerprint
    assert through.facts[0].tokens == want.facts[0].tokens
    got = answers(through, alone(through.specs[0]))
    assert got == answers(want, alone(want.specs[0]))
    assert got != answers(swarm, alone(swarm.specs[1])), "or the template would not matter"
    assert through.members[0].reader is swarm.members[1].reader
    assert swarm.through_templates() is through


def test_memory_that_is_promised_to_the_pool_is_not_promised_again(
    specs: list[MemberSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shares are taken while all is free: what two swarms may keep fits beside what they work with."""
    for module in ("swarm", "memory.limits"):
        monkeypatch.setattr(f"evoswarm.decoding.{module}.free_bytes", lambda device: 1_000_000_000)
    swarm = Swarm.load(specs[1:])
    through = swarm.through_templates()
    assert through is not None
    pool, other = swarm.limits[0], through.limits[0]
    assert (pool.state_bytes, other.state_bytes) == (400_000_000, 200_000_000)
    assert (pool.row_bytes, other.row_bytes) == (100_000_000, 50_000_000)
    assert (pool.text_bytes, other.text_bytes) == (50_000_000, 25_000_000)
    given = Swarm.load(specs[1:], state_memory_bytes=7_000_000).through_templates()
    assert given is not None
    assert given.limits[0].state_bytes == 7_000_000, "what is given is given"


def test_both_are_one_decoder(specs: list[MemberSpec]) -> None:
    swarm = Swarm.load(specs)
    both = Beside(swarm)
    assert [one.name for one in both.specs] == [*POOL, "qwen3-d.chat"]
    assert {name: one.spec.name for name, one in both.templated.items()} == {"qwen3-d": "qwen3-d.chat"}
    recipes = [alone(one) for one in both.specs]
    requests = [Request(one, prompt, max_bytes=8) for prompt in PROMPTS for one in recipes]
    together = [done.samples[0].text for done in both.decode(requests)]
    assert together == [text for row in zip(*(answers(both, one) for one in recipes), strict=True) for text in row]
    assert both.counters is swarm.counters
    lengths = [both.prompt_lengths(name, PROMPTS) for name in ("qwen3-d", "qwen3-d.chat")]
    assert all(plain < framed for plain, framed in zip(*lengths, strict=True))
    assert set(both.context_lengths) == {one.name for one in both.specs} == set(both.silenced(PROMPTS))
    mixed = Recipe(members=tuple(RecipeMember(spec=one) for one in both.specs[1:]), lead="qwen3-d")
    with pytest.raises(
        RecipeError, match=r"expected all through their own chat templates or none, got 'qwen3-d\.chat'"
    ):
        both.check(mixed)
    with pytest.raises(RecipeError, match="got 'nobody'"):
        both.check(alone(specs[0].model_copy(update={"name": "nobody"})))


def test_what_is_known_needs_no_weights(specs: list[MemberSpec], loaded: list[str]) -> None:
    shelf = Shelf()
    first = Swarm.load(specs, store=shelf).through_templates(shelf)
    second = Swarm.load(specs, store=shelf).through_templates(shelf)
    assert first is not None
    assert second is not None
    assert second.facts == first.facts
    assert loaded == [*POOL]
    assert answers(second, alone(second.specs[0])) == answers(first, alone(first.specs[0]))
    assert loaded == [*POOL] * 2


def test_who_has_no_template_or_is_asked_through_it_has_none(specs: list[MemberSpec]) -> None:
    assert Swarm.load(specs[:1]).through_templates() is None
    assert Swarm.load([spec("qwen3-d", chat_template=True)]).through_templates() is None
    assert Swarm(Swarm.load(specs).members).through_templates() is None, "where its files are is not known"
    beside = Beside(Swarm.load(specs[:1]))
    assert (len(beside.specs), beside.templated) == (1, {})


def test_a_name_that_is_taken_is_not_taken_again(specs: list[MemberSpec]) -> None:
    pool = [specs[0].model_copy(update={"name": "qwen3-d.chat"}), specs[1]]
    assert list(Beside(Swarm.load(pool)).templated) == ["qwen3-d"]
    assert [one.name for one in Beside(Swarm.load(pool)).specs] == ["qwen3-d.chat", "qwen3-d", "qwen3-d.chat.chat"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the chat member."""
    return Path(shutil.copytree(member_path("qwen3-d"), tmp_path / "mine"))


def mine(home: Path) -> MemberSpec:
    return MemberSpec(name="mine", path=str(home), device="cpu")


def test_a_template_that_does_not_do_is_left_out_and_that_is_remembered(home: Path, loaded: list[str]) -> None:
    (home / "chat_template.jinja").write_text("{{ messages[0]['role'] }}")
    shelf = Shelf()
    for _ in range(2):
        assert Swarm.load([mine(home)], store=shelf).through_templates(shelf) is None
    assert loaded == ["mine"]
    assert any("expected a chat template that writes the question once" in fact for fact in shelf.values())


def settings(home: Path, **values: object) -> None:
    (home / "generation_config.json").write_text(json.dumps({"eos_token_id": [3, 1], **values}))


def test_how_its_owner_samples_is_known_without_weights(home: Path, loaded: list[str]) -> None:
    settings(home, do_sample=True, temperature=0.6, top_p=0.95)
    shelf = Shelf()
    for _ in range(2):
        swarm = Swarm.load([mine(home)], store=shelf)
        want = Generation(sampled=True, temperature=0.6, top_k=50, top_p=0.95)
        assert [one.generation for one in Beside(swarm, shelf).facts] == [want, want]
    assert loaded == ["mine"]
    settings(home, do_sample=True, temperature=0.7)
    assert Swarm.load([mine(home)], store=shelf).facts[0].generation.temperature == 0.7


def test_settings_that_nothing_can_obey_are_refused_by_file(home: Path) -> None:
    settings(home, do_sample=True, temperature=0)
    with pytest.raises(
        MemberError, match=r"member 'mine': expected a number above 0 \(do_sample is on\) as temperature"
    ):
        Swarm.load([mine(home)])


def test_facts_of_a_pool_are_data(specs: list[MemberSpec]) -> None:
    facts = Swarm.load(specs).facts
    assert all(json.loads(one.to_json())["generation"]["sampled"] is False for one in facts)
