"""What came of a trial: figures, apart from Optuna's own types."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import fmean, stdev
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from evoswarm.study.hyperparameters.question import Question
from evoswarm.study.hyperparameters.trial import TrialOutcome

State = Literal["complete", "pruned", "failed"]
_STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
_ATTRIBUTE = "evoswarm:{}".format
"""User attribute of a trial for each field of its outcome, such as ``evoswarm:scores``."""


@dataclass(frozen=True)
class TrialRecord:
    """A trial that ended.

    Attributes:
        number: of the trial; 0 is the default.
        state: how it ended.
        parameters: Optuna's values of the settings, by dotted path.
        values: the space's, likewise.
        scores: per finished seed, in order.
        seconds: that it took.
        pruned: seed and generation at which it was given up.
        failure: why it failed.
    """

    number: int
    state: State
    parameters: Mapping[str, Any]
    values: Mapping[str, Any]
    scores: tuple[float, ...]
    seconds: float
    pruned: tuple[int, int] | None = None
    failure: str | None = None

    @property
    def mean(self) -> float | None:
        """Of the scores; None without any."""
        return fmean(self.scores) if self.scores else None

    @property
    def standard_error(self) -> float | None:
        """Of the mean over seeds; None with fewer than two."""
        return stdev(self.scores) / math.sqrt(len(self.scores)) if len(self.scores) > 1 else None

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
    if outcome.failure is not None:
        trial.study.tell(trial, state=TrialState.FAIL)
    elif outcome.pruned is not None:
        trial.study.tell(trial, state=TrialState.PRUNED)
    else:
        trial.study.tell(trial, sum(outcome.scores) / len(outcome.scores))


def finished(study: optuna.Study, question: Question) -> tuple[TrialRecord, ...]:
    """The trials of the storage that ended, by number."""
    return tuple(record(question, t) for t in study.get_trials(deepcopy=False) if t.state.is_finished())


def record(question: Question, trial: FrozenTrial) -> TrialRecord:
    """A finished trial of the storage as a record."""
    known = {f.name: trial.user_attrs.get(_ATTRIBUTE(f.name)) for f in fields(TrialOutcome)}
    return TrialRecord(
        number=trial.number,
        state=_STATES[trial.state],
        parameters=dict(trial.params),
        values={s.path: s.value(trial.params[s.path]) for s in question.settings if s.path in trial.params},
        scores=tuple(known["scores"] or ()),
        seconds=float(known["seconds"] or 0.0),
        pruned=known["pruned"] and tuple(known["pruned"]),
        failure=known["failure"],
    )


def best_of(records: Sequence[TrialRecord]) -> TrialRecord | None:
    """The complete trial of the greatest mean; of equal ones that with the fewest values that are not the default's.

    So the default wins ties, and a value that changes nothing is not recommended.

    Args:
        records: by number; the first is the default.
    """

    def order(record: TrialRecord) -> tuple[float, int, int]:
        default = records[0].parameters
        changes = sum(default.get(path) != parameter for path, parameter in record.parameters.items())
        return -round(record.mean or 0.0, 12), changes, record.number

    return min((r for r in records if r.state == "complete" and r.mean is not None), key=order, default=None)
