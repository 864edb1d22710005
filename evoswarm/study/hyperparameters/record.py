"""What came of a trial: figures, apart from Optuna's own types."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import fmean, stdev
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from evoswarm.study.hyperparameters.question import StudyQuestion

_ATTRIBUTE = "evoswarm:{}".format
"""User attribute of a trial for each field of its outcome, such as ``evoswarm:scores``."""


@dataclass(frozen=True)
class TrialOutcome:
    """What the searches of one setting gave.

    Attributes:
        scores: per finished seed, in order.
        seconds: that they took.
        pruned: seed and generation at which the trial was given up; None if it was not.
        failure: why a search could not end, in words.
    """

    scores: tuple[float, ...] = ()
    seconds: float = 0.0
    pruned: tuple[int, int] | None = None
    failure: str | None = None

    @property
    def state(self) -> Literal["complete", "pruned", "failed"]:
        """How it ended."""
        if self.failure is not None:
            return "failed"
        return "complete" if self.pruned is None else "pruned"

    @property
    def mean(self) -> float | None:
        """Of the scores; None without any."""
        return fmean(self.scores) if self.scores else None

    @property
    def standard_error(self) -> float | None:
        """Of the mean over seeds; None with fewer than two."""
        return stdev(self.scores) / math.sqrt(len(self.scores)) if len(self.scores) > 1 else None


@dataclass(frozen=True, kw_only=True)
class TrialRecord(TrialOutcome):
    """A trial that ended.

    Attributes:
        number: of the trial; 0 is the default.
        parameters: Optuna's values of the settings, by dotted path.
        values: the space's, likewise.
    """

    number: int
    parameters: Mapping[str, Any]
    values: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "number": self.number,
            "state": self.state,
            "settings": dict(self.values),
            "scores": list(self.scores),
            "mean": self.mean,
            "standard_error": self.standard_error,
            "seconds": self.seconds,
            "pruned": None if self.pruned is None else {"seed": self.pruned[0], "generation": self.pruned[1]},
            "failure": self.failure,
        }


def store(trial: optuna.Trial, outcome: TrialOutcome) -> None:
    """Keep an outcome; the state comes last, so that a trial is finished as a whole or not at all."""
    for name, value in asdict(outcome).items():
        trial.set_user_attr(_ATTRIBUTE(name), value)
    if outcome.state == "complete":
        trial.study.tell(trial, sum(outcome.scores) / len(outcome.scores))
    else:
        trial.study.tell(trial, state=TrialState.FAIL if outcome.state == "failed" else TrialState.PRUNED)


def finished(study: optuna.Study, question: StudyQuestion) -> tuple[TrialRecord, ...]:
    """The trials of the storage that ended, by number."""
    return tuple(record(trial, question) for trial in study.get_trials(deepcopy=False) if trial.state.is_finished())


def record(trial: FrozenTrial, question: StudyQuestion) -> TrialRecord:
    """A finished trial of the storage as a record."""
    known = {field.name: trial.user_attrs.get(_ATTRIBUTE(field.name)) for field in fields(TrialOutcome)}
    return TrialRecord(
        number=trial.number,
        parameters=dict(trial.params),
        values={s.path: s.value(trial.params[s.path]) for s in question.settings if s.path in trial.params},
        scores=tuple(known["scores"] or ()),
        seconds=float(known["seconds"] or 0.0),
        pruned=known["pruned"] and tuple(known["pruned"]),
        failure=known["failure"] or ("somebody else ended it" if trial.state == TrialState.FAIL else None),
    )


def best_of(records: Sequence[TrialRecord]) -> TrialRecord:
    """The complete trial of the greatest mean; of equal ones that with the fewest values that are not the default's.

    So the default wins ties, and a value that changes nothing is not recommended.

    Args:
        records: by number; the first is the default, and complete.
    """

    def order(record: TrialRecord) -> tuple[float, int, int]:
        default = records[0].parameters
        changes = sum(default.get(path) != parameter for path, parameter in record.parameters.items())
        return -round(record.mean or 0.0, 12), changes, record.number

    return min((record for record in records if record.state == "complete"), key=order)
