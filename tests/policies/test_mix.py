"""Recipes: canonical, digested, read strictly."""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from evoswarm.canonical import round_significant
from evoswarm.errors import RecipeError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.alphabets import ALPHABETS, AlphabetName
from evoswarm.policies.mix import GATES, Fusion, Recipe, RecipeMember
from evoswarm.policies.shares import percent
from tests.decoding.recipes import fusions


def member(name: str, **settings: Any) -> RecipeMember:
    return RecipeMember(spec=MemberSpec(name=name, path=f"zoo:{name}", fingerprint=name * 8), **settings)


def recipe(**settings: Any) -> Recipe:
    return Recipe(**{"members": (member("a"), member("b", weight=3.0, threshold=0.5)), "lead": "a", **settings})


members = st.builds(
    member,
    st.sampled_from("abcd"),
    weight=st.floats(1e-3, 1e3),
    temperature=st.floats(0.1, 10),
    threshold=st.floats(0, 10),
)
recipes = st.builds(
    lambda pool, lead, **settings: Recipe(members=tuple(pool), lead=pool[lead % len(pool)].spec.name, **settings),
    st.lists(members, min_size=1, max_size=4, unique_by=lambda entry: entry.spec.name),
    st.integers(0, 3),
    fusion=fusions(),
    samples=st.integers(1, 5),
    sampling_temperature=st.floats(0.1, 2),
    alphabet=st.sampled_from(sorted(ALPHABETS)),
    epsilon=st.floats(0, 0.49),
    gate=st.sampled_from(GATES),
    sampled=st.booleans(),
    top_k=st.integers(0, 100),
    top_p=st.floats(0.01, 1.0),
    min_p=st.floats(0.0, 1.0),
)


@given(recipes)
def test_json_gives_back_the_recipe_to_the_byte(one: Recipe) -> None:
    again = Recipe.from_json(one.to_json())
    assert again == one
    assert again.digest == one.digest
    assert again.to_json() == one.to_json()


@given(recipes, st.floats(0.01, 100))
def test_the_scale_of_weights_does_not_matter(one: Recipe, scale: float) -> None:
    scaled = [entry.model_copy(update={"weight": entry.weight * scale}) for entry in one.members]
    again = Recipe.model_validate({**dict(one), "members": tuple(scaled)})
    for before, after in zip(one.members, again.members, strict=True):
        assert after.weight == pytest.approx(before.weight, rel=2e-5)


def test_what_cannot_matter_is_no_part_of_a_digest() -> None:
    base = recipe()
    assert base.digest == recipe(fusion=Fusion(alpha=3.0, contrast=0.5)).digest, "mixture uses neither"
    assert base.digest == recipe(sampling_temperature=0.5).digest, "greedy"
    assert base.digest != recipe(samples=3).digest
    assert recipe(samples=3).digest != recipe(samples=3, sampling_temperature=0.5).digest
    assert base.digest != recipe(noise_seed=1).digest
    renamed = recipe(members=(member("a"), member("b", weight=3.0, threshold=0.5))).model_dump(
        mode="json", by_alias=True
    )
    renamed["members"][1]["spec"].update(name="other", path="elsewhere", device="cuda")
    assert Recipe.model_validate(renamed).digest == base.digest, "names and paths are not what decides"


@pytest.mark.parametrize(
    ("one", "digest", "of_json"),
    [
        (
            recipe(),
            "0cef994c3bd685c74d069ad60ffdc4bc0ce0a95f93ab0b92b3bfbb94740ef78c",
            "c26b7913f4b649e34dbde6c6ce71cbc6cd381d97df55db32554ef21c18c06cf4",
        ),
        (
            recipe(samples=3),
            "56d0e969534c0d96fa2912b266268d4802159591555d5f17a10ebc8a5a618477",
            "89417944ec10e1b91b3c5bab83d5f34c38838c79890400dcbff1759e8a0aadcf",
        ),
    ],
)
def test_digests_and_files_never_change(one: Recipe, digest: str, of_json: str) -> None:
    """Ledgers and files of earlier versions hold them."""
    assert (one.digest, hashlib.sha256(one.to_json().encode()).hexdigest()) == (digest, of_json)


