"""What a search ends with, and the files of the end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.certificate.document import Certificate
from evoswarm.evaluation.candidate import Scored
from evoswarm.evaluation.cost import Cost
from evoswarm.evaluation.evaluation import Summary
from evoswarm.experiment.estimating import Expectation
from evoswarm.experiment.files.places import FRONT as FRONT
from evoswarm.experiment.files.places import PAGE as PAGE
from evoswarm.experiment.files.places import RECIPES as RECIPES
from evoswarm.experiment.files.policy_files import PolicyOrigin, certificate_in
from evoswarm.experiment.finalists import PLAIN as PLAIN
from evoswarm.experiment.first_look.look import FirstLook
from evoswarm.experiment.selection import Selection
from evoswarm.experiment.spoilt import Spoilt, warnings_of_champion
from evoswarm.policies import Policy, PolicyDocument
from evoswarm.policies.about import Accuracy
from evoswarm.run_directory import CERTIFICATE, CHAMPION, MEANINGS, RunDirectory


@dataclass(frozen=True)
class SearchResult:
    """The outcome of a search.

    Attributes:
        champion: the policy to use.
        selection: how it was chosen: all contenders on the selection split, and the Pareto front.
        directory: of the run.
        ledger: the file of all evaluations.
        reason: why the search ended: ``generations``, ``stop_at.accuracy``, ``budget.evaluations``,
            ``budget.decoded_tokens``, ``budget.flops``, ``budget.seconds``.
        limit: the value of the setting that ended it.
        generations: how many there were.
        evaluations: (recipe, item) pairs asked for.
        seconds: that it took, in this process.
        example: a question to try the champion on, and its task where that has to be named.
        search_accuracy: of the finalists on the search split, by name.
        origin: what the files of its policies say about them.
        tracking_uri: MLflow's store, if it has heard of the search.
        certificate: the verdict on held-out items; None where none was asked for, or it was refused.
        refusal: why it was refused: the items had been opened for another champion, or the champion scored nothing.
        remedy: what can be done about it, where anything can.
        on_search: the champion on the search split; None where it was not scored on all of it.
        first_look: what the members do alone on the calibration items.

    Example:
        >>> result.champion == Recipe.load(result.directory)
        True
        >>> result.reason, result.limit
        ('generations', 2)
    """

    champion: Policy
    selection: Selection
    directory: Path
    ledger: Path
    reason: str
    limit: float | None
    generations: int
    evaluations: int
    seconds: float
    example: tuple[str, str | None]
    search_accuracy: Mapping[str, float]
    origin: PolicyOrigin
    tracking_uri: str | None = None
    certificate: Certificate | None = None
    refusal: str | None = None
    remedy: str | None = None
    on_search: Summary | None = None
    first_look: FirstLook | None = None

    @property
    def accuracy(self) -> float:
        """The champion's, on the selection split."""
        return self.selection.champion.accuracy

    @property
    def cost(self) -> Cost:
        """The champion's mean per item, deployed alone."""
        return self.selection.champion.summary.cost

    @property
    def front(self) -> tuple[Scored, ...]:
        """The Pareto front."""
        return self.selection.front

    @property
    def comparison(self) -> tuple[Scored, ...]:
        """All contenders on the selection split, best first."""
        return self.selection.contenders

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the champion's accuracies must know of its wrong answers, a sentence each."""
        searched = None if self.on_search is None else Spoilt.of(self.on_search)
        return warnings_of_champion(searched, self.selection.champion.summary, self.certificate)

    def written(self) -> list[tuple[Path, str]]:
        """What lies where, for people."""
        return written_files(self.directory, self.ledger)

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "champion": str(self.directory / CHAMPION),
            "digest": self.champion.digest,
            "directory": str(self.directory),
            "reason": self.reason,
            "generations": self.generations,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
            "certificate": None if self.certificate is None else str(self.directory / CERTIFICATE),
            "verdict": None if self.certificate is None else self.certificate.verdict.model_dump(mode="json"),
            "refusal": self.refusal,
            "warnings": list(self.warnings),
            "selection": _figures(self.selection.champion, self.selection),
            "rivals": [_figures(s, self.selection) for s in self.comparison if s.candidate.key == PLAIN],
            "made": [_figures(s, self.selection) for s in self.comparison if s.policy.digest in self.selection.made],
            "front": [_figures(s, self.selection) for s in self.front],
        }


def written_files(directory: Path, ledger: Path) -> list[tuple[Path, str]]:
    """What lies where once a search has ended, for people.

    Args:
        directory: of the run.
        ledger: the file of all evaluations.
    """
    found = [(directory / name, meaning) for name, meaning in MEANINGS.items()]
    return [*(line for line in found if line[0].exists()), (ledger, "every evaluation of all runs")]


