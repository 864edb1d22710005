"""Models in MLflow's registry: a version of a registered model, whose folder lies in the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.errors import RunError, Where
from evoswarm.run_directory import TRACKED
from evoswarm.space import Tracking
from evoswarm.tracking.naming import PARENT_RUN, RUN_NAME
from evoswarm.tracking.store import Store, connect, greet, probe
from evoswarm.tracking.tracker import own_store, tracking_uri

LONGEST = 5000
"""Characters of a description, and of a tag's value."""

_ARTIFACT = "model"


@dataclass(frozen=True)
class ModelFolder:
    """A model to register.

    Attributes:
        name: of the registered model; it is made where there is none.
        folder: of the model, as MLflow saves them.
        description: of the version.
        tags: of the version.
    """

    name: str
    folder: Path
    description: str
    tags: Mapping[str, str]


class Registry:
    """Where models are registered: the store that tracking is told to use.

    Args:
        settings: of tracking.
        root: the directory of all runs, for the default store.

    Attributes:
        uri: of the store.

    Raises:
        RunError: it is a server that does not answer.
    """

    def __init__(self, settings: Tracking, root: Path) -> None:
        self.uri, self._settings, self._root = tracking_uri(settings, root), settings, root
        with self._plain_errors():
            probe(self.uri)
            greet(self.uri)

    def register(self, model: ModelFolder, events: Sequence[Mapping[str, Any]] = ()) -> str:
        """Register a model: its files go to a run of its own, a child of the search's where the store has that.

        Args:
            model: what is registered.
            events: of the journal of the search that its policy is the champion of.

        Returns:
            The number of the version.

        Raises:
            RunError: the store cannot be reached, or refuses.
        """
        with self._plain_errors():
            self._root.mkdir(parents=True, exist_ok=True)
            return _version(
                connect(self.uri, self._settings.experiment, own_store(self.uri, self._root)), model, events
            )

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Whatever MLflow or its server raises, in a sentence."""
        try:
            yield
        except Exception as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            message = f"expected a store of MLflow that takes models, got one that does not: {said:.200}"
            raise RunError(message, Where(self.uri)) from error


def _version(store: Store, model: ModelFolder, events: Sequence[Mapping[str, Any]]) -> str:
    from mlflow.exceptions import MlflowException

    client = store.client
    tags = {**model.tags, **_parent(store, events), RUN_NAME: f"export {model.name}"}
    run = client.create_run(store.experiment, run_name=tags[RUN_NAME], tags=tags)
    try:
        client.log_artifacts(run.info.run_id, str(model.folder), _ARTIFACT)
        try:
            client.create_registered_model(model.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        made = client.create_model_version(
            model.name,
            f"{run.info.artifact_uri}/{_ARTIFACT}",
            run.info.run_id,
            tags={key: value[:LONGEST] for key, value in model.tags.items()},
            description=_shortened(model.description),
        )
    except BaseException:  # Ctrl-C while a large model is copied, too
        with suppress(Exception):  # the store may be gone
            store.end(run.info.run_id, "FAILED")
        raise
    store.end(run.info.run_id, "FINISHED")
    return str(made.version)


def _parent(store: Store, events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The search's run, as its journal knows it, if this store has it."""
    told = next((event for event in reversed(events) if event["event"] == TRACKED), None)
    run = None if told is None else store.run(str(told["run"]))
    return {} if run is None else {PARENT_RUN: str(run.info.run_id)}


def _shortened(text: str) -> str:
    rest = "\n... (the rest is in the model's own folder)"
    return text if len(text) <= LONGEST else text[: LONGEST - len(rest)] + rest
