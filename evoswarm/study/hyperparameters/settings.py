"""A study: strict YAML in, frozen and validated data out; nothing here loads a model or imports Optuna."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, model_validator

from evoswarm.canonical import canonical_json, digest_of
from evoswarm.errors import SpaceError, Where, show
from evoswarm.settings import LONGEST_NAME, NAME, Contradiction, Seed, Settings, duplicates
from evoswarm.space.explain import explain
from evoswarm.space.source_map import SourceMap
from evoswarm.space.strict_yaml import LARGEST, read_yaml
from evoswarm.user_files import expanded, read_bytes

LEAST_SEEDS = 5
"""Fewer say little: what a search reaches differs more between seeds than between most settings."""

SamplerName = Literal["tpe", "random", "grid", "qmc"]
Measure = Literal["selection", "search"]

_NOT_IDENTITY = frozenset({"description", "trials", "confirm_seeds", "pruner"})


def label(value: Any) -> str:
    """A value as a category: texts as they are, everything else as JSON."""
    return value if isinstance(value, str) else canonical_json(value)


class Domain(Settings):
    """The values that a study tries for one setting: `choices`, or a range from `low` to `high`.

    Attributes:
        choices: any values that the setting can take; the space's own value is added where it is missing.
        low: the least; the space's own value must lie within the range.
        high: the greatest.
        log: draw on a log scale.
        step: between neighbouring values, from `low` on.
        integer: whole numbers only; null is as the space's own value is.
    """

    choices: tuple[Any, ...] | None = Field(default=None, min_length=1)
    low: float | None = None
    high: float | None = None
    log: bool = False
    step: float | None = Field(default=None, gt=0)
    integer: bool | None = None


class PrunerSettings(Settings):
    """When a trial is given up: see `evoswarm.study.hyperparameters.pruning.PairedPruner`.

    Attributes:
        after_seeds: so many seeds are finished or under way before a trial can be given up.
        level: of the one-sided paired test; smaller is more patient.
    """

    after_seeds: int = Field(default=3, ge=2)
    level: float = Field(default=0.05, gt=0, lt=0.5)


class StudySettings(Settings):
    """A study of the settings of one search space.

    Attributes:
        version: of this format.
        name: of the study; its directory is ``runs/studies/NAME``.
        description: for people.
        space: the space's file, from the working directory.
        set: ``path=value``, for the space of every trial.
        settings: by dotted path, the values to try.
        seeds: every trial runs the search once with each of them.
        confirm_seeds: the best setting and the default are compared on these; others than `seeds`.
        trials: how many settings are tried, the default included.
        sampler: ``tpe``, ``random``, ``qmc``, or ``grid`` (every combination).
        seed: of the sampler and of the bootstrap.
        pruner: when a trial is given up; null is never.
        measure: what is maximised: ``selection``, the champion's accuracy on the selection split, or ``search``, the
            greatest accuracy on the search split.
    """

    version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=LONGEST_NAME, pattern=NAME)
    description: str = ""
    space: Annotated[str, AfterValidator(expanded)] = Field(min_length=1)
    set: tuple[str, ...] = ()
    settings: dict[str, Domain] = Field(min_length=1)
    seeds: tuple[Seed, ...] = (0, 1, 2, 3, 4)
    confirm_seeds: tuple[Seed, ...] = (100, 101, 102, 103, 104, 105, 106, 107, 108, 109)
    trials: Annotated[int, Field(ge=2, le=100_000)] = 20
    sampler: SamplerName = "tpe"
    seed: Seed = 0
    pruner: PrunerSettings | None = PrunerSettings()
    measure: Measure = "selection"

    _source: SourceMap = PrivateAttr(default_factory=SourceMap)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        _check_seeds(self)
        for name, domain in self.settings.items():
            _check_domain(name, domain, self.sampler == "grid")
        return self

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read a study from a file; the space it names is not looked at.

        Raises:
            SpaceError: names the file, the field, line and column.
        """
        data, source = read_yaml(str(path), read_bytes(path, limit=LARGEST, raises=SpaceError))
        if "pool" in data and "settings" not in data:
            message = "expected a study (with a space and settings to vary), got a search space"
            raise SpaceError(message, source.where(()))
        try:
            study = cls.model_validate_json(json.dumps(data), strict=True)  # as JSON, whose lists are taken for tuples
        except ValidationError as error:
            blamed, message = explain(error.errors(include_url=False), data, cls.model_json_schema(), source)
            raise SpaceError(message, source.where(blamed)) from None
        study._source = source
        return study

    def where(self, *path: str | int) -> Where:
        """Where the value of a field stands: ``where("settings", "evolution.population", "choices", 0)``."""
        return self._source.where(path)

    def identity(self, space: Mapping[str, Any]) -> str:
        """SHA-256 of what makes two studies the same one; more trials, for instance, make it no other.

        Args:
            space: what decides in the space that every trial begins with, as JSON data.
        """
        content = {key: value for key, value in self.model_dump(mode="json").items() if key not in _NOT_IDENTITY}
        content["space"] = space
        return digest_of(content)


