# ruff: noqa: E501
"""A study that is not what it should be is refused in one or two lines that name the file, the field and the value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evoswarm.cli import run
from evoswarm.errors import SpaceError
from evoswarm.study.hyperparameters.question import read_question

SPACE = """\
name: small
pool:
  - {name: a, path: "zoo:llama-a"}
  - {name: b, path: "zoo:llama-b"}
tasks:
  - {name: sums, source: reasoning_gym, family: chain_sum}
splits: {search: 4, selection: 4, test: 4}
"""

BEFORE = "alphabet: bytes\nevolution: {gold: {founders: false}}\n"  # what used to be the defaults
GOOD = """\
name: good
space: space.yaml
set: [evolution.elites=1]
settings:
  evolution.population: {choices: [4, 8]}
  evolution.mutation: {low: 0.5, high: 1}
seeds: [0, 1, 2, 3, 4]
trials: 4
"""

EDITS: dict[str, tuple[str, str, str, int, str]] = {
    # id: (what is replaced or "" for the end, by what, field, line, words of the message)
    "unknown key": ("", "trails: 4\n", "trails", 9, "did you mean 'trials'?"),
    "unknown key of a setting": ("high: 1}", "hihg: 1}", "settings.evolution.mutation.hihg", 6, "did you mean 'high'?"),
    "no space": ("space: space.yaml\n", "", "space", 1, "a value for 'space'"),
    "a space that is not there": ("space.yaml", "spice.yaml", "space", 2, "No such file or directory (did you mean 'space.yaml'?) (spice.yaml)"),
    "a text for a number": ("trials: 4", "trials: four", "trials", 8, "a whole number, got 'four'"),
    "one trial": ("trials: 4", "trials: 1", "trials", 8, "at least 2"),
    "an unknown sampler": ("", "sampler: tpes\n", "sampler", 9, "did you mean tpe?"),
    "four seeds": ("[0, 1, 2, 3, 4]", "[0, 1, 2, 3]", "seeds", 7, "at least 5 seeds (a search differs more from seed to seed than from setting to setting), got 4"),
    "a seed twice": ("[0, 1, 2, 3, 4]", "[0, 1, 2, 3, 3]", "seeds.4", 7, "got 3 twice"),
    "a used seed": ("", "confirm_seeds: [9, 8, 7, 6, 2]\n", "confirm_seeds.4", 9, "expected fresh seeds"),
    "a negative seed": ("[0, 1, 2, 3, 4]", "[0, 1, 2, 3, -4]", "seeds.4", 7, "at least 0"),
    "an unknown setting": ("evolution.population", "evolution.populaton", "settings.evolution.populaton", 5, "did you mean evolution.population?"),
    "an unknown part": ("evolution.population", "evolutionary.population", "settings.evolutionary.population", 5, "did you mean evolution?"),
    "a setting inside nothing": ("evolution.population: {choices: [4, 8]}", "stop_at.accuracy: {choices: [0.5]}", "settings.stop_at.accuracy", 5, "stop_at is nothing (null) there"),
    "the seed as a setting": ("evolution.population: {choices", "seed: {choices", "settings.seed", 5, "the study's seeds take its place"),
    "items as a setting": ("evolution.population: {choices", "splits.search: {choices", "settings.splits.search", 5, "scores on other items cannot be compared"),
    "a member as a setting": ("evolution.population: {choices: [4, 8]}", "pool.0.path: {choices: [x]}", "settings.pool.0.path", 5, "trials share one loaded pool"),
    "a value out of range": ("[4, 8]", "[4, 1]", "settings.evolution.population.choices.1", 5, "expected a value that the space can take, got 1: evolution.population: expected a number of at least 2"),
    "a value of another type": ("[4, 8]", "[4, many]", "settings.evolution.population.choices.1", 5, "got 'many': evolution.population: expected a whole number"),
    "a contradiction with the space": ("[evolution.elites=1]", "[evolution.elites=5]", "settings.evolution.population.choices.0", 5, "fewer elites than the population"),
    "settings that contradict each other": ("evolution.mutation: {low: 0.5, high: 1}", "evolution.elites: {low: 0, high: 6}", "settings.evolution.elites", 6, "got 6 beside 4: evolution.elites: expected fewer elites"),
    "a range above its limit": ("high: 1}", "high: 1.5}", "settings.evolution.mutation.high", 6, "got 1.5: evolution.mutation: expected a number of at most 1"),
    "a range upside down": ("high: 1}", "high: 0.2}", "settings.evolution.mutation.high", 6, "more than low (0.5), got 0.2"),
    "half a range": ("low: 0.5, high: 1", "low: 0.5", "settings.evolution.mutation", 6, "got low without high"),
    "no values": ("{low: 0.5, high: 1}", "{}", "settings.evolution.mutation", 6, "got neither"),
    "two kinds of values": ("{low: 0.5, high: 1}", "{choices: [0.5], low: 1}", "settings.evolution.mutation.low", 6, "choices or a range"),
    "a range without the default": ("high: 1}", "high: 0.8}", "settings.evolution.mutation", 6, "holds the space's own value (it is the first trial), got 0.5 to 0.8 where the space has 0.9"),
    "a range for a word": ("evolution.mutation: {", "evolution.topology: {", "settings.evolution.topology", 6, "where the space has ring"),
    "steps beside the default": ("high: 1}", "high: 1, step: 0.25}", "settings.evolution.mutation", 6, "steps that meet the space's own value 0.9"),
    "a half of a whole number": ("evolution.mutation: {low: 0.5, high: 1}", "evolution.tournament: {low: 0.5, high: 4}", "settings.evolution.tournament", 6, "whole numbers (the space has 3), got low: 0.5"),
    "a log scale from nothing": ("low: 0.5, high: 1", "low: 0, high: 1, log: true", "settings.evolution.mutation.low", 6, "greater than 0 (log)"),
    "a grid over a range": ("", "sampler: grid\n", "settings.evolution.mutation", 6, "the sampler is grid"),
    "a choice twice": ("[4, 8]", "[4, 4]", "settings.evolution.population.choices.1", 5, "got 4 twice"),
    "an override that sets nothing": ("evolution.elites=1", "evolution.elites", "set.0", 3, "expected path=value"),
    "an override with a bad value": ("evolution.elites=1", "evolution.elites=-1", "set.0", 3, "evolution.elites: expected a number of at least 0"),
    "a seed for every trial": ("evolution.elites=1", "seed=5", "set.0", 3, "the study's seeds take its place"),
    "an infinite number": ("high: 1}", "high: .inf}", "settings.evolution.mutation.high", 6, "expected a finite number, got .inf"),
    "an infinite choice": ("evolution.mutation: {low: 0.5, high: 1}", "evolution.mutation: {choices: [0.5, .nan]}", "settings.evolution.mutation.choices.1", 6, "got .nan: evolution.mutation: expected a finite number"),
    "a patient pruner": ("", "pruner: {after_seeds: 6}\n", "pruner.after_seeds", 9, "there are no more seeds"),
    "nothing that varies": ("[4, 8]", "[12]", "settings.evolution.population", 5, "got 12 alone"),
    "a setting inside another": ("evolution.mutation: {low: 0.5, high: 1}", "evolution: {choices: [{elites: 2}]}", "settings.evolution.population", 5, "no part of one another, got evolution.population beside evolution"),
    "a study for a space": ("space: space.yaml", "space: study.yaml", "space", 2, "expected a search space, got a study"),
    "no settings": ("settings:\n  evolution.population: {choices: [4, 8]}\n  evolution.mutation: {low: 0.5, high: 1}\n", "settings: {}\n", "settings", 4, "at least 1 entry"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.yaml").write_text(SPACE, encoding="utf-8")
    return tmp_path


def test_the_study_that_is_edited_is_a_good_one(folder: Path) -> None:
    (folder / "space.yaml").write_text(f"{SPACE}\n{BEFORE}", encoding="utf-8")
    (folder / "study.yaml").write_text(GOOD, encoding="utf-8")
    question = read_question("study.yaml")
    assert question.default == {"evolution.population": "12", "evolution.mutation": 0.9}
    assert question.space.evolution.elites == 1
    # studies that stand in people's storages go on: what is new in the format and not used is no part of this
    assert question.identity == "78f212766e759423c0af1cf45413b11746f1adbe645cb1a6ce3e7e2bc051305d"


@pytest.mark.parametrize("case", EDITS)
def test_what_is_wrong_is_named(case: str, folder: Path) -> None:
    old, new, field, line, words = EDITS[case]
    text = GOOD.replace(old, new, 1) if old else GOOD + new
    assert text != GOOD
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SpaceError) as caught:
        read_question("study.yaml")
    place = rf"study\.yaml:{line}:\d+: {re.escape(field)}: " if line else r"study\.yaml: "
    assert re.match(place, str(caught.value)), str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mistake_within_the_space_is_blamed_on_the_space(folder: Path) -> None:
    (folder / "space.yaml").write_text(SPACE + "evolution: {islands: 0}\n", encoding="utf-8")
    (folder / "study.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(SpaceError, match=r"^space\.yaml:8:\d+: evolution\.islands: expected a number of at least 1"):
        read_question("study.yaml")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["study"], "STUDY"),
        (["study", "nothing.yaml"], "nothing.yaml: expected a readable file"),
        (["study", "."], "expected a readable file"),
        (["study", "study.yaml", "--jobs", "0"], "--jobs"),
        (["study", "bad.yaml"], "bad.yaml:1:1: expected a mapping"),
        (["study", "space.yaml"], "expected a study (with a space and settings to vary), got a search space"),
        (["check", "no-space.yaml"], "expected a value for 'space'"),
    ],
)
def test_the_command_line_shows_no_traceback(
    arguments: list[str], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "study.yaml").write_text(GOOD, encoding="utf-8")
    (folder / "bad.yaml").write_text("[]", encoding="utf-8")
    (folder / "no-space.yaml").write_text(GOOD.replace("space: space.yaml\n", ""), encoding="utf-8")
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.strip().splitlines()) <= 2
