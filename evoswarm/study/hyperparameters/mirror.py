"""A study in MLflow's words: what its parameters, tags, metrics and child runs are."""

from __future__ import annotations

from importlib.metadata import version

from evoswarm.study.hyperparameters.question import StudyQuestion
from evoswarm.study.hyperparameters.record import TrialRecord
from evoswarm.study.hyperparameters.result import StudyResult
from evoswarm.tracking import StudyRun, TrialRun, flattened


def study_run(question: StudyQuestion, key: str) -> StudyRun:
    """The study as an MLflow run; the key belongs to this study alone."""
    study = question.study
    tags = {"evoswarm.version": version("evoswarm"), "evoswarm.space": question.space.name}
    parameters = flattened(study.model_dump(mode="json", exclude={"name", "description"}))
    return StudyRun(f"study {study.name}", key, parameters, tags)


def trial_run(question: StudyQuestion, record: TrialRecord) -> TrialRun:
    """A trial as a child run; the mean of one that was given up is over fewer seeds and called otherwise."""
    metrics = {"seconds": record.seconds}
    metrics |= {f"seed{seed}": score for seed, score in zip(question.study.seeds, record.scores, strict=False)}
    if record.mean is not None:
        metrics["mean" if record.state == "complete" else "mean_of_finished_seeds"] = record.mean
    if record.standard_error is not None and record.state == "complete":
        metrics["standard_error"] = record.standard_error
    return TrialRun(record.number, record.state, dict(record.values), metrics)


def summary(result: StudyResult) -> tuple[dict[str, float], dict[str, str]]:
    """Metrics and tags of the study as a whole."""
    metrics: dict[str, float] = {"best_trial": result.best.number, "differs": float(result.differs)}
    for importance in result.importances:
        for name in ("share", "low", "high"):
            metrics[f"importance/{importance.path}/{name}"] = getattr(importance, name)
    if result.confirmation is not None:
        for name in ("difference", "low", "high"):
            metrics[f"best_minus_default/{name}"] = getattr(result.confirmation, name)
    return metrics, {"evoswarm.verdict": result.sentence}
