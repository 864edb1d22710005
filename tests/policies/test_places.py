"""Where the members of a policy's file are: beside it, from the working directory, or nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from evoswarm.errors import RecipeError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import KINDS, Policy, Recipe, load_policy
from evoswarm.policies.mix import RecipeMember
from evoswarm.policies.places import anchored, looked_for, require_members
from tests.policies.test_kinds import every_policy

PATH = {"mix": "members.0", "vote": "voters.0.recipe.members.0", "route": "policies.0.members.0"}


def at(policy: Policy, path: str) -> Policy:
    """The policy with every member at this path."""
    return policy.bound({spec.name: spec.model_copy(update={"path": path}) for spec in policy.specs})


def paths(policy: Policy) -> set[str]:
    return {spec.path for spec in policy.specs}


@every_policy
def test_what_is_written_can_be_read_from_anywhere(
    policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "a").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    one = anchored(at(policy, "models/a"))
    assert paths(one) == {str(tmp_path / "models" / "a")}
    assert one.digest == policy.digest
    assert anchored(policy) is policy  # of the built-in pool
    hub = at(policy, "owner/name")
    assert anchored(hub) is hub


@every_policy
def test_beside_the_file_comes_first_and_the_working_directory_second(
    policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, here = tmp_path / "bundle", tmp_path / "here"
    for folder in (bundle, here):
        (folder / "models" / "a").mkdir(parents=True)
    (here / "models" / "b").mkdir()
    monkeypatch.chdir(here)
    file = at(policy, "models/a").save(bundle / "policy.json")
    assert paths(load_policy(file)) == paths(KINDS[policy.kind].load(file)) == {str(bundle / "models" / "a")}
    monkeypatch.chdir(bundle)
    assert paths(load_policy("policy.json")) == {str(bundle / "models" / "a")}
    monkeypatch.chdir(here)
    known = load_policy(at(policy, "models/b").save(bundle / "policy.json"))
    assert paths(known) == {"models/b"}
    require_members(known, bundle / "policy.json")


@every_policy
def test_who_is_nowhere_is_said_with_both_places(
    policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = at(policy, "./models/a").save("bundle/policy.json")
    with pytest.raises(RecipeError) as caught:
        require_members(load_policy(file), file)
    assert str(caught.value.where) == f"bundle/policy.json: {PATH[policy.kind]}.spec.path"
    for place in (tmp_path / "bundle" / "models" / "a", tmp_path / "models" / "a"):
        assert str(place) in caught.value.message


def test_what_may_be_an_id_of_the_hub_is_not_refused_here(tmp_path: Path) -> None:
    spec = MemberSpec(name="a", path="owner/name")
    file = Recipe(members=(RecipeMember(spec=spec),), lead="a").save(tmp_path / "policy.json")
    require_members(load_policy(file), file)
    assert str(tmp_path / "owner" / "name") in looked_for(load_policy(file), file)
    bundle = tmp_path / "bundle"
    load_policy(file).save(bundle / "champion.json")
    assert f"neither {bundle / 'owner' / 'name'} (beside" in looked_for(load_policy(bundle), bundle)