def test_alphabets_are_told_apart_and_keep_what_they_can_leave_out() -> None:
    assert len({recipe(alphabet=name).digest for name in ALPHABETS}) == len(ALPHABETS)
    assert [recipe(alphabet=name, epsilon=0.01).epsilon for name in ("bytes", "common", "tokens")] == [0.01, 0.01, 0.0]


def test_the_gate_is_written_where_it_matters() -> None:
    assert "gate" not in json.loads(recipe().to_json())
    others = [recipe(gate="low_entropy"), recipe(gate="random")]
    assert len({one.digest for one in [recipe(), *others]}) == 3
    assert [json.loads(one.to_json())["gate"] for one in others] == ["low_entropy", "random"]
    alone = Recipe(members=(member("a"),), lead="a", gate="random")
    always = Recipe(members=(member("a", threshold=1.0), member("b")), lead="a", gate="low_entropy")
    assert (alone.gate, always.gate) == ("entropy", "entropy"), "nobody waits"


def test_what_is_left_out_of_draws_is_written_where_something_is_drawn() -> None:
    cuts: dict[str, Any] = {"top_k": 20, "top_p": 0.95, "min_p": 0.05}
    greedy = recipe(**cuts)
    assert (greedy.digest, greedy.to_json()) == (recipe().digest, recipe().to_json()), "nothing is drawn"
    assert recipe(samples=3, sampled=True).to_json() == recipe(samples=3).to_json(), "several are drawn anyway"
    drawn = [recipe(sampled=True), *(recipe(sampled=True, **{key: value}) for key, value in cuts.items())]
    drawn += [recipe(samples=3, **{key: value}) for key, value in cuts.items()]
    assert len({one.digest for one in (recipe(), recipe(samples=3), *drawn)}) == len(drawn) + 2
    whole = recipe(sampled=True, sampling_temperature=0.6, **cuts)
    written = json.loads(whole.to_json())
    assert {key: written[key] for key in ("sampled", "samples", *cuts)} == {"sampled": True, "samples": 1, **cuts}
    assert whole.parameters()["top_p"] == 0.95
    assert recipe(sampled=True, members=(member("a", temperature=2.0),)).members[0].temperature == 2.0


def test_words_say_how_answers_are_drawn() -> None:
    def last(**settings: Any) -> str:
        return recipe(**settings).words()[-1]

    assert last() == "One greedy answer."
    assert last(sampled=True, sampling_temperature=0.6, top_p=0.95) == (
        "One answer sampled at temperature 0.60, top-p 0.95."
    )
    assert last(samples=5, sampling_temperature=0.7, top_k=20, min_p=0.05) == (
        "Majority vote over 5 answers sampled at temperature 0.70, top-k 20, min-p 0.05."
    )


