"""Tells MLflow about one search (or study), from a thread of its own.

MLflow is slow to import and its server may be away, so everything happens on one background thread, in order. The
truth is on disk in the run directory: when MLflow fails, the tracker says so once and goes quiet.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from evoswarm.run_directory import TRACKING, RunDirectory
from evoswarm.space import SearchSpace, Tracking, named_store
from evoswarm.tracking.naming import PARENT_RUN, RUN_NAME
from evoswarm.tracking.openings import OPENING_DIGEST, OPENING_FILE, OpeningsHeard, complete, read_openings
from evoswarm.tracking.search_log import ChildRun, Outcome, SearchLog, SearchRun, log_files, log_outcome, run_before
from evoswarm.tracking.store import Store, connect, greet, probe, sqlite_uri

_log = logging.getLogger(__name__)

_GLANCE = 0.02  # seconds between two looks at whether MLflow has answered
_OPENING = ("evoswarm.opening", "evoswarm.champion")  # the tags that make two openings the same one


def tracking_uri(settings: Tracking, root: Path) -> str:
    """Where MLflow keeps things: ``MLFLOW_TRACKING_URI``, else the space's, else SQLite beside the runs."""
    return os.environ.get("MLFLOW_TRACKING_URI") or settings.uri or sqlite_uri(_own_store(root))


