"""What must hold between the parts of a search space. Only the space itself is looked at, no file and no library."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain

from evoswarm.errors import show
from evoswarm.evolution.algorithms import ALGORITHMS, ARCHIPELAGO, GENETIC, ISLANDS
from evoswarm.fusion import GATING, RULES, parameters_of
from evoswarm.settings import LONGEST_NAME, Contradiction, KeyPath, duplicates
from evoswarm.space.ending import ChampionSettings
from evoswarm.space.genome_settings import GenomeSettings
from evoswarm.space.settings import IslandOverrides, SpaceSettings
from evoswarm.tasks.task import SPLITS


def check_coherence(space: SpaceSettings) -> None:
    """Refuse a space that contradicts itself.

    Raises:
        Contradiction: the first that is found, with the path of the field to blame.
    """
    checks = (
        _pool,
        _templates_told,
        _tasks,
        _splits,
        _genome,
        _without_effect,
        _alphabets,
        _islands,
        _algorithm,
        _edges,
        _objectives,
        _racing,
    )
    for contradiction in chain.from_iterable(check(space) for check in checks):
        raise contradiction


def _pool(space: SpaceSettings) -> Iterator[Contradiction]:
    yield from duplicates([member.name for member in space.pool], ("pool",), "name")
    for index, member in enumerate(space.pool):
        if len(member.name) > LONGEST_NAME:
            yield Contradiction(
                ("pool", index, "name"), f"expected at most {LONGEST_NAME} characters, got {len(member.name)}"
            )
        if member.path.startswith("zoo:") and member.revision is not None:
            yield Contradiction(
                ("pool", index, "revision"), f"expected null (built-in members have none), got {show(member.revision)}"
            )


def _templates_told(space: SpaceSettings) -> Iterator[Contradiction]:
    for key in ("system", "template_options", "template_date"):
        if getattr(space, key) and not any(member.chat_template for member in space.pool):
            yield Contradiction((key,), "expected a member with chat_template: true (no other is told it), got none")


def _tasks(space: SpaceSettings) -> Iterator[Contradiction]:
    yield from duplicates([task.name for task in space.tasks], ("tasks",), "name")
    for index, task in enumerate(space.tasks):
        for found in task.contradictions():
            yield Contradiction(("tasks", index, *found.path), str(found))


def _splits(space: SpaceSettings) -> Iterator[Contradiction]:
    total = math.fsum(space.splits.shares)
    if not math.isclose(total, 1.0, abs_tol=1e-9):
        yield Contradiction(("splits", "shares"), f"expected three shares that sum to 1, got a sum of {total:.6g}")
    for split in SPLITS:
        count = getattr(space.splits, split)
        if count < len(space.tasks):
            yield Contradiction(
                ("splits", split), f"expected at least {len(space.tasks)} (one item of every task), got {count}"
            )


def _genome(space: SpaceSettings) -> Iterator[Contradiction]:
    genome = space.genome
    names = [member.name for member in space.pool]
    if genome.max_members is not None and genome.max_members > len(names):
        yield Contradiction(
            ("genome", "max_members"), f"expected at most {len(names)} (the pool has no more), got {genome.max_members}"
        )
    for index, lead in enumerate(genome.leads or ()):
        if lead not in names:
            yield Contradiction(
                ("genome", "leads", index), f"expected a member of the pool ({', '.join(names)}), got {show(lead)}"
            )
    for field in ("leads", "rules", "samples"):
        yield from duplicates(getattr(genome, field) or (), ("genome", field))
    fields = ("weight", "temperature", "open_share", "sampling_temperature")
    ranges = {field: getattr(genome, field) for field in fields}
    known = parameters_of(RULES)
    ranges |= {known[name].file_key: values for name, values in genome.parameters.items()}
    for key, (low, high) in ranges.items():
        if not low <= high:
            yield Contradiction(("genome", key), f"expected [low, high] with low <= high, got {show((low, high))}")


def _without_effect(space: SpaceSettings) -> Iterator[Contradiction]:
    """Ranges and limits that nothing searched for would ever look at."""
    genome, routes = space.genome, space.champion.routes
    kind, default = genome.kind, ChampionSettings().routes
    if kind != "route" and genome.routes != GenomeSettings().routes:
        yield Contradiction(
            ("genome", "routes"), f"expected no routes (only kind: route has them), got {genome.routes}"
        )
    if kind != "mix" and routes >= 2 and routes != default:
        yield Contradiction(
            ("champion", "routes"), f"expected no routes (only a search for kind: mix composes them), got {routes}"
        )
    used = parameters_of(genome.rules)
    for name, parameter in parameters_of(RULES).items():
        if not parameter.optional or not genome.opens(parameter):
            continue  # what every search draws, or none
        reason = None
        if kind == "vote":
            reason = "kind: vote mixes no distributions"
        elif name not in used:
            reason = f"no rule of genome.rules has it: {', '.join(genome.rules)}"
        elif parameter in GATING and not genome.gates:
            reason = "gates: false leaves no gates to move"
        elif parameter.under and not genome.opens(used[parameter.under]):
            reason = f"it does nothing without {used[parameter.under].file_key}"
        if reason is not None:
            yield Contradiction(
                ("genome", parameter.file_key),
                f"expected no {parameter.file_key} ({reason}), got {show(genome.parameters[name])}",
            )


def _alphabets(space: SpaceSettings) -> Iterator[Contradiction]:
    among = space.genome.alphabets
    if among is None:
        return
    yield from duplicates(among, ("genome", "alphabets"))
    if space.alphabet not in ("auto", among[0]):
        yield Contradiction(
            ("alphabet",),
            f"expected auto or {among[0]} (genome.alphabets says what recipes may be in, and its first is that of the "
            f"plain ones), got {show(space.alphabet)}",
        )


def _islands(space: SpaceSettings) -> Iterator[Contradiction]:
    evolution = space.evolution
    listed = (IslandOverrides(),) if isinstance(evolution.islands, int) else evolution.islands
    for index, island in enumerate(listed):
        path: KeyPath = ("evolution", "islands", index)
        population = evolution.population if island.population is None else island.population
        elites = evolution.elites if island.elites is None else island.elites
        if elites >= population and island.algorithm in (None, GENETIC):
            own = next((field for field in ("elites", "population") if getattr(island, field) is not None), None)
            yield Contradiction(
                ("evolution", "elites") if own is None else (*path, own),
                f"expected fewer elites than the population (room for children), got {elites} elites of {population}",
            )
        if evolution.migration.count > population:
            yield Contradiction(
                ("evolution", "migration", "count"),
                f"expected at most {population} (the population of an island), got {evolution.migration.count}",
            )
        yield from _objective_weights(space, island, (*path, "objective_weights"))
        yield from _island_algorithm(space, island, path)


def _algorithm(space: SpaceSettings) -> Iterator[Contradiction]:
    algorithm = space.evolution.algorithm
    count, kind = len(space.objectives), ALGORITHMS[algorithm]
    if not kind.takes(count):
        yield Contradiction(
            ("evolution", "algorithm"),
            f"expected an algorithm for {count} objective{'s' * (count > 1)} ({algorithm} optimises "
            f"{kind.optimises}), got {algorithm!r}",
        )


def _island_algorithm(space: SpaceSettings, island: IslandOverrides, path: KeyPath) -> Iterator[Contradiction]:
    """What an island's own algorithm can optimise, and which of the settings it would ignore."""
    name = island.algorithm
    if name is None or name == GENETIC:
        return
    whole = space.evolution.algorithm
    if whole != ARCHIPELAGO:
        yield Contradiction(
            (*path, "algorithm"), f"expected null (the algorithm of the whole search is {whole}), got {name!r}"
        )
    count, kind = len(space.objectives) if island.objective_weights is None else 1, ISLANDS[name]
    if not kind.takes(count):
        weights = "; objective_weights make one of them" if count > 1 and kind.takes(1) else ""
        yield Contradiction(
            (*path, "algorithm"),
            f"expected an algorithm for {count} objective{'s' * (count > 1)} ({name} optimises {kind.optimises}"
            f"{weights}), got {name!r}",
        )
    for field in ("crossover", "mutation", "mutated_genes", "tournament", "elites"):
        if getattr(island, field) is not None:
            yield Contradiction(
                (*path, field), f"expected null ({name} has no such setting), got {show(getattr(island, field))}"
            )


