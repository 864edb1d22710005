"""MLflow's store: reaching it, making it, and writing to it what it does not have yet."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evoswarm.durable import locked
from evoswarm.tracking.naming import RUN_NAME
from evoswarm.tracking.views import experiment_tags

if TYPE_CHECKING:
    from mlflow import MlflowClient

PROBE_SECONDS, ANSWER_SECONDS = 3.0, 10.0
"""How long a server may take to accept a connection, and to answer the first request at all."""

_METRICS_PER_BATCH, _PARAMETERS_PER_BATCH = 1000, 100
_LONGEST_VALUE = 6000  # characters of a parameter
_FINISHED = "FINISHED"
_DELETED = "deleted"


@dataclass(frozen=True)
class Store:
    """The connection to a store.

    Attributes:
        client: MLflow's.
        experiment: the id of the experiment that everything goes to.
        own: the store's file, if it is the one beside the runs.
    """

    client: MlflowClient
    experiment: str
    own: Path | None = None

    def run(self, run_id: str) -> Any | None:
        """A run by its id; None where this store has none, or it was thrown away."""
        from mlflow.exceptions import MlflowException

        try:
            found = self.client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return None if found.info.lifecycle_stage == _DELETED else found

    def tagged(self, tags: Mapping[str, str]) -> list[Any]:
        """The runs that carry all these tags, newest first."""
        conditions = [f"tags.`{key}` = '{_quoted(value)}'" for key, value in tags.items()]
        found = self.client.search_runs(
            [self.experiment], filter_string=" and ".join(conditions), order_by=["start_time DESC"]
        )
        return list(found)

    def log_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags: writing one again changes nothing."""
        from mlflow.entities import RunTag

        rows = [RunTag(key, value) for key, value in tags.items()]
        for start in range(0, len(rows), _PARAMETERS_PER_BATCH):
            self.client.log_batch(run_id, tags=rows[start : start + _PARAMETERS_PER_BATCH])

    def log_new_tags(self, run: Any | None, tags: Mapping[str, str]) -> None:
        """Set the tags of a run that was there before which it has otherwise, or not at all."""
        if run is not None:
            new = {key: value for key, value in tags.items() if run.data.tags.get(key) != value}
            if new:
                self.log_tags(run.info.run_id, new)

    def log_parameters(self, run_id: str, parameters: Mapping[str, Any]) -> None:
        """Log parameters that the run does not have: MLflow takes each once."""
        from mlflow.entities import Param

        rows = [Param(key, text(value)) for key, value in parameters.items()]
        for start in range(0, len(rows), _PARAMETERS_PER_BATCH):
            self.client.log_batch(run_id, params=rows[start : start + _PARAMETERS_PER_BATCH])

    def log_metrics(self, run_id: str, metrics: Mapping[str, float], step: int, stamp: int) -> None:
        """Log one point per metric; ``stamp`` is in milliseconds."""
        from mlflow.entities import Metric

        rows = [Metric(key, float(value), stamp, step) for key, value in metrics.items()]
        for start in range(0, len(rows), _METRICS_PER_BATCH):
            self.client.log_batch(run_id, metrics=rows[start : start + _METRICS_PER_BATCH])

    def log_whole(
        self,
        before: Any | None,
        tags: Mapping[str, str],
        metrics: Mapping[str, float],
        parameters: Mapping[str, Any] | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Log a small run from beginning to end, or what is missing in the one that an earlier process began.

        Args:
            before: that run; None makes one.
            tags: set as the run is made, so that it can be found again; ``mlflow.runName`` among them.
            metrics: one point each.
            parameters: as MLflow shows them.
            texts: files, by name.
        """
        if before is not None and before.info.status == _FINISHED:
            return  # its end is what was written last
        run = before or self.client.create_run(self.experiment, run_name=tags[RUN_NAME], tags=dict(tags))
        known, run_id = run.data, run.info.run_id
        self.log_parameters(run_id, {k: v for k, v in (parameters or {}).items() if k not in known.params})
        missing = {key: value for key, value in metrics.items() if key not in known.metrics}
        self.log_metrics(run_id, missing, 0, now())
        for name, content in (texts or {}).items():
            self.client.log_text(run_id, content, name)
        self.end(run_id, _FINISHED)

    def end(self, run_id: str, status: str) -> None:
        """Note that a run has ended, and when; MLflow's own way of it prints where the run can be looked at.

        Args:
            run_id: of the run.
            status: MLflow's word: ``FINISHED``, ``KILLED`` or ``FAILED``.
        """
        from mlflow.entities import RunStatus

        store = self.client._tracking_client.store
        store.update_run_info(run_id, RunStatus.from_string(status), now(), None)

    def fetch(self, run_id: str, name: str, target: Path) -> None:
        """Copy an artifact; MLflow's own way of it draws a bar of progress across ours."""
        self.client._tracking_client._get_artifact_repo(run_id)._download_file(name, str(target))

    def alone(self) -> AbstractContextManager[None]:
        """Keep other processes away while something is looked for and made; for the store beside the runs."""
        return _alone_at(self.own)


def text(value: Any) -> str:
    """A parameter's value within MLflow's limit."""
    return str(value)[:_LONGEST_VALUE]


def now() -> int:
    """Milliseconds, as MLflow counts time."""
    return int(time.time() * 1000)


def sqlite_uri(file: Path) -> str:
    """The URI of a store in a file; what would mean something else within a URI is escaped.

    MLflow makes the directory of a file as the URI spells it, escapes and all, unless the driver is named too.
    """
    path = str(file)
    escaped = path.replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{path}" if escaped == path else f"sqlite+pysqlite:///{escaped}"


def probe(uri: str) -> None:
    """Knock at a server's door: MLflow itself would retry for minutes.

    Raises:
        OSError: nobody opens.
    """
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https") and parts.hostname:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname, port), timeout=PROBE_SECONDS).close()


def greet(uri: str) -> None:
    """Ask a server for anything: one that accepts connections and never answers would be waited for again and again.

    Raises:
        OSError: it does not answer.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return
    if parts.scheme == "https":  # whom to trust is asked by MLflow, when there is something to be told
        context = ssl._create_unverified_context()
        line: HTTPConnection = HTTPSConnection(parts.hostname, parts.port, timeout=ANSWER_SECONDS, context=context)
    else:
        line = HTTPConnection(parts.hostname, parts.port, timeout=ANSWER_SECONDS)
    with closing(line):
        line.request("GET", f"{parts.path.rstrip('/')}/health")
        try:
            line.getresponse()
        except HTTPException as error:
            raise OSError(f"expected an answer of HTTP, got: {error}") from error


def connect(uri: str, experiment: str, own: Path | None) -> Store:
    """Import MLflow, silence it, and find or create the experiment.

    Args:
        uri: of the store.
        experiment: its name.
        own: the file of the store, if it is the one beside the runs.
    """
    import mlflow
    from mlflow.telemetry import client as telemetry

    telemetry._set_telemetry_client(None)  # before the first call, which would fetch a configuration
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)  # a new store reports every migration
    with _alone_at(own):
        if own is not None and not own.exists():
            _make(own)
        client = mlflow.MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(experiment)
        if found is not None:
            return Store(client, found.experiment_id, own)
        location = None if own is None else _artifacts(own)
        tags = experiment_tags()
        return Store(client, client.create_experiment(experiment, artifact_location=location, tags=tags), own)


def _make(own: Path) -> None:
    """Make a store whole or not at all: of one that was cut short between two migrations nothing can be made."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    fresh = own.with_name(f"{own.name}.new")
    for leftover in (fresh, fresh.with_name(f"{fresh.name}-journal")):
        leftover.unlink(missing_ok=True)
    SqlAlchemyStore(sqlite_uri(fresh), _artifacts(own)).engine.dispose()
    os.replace(fresh, own)


def _artifacts(own: Path) -> str:
    return own.with_name("mlartifacts").as_uri()


def _alone_at(own: Path | None) -> AbstractContextManager[None]:
    """Keep other processes from a store of ours: its tables are not made by two at once."""
    return nullcontext() if own is None else locked(own.with_name(f"{own.name}.lock"), patience=-1)


def _quoted(value: str) -> str:
    return value.replace("'", "\\'")


def names(runs: Sequence[Any], *keys: str) -> dict[tuple[str, ...], Any]:
    """Runs by the values of some tags; of several with the same ones the oldest."""
    return {tuple(run.data.tags.get(key, "") for key in keys): run for run in runs}
