"""Searches that die by SIGKILL at a chosen durable write, and are run again until they end.

    python -m tests.experiment.killing SPACE DIRECTORY --seeds 0 1 2 3 4

Everything is imported and the members are loaded once, in a process without threads; every sitting of a search is a
fork of it. The first sitting is not disturbed and counts its durable writes by kind. For each seed a search in a
directory of its own then dies at one of them: before it, half-way through it, or behind it. The same search is run
again, and what lies there at the end is compared with what the undisturbed one left. One JSON object is printed.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import signal
import sqlite3
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from tests.experiment.deaths import KINDS, Deaths, Point, watch
from tests.experiment.left_behind import left_behind

KILLING = "from tests.experiment.killing import main; main()"


class Searches:
    """Sittings of one search, each a fork of this process.

    Args:
        file: of the space.
        directory: everything is written below it.
        overrides: of the space, each ``path.to.key=value``.
    """

    def __init__(self, file: Path, directory: Path, overrides: Sequence[str] = ()) -> None:
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
        import torch

        from evoswarm import SearchSpace, Swarm
        from evoswarm.decoding.forward.devices import silence_loading
        from evoswarm.experiment import session  # noqa: F401  imported here, so that no sitting has to

        silence_loading()
        torch.set_num_threads(1)
        self._space = SearchSpace.from_yaml(file, overrides)  # type: ignore[arg-type]
        self._swarm = Swarm.load(self._space.pool, **self._space.decoding.model_dump())
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        assert threading.active_count() == 1, (
            f"expected no threads where a process is forked, got {threading.enumerate()}"
        )
        undisturbed = self._undisturbed(directory / "undisturbed.json")
        self.seconds: float = undisturbed["seconds"]
        self.counts: dict[str, int] = undisturbed["counts"]
        self.left: dict[str, Any] = undisturbed["left"]

    def _undisturbed(self, known: Path) -> dict[str, Any]:
        """What a search counts and leaves that nobody kills; of an earlier process, if it is noted."""
        if not known.exists():
            runs = _emptied(self._directory / "undisturbed")
            began = time.monotonic()
            counts = json.loads(str(self._sit(runs, None)))
            record = {"seconds": time.monotonic() - began, "counts": counts, "left": left_behind(runs)}
            known.write_text(json.dumps(record))
        found: dict[str, Any] = json.loads(known.read_text())
        return found

    def points(self, seed: int, kinds: Sequence[str] = KINDS) -> Point:
        """Where a seed's search dies: kinds take turns, the moment is drawn."""
        kind = kinds[seed % len(kinds)]
        return kind, Random(seed).randrange(self.counts[kind])

    def case(self, point: Point) -> dict[str, Any]:
        """A search that dies once and is run again.

        Returns:
            where it died, and what differs from the undisturbed one: nothing should.
        """
        runs = _emptied(self._directory / "-".join(map(str, point)))
        if point[0] != "store":
            shutil.copy(self._directory / "mlflow.db", runs)  # making one takes longer than all the rest
        died = self._sit(runs, point) is None
        self._sit(runs, None)
        left = left_behind(runs)
        return {
            "point": point,
            "of": self.counts[point[0]],
            "died": died,
            "differ": sorted(key for key in {*left, *self.left} if left.get(key) != self.left.get(key)),
        }

    def together(self) -> list[str]:
        """Two of the same search at once, each with a directory of its own, on one ledger.

        Returns:
            names of files of either that differ from those of one that was alone, with what differs of the ledger.
        """
        runs = _emptied(self._directory / "together")
        shutil.copy(self._directory / "mlflow.db", runs)
        children = [self._begin(runs, None, runs / f"{name}.counts", runs / name) for name in ("one", "two")]
        for child in children:
            self._end(child)
        left = left_behind(runs)
        alone = {Path(name): value for name, value in self.left.items()}
        differ = [name for name in ("ledger",) if left[name] != self.left[name]]
        differ += [] if left["openings"] == self.left["openings"] * 2 else ["openings"]  # each has one on record
        for name, digest in alone.items():
            if name.parts[0] == "micro-seed0":
                both = (str(Path(which, *name.parts[1:])) for which in ("one", "two"))
                differ += [each for each in both if left.get(each) != digest]
        return differ

    def _sit(self, runs: Path, point: Point | None) -> str | None:
        """One sitting; what it counted, or None if it was killed."""
        report = self._directory / "counts.json"
        return report.read_text() if self._end(self._begin(runs, point, report)) else None

    def _begin(self, runs: Path, point: Point | None, report: Path, out: Path | None = None) -> int:
        if (child := os.fork()) == 0:
            self._search(runs, point, report, out)
        return child

    @staticmethod
    def _end(child: int) -> bool:
        """Whether a sitting came to its end, or was killed."""
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return False
        if status != 0:
            raise RuntimeError(f"a sitting ended with status {status}; what it said stands above")
        return True

    def _search(self, runs: Path, point: Point | None, report: Path, out: Path | None) -> None:
        """In the child: search, and never come back."""
        try:
            from evoswarm import search

            logging.raiseExceptions = False
            deaths = Deaths(point)
            watch(deaths)
            result = search(self._space, runs=runs, out=out, swarm=self._swarm)
            assert result.tracking_uri is not None, "MLflow was given up"
            template = self._directory / "mlflow.db"
            if not template.exists():
                _empty_store(runs / "mlflow.db", template)
            report.write_text(json.dumps(deaths.counts))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)


def _emptied(directory: Path) -> Path:
    """A directory with nothing in it, whatever an earlier attempt left there."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def _empty_store(used: Path, template: Path) -> None:
    """A copy of a store with nothing in it but its tables."""
    with closing(sqlite3.connect(used)) as source, closing(sqlite3.connect(template)) as target:
        source.backup(target)
        of_runs = ("metrics", "latest_metrics", "params", "tags", "input_tags", "inputs", "datasets", "runs")
        for table in (*of_runs, "experiment_tags", "experiments"):
            target.execute(f"DELETE FROM {table}")
        target.commit()


def main() -> None:
    """Kill, run again, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("space", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--kinds", nargs="+", choices=[*KINDS, "store"], default=KINDS)
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--together", action="store_true", help="also two at once on one ledger")
    arguments = parser.parse_args()
    searches = Searches(arguments.space, arguments.directory, arguments.set)
    cases = {str(seed): searches.case(searches.points(seed, arguments.kinds)) for seed in arguments.seeds}
    left = {name: value for name, value in searches.left.items() if name.startswith("mlflow")}
    together = searches.together() if arguments.together else None
    record = {"counts": searches.counts, "seconds": searches.seconds, "left": left, "cases": cases}
    print(json.dumps({**record, "together": together}))


if __name__ == "__main__":
    main()
