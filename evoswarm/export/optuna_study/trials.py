"""The policies of a search as trials: one per policy, with the objectives that the lineage tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from optuna.trial import FrozenTrial, TrialState, create_trial

from evoswarm.errors import RunError, Where
from evoswarm.experiment.files.finished_search import FinishedSearch
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.export.optuna_study.parameters import parameters_of
from evoswarm.run_directory import INDIVIDUALS

_SAID = ("generation", "island", "operator", "parents", "migrated_from", "accuracy", "open_share")
_RARE = ("failure", "failed", "items", "standard_error")  # said only where there is something to say


def trials_of(search: FinishedSearch, at: datetime, progress: Progress = SILENT) -> Iterator[FrozenTrial]:
    """One trial per distinct policy, in the order of the lineage.

    Individuals of one policy differ in nothing that decides an answer; the trial is the first of them, of a race the
    one that ran on the most items.

    Args:
        search: whose policies.
        at: when all of them are said to have begun and ended: a lineage knows no clock.
        progress: told of each.

    Raises:
        RunError: a line of the lineage is damaged.
    """
    ids: dict[str, list[str]] = {}
    best: dict[str, tuple[int, str]] = {}
    for line in search.individuals():
        ids.setdefault(line["key"], []).append(line["id"])
        items = line.get("items", 0)
        if items > best.get(line["key"], (-1, ""))[0]:
            best[line["key"]] = (items, line["id"])
    parameters = parameters_of(search.genomes)
    done = 0
    for line in search.individuals():
        if best[line["key"]][1] != line["id"]:
            continue
        done += 1
        progress.at("policy", done, len(best))
        genome = search.genome(line)
        asleep, values = search.genomes.asleep(genome), search.genomes.values(genome)
        awake = {gene: one for gene, one in parameters.items() if gene not in asleep}
        failed = line.get("failure") is not None
        try:
            trial = create_trial(
                state=TrialState.FAIL if failed else TrialState.COMPLETE,
                values=None if failed else line["objectives"],
                params={one.name: one.value(values[gene]) for gene, one in awake.items()},
                distributions={one.name: one.distribution for one in awake.values()},
                user_attrs={
                    **_attributes(line),
                    "individuals": ids[line["key"]],
                    "champion": _is_champion(search, line),
                },
            )
        except (ValueError, TypeError) as error:  # what Optuna says of values that are no numbers
            message = f"expected an individual as a search writes it, got one that is no trial: {error!s:.200}"
            raise RunError(message, Where(INDIVIDUALS, line["id"])) from None
        trial.datetime_start = trial.datetime_complete = at
        yield trial


def _attributes(line: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of an individual, numbers side by side: a dashboard draws those."""
    return {
        "individual": line["id"],
        "policy": line["key"],
        **{name: line[name] for name in _SAID if line.get(name) is not None},
        **{name: line[name] for name in _RARE if line.get(name) is not None},
        **{f"accuracy:{task}": score for task, score in line["by_task"].items()},
        **line["cost"],
        "genome": line["genome"],
    }


def _is_champion(search: FinishedSearch, line: Mapping[str, Any]) -> bool:
    return bool(line["key"] == search.asked.policy.digest)
