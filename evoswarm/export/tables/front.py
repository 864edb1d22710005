"""The table of those that were tested again on the selection items: all contenders, and who is on the front."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.canonical import canonical_json
from evoswarm.errors import RunError, Where
from evoswarm.experiment.files.places import FRONT as FILE
from evoswarm.experiment.files.places import RECIPES
from evoswarm.export.tables.column import TableColumn, TablePlan
from evoswarm.export.tables.individuals import COSTS
from evoswarm.policies import Policy, load_policy


@dataclass(frozen=True)
class FrontRow:
    """A contender.

    Attributes:
        row: what ``front.json`` says of it.
        on_front: nobody is better than it in every objective.
        champion: it was chosen.
        winner: the champion was made of it.
        searched: its accuracy on the search items, where it is known.
    """

    row: Mapping[str, Any]
    on_front: bool
    champion: bool
    winner: bool
    searched: float | None


def front_rows(front: Mapping[str, Any], run: Path) -> Iterator[FrontRow]:
    """The contenders of a run, best first.

    Args:
        front: what ``front.json`` says.
        run: the directory, for errors.

    Raises:
        RunError: it is not what a search writes.
    """
    listed, accuracy = front.get("front", []), front.get("search_accuracy", {})
    for key, found, kind in (("front", listed, list), ("search_accuracy", accuracy, dict)):
        if not isinstance(found, kind):
            raise RunError(f"expected {key} as a search writes it, got {found!r:.80}", Where(str(run / FILE), key))
    best = {row.get("digest") for row in listed if isinstance(row, dict)}
    for number, row in enumerate(front["contenders"]):
        if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("name", "digest", "recipe")):
            where = Where(str(run / FILE), f"contenders.{number}")
            raise RunError(f"expected a contender as a search writes it, got {row!r:.80}", where)
        digest = row["digest"]
        searched = accuracy.get(row["name"])
        yield FrontRow(row, digest in best, digest == front.get("champion"), digest == front.get("winner"), searched)


def contenders(front: Mapping[str, Any], run: Path) -> dict[str, Policy]:
    """Their policies, by name; whoever wrote the file, nothing is read elsewhere than among the run's recipes.

    Raises:
        EvoswarmError: see `front_rows`, or a file holds no policy.
    """
    files = {one.row["name"]: Path(one.row["recipe"]) for one in front_rows(front, run)}
    return {name: load_policy(run / file) for name, file in files.items() if file.parent == Path(RECIPES)}


def _said(*keys: str) -> Callable[[FrontRow], Any]:
    def read(one: FrontRow) -> Any:
        found: Any = one.row
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    return read


def _of(*keys: str) -> Callable[..., Any]:
    """What is said by a name of the run: of a task, of a member."""
    return lambda one, name: _said(*(name if key == "NAME" else key for key in keys))(one)


def _failed(one: FrontRow) -> str | None:
    return None if one.row.get("failed") is None else canonical_json(one.row["failed"])


_EXPECTED = {
    "accuracy": "What it is expected to score on items that nothing was chosen by.",
    "low": "Lower end of the 95% interval of that.",
    "high": "Upper end of the 95% interval of that.",
    "lead": "Its lead over the uniform mix, without what choosing flatters.",
    "optimism": "What choosing flatters, which was taken off.",
    "error": "Standard error of the lead.",
    "items": "Items that the estimate rests on.",
}

FRONT = TablePlan(
    "front",
    "One row per contender for the championship, on the selection items, best first.",
    (
        TableColumn("name", "text", "An individual's id, or what made it.", _said("name")),
        TableColumn("policy", "text", "SHA-256 of the policy.", _said("digest")),
        TableColumn("file", "text", "Of the policy, within the run directory.", _said("recipe")),
        TableColumn("origin", "text", "How it was made.", _said("origin")),
        TableColumn(
            "on_front",
            "truth",
            "No contender is as good in every objective and better in one.",
            lambda one: one.on_front,
        ),
        TableColumn("champion", "truth", "It was chosen.", lambda one: one.champion),
        TableColumn("winner", "truth", "The champion is it, or it less some members.", lambda one: one.winner),
        TableColumn(
            "accuracy", "number", "Mean score on the selection items, tasks by weight.", _said("accuracy"), "0 to 1"
        ),
        TableColumn(
            "accuracy",
            "number",
            "Mean score on the selection items of this task.",
            _of("by_task", "NAME"),
            "0 to 1",
            "TASK",
        ),
        TableColumn("search_accuracy", "number", "The same on the search items.", lambda one: one.searched, "0 to 1"),
        *(
            TableColumn(f"expected_{key}", "whole number" if key == "items" else "number", says, _said("estimate", key))
            for key, says in _EXPECTED.items()
        ),
        TableColumn("items", "whole number", "How many there were.", _said("items")),
        TableColumn("failures", "whole number", "On how many of them it failed.", _said("failures")),
        TableColumn("failure", "text", "Why there is no accuracy at all: the kind.", _said("failure", "kind")),
        TableColumn("failed", "json", "The items that failed, by kind and member.", _failed),
        TableColumn(
            "cut_off", "whole number", "Answers cut off before anything could be read as one.", _said("cut_off")
        ),
        TableColumn(
            "open_share", "number", "Share of steps at which others than the lead spoke.", _said("open_share"), "0 to 1"
        ),
        TableColumn(
            "touched_share",
            "number",
            "Share of the lead's tokens in which others spoke.",
            _said("touched_share"),
            "0 to 1",
        ),
        *(
            TableColumn(name, "number", f"Mean cost per item: {says}.", _said("cost", name), unit)
            for name, (unit, says) in COSTS.items()
        ),
        *(
            TableColumn(
                name,
                "number",
                f"The member's part of {name}; missing where it is none.",
                _of("cost", "members", "NAME", name),
                unit,
                "MEMBER",
            )
            for name, (unit, _) in COSTS.items()
        ),
        TableColumn(
            "spoken", "number", "Share of steps at which the member spoke.", _of("spoken", "NAME"), "0 to 1", "MEMBER"
        ),
    ),
)
