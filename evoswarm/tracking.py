"""MLflow mirrors a run: parameters, metrics per generation and island, lineage, champions.

MLflow is slow to import and its server may be away, so everything happens on one background thread, in order. The
truth is on disk in the run directory: when MLflow fails, the tracker says so once and goes quiet.
"""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evoswarm.space import Tracking

if TYPE_CHECKING:
    from mlflow import MlflowClient

_log = logging.getLogger(__name__)

PROBE_SECONDS = 3.0
"""How long a server may take to accept a connection."""

_METRICS_PER_BATCH, _PARAMETERS_PER_BATCH = 1000, 100
_LINEAGE = "lineage.json"
_DIRECTORY = "evoswarm.run_directory"
_OPENING = ("evoswarm.opening", "evoswarm.champion")  # the tags that make two openings the same one


@dataclass(frozen=True)
class ChildRun:
    """A champion as MLflow sees it: a child run of the search.

    Attributes:
        name: of the child.
        parameters: the genes.
        metrics: what it scored and cost.
        recipe: as JSON, kept as an artifact.
    """

    name: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    recipe: str


@dataclass(frozen=True)
class SearchRun:
    """What MLflow is told when a search begins.

    Attributes:
        name: of the run.
        directory: the run directory.
        parameters: the flattened search space.
        tags: package version, seed, fingerprints of the pool.
        continued: the directory was there before, so its MLflow run is looked for.
    """

    name: str
    directory: Path
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]
    continued: bool = False


@dataclass
class _Store:
    """The connection, once there is one; touched by the worker only."""

    client: MlflowClient
    experiment: str
    run: str = ""
    last_step: int = -1
    has_lineage: bool = False


def tracking_uri(settings: Tracking, root: Path) -> str:
    """Where MLflow keeps things: ``MLFLOW_TRACKING_URI``, else the space's, else SQLite beside the runs."""
    return os.environ.get("MLFLOW_TRACKING_URI") or settings.uri or f"sqlite:///{_own_store(root)}"


def _own_store(root: Path) -> Path:
    return (root / "mlflow.db").resolve()


class Tracker:
    """Tells MLflow about one search, from a thread of its own.

    Args:
        settings: the space's; ``mlflow: false`` makes every call do nothing.
        root: the directory of all runs, for the default store.
    """

    def __init__(self, settings: Tracking, root: Path) -> None:
        self.uri = tracking_uri(settings, root)
        self._experiment = settings.experiment
        self._own = _own_store(root) if self.uri == f"sqlite:///{_own_store(root)}" else None
        self._jobs: queue.SimpleQueue[Callable[[_Store], None] | None] = queue.SimpleQueue()
        self._store: _Store | None = None
        self._dead = False
        self._worker: threading.Thread | None = None
        if settings.mlflow:
            root.mkdir(parents=True, exist_ok=True)
            self._worker = threading.Thread(target=self._work, name="evoswarm-tracking", daemon=True)
            self._worker.start()

    @property
    def alive(self) -> bool:
        """Whether MLflow is wanted and has not failed."""
        return self._worker is not None and not self._dead

    @property
    def run_id(self) -> str | None:
        """MLflow's id of the search's run, once it has one; complete after ``close``."""
        return self._store.run if self._store and self._store.run else None

    def begin(self, run: SearchRun) -> None:
        """Open the search's run, or the one that the directory had before."""
        self._put(lambda store: _begin(store, run))

    def generation(self, step: int, metrics: Mapping[str, float]) -> None:
        """Log a generation's metrics; a generation that was logged before is left alone."""
        self._put(lambda store: _log_generation(store, step, dict(metrics), int(time.time() * 1000)))

    def champions(self, children: Sequence[ChildRun]) -> None:
        """Log the champions as child runs."""
        for child in children:
            self._put(partial(_log_child, child=child))

    def opening(self, name: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        """Log an opening of held-out items as a run of its own; the same space and recipe are logged once."""
        self._put(partial(_log_opening, name=name, tags=tags, metrics=metrics))

    def finish(self, status: str, directory: Path, lineage: Mapping[str, Sequence[Any]]) -> None:
        """Log the end: the lineage as a table, the directory's files as artifacts.

        Args:
            status: MLflow's word: ``FINISHED``, ``KILLED`` or ``FAILED``.
            directory: the run directory; its files become artifacts.
            lineage: columns of equal length.
        """
        self._put(lambda store: _finish(store, status, directory, lineage))

    def close(self, seconds: float = 60.0) -> None:
        """Wait for MLflow to have heard everything, but not for ever."""
        if self._worker is None:
            return
        self._jobs.put(None)
        self._worker.join(seconds)
        if self._worker.is_alive():
            self._give_up(f"no answer within {seconds:.0f} s")
        self._worker = None if self._dead else self._worker

    def _put(self, job: Callable[[_Store], None]) -> None:
        if self.alive:
            self._jobs.put(job)

    def _work(self) -> None:
        """Run jobs in order until one fails or the end is called."""
        try:
            _probe(self.uri)
            self._store = _connect(self.uri, self._experiment, self._own)
            while (job := self._jobs.get()) is not None and not self._dead:
                _probe(self.uri)
                job(self._store)
        except Exception as error:  # whatever MLflow or its server raises, the search goes on
            remedy = ""
            if (
                self._store is None
                and self._own is not None
                and self._own.exists()
                and not isinstance(error, ImportError)
            ):
                remedy = f"; if {self._own} is broken, move it away, and the next search begins a new one"
            self._give_up(
                f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}", remedy
            )

    def _give_up(self, why: str, remedy: str = "") -> None:
        if not self._dead:
            self._dead = True
            _log.warning("MLflow at %s failed (%.200s): the search goes on without it%s", self.uri, why, remedy)


