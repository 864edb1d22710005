"""Exports a policy as a model of MLflow."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoswarm.certificate.page import page
from evoswarm.errors import RunError, Where
from evoswarm.experiment.asking import Asking
from evoswarm.experiment.files.places import RUNS, root_of
from evoswarm.export.target import ExportError, Options, Target
from evoswarm.policies import PolicyDocument
from evoswarm.run_directory.directory import events_of
from evoswarm.space import Tracking
from evoswarm.tracking.registering import ModelFolder, Registry

if TYPE_CHECKING:
    from evoswarm.export.source import Source

EXAMPLE = "What is 2+3?"


def write_mlflow(source: Source, out: Path, options: Options) -> list[str]:
    """Write the folder of a model, and register it where that is asked for; see `Writer`.

    Raises:
        EvoswarmError: members' files cannot be had, or MLflow's store cannot be reached or does not take the name.
    """
    if options.register is not None and (not options.register.strip() or set(options.register) & set("/:")):
        message = f"expected a name without / and : (MLflow's addresses hold them), got {options.register!r:.80}"
        raise ExportError(message, Where("--register"))
    registry = None if options.register is None else _registry(source, options)
    with warnings.catch_warnings():  # MLflow warns of types of its own as it is imported
        warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType", category=UserWarning)
        from evoswarm.export.mlflow_model.saving import save
    options.progress.enter("exporting", "writing the model")
    save(source, out, options, example(source.document))
    told = [f"mlflow models serve -m {options.out} --env-manager local -p 5000 serves it"]
    if registry is not None and options.register is not None:
        options.progress.enter("exporting", f"registering the model {options.register}")
        version = registry.register(_model(source, out, options.register), _events(source))
        told.append(f"registered as version {version} of {options.register} in {registry.uri}")
    return told


def example(document: PolicyDocument) -> dict[str, str]:
    """A row that the policy can be asked; with a task where it has several that ask in different ways."""
    try:
        Asking.of(document)
    except RunError:
        return {"prompt": EXAMPLE, "task": next(iter(document.about.tasks))} if document.about else {"prompt": EXAMPLE}
    return {"prompt": EXAMPLE}


def _registry(source: Source, options: Options) -> Registry:
    """The registry of the run's store; of a policy alone, of the one beside the runs."""
    if source.run is None:
        return Registry(Tracking(), Path(RUNS))
    return Registry(source.space(options.trust).tracking, root_of(source.run))


def _model(source: Source, out: Path, name: str) -> ModelFolder:
    """The model with what is known of its policy: the certificate describes it."""
    tags = {"evoswarm.policy": source.policy.digest, "evoswarm.kind": source.policy.kind}
    if source.about is not None:
        tags |= {"evoswarm.run": source.about.run, "evoswarm.space": source.about.space}
    if source.certificate is None:
        return ModelFolder(name, out, "There is no certificate of this policy.", tags)
    tags["evoswarm.verdict"] = source.certificate.verdict.outcome
    return ModelFolder(name, out, page(source.certificate), tags)


def _events(source: Source) -> Sequence[Mapping[str, Any]]:
    return () if source.run is None else events_of(source.run)


MLFLOW = Target(
    name="mlflow",
    title="a model that MLflow serves and predicts with, offline: pyfunc from code, the bundle as its artifact",
    takes="policy",
    command="mlflow models serve -m OUT --env-manager local",
    write=write_mlflow,
    signs=("MLmodel", "answering_model.py"),
    options=("register",),
)
