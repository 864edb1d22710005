"""What MLflow is told of a study is read back from a real store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from evoswarm.study.hyperparameters.record import TrialRecord
from evoswarm.study.hyperparameters.session import StudyInterrupted, study
from tests.study.conftest import Ask

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # within MLflow

MORE = "confirm_seeds: [100, 101, 102, 103, 104]\nsampler: grid\n"


def runs_of(root: Path) -> tuple[MlflowClient, list[Any]]:
    """The store's client, and all runs in it."""
    client = MlflowClient(tracking_uri=f"sqlite:///{root}/mlflow.db")
    return client, list(client.search_runs([client.get_experiment_by_name("evoswarm").experiment_id]))


def test_every_trial_is_one_child_run_whatever_happened(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    question = ask("genome.max_members: {choices: [1]}", 2, MORE, "tracking.mlflow=true")

    def press(record: TrialRecord) -> None:
        raise KeyboardInterrupt

    with pytest.raises(StudyInterrupted):
        study(question, runs=tmp_path, on_trial=press)
    client, runs = runs_of(tmp_path)
    [parent] = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert parent.info.status == "KILLED"
    assert len(runs) == 2

    result = study(question, runs=tmp_path)
    study(question, runs=tmp_path)  # and once more, with nothing left to do
    client, runs = runs_of(tmp_path)
    children = {run.data.tags["evoswarm.trial"]: run for run in runs if "mlflow.parentRunId" in run.data.tags}
    assert len(runs) == 3
    assert set(children) == {"0", "1"}
    assert {run.data.tags["mlflow.parentRunId"] for run in children.values()} == {parent.info.run_id}
    default, worse = children["0"].data, children["1"].data
    assert (default.params, worse.params) == ({"genome.max_members": "None"}, {"genome.max_members": "1"})
    assert (default.tags["evoswarm.state"], worse.tags["evoswarm.state"]) == ("complete", "pruned")
    assert default.metrics["mean"] == result.records[0].mean
    assert default.metrics["standard_error"] == result.records[0].standard_error
    assert [default.metrics[f"seed{seed}"] for seed in range(5)] == list(result.records[0].scores)
    assert "mean" not in worse.metrics
    assert worse.metrics["mean_of_finished_seeds"] == result.records[1].mean

    parent = client.get_run(parent.info.run_id)
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["evoswarm.verdict"] == result.sentence
    assert parent.data.params["settings.genome.max_members.choices"].split(", ")[0] == "1"
    assert len(client.get_metric_history(parent.info.run_id, "best_trial")) == 1
    assert {file.path for file in client.list_artifacts(parent.info.run_id)} == {"study.json", "study.png"}
