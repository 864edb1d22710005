"""What a search came to, in its own run's words."""

from __future__ import annotations

from pathlib import Path

from evoswarm.canonical import round_significant
from evoswarm.certificate.compared import Compared
from evoswarm.certificate.document import Certificate
from evoswarm.evaluation.cost import Cost
from evoswarm.experiment.mirror.description import headline, of_search
from evoswarm.policies import PolicyDocument
from evoswarm.rivals.diagnostics import UNIFORM_POOL
from evoswarm.rivals.fitted import R5
from evoswarm.tracking import Outcome


def outcome(run: Path, document: PolicyDocument, cost: Cost, certificate: Certificate | None = None) -> Outcome:
    """What a search came to: its champion, what that scored and costs, and what its certificate says.

    Args:
        run: the run directory.
        document: of the champion.
        cost: of the champion on the selection items.
        certificate: of it, where it has one.
    """
    about = document.about
    tags = {"evoswarm.champion": document.policy.digest[:12]}
    if about is None:
        return Outcome({}, tags)
    values: dict[str, float] = {}
    for name, split in (("test_accuracy", about.test), ("selection_accuracy", about.selection)):
        if split is not None:
            values[name] = split.accuracy
            values |= {f"{name}_by_task/{task}": one.accuracy for task, one in split.by_task.items()}
    if about.test is not None:
        values |= {"test_accuracy_low": about.test.low, "test_accuracy_high": about.test.high}
    if about.expected is not None:
        values["expected_accuracy"] = about.expected.accuracy
    unsearched = [] if certificate is None else _unsearched(certificate)
    for rival in () if certificate is None else (*certificate.rivals, *unsearched):
        values[f"rivals/gain_over_{rival.key}"] = rival.difference.mean
    values |= {f"champion_{name}": getattr(cost, name) for name in ("flops", "passes", "weight_reads")}
    verdict = about.verdict
    tags["evoswarm.verdict"] = verdict.outcome if verdict is not None else "refused" if about.refusal else "none"
    if verdict is not None and verdict.forced:
        tags["evoswarm.forced"] = "true"
    values = {name: round_significant(value) for name, value in values.items()}
    return Outcome(values, tags, headline(about), of_search(run, document, certificate, unsearched))


def _unsearched(certificate: Certificate) -> list[Compared]:
    """The mixes that are had without a search."""
    return [one for one in certificate.diagnostics if one.key in (UNIFORM_POOL, R5)]
