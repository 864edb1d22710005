"""The mixes that are had without searching: fitted to the right answers of the search items, once per ledger."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from evoswarm.canonical import digest_of
from evoswarm.decoding.request import DoesNotFit
from evoswarm.evaluation.cached_summary import items_digest
from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.row import UNREADABLE, damaged
from evoswarm.experiment.calibrating import sizes_of
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.genomes.plain import uniform
from evoswarm.gold.fit import fitted_mixes, gated_mix
from evoswarm.gold.fit.outcomes import Outcomes
from evoswarm.gold.rows import BUDGET_BYTES, RowsDoNotFit
from evoswarm.policies import Recipe
from evoswarm.policies.mix import RecipeMember
from evoswarm.rivals.fitted import Fits
from evoswarm.space.gold_use import no_founders
from evoswarm.tasks.task import Item

NONE_FITTED = "There is no fitted mix: {why}."
NOTHING_FITTED_TO = "there is nothing to fit it to: {why}"
NO_ITEMS = "no right answer of these items is known as a text"
ALONE = "the pool has one member"


def fits_of(bench: Workbench, items: Sequence[Item] | None = None) -> Fits:
    """The fitted mixes of a space; what the ledger knows is not fitted again.

    A fit is arithmetic in floating point, and depends on the machine in its last digits. So what counts is what the
    ledger gives back: the first fit stands for all later ones, and so does that there was nothing to fit to.

    Args:
        bench: with the items of the search split.
        items: of these, the ones that are fitted to; None is all.

    Returns:
        The mixes of the pool as it is loaded, or why there are none.

    Raises:
        MemberError: a member cannot be loaded.
        RecipeError: a fitted mix is none that this pool can decode.
        RunError: the ledger cannot be written, or is damaged.
        Stopped: Ctrl-C.
    """
    found = _fitted(bench, items)
    return replace(found, absent="" if found.mixes else NONE_FITTED.format(why=found.absent))


def fits_are_known(bench: Workbench) -> bool:
    """Whether the ledger knows what a space's fitted mixes are."""
    key = _key(bench, bench.items["search"])
    return key in bench.evaluator.ledger.facts([key])


def gated_fit(bench: Workbench, calibration: Calibration) -> tuple[Candidate, ...]:
    """The best fitted mix with gates, if there is one and gates are worth anything; kept in the ledger like the fits.

    Args:
        bench: with the items of the search split.
        calibration: of the space's first alphabet.

    Raises:
        EvoswarmError: see ``fits_of``.
    """
    mixes = _fitted(bench, None).mixes
    if not mixes:
        return ()
    key = digest_of(["gated fit", _key(bench, bench.items["search"]), calibration.to_json()])

    def make() -> dict[str, Any] | None:
        rows = bench.gold("search")
        if rows is None:
            return None
        gated = gated_mix(mixes[0], rows, bench.space, calibration)
        return {"mixes": [_written(bench, gated)] if gated else [], "why": ""}

    return _kept(bench, key, make).mixes


def _fitted(bench: Workbench, items: Sequence[Item] | None) -> Fits:
    """The mixes; why there would be none, as a clause."""
    why = ALONE if len(bench.pool) < 2 else no_founders(bench.space)
    if why is None and (refused := bench.gold_paths.refused("search")) is not None:
        why = NOTHING_FITTED_TO.format(why=refused)
    if why is not None:
        return Fits(absent=why)
    wanted = bench.items["search"] if items is None else items
    try:
        return _kept(bench, _key(bench, wanted), lambda: _made(bench, items))
    except (DoesNotFit, RowsDoNotFit) as error:  # what was heard; there is room for the rest, or it says so itself
        bench.gold_paths.do_without_heard("search", str(error))
        return _kept(bench, _key(bench, wanted), lambda: _made(bench, items))


