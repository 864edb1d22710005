"""What genomes need before the first of them is expressed: entropies of the leads, sizes of the members."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evoswarm.experiment.files.places import calibration_name
from evoswarm.experiment.files.run_history import begins_anew
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes import Material, PolicyGenomes, genomes_of
from evoswarm.genomes.limits import MemberSize
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.genomes.plain import single, uniform
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, Recipe, load_policy
from evoswarm.policies.alphabets import ALPHABETS, AlphabetName
from evoswarm.policies.document import naming
from evoswarm.policies.mix import RecipeMember
from evoswarm.run_directory import RunDirectory
from evoswarm.tasks.task import Item

CALIBRATION_ITEMS = 64
BEYOND = 1e3
"""Nats that no entropy reaches: those of the largest vocabularies stay under 14."""


def calibration_of(bench: Workbench, run: RunDirectory, progress: Progress, alphabet: AlphabetName) -> Calibration:
    """The entropies of every possible lead in an alphabet; read back when the run has them, or the ledger.

    That of the space's first alphabet is in ``calibration.json``, any other in ``calibration-ALPHABET.json``. A run
    that gave up has them of the moment that spoilt everything: they are made anew.

    Raises:
        Stopped: Ctrl-C.
    """
    first = alphabet == bench.space.alphabets[0]
    name = calibration_name(bench.space, alphabet)
    text = None if begins_anew(run) else run.read(name)
    if text is not None:
        return Calibration.from_json(text, str(run.path / name))
    where = "" if first else f" in {alphabet}"
    progress.enter("calibrating", f"calibrating {len(possible_leads(bench))} possible leads{where}")
    calibration = calibrate(bench, _calibration_items(bench), alphabet)
    run.write(name, calibration.to_json())
    return calibration


def is_calibrated(bench: Workbench) -> bool:
    """Whether the ledger knows the entropies of all possible leads in the space's first alphabet."""
    alphabet = bench.space.alphabets[0]
    alone = [_only_lead(bench, spec, alphabet) for spec in possible_leads(bench)]
    return bench.evaluator.knows_entropies(alone, _calibration_items(bench))


def _calibration_items(bench: Workbench) -> Sequence[Item]:
    return bench.items["search"][:CALIBRATION_ITEMS]


def calibrate(bench: Workbench, items: Sequence[Item], alphabet: AlphabetName) -> Calibration:
    """The entropies that each possible lead shows when it decodes these items alone, greedily.

    In ``common`` it does so in the symbols that the whole pool shares: thresholds stand in recipes of several members,
    where a step is not one of the lead's own tokens.

    Raises:
        Stopped: Ctrl-C.
    """
    leads = possible_leads(bench)
    rows = bench.evaluator.entropies([_only_lead(bench, spec, alphabet) for spec in leads], items)
    table: dict[str, dict[str, list[float]]] = {spec.name: {} for spec in leads}
    for spec, row in zip(leads, rows, strict=True):
        for item, entropies in zip(items, row, strict=True):
            table[spec.name].setdefault(item.task, []).extend(entropies)
    return Calibration.of(table)


def _only_lead(bench: Workbench, spec: MemberSpec, alphabet: AlphabetName) -> Recipe:
    """A recipe in which nobody but the lead speaks, in symbols as recipes of several members have them."""
    if not ALPHABETS[alphabet].of_members or len(bench.pool) == 1:
        return single(bench.space, spec, alphabet)
    members = [RecipeMember(spec=other, threshold=BEYOND) for other in bench.pool]
    return uniform(bench.space, bench.pool, alphabet).changed(members=members, lead=spec.name)


def possible_leads(bench: Workbench) -> list[MemberSpec]:
    """The members that may lead, in the order of the pool."""
    named = bench.space.genome.leads
    return [spec for spec in bench.pool if not named or spec.name in named]


def genomes_for(
    bench: Workbench,
    calibrate: Callable[[AlphabetName], Calibration],
    fitted: Mapping[str, Policy] = MappingProxyType({}),
) -> PolicyGenomes[Any, Any]:
    """The genomes of a space, with the sizes of its loaded members and the policies it starts from.

    Args:
        bench: the space made ready.
        calibrate: gives the entropies of the possible leads in an alphabet, where the kind of genome needs them.
        fitted: policies fitted to right answers that are among the founders, by name.
    """
    warm: dict[str, Policy] = {}
    for file in bench.space.warm_start:
        name = Path(file).stem
        with naming(file):
            warm[file if name in warm else name] = bench.bound(load_policy(file))
    return genomes_of(Material(bench.space, sizes_of(bench), warm, calibrate, lambda: prompts_of(bench), fitted))


def prompts_of(bench: Workbench) -> list[str]:
    """The prompts of the search items, as their tasks word them."""
    return [item.prompt for item in bench.items["search"]]


def sizes_of(bench: Workbench) -> dict[str, MemberSize]:
    """How big the loaded members are, by name."""
    return {
        name: MemberSize(
            shape.parameters, 2.0 * (shape.active_parameters + shape.output_parameters), shape.parameter_bytes
        )
        for name, shape in bench.swarm.shapes.items()
    }