def own_store(uri: str, root: Path) -> Path | None:
    """The file of the store beside the runs, if that is the one that an address means."""
    return file if uri == sqlite_uri(file := _own_store(root)) else None


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
        self._own = own_store(self.uri, root)
        self._jobs: queue.SimpleQueue[Callable[[Store], None] | None] = queue.SimpleQueue()
        self._search: SearchLog | None = None  # the worker's
        self._connected = self._dead = False
        self._worker: threading.Thread | None = None
        if settings.mlflow:
            root.mkdir(parents=True, exist_ok=True)
            self._worker = threading.Thread(target=self._work, name="evoswarm-tracking", daemon=True)
            self._worker.start()

    @classmethod
    def of(cls, space: SearchSpace, root: Path) -> Self:
        """The tracker of a search, a certificate or a study.

        Args:
            space: whose settings count.
            root: the directory of all runs.

        Raises:
            SpaceError: the space names a store that its caller does not trust.
        """
        named_store(space)
        return cls(space.tracking, root)

    @property
    def alive(self) -> bool:
        """Whether MLflow is wanted and has not failed."""
        return self._worker is not None and not self._dead

    @property
    def run_id(self) -> str | None:
        """MLflow's id of the search's run, once it has one; complete after ``close``."""
        return self._search.run_id if self._search else None

    def begin(self, search: SearchRun) -> None:
        """Open the search's run, or the one that its directory had before."""
        if self._worker is None:
            return
        known = search.directory.last(TRACKING)
        key = uuid.uuid4().hex if known is None else str(known["key"])
        if known is None:
            search.directory.journal(TRACKING, key=key)

        def job(store: Store) -> None:
            self._search = SearchLog(store, search, key)

        self.put(job)

    def generation(self, step: int, metrics: Mapping[str, float | None], stamp: int) -> None:
        """Log a generation's metrics.

        Args:
            step: which generation.
            metrics: by name; None, where there is no figure, becomes NaN.
            stamp: when it ended, in milliseconds; always the same for the same generation.
        """
        self._tell(lambda search: search.generation(step, metrics, stamp))

    def champions(self, children: Sequence[ChildRun]) -> None:
        """Log the champions as child runs."""
        self._tell(lambda search: search.champions(children))

    def outcome(self, run: RunDirectory, outcome: Outcome, files: Sequence[str] = ()) -> None:
        """Log what a search came to in its run, in this sitting or a later one; see `log_outcome`."""
        self.put(lambda store: log_outcome(store, run, outcome, files))

    def files(self, run: RunDirectory, files: Sequence[str]) -> None:
        """Log files of a run directory in place of what they were before; see `log_files`."""
        self.put(lambda store: log_files(store, run, files))

    def opening(
        self,
        name: str,
        tags: Mapping[str, str],
        metrics: Mapping[str, float],
        line: str = "",
        run: RunDirectory | None = None,
    ) -> None:
        """Log an opening of held-out items as a run of its own, once; what such a run of before lacks is added.

        Args:
            name: of the opening's run.
            tags: that say whose opening it is.
            metrics: what came of it.
            line: the opening as every place keeps it; see `evoswarm.tracking.openings`.
            run: of the search whose champion it is of: the opening is a child of the search's run, where the store has
                that.
        """

        def job(store: Store) -> None:
            search = None if run is None else run_before(store, run)
            parent = {} if search is None else {PARENT_RUN: str(search.info.run_id)}
            with store.alone():
                whole = {**tags, **parent, RUN_NAME: name}
                before, text = _logged_before(store, tags), f"{line}\n" if line else ""
                store.log_whole(before, whole, metrics, texts={OPENING_FILE: text} if text else {})
                if before is not None:
                    complete(store, before, whole, text)

        self.put(job)

    def openings(self, known: Collection[str], seconds: float = 60.0) -> OpeningsHeard | None:
        """Ask MLflow who opened test items, and wait for its answer; None where it gives none, which is said.

        One that is late has much to log still, and goes on with it.

        Args:
            known: digests of openings that need not be fetched.
            seconds: to wait at most.
        """
        heard: queue.SimpleQueue[OpeningsHeard] = queue.SimpleQueue()
        self.put(lambda store: heard.put(read_openings(store, known)))
        end = time.monotonic() + seconds
        while self.alive and heard.empty():
            if time.monotonic() > end:
                _log.warning(
                    "MLflow at %s has not said within %.0f s who opened test items: what it alone knows does not count "
                    "here; it is told of this search all the same",
                    self.uri,
                    seconds,
                )
                return None
            time.sleep(_GLANCE)
        return None if heard.empty() else heard.get()

    def finish(self, status: str, lineage: Mapping[str, Sequence[Any]]) -> None:
        """Log the end: the lineage as a table, the run directory's files as artifacts.

        Args:
            status: MLflow's word: ``FINISHED``, ``KILLED`` or ``FAILED``.
            lineage: columns of equal length.
        """
        self._tell(lambda search: search.finish(status, lineage))

    def put(self, job: Callable[[Store], None]) -> None:
        """Have something else done with the store, behind everything that was asked before."""
        if self.alive:
            self._jobs.put(job)

    def close(self, seconds: float = 60.0) -> None:
        """Wait for MLflow to have heard everything, but not for ever."""
        if self._worker is None:
            return
        self._jobs.put(None)
        self._worker.join(seconds)
        if self._worker.is_alive():
            self._give_up(f"no answer within {seconds:.0f} s")
        self._worker = None if self._dead else self._worker

    def _tell(self, job: Callable[[SearchLog], None]) -> None:
        def about_the_search(store: Store) -> None:
            if self._search is not None:
                job(self._search)

        self.put(about_the_search)

    def _work(self) -> None:
        """Run jobs in order until one fails or the end is called."""
        try:
            probe(self.uri)
            greet(self.uri)
            store = connect(self.uri, self._experiment, self._own)
            self._connected = True
            while (job := self._jobs.get()) is not None and not self._dead:
                probe(self.uri)
                job(store)
        except Exception as error:  # whatever MLflow or its server raises, the search goes on
            remedy = ""
            broken = not self._connected and not isinstance(error, ImportError)
            if broken and self._own is not None and self._own.exists():
                remedy = f"; if {self._own} is broken, move it away, and the next search begins a new one"
            said = str(error).splitlines()[0] if str(error) else "no message"
            self._give_up(f"{type(error).__name__}: {said}", remedy)

    def _give_up(self, why: str, remedy: str = "") -> None:
        if not self._dead:
            self._dead = True
            _log.warning("MLflow at %s failed (%.200s): the search goes on without it%s", self.uri, why, remedy)


def _logged_before(store: Store, tags: Mapping[str, str]) -> Any | None:
    """The run of an opening that MLflow has already: with its digest, else one that an earlier version left without."""
    same = store.tagged({key: tags[key] for key in _OPENING if key in tags})
    for digest in dict.fromkeys((tags.get(OPENING_DIGEST), None)):
        found = [run for run in same if run.data.tags.get(OPENING_DIGEST) == digest]
        if found:
            return found[-1]
    return None
