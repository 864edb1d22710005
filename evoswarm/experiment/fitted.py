"""The mixes that are had without searching: fitted to the right answers of the search items, once per ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from evoswarm.canonical import digest_of
from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.row import UNREADABLE, damaged
from evoswarm.experiment.calibrating import sizes_of
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import uniform
from evoswarm.gold.fit import fitted_mixes
from evoswarm.policies import Recipe
from evoswarm.rivals.fitted import Fits
from evoswarm.tasks.task import Item

NO_GOLD = "There is no fitted mix, as there is nothing to fit it to: {why}."
NO_MIXES = "There is no fitted mix: the search space has no greedy mixes."
ALONE = "There is no fitted mix: the pool has one member."


def fits_of(bench: Workbench, items: Sequence[Item] | None = None) -> Fits:
    """The fitted mixes of a space; what the ledger knows is not fitted again.

    A fit is arithmetic in floating point, and depends on the machine in its last digits. So what counts is what the
    ledger gives back: the first fit stands for all later ones.

    Args:
        bench: with the items of the search split.
        items: of these, the ones that are fitted to; None is all.

    Raises:
        MemberError: a member cannot be loaded.
        RunError: the ledger cannot be written, or is damaged.
    """
    if len(bench.pool) < 2:
        return Fits(absent=ALONE)
    if bench.space.genome.kind != "mix":
        return Fits(absent=NO_MIXES)
    wanted = bench.items["search"] if items is None else items
    key, ledger = _key(bench, wanted), bench.evaluator.ledger
    known = ledger.facts([key])
    if key not in known:
        rows = bench.gold("search")
        if rows is None:  # perhaps for want of memory, which is nothing that the ledger should know
            return Fits(absent=NO_GOLD.format(why=bench.gold_paths.why_not["search"]))
        places = None if items is None else [n for n, one in enumerate(rows.items) if one in items]
        found = fitted_mixes(rows, bench.space, bench.pool, sizes=sizes_of(bench), places=places)
        known = ledger.keep({key: json.dumps([_written(one) for one in found])})
    try:
        mixes = tuple(_read(one) for one in json.loads(known[key]))
    except UNREADABLE as error:
        raise damaged("fitted mixes", error) from error
    return Fits(mixes, "" if mixes else NO_MIXES)


def _key(bench: Workbench, wanted: Sequence[Item]) -> str:
    """What decides the fit: what is asked of whom, and what the space allows."""
    whole = uniform(bench.space, bench.pool)
    items = [bench.evaluator.item_digest(item, whole.prompt_format) for item in wanted]
    asked = [bench.space.genome.model_dump(mode="json"), list(bench.space.alphabets)]
    return digest_of(["fitted mixes 1", bench.evaluator.context(whole), asked, items])


def _written(one: Candidate) -> list[Any]:
    return [one.name, one.key, one.description, json.loads(one.policy.to_json())]


def _read(row: list[Any]) -> Candidate:
    name, key, description, policy = row
    return Candidate(name, Recipe.from_json(json.dumps(policy), name), key, description)
