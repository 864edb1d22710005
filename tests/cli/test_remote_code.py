"""Code of a member's own runs on the word of the caller alone: files only say that it is needed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from evoswarm import Swarm
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.zoo.catalogue import member_path
from tests.cli.conftest import Command, refused

CODE = """
import os
from transformers import LlamaConfig, LlamaForCausalLM
open(os.environ["EVOSWARM_TRACE"], "w").close()
class OwnConfig(LlamaConfig):
    model_type = "own"
class OwnForCausalLM(LlamaForCausalLM):
    config_class = OwnConfig
"""
SPACE = """\
name: own
pool:
  - {name: a, path: models/own, trust_remote_code: true}
  - {name: b, path: "zoo:llama-b"}
tasks: [{name: t, source: reasoning_gym, family: pair, max_bytes: 8}]
splits: {search: 4, selection: 4, test: 4}
evolution: {generations: 1, islands: 1, population: 3, elites: 1}
tracking: {mlflow: false}
"""
STUDY = "name: own-study\nspace: space.yaml\ntrials: 2\nsettings:\n  evolution.population: {choices: [3, 4]}\n"


@pytest.fixture
def asked(command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """In a directory with a member that leaves a trace when its code runs."""
    monkeypatch.setenv("EVOSWARM_TRACE", str(Path("ran").resolve()))
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(Path("cache").resolve()))
    own = Path("models/own")
    shutil.copytree(member_path("llama-a"), own)
    config = json.loads((own / "config.json").read_text())
    config |= {
        "model_type": "own",
        "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnForCausalLM"},
    }
    (own / "config.json").write_text(json.dumps(config))
    (own / "own.py").write_text(CODE)
    Path("space.yaml").write_text(SPACE)
    Path("study.yaml").write_text(STUDY)
    spec = MemberSpec(name="a", path="models/own", trust_remote_code=True)
    Recipe(members=(RecipeMember(spec=spec),), lead="a").save("recipe.json")
    return command


@pytest.mark.parametrize(
    "words",
    [
        ("check", "space.yaml"),
        ("plan", "space.yaml"),
        ("search", "space.yaml"),
        ("study", "study.yaml"),
        ("compare", "space.yaml", "--evaluations", "100"),
        ("two-by-two", "space.yaml", "space.yaml"),
        ("evaluate", "recipe.json", "--space", "space.yaml"),
        ("generate", "recipe.json", "3+4="),
    ],
    ids=lambda words: words[0],
)
def test_no_command_runs_it_unasked(asked: Command, words: tuple[str, ...]) -> None:
    refused(asked(*words), "'a' may run (own.py in ", "models/own;", "--trust-remote-code")
    assert not Path("ran").exists()


def test_on_the_callers_word_it_runs_and_no_run_directory_passes_that_on(asked: Command) -> None:
    outcome = asked("search", "space.yaml", "--trust-remote-code", "--quiet", "--no-certify")
    assert outcome.code == 0, outcome.error
    os.remove("ran")
    run = Path("runs/own-seed0")
    refused(asked("certify", run), "--trust-remote-code")
    refused(asked("search", "space.yaml", "--quiet"), "--trust-remote-code")
    assert not Path("ran").exists()
    assert asked("generate", "recipe.json", "3+4=", "--trust-remote-code", "--max-bytes", "4").code == 0


def test_in_python_too(asked: Command) -> None:
    with pytest.raises(MemberError, match="trust_remote_code=True"):
        Swarm.load(Recipe.load("recipe.json"))
    assert not Path("ran").exists()
    assert Swarm.load(Recipe.load("recipe.json"), trust_remote_code=True).members[0].spec.name == "a"
    assert Path("ran").exists()
