"""What genomes need before the first of them is expressed: entropies of the leads, sizes of the members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from evoswarm.controls.plain import single
from evoswarm.decoding.request import Request
from evoswarm.evaluation.evaluation import digest_of
from evoswarm.evaluation.evaluator import Stopped
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.genes import MemberSize
from evoswarm.genomes.representation import RecipeRepresentation
from evoswarm.genomes.thresholds import Calibration
from evoswarm.recipe import Recipe
from evoswarm.run_directory import RunDirectory
from evoswarm.tasks.task import Item

CALIBRATION_ITEMS = 64
CALIBRATION = "calibration.json"


def calibration_of(
    bench: Workbench, run: RunDirectory, stop: Callable[[], bool], on_stage: Callable[[str], None]
) -> Calibration:
    """The entropies of every possible lead; read back when the run has them, or the ledger.

    Raises:
        Stopped: ``stop`` said so.
    """
    text = run.read(CALIBRATION)
    if text is not None:
        return Calibration.from_json(text, str(run.path / CALIBRATION))
    leads = bench.space.genome.leads or tuple(spec.name for spec in bench.pool)
    items = bench.items["search"][:CALIBRATION_ITEMS]
    digest, ledger = _digest(bench, leads, items), bench.evaluator.ledger
    text = ledger.calibration(digest)
    if text is None:
        on_stage(f"calibrating {len(leads)} possible leads")
        text = ledger.calibrate(digest, calibrate(bench, leads, items, stop).to_json())
    run.write(CALIBRATION, text)
    return Calibration.from_json(text, ledger.path)


def _digest(bench: Workbench, leads: Sequence[str], items: Sequence[Item]) -> str:
    """What decides a calibration: the leads by name, recipe and context, and the items."""
    alone = {spec.name: single(bench.space, spec) for spec in bench.pool if spec.name in leads}
    evaluator = bench.evaluator
    recipes = {name: [recipe.digest, evaluator.context(recipe)] for name, recipe in alone.items()}
    formats = {recipe.prompt_format for recipe in alone.values()}
    asked = [[item.task, *(evaluator.item_digest(item, text) for text in sorted(formats))] for item in items]
    return digest_of([recipes, asked])


def calibrate(bench: Workbench, leads: Sequence[str], items: Sequence[Item], stop: Callable[[], bool]) -> Calibration:
    """The entropies that each possible lead shows when it decodes the calibration items alone, greedily.

    Raises:
        Stopped: ``stop`` said so.
    """
    requests, places = [], []
    for spec in bench.pool:
        for item in items if spec.name in leads else ():
            task = bench.tasks[item.task]
            alone = single(bench.space, spec)
            requests.append(Request(alone, item.prompt, item.key, max_bytes=task.max_bytes, stop=task.stop, trace=True))
            places.append((spec.name, item.task))
    entropies: dict[str, dict[str, list[float]]] = {name: {} for name in leads}
    completions = bench.swarm.decode(requests, stop_after=stop)
    if stop():
        raise Stopped("stopped as asked")
    for (lead, task_name), completion in zip(places, completions, strict=True):
        entropies[lead].setdefault(task_name, []).extend(step.entropy for step in completion.trace)
    return Calibration.of(entropies)


def representation_of(bench: Workbench, calibration: Calibration) -> RecipeRepresentation:
    """The genomes of a space, with the sizes of its loaded members and the recipes it starts from."""
    warm = {Path(file).stem: bench.bound(Recipe.load(Path(file).expanduser())) for file in bench.space.warm_start}
    return RecipeRepresentation(bench.space, calibration, sizes_of(bench), warm)


def sizes_of(bench: Workbench) -> dict[str, MemberSize]:
    """How big the loaded members are, by name."""
    return {
        name: MemberSize(
            shape.parameters, 2.0 * (shape.active_parameters + shape.output_parameters), shape.parameter_bytes
        )
        for name, shape in bench.swarm.shapes.items()
    }