def _objective_weights(space: SpaceSettings, island: IslandOverrides, path: KeyPath) -> Iterator[Contradiction]:
    weights = island.objective_weights
    for name in weights or ():
        if name not in space.objectives:
            yield Contradiction(
                (*path, name), f"expected one of the objectives ({', '.join(space.objectives)}), got {name!r}"
            )
    if weights is not None and not any(weights.values()):
        yield Contradiction(path, "expected a weight above 0, got only zeros")


def _edges(space: SpaceSettings) -> Iterator[Contradiction]:
    evolution = space.evolution
    count = evolution.islands if isinstance(evolution.islands, int) else len(evolution.islands)
    path: KeyPath = ("evolution", "edges")
    if evolution.edges and evolution.topology != "edges":
        yield Contradiction(path, f"expected no edges (only topology: edges has them), got {len(evolution.edges)}")
    if not evolution.edges and evolution.topology == "edges":
        yield Contradiction(path, "expected a list of [from, to] (the topology is edges), got none")
    for index, edge in enumerate(evolution.edges):
        for end, island in enumerate(edge):
            if island >= count:
                yield Contradiction((*path, index, end), f"expected an island from 0 to {count - 1}, got {island}")
        if edge[0] == edge[1]:
            yield Contradiction((*path, index), f"expected an edge between two islands, got {list(edge)}")
    yield from duplicates(evolution.edges, path)


