"""Saves a policy as a model of MLflow: code, signature, example, pinned requirements, and the bundle as artifact."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow.pyfunc
import pandas
from mlflow.models import Model, ModelSignature
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.telemetry import client as telemetry
from mlflow.types.schema import AnyType, ColSpec, ParamSchema, ParamSpec, Schema
from packaging.requirements import Requirement

from evoswarm.export.bundle import write_bundle
from evoswarm.export.mlflow_model.answering import ARTIFACT
from evoswarm.export.target import Options
from evoswarm.policies import PolicyDocument
from evoswarm.tasks.template import Template

if TYPE_CHECKING:
    from evoswarm.export.source import Source

CODE = '''"""What MLflow runs to load this model: the policy in artifacts/bundle, answered by evoswarm."""

from mlflow.models import set_model

from evoswarm.export.mlflow_model.answering import AnsweringModel

set_model(AnsweringModel())
'''
CODE_FILE = "answering_model.py"
PLACE = f"artifacts/{ARTIFACT}"


def signature(columns: Sequence[str] = ()) -> ModelSignature:
    """What the model takes and gives.

    Args:
        columns: of the rows that tasks word their questions from: any values, in place of a prompt.
    """
    asked = [ColSpec("string", "prompt", required=not columns), ColSpec("string", "task", required=False)]
    return ModelSignature(
        Schema([*asked, *(ColSpec(AnyType(), name, required=False) for name in columns)]),
        Schema(
            [
                ColSpec("string", "text"),
                ColSpec("string", "finish"),
                ColSpec("string", "failure", required=False),
                ColSpec("double", "flops"),
            ]
        ),
        ParamSchema(
            [
                ParamSpec("max_bytes", "long", None),
                ParamSpec("temperature", "double", None),
                ParamSpec("seed", "long", None),
                ParamSpec("stop", "string", [], (-1,)),
            ]
        ),
    )


def row_columns(document: PolicyDocument) -> list[str]:
    """The columns that the tasks of a policy word their questions from; those that a text alone fills in have none."""
    tasks = {} if document.about is None else document.about.tasks
    columns = [Template.parse(one.prompt).columns for one in tasks.values() if one.prompt]
    return sorted(
        {name.partition(".")[0] for names in columns if len(names) > 1 for name in names} - {"prompt", "task"}
    )


def requirements(*, adapters: bool = False) -> list[str]:
    """This evoswarm and all that it needs, pinned as installed; names of builds (``+cpu``) no index has.

    Args:
        adapters: members are adapters, which need an extra.
    """
    needed = [Requirement(one) for one in requires("evoswarm") or ()]
    extras = ("", "adapters") if adapters else ("",)
    names = sorted(
        {one.name for one in needed for extra in extras if not one.marker or one.marker.evaluate({"extra": extra})}
    )
    return [f"{name}=={version(name).partition('+')[0]}" for name in ("evoswarm", *names)]


def save(source: Source, out: Path, options: Options, example: Mapping[str, str]) -> None:
    """Write the folder of a model.

    Args:
        source: with its members.
        out: the folder: empty.
        options: of the caller's.
        example: a row that the policy can be asked.

    Raises:
        EvoswarmError: a member's files cannot be had, or the disk has no room for them.
    """
    telemetry._set_telemetry_client(None)  # before the first call, which would fetch a configuration
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="evoswarm-") as beside:
        code = Path(beside) / CODE_FILE
        code.write_text(CODE, encoding="utf-8")
        mlflow.pyfunc.save_model(
            str(out),
            python_model=str(code),
            signature=signature(row_columns(source.document)),
            input_example=pandas.DataFrame([example]),
            pip_requirements=requirements(adapters=any(one.base for one in source.members)),
            metadata=_metadata(source),
        )
    write_bundle(source, out / PLACE, options)
    _with_bundle(out)


def _with_bundle(out: Path) -> None:
    """Name the artifact, which MLflow would have copied twice to get it there, and nothing of this machine."""
    model = Model.load(str(out))
    said = model.flavors[mlflow.pyfunc.FLAVOR_NAME]
    said["artifacts"] = {ARTIFACT: {"path": PLACE, "uri": PLACE}}
    said["model_code_path"] = CODE_FILE
    model.model_size_bytes = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    model.save(str(out / MLMODEL_FILE_NAME))


def _metadata(source: Source) -> dict[str, Any]:
    """What is known of the policy, as MLflow keeps it beside a model."""
    about = source.about
    return {
        "evoswarm.policy": source.policy.digest,
        "evoswarm.kind": source.policy.kind,
        **({} if about is None else {"evoswarm.run": about.run, "evoswarm.space": about.space}),
        **({} if source.certificate is None else {"evoswarm.verdict": source.certificate.verdict.outcome}),
    }