@pytest.mark.parametrize(
    ("alphabet", "members", "words"),
    [
        ("bytes", "ab", "Alphabet bytes: a step is one byte."),
        ("common", "ab", "Alphabet common: a step is one token that all its members have, or one byte."),
        ("tokens", "ab", "Alphabet tokens: a step is one token; its members share one tokenizer."),
        ("common", "a", "Alphabet common: a step is one of its member's own tokens."),
        ("tokens", "a", "Alphabet tokens: a step is one of its member's own tokens."),
    ],
)
def test_words_name_the_alphabet_and_say_what_a_step_is(alphabet: AlphabetName, members: str, words: str) -> None:
    made = Recipe(alphabet=alphabet, members=tuple(map(member, members)), lead="a")
    assert words in made.words()


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.47, "47%"),
        (0.003, "0.3%"),
        (0.0004, "under 0.1%"),
        (0.997, "99.7%"),
        (0.9999, "over 99.9%"),
    ],
)
def test_a_share_is_nothing_or_everything_only_where_it_is(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_a_member_alone_has_no_fusion() -> None:
    alone = Recipe(members=(member("a", weight=0.3, temperature=2.0),), lead="a", fusion=Fusion(rule="product", beta=1))
    assert alone.fusion == Fusion()
    assert alone.members[0].weight == 1.0
    assert alone.members[0].temperature == 1.0, "greedy: the temperature moves no maximum"


def test_the_lead_speaks_always() -> None:
    one = recipe(members=(member("a", threshold=2.0), member("b", threshold=1.23456789)))
    assert [entry.threshold for entry in one.members] == [0.0, 1.23457]
    assert one.lead_index == 0


def test_round_significant() -> None:
    assert round_significant(123456.789) == 123457.0
    assert round_significant(1.23456789e-9) == 1.23457e-9
    assert round_significant(math.inf) == math.inf


def test_save_and_load(tmp_path: Path) -> None:
    path = recipe().save(tmp_path / "deep" / "recipe.json")
    assert Recipe.load(path) == recipe()
    assert [entry.name for entry in path.parent.iterdir()] == ["recipe.json"], "nothing half-written stays behind"


def test_recipes_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        recipe().samples = 3  # type: ignore[misc]


def test_the_schema_is_json() -> None:
    schema = Recipe.json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert "lambda" in schema["$defs"]["Fusion"]["properties"]


def spoilt(*path: str | int, value: Any = None, remove: bool = False) -> str:
    content = json.loads(recipe().to_json())
    node: Any = content
    for part in path[:-1]:
        node = node[part]
    if remove:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return json.dumps(content)


BAD: dict[str, tuple[str, str]] = {
    # id: (text, the field named)
    "empty": ("", ""),
    "no JSON": ("{", ""),
    "a list": ("[]", ""),
    "no members": (spoilt("members", remove=True), "members"),
    "an empty swarm": (spoilt("members", value=[]), "members"),
    "no lead": (spoilt("lead", remove=True), "lead"),
    "an unknown key": (spoilt("leed", value="a"), "leed"),
    "an unknown key of a member": (spoilt("members", 0, "wait", value=1), "members.0.wait"),
    "an unknown rule": (spoilt("fusion", "rule", value="average"), "fusion.rule"),
    "a weight of zero": (spoilt("members", 1, "weight", value=0), "members.1.weight"),
    "a negative threshold": (spoilt("members", 1, "threshold", value=-1), "members.1.threshold"),
    "a temperature of zero": (spoilt("members", 1, "temperature", value=0), "members.1.temperature"),
    "an infinite weight": (spoilt("members", 1, "weight", value=math.inf), "members.1.weight"),
    "a word for an alpha": (spoilt("fusion", "alpha", value="most"), "fusion.alpha"),
    "an unknown gate": (spoilt("gate", value="open"), "gate"),
    "no samples": (spoilt("samples", value=0), "samples"),
    "epsilon of a half": (spoilt("epsilon", value=0.5), "epsilon"),
    "a negative top-k": (spoilt("top_k", value=-1), "top_k"),
    "a top-p of nothing": (spoilt("top_p", value=0), "top_p"),
    "a top-p of more than all": (spoilt("top_p", value=1.1), "top_p"),
    "a min-p of more than the likeliest": (spoilt("min_p", value=1.5), "min_p"),
    "a word for sampled": (spoilt("sampled", value="yes"), "sampled"),
    "a version of the future": (spoilt("version", value=2), "version"),
    "an unknown alphabet": (spoilt("alphabet", value="words"), "alphabet"),
    "a device that is none": (spoilt("members", 0, "spec", "device", value="gpu"), "members.0.spec.device"),
}


@pytest.mark.parametrize(("text", "field"), BAD.values(), ids=BAD.keys())
def test_bad_recipes_are_named(tmp_path: Path, text: str, field: str) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        Recipe.load(path)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).count("\n") <= 1
    assert caught.value.where is not None
    assert caught.value.where.path == field


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("lead",), "c", "lead: expected one of a, b, got 'c'"),
        (("members", 1, "spec", "name"), "a", "members: expected names that differ, got 'a' twice"),
        (("prompt_format",), "Q:", "prompt_format: expected a text with {prompt} in it"),
        (("fusion", "alpha"), math.nan, "alpha"),
    ],
)
def test_contradictions_are_named(path: tuple[str | int, ...], value: Any, words: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(words)) as caught:
        Recipe.from_json(spoilt(*path, value=value), "recipe.json")
    assert str(caught.value).startswith("recipe.json")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b'{"lead": "\xe9"}')
    for name in ("none.json", "latin.json"):
        with pytest.raises(RecipeError, match=r"expected (a readable file|UTF-8), got"):
            Recipe.load(tmp_path / name)
    with pytest.raises(RecipeError, match=r"expected a run directory with a champion\.json"):
        Recipe.load(tmp_path)
