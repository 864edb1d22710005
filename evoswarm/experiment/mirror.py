"""A search in MLflow's words: what its parameters, tags, metrics, table and child runs are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, get_args

from evoswarm.certificate.compared import Compared
from evoswarm.certificate.document import Certificate
from evoswarm.decoding.request import DEPTH_NAMES
from evoswarm.evaluation.candidate import Scored
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.failure import FailureKind
from evoswarm.policies import PolicyDocument
from evoswarm.rivals.diagnostics import UNIFORM_POOL
from evoswarm.rivals.fitted import R5
from evoswarm.run_directory import RunDirectory
from evoswarm.space import SearchSpace
from evoswarm.tracking import ChildRun, Outcome, SearchRun, Tracker, flattened

MOST_CHILDREN = 12

_PLAIN = (
    "evaluations",
    "new_evaluations",
    "decoded",
    "close_decisions",
    "at_limit",
    "cut_off",
    "tokens_per_second",
    "evaluations_per_second",
    "seconds",
    "prefix_reuse",
    "best_accuracy",
)


def search_run(space: SearchSpace, run: RunDirectory) -> SearchRun:
    """The search as an MLflow run: the flattened space, and tags that tell what was searched.

    Args:
        space: with fingerprints filled in.
        run: the run directory.
    """
    tags = {
        "evoswarm.version": version("evoswarm"),
        "evoswarm.space": space.name,
        "evoswarm.seed": str(space.seed),
        **{f"evoswarm.fingerprint.{spec.name}": str(spec.fingerprint) for spec in space.pool},
    }
    parameters = flattened(space.model_dump(mode="json", by_alias=True))
    return SearchRun(run.path.name, run, parameters, tags)


def metrics(figures: Mapping[str, Any], space: SearchSpace) -> dict[str, float | None]:
    """A generation's metrics: for the search as a whole, and per island as ``islandN/...``.

    ``best``, ``mean`` and ``median`` are of the first objective; further ones follow as ``best_NAME`` and so on. None
    is a figure that this generation lacks (nothing was decoded, say): it has a point all the same.

    Args:
        figures: of the generation, as the journal has them; what is not among them was not told then.
        space: that is searched; how long its answers may be says how deep sharing can be looked at.
    """
    deepest = max(task.max_bytes for task in space.tasks).bit_length()
    values: dict[str, float | None] = {f"sharing/{name}": None for name in DEPTH_NAMES[: deepest + 1]}
    values |= {"generation": figures["generation"]} | {name: figures.get(name) for name in _PLAIN}
    values |= _failed(figures, space)
    values |= figures.get("engine", {})
    for report in figures.get("islands", ()):
        place = f"island{report['island']}"
        values |= {
            f"{place}/{name}": report.get(name)
            for name in ("diversity", "evaluated", "failures", "arrivals", "stagnant")
        }
        for statistic in ("best", "mean", "median"):
            values |= _named(f"{place}/{statistic}", report.get(statistic, {}), space.objectives)
    return values | _overall(figures, space)


def lineage(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The lines of ``individuals.jsonl`` as the columns of a table; nested values are dotted or joined.

    Every gene has a column of its own: ``gene.weights.0`` and so on.
    """
    flat = []
    for row in rows:
        plain = {key: value for key, value in row.items() if key not in ("genome", "parents", "objectives")}
        plain["gene"] = row.get("genome") or {}
        plain["parents"] = " ".join(row["parents"])
        plain["objectives"] = " ".join(f"{value:.10g}" for value in row["objectives"])
        flat.append(flattened(plain))
    names = list(dict.fromkeys(name for row in flat for name in row))
    return {name: [row.get(name) for row in flat] for name in names}


def champions(result: SearchResult, genomes: Mapping[str, Mapping[str, Any]]) -> list[ChildRun]:
    """The champion and the Pareto front as child runs.

    Args:
        result: of the search.
        genomes: as JSON data, by policy digest, as far as they are known.
    """
    champion = result.selection.champion
    others = [s for s in result.front if s.policy.digest != champion.policy.digest]
    named = [("champion", champion), *((f"front: {s.name}", s) for s in others)]
    return [_child(name, standing, genomes.get(standing.policy.digest)) for name, standing in named[:MOST_CHILDREN]]


