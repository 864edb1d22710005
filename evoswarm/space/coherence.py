"""What must hold between the parts of a search space. Only the space itself is looked at, no file and no library."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import Any

from evoswarm.space.base_settings import LONGEST_NAME
from evoswarm.space.explain import Contradiction
from evoswarm.space.settings import IslandSettings, SpaceSettings
from evoswarm.space.source_map import Path
from evoswarm.space.strict_yaml import show
from evoswarm.space.task_settings import DatasetSettings, ReasoningGymSettings, ScorerSettings
from evoswarm.tasks.compact_forms import FAMILIES
from evoswarm.tasks.scorers import KINDS
from evoswarm.tasks.task import SPLITS
from evoswarm.tasks.template import Template
from evoswarm.tasks.user_scorer import FORM

_USED_BY: dict[str, tuple[str, ...]] = {
    "pattern": ("regex",),
    "choices": ("choice",),
    "ignore_case": ("exact", "contains", "choice", "regex"),
    "tolerance": ("numeric",),
    "behind": ("exact", "contains", "numeric", "choice"),
    "seconds": ("module:function",),
    "memory_gb": ("module:function",),
}
SINGLE_OBJECTIVE = frozenset({"cmaes"})
"""Algorithms that optimise one objective only."""

ISLANDS = frozenset({"archipelago", "island"})
"""Algorithms with islands, whose places can be raced for."""

_STORE = re.compile(
    r"https?://[^/\s]\S*|(sqlite|postgresql|mysql|mssql)(\+\w+)?://\S+|file:\S+|(databricks|uc)(://\S+|-uc)?|[./].*"
)


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
        _islands,
        _algorithm,
        _edges,
        _objectives,
        _racing,
        _prompt_format,
        _tracking,
    )
    for contradiction in chain.from_iterable(check(space) for check in checks):
        raise contradiction


def _pool(space: SpaceSettings) -> Iterator[Contradiction]:
    yield from _doubles([member.name for member in space.pool], ("pool",), "name")
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


def _doubles(values: Sequence[Any], path: Path, field: str | None = None) -> Iterator[Contradiction]:
    for index, value in enumerate(values):
        if value in values[:index]:
            place = (*path, index) if field is None else (*path, index, field)
            yield Contradiction(
                place, f"expected {'names' if field else 'entries'} that differ, got {show(value)} twice"
            )


def _tasks(space: SpaceSettings) -> Iterator[Contradiction]:
    yield from _doubles([task.name for task in space.tasks], ("tasks",), "name")
    for index, task in enumerate(space.tasks):
        path: Path = ("tasks", index)
        yield from _scorer(task.scorer, (*path, "scorer"), isinstance(task, ReasoningGymSettings))
        if isinstance(task, DatasetSettings):
            yield from _templates(task, path)
        elif task.few_shot.answer is not None:
            yield Contradiction(
                (*path, "few_shot", "answer"),
                f"expected no answer (only items of a dataset have columns), got {task.few_shot.answer[:60]!r}",
            )
        elif task.form == "compact" and task.family not in FAMILIES:
            yield Contradiction(
                (*path, "family"),
                f"expected a family with a compact form ({_nearest(task.family, FAMILIES)}; any other family of "
                f"reasoning-gym takes form: question), got {show(task.family)}",
            )
        elif task.form == "question" and task.family == "pair":
            yield Contradiction((*path, "form"), "expected compact (pair has no other form), got 'question'")


def _templates(task: DatasetSettings, path: Path) -> Iterator[Contradiction]:
    texts: dict[Path, str | None] = {("prompt",): task.prompt, ("answer",): task.answer}
    texts["few_shot", "answer"] = task.few_shot.answer
    for field, text in texts.items():
        if text is None:
            continue
        try:
            columns = Template.parse(text).columns
        except ValueError as error:
            yield Contradiction((*path, *field), str(error))
            continue
        if not columns:
            yield Contradiction((*path, *field), f"expected a {{column}} in the template, got none in {text[:60]!r}")


def _scorer(scorer: ScorerSettings, path: Path, verifiable: bool) -> Iterator[Contradiction]:
    kind = scorer.kind
    own = FORM.fullmatch(kind) is not None
    if kind not in KINDS and not own:
        what = "module:function" if ":" in kind else f"a scorer or module:function ({_nearest(kind, KINDS)})"
        yield Contradiction((*path, "kind"), f"expected {what}, got {show(kind)}")
        return
    if kind == "verifier" and not verifiable:
        yield Contradiction(
            (*path, "kind"), "expected another scorer (only reasoning_gym tasks have a verifier), got 'verifier'"
        )
    for field, kinds in _USED_BY.items():
        value = getattr(scorer, field)
        if ("module:function" if own else kind) not in kinds and value != ScorerSettings.model_fields[field].default:
            yield Contradiction(
                (*path, field), f"expected no {field} (only {' and '.join(kinds)} use it), got {show(value)}"
            )
    if kind == "regex":
        yield from _pattern(scorer.pattern, (*path, "pattern"))
    yield from _doubles(scorer.choices, (*path, "choices"))


def _pattern(pattern: str | None, path: Path) -> Iterator[Contradiction]:
    if pattern is None:
        yield Contradiction(path, "expected a regular expression (the scorer is regex), got nothing")
        return
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        yield Contradiction(path, f"expected a regular expression, got {pattern[:60]!r}: {error}")


def _nearest(name: str, known: Collection[str]) -> str:
    """The one that was probably meant, else all."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else ", ".join(known)


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
        yield from _doubles(getattr(genome, field) or (), ("genome", field))
    ranges = ("weight", "temperature", "open_share", "alpha", "beta", "contrast", "sampling_temperature")
    for field in ranges:
        low, high = getattr(genome, field)
        if not low <= high:
            key = type(genome).model_fields[field].alias or field
            yield Contradiction(("genome", key), f"expected [low, high] with low <= high, got {show((low, high))}")