def is_study(path: str | Path) -> bool:
    """Whether a YAML file has keys that studies have and spaces do not; False where it cannot be read."""
    try:
        content = read_bytes(path, limit=LARGEST, raises=SpaceError)
        return not {"space", "settings"}.isdisjoint(read_yaml(str(path), content)[0])
    except SpaceError:
        return False


def _check_seeds(study: StudySettings) -> None:
    for field, seeds in (("seeds", study.seeds), ("confirm_seeds", study.confirm_seeds)):
        for contradiction in duplicates(seeds, (field,)):
            raise contradiction
        if len(seeds) < LEAST_SEEDS:
            raise Contradiction(
                (field,),
                f"expected at least {LEAST_SEEDS} seeds (a search differs more from seed to seed than from setting to "
                f"setting), got {len(seeds)}",
            )
    for index, seed in enumerate(study.confirm_seeds):
        if seed in study.seeds:
            raise Contradiction(
                ("confirm_seeds", index),
                f"expected fresh seeds (the best of many settings was lucky on those it was chosen by), got {seed}, "
                "which is among the seeds",
            )
    if study.pruner is not None and study.pruner.after_seeds > len(study.seeds):
        raise Contradiction(
            ("pruner", "after_seeds"),
            f"expected at most {len(study.seeds)} (there are no more seeds), got {study.pruner.after_seeds}",
        )


def _check_domain(setting: str, domain: Domain, grid: bool) -> None:
    path, low, high, step = ("settings", setting), domain.low, domain.high, domain.step
    if domain.choices is not None:
        _check_choices(path, domain, domain.choices)
        return
    if low is None and high is None:
        raise Contradiction(path, "expected choices: [...], or low and high, got neither")
    if low is None or high is None:
        missing, given = ("low", "high") if low is None else ("high", "low")
        raise Contradiction(path, f"expected low and high, got {given} without {missing}")
    if not low < high:
        raise Contradiction((*path, "high"), f"expected more than low ({low:g}), got {high:g}")
    if domain.log and step is not None:
        raise Contradiction((*path, "step"), "expected no step (log has none), got one")
    if domain.log and low <= 0:
        raise Contradiction((*path, "low"), f"expected a number greater than 0 (log), got {low:g}")
    if step is not None and step > high - low:
        raise Contradiction((*path, "step"), f"expected at most {high - low:g} (high - low), got {step:g}")
    for field, value in (("low", low), ("high", high), ("step", step)):
        if domain.integer and value is not None and value != int(value):
            raise Contradiction((*path, field), f"expected a whole number (integer: true), got {show(value)}")
    if grid and step is None and not domain.integer:
        raise Contradiction(path, "expected choices, a step or integer: true (the sampler is grid), got a range")


def _check_choices(path: tuple[str, str], domain: Domain, choices: tuple[Any, ...]) -> None:
    for field in ("low", "high", "step", "integer"):
        if getattr(domain, field) is not None:
            raise Contradiction((*path, field), f"expected choices or a range (low, high), got choices and {field}")
    if domain.log:
        raise Contradiction((*path, "log"), "expected a range (choices have no scale), got choices and log")
    labels = [label(choice) for choice in choices]
    for index, name in enumerate(labels):
        if name in labels[:index]:
            raise Contradiction((*path, "choices", index), f"expected choices that differ, got {name} twice")