def outcome(document: PolicyDocument, certificate: Certificate | None = None) -> Outcome:
    """What a search came to in its own run's words: its champion, what that scored, and what its certificate says.

    Args:
        document: of the champion.
        certificate: of it, where it has one.
    """
    about = document.about
    tags = {"evoswarm.champion": document.policy.digest}
    values: dict[str, float] = {}
    if about is None:
        return Outcome(values, tags)
    for name, split in (("selection_accuracy", about.selection), ("test_accuracy", about.test)):
        if split is not None:
            values |= _with_interval(name, split.accuracy, split.low, split.high)
            for task, one in split.by_task.items():
                values[f"{name}/{task}"] = one.accuracy
    if about.expected is not None:
        values |= _with_interval("expected_accuracy", about.expected.accuracy, about.expected.low, about.expected.high)
    compared = () if certificate is None else (*certificate.rivals, *_unsearched(certificate))
    for rival in compared:
        gain = rival.difference
        values |= _with_interval(f"gain/{rival.key}", gain.mean, gain.low, gain.high)
    verdict = about.verdict
    refused = ("refused", about.refusal) if about.refusal else ("none", "It has not been certified.")
    word, sentence = refused if verdict is None else (verdict.outcome, verdict.sentence)
    forced = str(verdict is not None and verdict.forced).lower()
    said = {"evoswarm.verdict": word, "evoswarm.verdict_sentence": sentence, "evoswarm.forced": forced}
    return Outcome(values, tags | said)


def _unsearched(certificate: Certificate) -> list[Compared]:
    """The mixes that are had without a search."""
    return [one for one in certificate.diagnostics if one.key in (UNIFORM_POOL, R5)]


def _failed(figures: Mapping[str, Any], space: SearchSpace) -> dict[str, float | None]:
    """Evaluations that failed: all of them, by kind, and by the member to blame."""
    values: dict[str, float | None] = {"failed_items": figures.get("failed_items")}
    rows = figures.get("failed", ())
    for kind in get_args(FailureKind):
        values[f"failed_items/{kind}"] = sum(row["items"] for row in rows if row["kind"] == kind)
    for spec in space.pool:
        values[f"failed_items/member/{spec.name}"] = sum(row["items"] for row in rows if row.get("member") == spec.name)
    return values


def _overall(figures: Mapping[str, Any], space: SearchSpace) -> dict[str, float | None]:
    """Over all islands: the best of the first objective, means of the rest."""
    first, islands = space.objectives[0], figures.get("islands", ())
    able = [report for report in islands if first in report.get("best", {})]
    if not able:
        return {}
    bests = [report["best"][first] for report in able]
    return {
        "best": max(bests) if first.startswith("accuracy") else min(bests),
        "mean": sum(report["mean"][first] for report in able) / len(able),
        "median": sum(report["median"][first] for report in able) / len(able),
        "diversity": sum(report["diversity"] for report in islands) / len(islands),
    }


def _named(prefix: str, values: Mapping[str, float], objectives: Sequence[str]) -> dict[str, float]:
    names = [prefix, *(f"{prefix}_{name.replace(':', '.')}" for name in objectives[1:])]
    return {name: values[one] for name, one in zip(names, objectives, strict=True) if one in values}


def _with_interval(name: str, mean: float, low: float, high: float) -> dict[str, float]:
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _child(name: str, standing: Scored, genome: Mapping[str, Any] | None) -> ChildRun:
    summary = standing.summary
    figures = {
        "selection_accuracy": standing.accuracy,
        "flops": summary.cost.flops,
        "weight_reads": summary.cost.weight_reads,
        "passes": summary.cost.passes,
        "tokens": summary.cost.tokens,
        "open_share": summary.open_share,
        "failed_items": summary.failures,
        "cut_off": summary.cut_off,
        **{f"selection_accuracy/{task}": score for task, score in summary.by_task.items()},
    }
    genes = {} if genome is None else {f"gene.{key}": value for key, value in flattened(genome).items()}
    parameters = {**standing.policy.parameters(), **genes}
    return ChildRun(name, standing.policy.digest, parameters, figures, standing.policy.to_json())


def wait(tracker: Tracker, progress: Progress) -> None:
    """Let go of a tracker, which waits until MLflow has heard everything; whoever waits with it is told."""
    if tracker.alive:
        progress.enter("tracking", "telling MLflow")
    tracker.close()
