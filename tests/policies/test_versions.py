"""Policy files have a version: earlier ones are read as they always were, later ones are refused by that alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evoswarm.errors import RecipeError
from evoswarm.policies import KINDS, Policy
from evoswarm.policies.document import read_document
from tests.policies.test_about import ABOUT
from tests.policies.test_kinds import every_policy

MEMBER = {"spec": {"name": "a", "path": "zoo:a"}}
FIRST: dict[str, dict[str, Any]] = {
    "mix": {"members": [MEMBER], "lead": "a"},
    "vote": {"kind": "vote", "voters": [{"recipe": {"members": [MEMBER], "lead": "a"}}]},
    "route": {"kind": "route", "by": "task", "policies": [{"members": [MEMBER], "lead": "a"}]},
}
"""The least that a file of the first version said, which named none."""


@every_policy
def test_a_file_names_its_version(policy: Policy) -> None:
    assert json.loads(policy.to_json())["version"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_the_first_version_is_read(kind: str) -> None:
    found = read_document(json.dumps(FIRST[kind]), "old.json")
    assert (found.policy.kind, found.about) == (kind, None)
    again = read_document(json.dumps({**FIRST[kind], "version": 1}), "old.json")
    assert (again.policy, again.policy.digest) == (found.policy, found.policy.digest)


@every_policy
def test_a_file_of_a_later_version_is_refused_by_its_version(policy: Policy) -> None:
    """Whatever else it says: another kind, keys that nobody here knows, more that is known of it."""
    later = {**json.loads(policy.to_json()), "version": 2, "rhythm": 3, "about": {**ABOUT, "mood": "good"}}
    words = "expected a policy of version 1 (the latest that this evoswarm reads), got version 2"
    for read in (KINDS[policy.kind].from_json, read_document):
        for content in (later, {**later, "kind": "dance"}):
            with pytest.raises(RecipeError) as caught:
                read(json.dumps(content), "later.json")
            assert str(caught.value.where) == "later.json: version"
            assert caught.value.message.startswith(words)


@every_policy
@pytest.mark.parametrize("version", [0, -1, "1", None, 1.5, [1]])
def test_what_is_no_version_is_refused(policy: Policy, version: Any) -> None:
    text = json.dumps({**json.loads(policy.to_json()), "version": version})
    with pytest.raises(RecipeError, match=r"odd\.json: version: expected "):
        read_document(text, "odd.json")