def _objectives(space: SpaceSettings) -> Iterator[Contradiction]:
    yield from duplicates(space.objectives, ("objectives",))
    names = [task.name for task in space.tasks]
    for index, objective in enumerate(space.objectives):
        task = objective.partition(":")[2]
        if task and task not in names:
            yield Contradiction(
                ("objectives", index), f"expected one of the tasks ({', '.join(names)}), got {show(task)}"
            )
    if not any(objective.startswith("accuracy") for objective in space.objectives):
        yield Contradiction(
            ("objectives",),
            f"expected an accuracy among the objectives (the cheapest recipe alone is worthless), "
            f"got {', '.join(space.objectives)}",
        )


def _racing(space: SpaceSettings) -> Iterator[Contradiction]:
    if space.racing is None:
        return
    if len(space.objectives) > 1:
        yield Contradiction(
            ("racing",),
            "expected null (who could still be selected is decided by one objective: a Pareto front keeps whoever is "
            f"the best of anything), got rungs and {len(space.objectives)} objectives",
        )
    algorithm = space.evolution.algorithm
    if not ALGORITHMS[algorithm].islands:
        yield Contradiction(
            ("racing",), f"expected null ({algorithm} has no islands whose places could be raced for), got rungs"
        )
    everything = space.splits.search
    sizes, least = space.racing.sizes(everything), len(space.tasks)
    for index, (rung, size) in enumerate(zip(space.racing.rungs, sizes, strict=True)):
        path: KeyPath = ("racing", "rungs", index)
        if not least <= size <= everything:
            items = show(rung) if isinstance(rung, int) else f"{show(rung)}, which is {size}"
            yield Contradiction(
                path, f"expected {least} (one item of every task) to {everything} (all search items), got {items}"
            )
        if index and size <= sizes[index - 1]:
            yield Contradiction(path, f"expected more items than the rung before, got {sizes[index - 1]} and {size}")
