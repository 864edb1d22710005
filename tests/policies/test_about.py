"""What a policy's file says of its policy: it decides nothing, is checked all the same, and is in the schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evoswarm.errors import RecipeError
from evoswarm.policies import KINDS, About, Policy, PolicyDocument, Recipe, Vote, load_document, load_policy
from tests.policies.test_kinds import EXAMPLES, alone, every_policy

SCORE = {"items": 120, "accuracy": 0.712, "low": 0.62, "high": 0.791}
ABOUT: dict[str, Any] = {
    "run": "mine-seed0",
    "space": "mine",
    "space_digest": "0" * 64,
    "seed": 0,
    "evoswarm": "1.0",
    "date": "2026-01-31",
    "tasks": {"sums": {"max_bytes": 8, "stop": ["\n"], "prompt": "Q: {question}", "scorer": {"kind": "numeric"}}},
    "selection": {**SCORE, "by_task": {"sums": SCORE}},
}


def about(**changes: Any) -> About:
    return About.model_validate_json(json.dumps({**ABOUT, **changes}), strict=True)


@every_policy
def test_it_is_read_back_and_decides_nothing(policy: Policy, tmp_path: Path) -> None:
    document = PolicyDocument(policy, about())
    file = tmp_path / "policy.json"
    file.write_text(document.to_json())
    again = load_document(file)
    assert (again, again.to_json()) == (document, document.to_json())
    assert load_policy(file) == KINDS[policy.kind].load(file) == policy
    assert load_policy(file).digest == policy.digest
    assert json.loads(document.to_json())["about"] == ABOUT


def test_a_file_that_says_nothing_is_the_policy_as_ever() -> None:
    policy = alone("a")
    assert PolicyDocument(policy).to_json() == policy.to_json()


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"colour": "red"}, "about.colour", "expected a known key, got 'colour'"),
        ({"seed": "0"}, "about.seed", "expected a valid integer, got '0'"),
        ({"tasks": {}}, "about.tasks", "at least 1 entry"),
        ({"tasks": {"sums": {"max_bytes": 0}}}, "about.tasks.sums.max_bytes", "greater than or equal to 1, got 0"),
        ({"tasks": {"sums": {"max_bytes": 8, "stop": [""]}}}, "about.tasks.sums.stop.0", "at least 1 character"),
        ({"selection": {**SCORE, "accuracy": 71.2}}, "about.selection.accuracy", "less than or equal to 1, got 71.2"),
        ({"selection": {**SCORE, "low": 0.8}}, "about.selection", "expected a number of at most high (0.791), got 0.8"),
        ({"date": "31.1.2026"}, "about.date", "expected a date such as 2026-01-31, got '31.1.2026'"),
        ({"verdict": {"outcome": "great", "sentence": "It is."}}, "about.verdict.outcome", "got 'great'"),
    ],
)
def test_what_is_wrong_in_it_is_said_with_file_and_key(change: dict[str, Any], path: str, words: str) -> None:
    text = json.dumps({**json.loads(alone("a").to_json()), "about": {**ABOUT, **change}})
    with pytest.raises(RecipeError) as caught:
        Recipe.from_json(text, "champion.json")
    assert str(caught.value.where) == f"champion.json: {path}"
    assert words in caught.value.message


def test_only_the_policy_itself_is_told_about() -> None:
    vote = json.loads(EXAMPLES["vote"][0].to_json())
    vote["voters"][0]["recipe"]["about"] = ABOUT
    with pytest.raises(RecipeError, match=r"voters\.0\.recipe\.about"):
        Vote.from_json(json.dumps(vote))


def test_the_schema_knows_it() -> None:
    schema = Recipe.json_schema()
    assert schema["properties"]["about"] == {"$ref": "#/$defs/About"}
    assert set(ABOUT) <= set(schema["$defs"]["About"]["properties"])
    assert {"TaskAsked", "SplitAccuracy", "MemberSpec"} <= set(schema["$defs"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "71.2% (62.0% to 79.1%) on 120 selection items, which it was chosen on; not certified"),
        ({"selection": None}, "no score is known; not certified"),
        ({"refusal": "seen before"}, "on 120 selection items, which it was chosen on; no certificate: seen before"),
        (
            {"test": {**SCORE, "accuracy": 0.7}, "verdict": {"outcome": "undecided", "sentence": "Who knows."}},
            "70.0% (62.0% to 79.1%) on 120 test items; certificate: undecided",
        ),
        (
            {"test": SCORE, "verdict": {"outcome": "no value", "sentence": "No.", "forced": True}},
            "on 120 test items; certificate: no value, forced: its test items had been seen before",
        ),
    ],
)
def test_in_one_line(change: dict[str, Any], words: str) -> None:
    said = about(**change).sentence()
    assert said.startswith("from the run mine-seed0 (space mine): ")
    assert said.endswith(words)