def write_result(run: RunDirectory, result: SearchResult) -> None:
    """Write ``recipes/``, ``front.json`` and ``champion.json``.

    Raises:
        RunError: the directory cannot be written.
    """
    selection = result.selection
    own, known = champion_document(run, result)
    files = {standing.policy.digest: f"{RECIPES}/{slug(standing.name)}.json" for standing in selection.contenders}
    for standing in selection.contenders:
        its = known if standing.policy.digest == result.champion.digest else None
        expected = selection.estimates.get(standing.policy.digest)
        document = result.origin.document(standing.policy, standing.summary, its, expected=_expected(expected))
        run.write(files[standing.policy.digest], document.to_json())

    def rows(standings: Sequence[Scored]) -> list[dict[str, Any]]:
        figures = [{**_figures(s, selection), "recipe": files[s.policy.digest]} for s in standings]
        for row in figures:
            del row["close_decisions"]  # margins depend on what was decoded side by side, and these files do not
            for rare in ("failed", "at_limit", "cut_off"):  # said only where there is something to say
                if not row[rare]:
                    del row[rare]
        return figures

    front = {
        "split": "selection",
        "objectives": list(selection.objectives),
        "champion": selection.champion.policy.digest,
        "winner": selection.winner.policy.digest,
        "dropped": list(selection.dropped),
        "best": selection.best.policy.digest,
        "standard_error": selection.standard_error,
        "reference": selection.reference,
        "reference_accuracy": selection.reference_accuracy,
        "thrifty": selection.thrifty,
        "made": [one.policy.digest for one in selection.contenders if one.policy.digest in selection.made],
        "example": dict(zip(("question", "task"), result.example, strict=True)),
        "on_search": None if result.on_search is None else Spoilt.of(result.on_search).to_json(),
        "search_accuracy": dict(result.search_accuracy),
        "front": rows(selection.front),
        "contenders": rows(selection.contenders),
    }
    run.write_json(FRONT, front)
    run.write(CHAMPION, own.to_json())


def champion_document(run: RunDirectory, result: SearchResult) -> tuple[PolicyDocument, Certificate | None]:
    """The champion's file, with the certificate that a search which goes on, or is replayed, has given it before."""
    known = certificate_in(run, result.champion)
    selection, expected = result.selection, _expected(result.selection.estimate)
    return result.origin.document(result.champion, selection.champion.summary, known, expected=expected), known


def accuracy_of(estimate: Mapping[str, Any]) -> Accuracy:
    """What is expected of a policy, as its file says it, by what ``front.json`` says.

    Raises:
        ValueError: it is no estimate.
    """
    try:
        accuracy, low, high = (float(estimate[name]) for name in ("accuracy", "low", "high"))
        return Accuracy(items=estimate["items"], accuracy=accuracy, low=min(low, accuracy), high=max(high, accuracy))
    except (KeyError, TypeError) as error:
        raise ValueError(f"expected an estimate of an accuracy, got {estimate!r:.80}") from error


def _expected(estimate: Expectation | None) -> Accuracy | None:
    return None if estimate is None else accuracy_of(estimate.as_dict())


def slug(name: str) -> str:
    """A name as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:120].strip("-")


def summary_dict(summary: Summary) -> dict[str, Any]:
    """A summary as JSON data."""
    failure = summary.failure
    return {
        "accuracy": summary.accuracy,
        "by_task": dict(summary.by_task),
        "cost": summary.cost.as_dict(),
        "open_share": summary.open_share,
        "touched_share": summary.touched_share,
        "spoken": dict(summary.spoken),
        "failure": None if failure is None else {"kind": failure.kind, "message": failure.message},
        "failures": summary.failures,
        "failed": [one.to_json() for one in summary.failed],
        "at_limit": summary.at_limit,
        "cut_off": summary.cut_off,
        "close_decisions": summary.close,
        "items": summary.items,
    }


def _figures(standing: Scored, selection: Selection) -> dict[str, Any]:
    known = selection.estimates.get(standing.policy.digest)
    estimate = {} if known is None else {"estimate": known.as_dict()}
    plain = PLAIN if standing.key == PLAIN else None  # those too that could not win
    origin = selection.origins.get(standing.policy.digest, plain)
    came = {} if origin is None else {"origin": origin}
    return {
        "name": standing.name,
        "digest": standing.policy.digest,
        **came,
        **estimate,
        **summary_dict(standing.summary),
    }
