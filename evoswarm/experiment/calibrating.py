"""What genomes need before the first of them is expressed: entropies of the leads, sizes of the members."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evoswarm.experiment.progress import Progress
from evoswarm.experiment.run_history import begins_anew
from evoswarm.experiment.workbench import Workbench, naming
from evoswarm.genomes import Material, PolicyGenomes, genomes_of
from evoswarm.genomes.limits import MemberSize
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.genomes.plain import single
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, load_policy
from evoswarm.run_directory import RunDirectory
from evoswarm.tasks.task import Item

CALIBRATION_ITEMS = 64
CALIBRATION = "calibration.json"


def calibration_of(bench: Workbench, run: RunDirectory, progress: Progress) -> Calibration:
    """The entropies of every possible lead; read back when the run has them, or the ledger.

    A run that gave up has them of the moment that spoilt everything: they are made anew.

    Raises:
        Stopped: Ctrl-C.
    """
    text = None if begins_anew(run) else run.read(CALIBRATION)
    if text is not None:
        return Calibration.from_json(text, str(run.path / CALIBRATION))
    progress.stage(f"calibrating {len(possible_leads(bench))} possible leads")
    calibration = calibrate(bench, bench.items["search"][:CALIBRATION_ITEMS])
    run.write(CALIBRATION, calibration.to_json())
    return calibration


def calibrate(bench: Workbench, items: Sequence[Item]) -> Calibration:
    """The entropies that each possible lead shows when it decodes these items alone, greedily.

    Raises:
        Stopped: Ctrl-C.
    """
    leads = possible_leads(bench)
    rows = bench.evaluator.entropies([single(bench.space, spec) for spec in leads], items)
    table: dict[str, dict[str, list[float]]] = {spec.name: {} for spec in leads}
    for spec, row in zip(leads, rows, strict=True):
        for item, entropies in zip(items, row, strict=True):
            table[spec.name].setdefault(item.task, []).extend(entropies)
    return Calibration.of(table)


def possible_leads(bench: Workbench) -> list[MemberSpec]:
    """The members that may lead, in the order of the pool."""
    named = bench.space.genome.leads
    return [spec for spec in bench.pool if not named or spec.name in named]


def genomes_for(bench: Workbench, calibrate: Callable[[], Calibration]) -> PolicyGenomes[Any, Any]:
    """The genomes of a space, with the sizes of its loaded members and the policies it starts from.

    Args:
        bench: the space made ready.
        calibrate: gives the entropies of the possible leads, where the kind of genome needs them.
    """
    warm: dict[str, Policy] = {}
    for file in bench.space.warm_start:
        name = Path(file).stem
        with naming(file):
            warm[file if name in warm else name] = bench.bound(load_policy(os.path.expanduser(file)))
    return genomes_of(Material(bench.space, sizes_of(bench), warm, calibrate))


def sizes_of(bench: Workbench) -> dict[str, MemberSize]:
    """How big the loaded members are, by name."""
    return {
        name: MemberSize(
            shape.parameters, 2.0 * (shape.active_parameters + shape.output_parameters), shape.parameter_bytes
        )
        for name, shape in bench.swarm.shapes.items()
    }
