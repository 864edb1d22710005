"""A study with the space it is about: what is asked, checked before anything is loaded."""

from __future__ import annotations

import difflib
import itertools
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.errors import SpaceError, Where, show
from evoswarm.space import SearchSpace, check_files
from evoswarm.study.hyperparameters.hyperparameter import Hyperparameter, hyperparameter
from evoswarm.study.hyperparameters.settings import StudySettings, is_study, label
from evoswarm.trust import NOBODY, Trust

_FIXED: Mapping[str, str] = {
    "version": "it is the format's",
    "name": "it names runs",
    "description": "it changes nothing",
    "seed": "the study's seeds take its place",
    "noise_seed": "the best of several would only be the luckiest noise",
    "pool": "trials share one loaded pool",
    "tasks": "scores on other items cannot be compared",
    "splits": "scores on other items cannot be compared",
    "tracking": "it changes nothing",
    "decoding": "it changes cost, never results",
    "certificate": "it changes nothing that a search does",
    "budget.seconds": "a clock is not the same twice",
}

STUDIES = "studies"
"""The directory of all studies, under that of all runs."""

_NOT_IDENTITY = {"description", "seed", "tracking", "decoding", "certificate"}


@dataclass(frozen=True)
class StudyQuestion:
    """What a study asks.

    Attributes:
        study: as its file says.
        space: of the default setting: the first trial.
        settings: to vary, in the file's order.
        file: of the study.
    """

    study: StudySettings
    space: SearchSpace
    settings: tuple[Hyperparameter, ...]
    file: str

    @property
    def default(self) -> dict[str, Any]:
        """The default as Optuna's values."""
        return {setting.path: setting.parameter(setting.default) for setting in self.settings}

    @property
    def identity(self) -> str:
        """SHA-256 of what makes two studies the same one."""
        content = json.loads(self.space.model_dump_json(by_alias=True, exclude=_NOT_IDENTITY))
        return self.study.identity(self.space.without_unsaid(content))

    @property
    def most_generations(self) -> int:
        """That a search of any trial may take."""
        varied = [setting for setting in self.settings if setting.path == "evolution.generations"]
        return max([self.space.evolution.generations, *(int(v) for s in varied for v in s.extremes())])

    def space_of(self, parameters: Mapping[str, Any]) -> SearchSpace:
        """The space with Optuna's values for its settings.

        Raises:
            SpaceError: the settings contradict each other.
        """
        return with_values(self.space, {s.path: s.value(parameters[s.path]) for s in self.settings})


def read_question(
    path: str | Path, trust: Trust = NOBODY, first: Callable[[StudyQuestion], None] = lambda question: None
) -> StudyQuestion:
    """Read a study and its space, and check every value it may try; no model is loaded.

    Args:
        path: of the study's YAML file.
        trust: whose code may run where the space asks for it.
        first: called before members' files and items are looked at: that may take a while.

    Raises:
        EvoswarmError: names file, line, column and field of the study, or of its space.
    """
    study = StudySettings.from_yaml(path)
    space = _space(study).trusting(trust)
    content = json.loads(space.model_dump_json(by_alias=True))
    settings = tuple(_setting(study, space, content, name) for name in study.settings)
    question = StudyQuestion(study, space, settings, str(path))
    _check_pairs(question)
    first(question)
    check_files(space)
    return question


def _space(study: StudySettings) -> SearchSpace:
    """The space of every trial; a mistake in an override is blamed on the study's line."""
    if is_study(study.space):
        raise SpaceError(f"expected a search space, got a study ({study.space})", study.where("space"))
    for index, override in enumerate(study.set):
        if override.partition("=")[0].strip() == "seed":
            message = f"expected a setting that every search keeps ({_FIXED['seed']}), got {override}"
            raise SpaceError(message, study.where("set", index))
    try:
        return SearchSpace.from_yaml(study.space, study.set)
    except SpaceError as error:
        where = error.where or Where("")
        if where.file == study.space and where.line is None and not os.path.isfile(study.space):
            raise SpaceError(f"{error.message} ({study.space:.80})", study.where("space")) from None
        for index, override in enumerate(study.set):
            if where.file == f"--set {override}":
                message = f"{where.path}: {error.message}" if where.path else error.message
                raise SpaceError(message, study.where("set", index)) from None
        raise


def _setting(study: StudySettings, space: SearchSpace, content: dict[str, Any], name: str) -> Hyperparameter:
    where, domain = study.where("settings", name), study.settings[name]
    for fixed, reason in _FIXED.items():
        if name == fixed or name.startswith(f"{fixed}."):
            raise SpaceError(f"expected a setting that a study can vary (not {fixed}: {reason}), got {name!r}", where)
    try:
        found = hyperparameter(name, domain, _own_value(content, name, where))
    except ValueError as error:
        raise SpaceError(str(error), where) from None
    fields: list[tuple[str | int, ...]] = [("low",), ("high",)]
    if domain.choices is not None:
        fields = [("choices", index) for index in range(len(domain.choices))]
    for value, field in zip(found.extremes(), fields, strict=False):  # the space's own value needs no check
        try:
            with_values(space, {name: value})
        except SpaceError as error:
            message = f"expected a value that the space can take, got {show(value)}: {error}"
            raise SpaceError(message, study.where("settings", name, *field)) from None
    return found


def _own_value(content: dict[str, Any], name: str, where: Where) -> Any:
    """What the space has at a dotted path."""
    node: Any = content
    parts = name.split(".")
    for depth, part in enumerate(parts):
        above = ".".join(parts[:depth])
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        else:
            known = f"{above} is {show(node)} there; {above} itself can have choices"
            if isinstance(node, dict):
                near = difflib.get_close_matches(part, node, n=1)
                known = f"did you mean {'.'.join([*parts[:depth], near[0]])}?" if near else ", ".join(node)
            raise SpaceError(f"expected a setting of the space ({known}), got {name!r}", where)
    return node


def _check_pairs(question: StudyQuestion) -> None:
    """Every two settings go together: contradictions are between two (elites and population, for instance)."""
    for first, second in itertools.combinations(question.settings, 2):
        inner, outer = sorted((first.path, second.path), key=len, reverse=True)
        if inner.startswith(f"{outer}."):
            message = f"expected settings that are no part of one another, got {inner} beside {outer}"
            raise SpaceError(message, question.study.where("settings", inner))
        for one, other in itertools.product(first.extremes(), second.extremes()):
            try:
                with_values(question.space, {first.path: one, second.path: other})
            except SpaceError as error:
                message = f"expected values that go with those of {first.path}, got {label(other)} beside {label(one)}"
                raise SpaceError(f"{message}: {error}", question.study.where("settings", second.path)) from None


def with_values(space: SearchSpace, values: Mapping[str, Any]) -> SearchSpace:
    """The space with values at dotted paths.

    Raises:
        SpaceError: names the field, and says what was expected there.
    """
    content = json.loads(space.model_dump_json(by_alias=True))
    for path, value in values.items():
        *parts, last = path.split(".")
        node: Any = content
        for part in parts:
            node = node[int(part) if isinstance(node, list) else part]
        node[int(last) if isinstance(node, list) else last] = value
    try:
        return SearchSpace.from_data(content).trusting(space.trust)
    except SpaceError as error:
        raise SpaceError(f"{error.where.path}: {error.message}" if error.where else error.message) from None