def _islands(space: SpaceSettings) -> Iterator[Contradiction]:
    evolution = space.evolution
    listed = (IslandSettings(),) if isinstance(evolution.islands, int) else evolution.islands
    for index, island in enumerate(listed):
        path: Path = ("evolution", "islands", index)
        population = evolution.population if island.population is None else island.population
        elites = evolution.elites if island.elites is None else island.elites
        if elites >= population:
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


def _algorithm(space: SpaceSettings) -> Iterator[Contradiction]:
    algorithm = space.evolution.algorithm
    if algorithm in SINGLE_OBJECTIVE and len(space.objectives) > 1:
        yield Contradiction(
            ("evolution", "algorithm"),
            f"expected an algorithm for {len(space.objectives)} objectives ({algorithm} optimises one), "
            f"got {algorithm!r}",
        )


def _objective_weights(space: SpaceSettings, island: IslandSettings, path: Path) -> Iterator[Contradiction]:
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
    path: Path = ("evolution", "edges")
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
    yield from _doubles(evolution.edges, path)


def _objectives(space: SpaceSettings) -> Iterator[Contradiction]:
    yield from _doubles(space.objectives, ("objectives",))
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
    if algorithm not in ISLANDS:
        yield Contradiction(
            ("racing",), f"expected null ({algorithm} has no islands whose places could be raced for), got rungs"
        )
    everything = space.splits.search
    sizes, least = space.racing.sizes(everything), len(space.tasks)
    for index, (rung, size) in enumerate(zip(space.racing.rungs, sizes, strict=True)):
        path: Path = ("racing", "rungs", index)
        if not least <= size <= everything:
            items = show(rung) if isinstance(rung, int) else f"{show(rung)}, which is {size}"
            yield Contradiction(
                path, f"expected {least} (one item of every task) to {everything} (all search items), got {items}"
            )
        if index and size <= sizes[index - 1]:
            yield Contradiction(path, f"expected more items than the rung before, got {sizes[index - 1]} and {size}")


def _prompt_format(space: SpaceSettings) -> Iterator[Contradiction]:
    if "{prompt}" not in space.prompt_format:
        yield Contradiction(
            ("prompt_format",), f"expected a text with {{prompt}} in it, got {space.prompt_format[:60]!r}"
        )


def _tracking(space: SpaceSettings) -> Iterator[Contradiction]:
    uri = space.tracking.uri
    if uri is not None and not _STORE.fullmatch(uri):
        yield Contradiction(
            ("tracking", "uri"), f"expected http(s)://HOST, sqlite:///FILE or file:DIRECTORY, got {uri[:60]!r}"
        )