def _probe(uri: str) -> None:
    """Knock at a server's door: MLflow itself would retry for minutes.

    Raises:
        OSError: nobody opens.
    """
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https") and parts.hostname:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname, port), timeout=PROBE_SECONDS).close()


@contextmanager
def _alone_at(file: Path | None) -> Iterator[None]:
    """Keep other processes from the same store: its tables are not made by two at once."""
    if file is None:
        yield
        return
    with file.with_name(f"{file.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed
        yield


def _connect(uri: str, experiment: str, own: Path | None) -> _Store:
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
        client = mlflow.MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(experiment)
        if found is not None:
            return _Store(client, found.experiment_id)
        location = None if own is None else own.with_name("mlartifacts").as_uri()
        return _Store(client, client.create_experiment(experiment, artifact_location=location))


def _begin(store: _Store, run: SearchRun) -> None:
    from mlflow.entities import RunTag

    tags = {**run.tags, _DIRECTORY: str(run.directory.resolve()), "mlflow.runName": run.name}
    known: Mapping[str, str] = {}
    before = _find(store, tags[_DIRECTORY]) if run.continued else None
    if before is not None:
        store.run = before.info.run_id
        store.last_step = int(before.data.metrics.get("generation", -1))
        store.has_lineage = _LINEAGE in before.data.tags.get("mlflow.loggedArtifacts", "")
        known = before.data.params
        store.client.update_run(store.run, status="RUNNING")
    else:
        store.run = store.client.create_run(store.experiment, run_name=run.name).info.run_id
    parameters = {key: _text(value) for key, value in run.parameters.items()}
    changed = {f"now.{key}": value for key, value in parameters.items() if known.get(key, value) != value}
    all_tags = [RunTag(key, value) for key, value in {**tags, **changed}.items()]
    for start in range(0, len(all_tags), _PARAMETERS_PER_BATCH):
        store.client.log_batch(store.run, tags=all_tags[start : start + _PARAMETERS_PER_BATCH])
    _log_parameters(store.client, store.run, {key: value for key, value in parameters.items() if key not in known})


def _find(store: _Store, directory: str) -> Any:
    """The newest run that mirrors a directory."""
    quoted = directory.replace("'", "\\'")
    runs = store.client.search_runs(
        [store.experiment],
        filter_string=f"tags.`{_DIRECTORY}` = '{quoted}'",
        max_results=1,
        order_by=["start_time DESC"],
    )
    return runs[0] if runs else None


def _log_parameters(client: MlflowClient, run: str, parameters: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    rows = [Param(key, _text(value)) for key, value in parameters.items()]
    for start in range(0, len(rows), _PARAMETERS_PER_BATCH):
        client.log_batch(run, params=rows[start : start + _PARAMETERS_PER_BATCH])


def _log_metrics(client: MlflowClient, run: str, metrics: Mapping[str, float], step: int, stamp: int) -> None:
    from mlflow.entities import Metric

    rows = [Metric(key, float(value), stamp, step) for key, value in metrics.items()]
    for start in range(0, len(rows), _METRICS_PER_BATCH):
        client.log_batch(run, metrics=rows[start : start + _METRICS_PER_BATCH])


def _log_generation(store: _Store, step: int, metrics: dict[str, float], stamp: int) -> None:
    if step > store.last_step:
        _log_metrics(store.client, store.run, {**metrics, "generation": step}, step, stamp)
        store.last_step = step


def _finish(store: _Store, status: str, directory: Path, lineage: Mapping[str, Sequence[Any]]) -> None:
    if store.has_lineage:  # log_table would append to what an earlier process logged
        rows = [list(row) for row in zip(*lineage.values(), strict=True)]
        store.client.log_dict(store.run, {"columns": list(lineage), "data": rows}, _LINEAGE)
    else:
        store.client.log_table(store.run, {name: list(column) for name, column in lineage.items()}, _LINEAGE)
        store.has_lineage = True
    store.client.log_artifacts(store.run, str(directory), "run")
    store.client.set_terminated(store.run, status)


def _log_child(store: _Store, child: ChildRun) -> None:
    tags = {"mlflow.parentRunId": store.run, "mlflow.runName": child.name}
    run = store.client.create_run(store.experiment, run_name=child.name, tags=tags).info.run_id
    _log_parameters(store.client, run, child.parameters)
    _log_metrics(store.client, run, child.metrics, 0, int(time.time() * 1000))
    store.client.log_text(run, child.recipe, "recipe.json")
    store.client.set_terminated(run)


def _log_opening(store: _Store, name: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
    same = " and ".join(f"tags.`{key}` = '{tags[key]}'" for key in _OPENING if key in tags)
    if same and store.client.search_runs([store.experiment], filter_string=same, max_results=1):
        return  # the same opening, mirrored before
    run = store.client.create_run(store.experiment, run_name=name, tags=dict(tags)).info.run_id
    _log_metrics(store.client, run, metrics, 0, int(time.time() * 1000))
    store.client.set_terminated(run)


def _text(value: Any) -> str:
    """A parameter's value within MLflow's limit."""
    return str(value)[:6000]


def flattened(data: Any, prefix: str = "") -> dict[str, Any]:
    """Nested data as dotted names: ``{"a": {"b": [1]}}`` is ``{"a.b.0": 1}``; empty lists and mappings stay visible."""
    if isinstance(data, Mapping) and data:
        pairs: list[tuple[Any, Any]] = list(data.items())
    elif isinstance(data, (list, tuple)) and data:
        pairs = list(enumerate(data))
    else:
        return {prefix: data}
    flat: dict[str, Any] = {}
    for key, value in pairs:
        flat.update(flattened(value, f"{prefix}.{key}" if prefix else str(key)))
    return flat