def _kept(bench: Workbench, key: str, make: Callable[[], dict[str, Any] | None]) -> Fits:
    """The mixes of a key: as the ledger has them, or made and kept there."""
    ledger = bench.evaluator.ledger
    known = ledger.facts([key])
    if key not in known:
        made = make()
        if made is None or bench.gold_paths.passing("search"):  # owed to this moment: nothing the ledger should know
            return Fits(absent="" if made is None else made["why"])
        known = ledger.keep({key: json.dumps(made)})
    try:
        made = json.loads(known[key])
        mixes = tuple(_read(bench, *one) for one in made["mixes"])
        return Fits(mixes, str(made["why"]), tuple(map(str, made.get("untold", ()))), int(made.get("heard", 0)))
    except UNREADABLE as error:
        raise damaged("fitted mixes", error) from error


def _made(bench: Workbench, items: Sequence[Item] | None) -> dict[str, Any]:
    """Fit, as the ledger keeps it."""
    gold = bench.gold_paths
    rows = gold.rows_with_heard("search") if gold.heard("search") else bench.gold("search")
    untold = list(gold.untold.get("search", ()))
    if rows is None:
        return {"mixes": [], "why": NOTHING_FITTED_TO.format(why=gold.why_not["search"]), "untold": untold}
    places = [n for n, one in enumerate(rows.items) if items is None or one in items]
    heard = sum(rows.items[n].task in untold for n in places)
    bench.progress.at("fitting mixes to right answers")
    Outcomes.of(rows)  # once for all fits to them, so that it counts to none
    sizes, began = sizes_of(bench), time.thread_time()  # libraries may be imported meanwhile
    found = fitted_mixes(rows, bench.space, bench.pool, sizes=sizes, places=places, between=bench.evaluator.go_on)
    if found:
        bench.fits_taken.append((len(places), time.thread_time() - began))
    if heard:
        words = f"fitted to {len(places):,} right answers, {heard:,} of them as recipes of the search wrote them"
        found = [replace(one, description=words) for one in found]
    mixes = [_written(bench, one) for one in found]
    return {"mixes": mixes, "why": NOTHING_FITTED_TO.format(why=NO_ITEMS), "untold": untold, "heard": heard}


def _key(bench: Workbench, wanted: Sequence[Item]) -> str:
    """What decides the fit: what is asked of whom, how much it counts, and what the space allows."""
    whole = uniform(bench.space, bench.pool)
    digests = [bench.evaluator.item_digest(item, whole.prompt_format) for item in wanted]
    asked = [bench.space.genome.model_dump(mode="json"), list(bench.space.alphabets)]
    listed = items_digest(digests, wanted, bench.evaluator.tasks)
    known = bench.gold_paths.heard("search")
    heard = [[place, known[item]] for place, item in enumerate(wanted) if item in known]
    decides = [bench.evaluator.context(whole), asked, listed, BUDGET_BYTES, *([heard] if heard else [])]
    return digest_of(["fitted mixes 4", *decides])


def _written(bench: Workbench, one: Candidate) -> list[Any]:
    """A mix with its members by their places in the pool: names and paths are the reader's affair."""
    if not isinstance(one.policy, Recipe):
        raise TypeError(f"expected a recipe, got a {one.policy.kind}")
    places = {spec.name: place for place, spec in enumerate(bench.pool)}
    data = one.policy.model_dump(mode="json", by_alias=True)
    for member in data["members"]:
        member["spec"] = places[member["spec"]["name"]]
    return [one.name, one.key, one.description, {**data, "lead": places[one.policy.lead]}]


def _read(bench: Workbench, name: str, key: str, description: str, data: dict[str, Any]) -> Candidate:
    members = [
        RecipeMember.model_validate({**one, "spec": bench.pool[one["spec"]].model_dump()}) for one in data["members"]
    ]
    recipe = Recipe.model_validate({**data, "members": members, "lead": bench.pool[data["lead"]].name})
    return Candidate(name, bench.bound(recipe), key, description)
