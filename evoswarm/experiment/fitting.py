"""Mixes fitted to the right answers of the search items, as founders; and where a search can make no use of these."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evoswarm.evaluation.candidate import Candidate
from evoswarm.experiment.calibrating import is_calibrated
from evoswarm.experiment.files.run_history import begins_anew
from evoswarm.experiment.fitted import fits_are_known, fits_of, gated_fit
from evoswarm.experiment.hearing import UNFOUNDED, hear
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.policies import Policy, Recipe
from evoswarm.policies.alphabets import ALPHABETS, AlphabetName
from evoswarm.run_directory import FITTED, UNREAD, RunDirectory
from evoswarm.space import gold_use
from evoswarm.space.gold_use import no_founders

LEAST_KNOWN = 0.5
"""Share of the items whose right answers have to be known as texts, for recipes to be judged by them."""


def read_first(bench: Workbench, run: RunDirectory) -> None:
    """Read members' rows along the right answers of the search items, if the space has a use for them.

    Before anything is decoded: rows differ in their last digits with what is read beside them, and a search that goes
    on decodes less than one that begins. Where they could not be read in an earlier sitting, they are not read now.

    Raises:
        MemberError: a member cannot be loaded.
        Stopped: Ctrl-C.
    """
    refuse_again(bench, run)
    gold = bench.space.evolution.gold
    if no_founders(bench.space) is not None:
        return
    founded = _begun_with(run) is not None or (fits_are_known(bench) and is_calibrated(bench))
    if (gold.founders and not founded) or gold_use.guides(gold):
        bench.gold("search")
        _journal_unread(bench, run)


def refuse_again(bench: Workbench, run: RunDirectory) -> None:
    """Do without right answers where a run could not read them when that counted."""
    known = run.last(UNREAD)
    if known is not None:
        bench.gold_paths.refuse("search", known["why"])


def fit_last(bench: Workbench, run: RunDirectory, population: Sequence[Policy]) -> str:
    """Fit the mixes that compete in the end, if that has not been done, while members still know the search items.

    Args:
        bench: of the search.
        run: of the search.
        population: policies that were scored on all search items; see `hear`.

    Returns:
        What was fitted to free text, as a sentence; empty where there is none.

    Raises:
        EvoswarmError: see `fits_of`.
        Stopped: Ctrl-C.
    """
    said = hear(bench, run, population)
    _journal_unread(bench, run)
    return said


def _journal_unread(bench: Workbench, run: RunDirectory) -> None:
    """That there was no room to read right answers is owed to the moment: a search that goes on does without, too."""
    gold = bench.gold_paths
    if gold.passing("search") and run.last(UNREAD) is None:
        gold.refuse("search", run.journal(UNREAD, why=gold.why_not["search"])["why"])


def fitted_founders(bench: Workbench, calibrate: Callable[[AlphabetName], Calibration]) -> list[Candidate]:
    """The mixes fitted to the right answers of the search items, and the best of them with gates.

    Raises:
        MemberError: a member cannot be loaded.
        RunError: the ledger cannot be written, or is damaged.
    """
    mixes = fits_of(bench).mixes
    return [*mixes, *(gated_fit(bench, calibrate(bench.space.alphabets[0])) if bench.space.genome.gates else ())]


def _begun_with(run: RunDirectory) -> dict[str, Any] | None:
    """What a sitting before journalled of its fitted founders, and this one goes on with."""
    return None if begins_anew(run) else run.last(FITTED)


def founders(
    bench: Workbench, run: RunDirectory, calibrate: Callable[[AlphabetName], Calibration]
) -> Mapping[str, Policy]:
    """The fitted mixes that a search begins with, by name, if its space asks for them.

    They are journalled before they act: a search that goes on begins with those of its first sitting.

    Raises:
        MemberError: a member cannot be loaded.
        RecipeError: the journal holds none of this pool's.
        RunError: the ledger cannot be written, or is damaged.
    """
    if not bench.space.evolution.gold.founders or no_founders(bench.space) is not None:
        return {}
    known = _begun_with(run)
    if known is None:
        found = fitted_founders(bench, calibrate)
        recipes = [[one.name.removeprefix("fitted "), json.loads(one.policy.to_json())] for one in found]  # in order
        known = run.journal(FITTED, recipes=recipes)
    return {name: bench.bound(Recipe.from_json(json.dumps(data))) for name, data in known["recipes"]}


def no_guide(bench: Workbench) -> str | None:
    """Why recipes cannot be judged along right answers before they are decoded, in a clause; None where they can.

    Raises:
        MemberError: a member cannot be loaded.
    """
    space = bench.space
    reason = gold_use.no_guide(space)
    if reason is not None:
        return reason
    if ALPHABETS[space.alphabets[0]].of_members and len({member.tokens for member in bench.swarm.facts}) > 1:
        return f"recipes of different members are written in different symbols (alphabet: {space.alphabets[0]})"
    rows, items = bench.gold("search"), bench.items["search"]
    known = 0 if rows is None else len(rows.items)
    if known < LEAST_KNOWN * len(items):
        why = f" ({bench.gold_paths.why_not['search']})" if rows is None else ""
        return f"right answers are known as texts of {known:,} of {len(items):,} search items{why}"
    return None


def off(bench: Workbench) -> Sequence[str]:
    """A sentence for what the space asks for and cannot have.

    Raises:
        MemberError: a member cannot be loaded.
    """
    gold = bench.space.evolution.gold
    said = gold_use.off(gold, no_guide(bench) if gold_use.guides(gold) else None)
    founded = gold.founders and no_founders(bench.space) is None and fits_are_known(bench)
    untold = fits_of(bench).untold if founded else ()
    return [*said, *([UNFOUNDED.format(tasks=", ".join(untold))] if untold else [])]
