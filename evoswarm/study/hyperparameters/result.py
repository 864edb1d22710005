"""How a study ends: the figures and the sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.certificate.verdict import signed
from evoswarm.study.hyperparameters.importance import Importance
from evoswarm.study.hyperparameters.question import StudyQuestion
from evoswarm.study.hyperparameters.record import TrialRecord, best_of
from evoswarm.study.hyperparameters.settings import label
from evoswarm.study.hyperparameters.verdict import Confirmation

RESULT, PLOT, BEST = "study.json", "study.png", "best.yaml"


@dataclass(frozen=True)
class StudyResult:
    """The outcome of a study.

    Attributes:
        question: what was asked.
        directory: where everything is kept.
        storage: Optuna's, as ``optuna-dashboard`` takes it.
        records: all trials, by number.
        importances: of the settings, most important first; empty with too few trials.
        confirmation: of the best with the default on fresh seeds; None where the default is the best.
    """

    question: StudyQuestion
    directory: Path
    storage: str
    records: tuple[TrialRecord, ...]
    importances: tuple[Importance, ...]
    confirmation: Confirmation | None

    @property
    def best(self) -> TrialRecord:
        """The trial of the greatest mean; the default where no other is above it."""
        return best_of(self.records)

    @property
    def differs(self) -> bool:
        """Whether a setting was shown to be better than the default."""
        return self.confirmation is not None and self.confirmation.better

    @property
    def changed(self) -> dict[str, Any]:
        """The best trial's values that are not the default's."""
        default = self.question.default
        return {path: value for path, value in self.best.values.items() if self.best.parameters[path] != default[path]}

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        confirmation = self.confirmation
        if confirmation is None:
            return (
                f"No setting was shown to be better than the default: of {len(self.records)} trials none scored more "
                "on the study's own seeds, so none was compared with it on fresh ones."
            )
        gain = f"{signed(confirmation.difference)} points on {len(confirmation.seeds)} fresh seeds"
        interval = f"95% interval {signed(confirmation.low)} to {signed(confirmation.high)}"
        words = in_words(self.changed)
        if confirmation.better:
            return f"{words} is better than the default: {gain} ({interval})."
        if confirmation.high < 0:
            none = "No setting was shown to be better than the default"
            return f"{none}: the best one, {words}, is worse, {gain} ({interval})."
        none = "No difference from the default was shown"
        return f"{none}: the best setting, {words}, has {gain} ({interval}, which holds 0)."

    def written(self) -> list[tuple[Path, str]]:
        """What lies where, for people."""
        files = [
            (self.directory / RESULT, "every trial, importance, the comparison"),
            (self.directory / PLOT, "importance with intervals, and each setting against the score"),
        ]
        if self.differs:
            files.append((self.directory / BEST, "the space with the best setting"))
        return files

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        study = self.question.study
        return {
            "version": 1,
            "name": study.name,
            "identity": self.question.identity,
            "study": study.model_dump(mode="json"),
            "default": {setting.path: setting.default for setting in self.question.settings},
            "trials": [record.as_dict() for record in self.records],
            "importance": [importance.as_dict() for importance in self.importances],
            "best": {"number": self.best.number, "settings": dict(self.best.values), "changed": self.changed},
            "comparison": None if self.confirmation is None else self.confirmation.as_dict(),
            "differs": self.differs,
            "sentence": self.sentence,
        }


def in_words(values: Mapping[str, Any]) -> str:
    """Settings as ``path=value``, one behind the other."""
    return ", ".join(f"{path}={_short(value)}" for path, value in values.items())


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else label(value)
