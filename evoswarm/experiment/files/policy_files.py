"""The policy files of a run: their members can be found from anywhere, and they say where they come from.

What a file says of its policy is never part of a digest. It is written with the policy, and again, in one step, when a
certificate comes or is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError

from evoswarm.certificate.document import Certificate
from evoswarm.certificate.evidence import interval
from evoswarm.evaluation.evaluation import Summary
from evoswarm.policies import About, Policy, PolicyDocument
from evoswarm.policies.about import Accuracy, SplitAccuracy, TaskAsked, VerdictSaid
from evoswarm.policies.places import anchored
from evoswarm.run_directory import BEGAN, CERTIFICATE, RunDirectory
from evoswarm.statistics.intervals import mean_of, strata
from evoswarm.tasks.dataset import DatasetSettings
from evoswarm.tasks.settings import TaskSettings
from evoswarm.tasks.sourced_task import SourcedTask
from evoswarm.tasks.task import Task, weights_of

if TYPE_CHECKING:
    from evoswarm.experiment.workbench import Workbench


@dataclass(frozen=True)
class PolicyOrigin:
    """What is known of every policy of a run.

    Attributes:
        about: what its file says, but for scores.
        tasks: of every selection item.
        weights: of the tasks.
    """

    about: About
    tasks: tuple[str, ...]
    weights: Mapping[str, float]

    @classmethod
    def of(cls, bench: Workbench, run: RunDirectory) -> Self:
        """The origin of the policies that a run writes.

        Args:
            bench: with the selection items.
            run: the run.
        """
        space = bench.asked
        began = run.last(BEGAN) or {}
        about = About(
            run=run.path.resolve().name,
            space=space.name,
            space_digest=space.digest,
            seed=space.seed,
            evoswarm=version("evoswarm"),
            date=began.get("date"),
            tasks={settings.name: _asked(settings, bench.tasks[settings.name]) for settings in space.tasks},
        )
        weights = weights_of(bench.tasks)
        return cls(about, tuple(item.task for item in bench.items["selection"]), weights)

    def document(
        self,
        policy: Policy,
        selection: Summary,
        certificate: Certificate | None = None,
        *,
        expected: Accuracy | None = None,
    ) -> PolicyDocument:
        """The file of a policy.

        Args:
            policy: any of the run's.
            selection: what it did on the selection items.
            certificate: of it, where it has one.
            expected: what it is expected to score on other items, where that was estimated.
        """
        known = {"selection": self._accuracy(selection), "expected": expected, "spoken": dict(selection.spoken)}
        about = self.about.model_copy(update=known)
        if certificate is not None:
            about = about.with_certificate(_tested(certificate), _verdict(certificate))
        return PolicyDocument(anchored(policy), about)

    def _accuracy(self, summary: Summary) -> SplitAccuracy:
        by_task = {}
        for task in dict.fromkeys(self.tasks):
            own = [score for name, score in zip(self.tasks, summary.scores, strict=True) if name == task]
            by_task[task] = Accuracy(**_mean(own, [task] * len(own), {task: 1.0}))
        return SplitAccuracy(**_mean(summary.scores, self.tasks, self.weights), by_task=by_task)


def certificate_in(run: RunDirectory, champion: Policy) -> Certificate | None:
    """The certificate that a run holds of a champion already."""
    with suppress(ValidationError):  # what stands there is none: whoever puts it aside says so
        text = run.read(CERTIFICATE)
        found = None if text is None else Certificate.from_json(text)
        return found if found is not None and found.subject.champion == champion.digest else None
    return None


def _asked(settings: TaskSettings, task: Task) -> TaskAsked:
    return TaskAsked(
        max_bytes=task.max_bytes,
        stop=task.stop,
        prompt=settings.prompt if isinstance(settings, DatasetSettings) else None,
        examples=task.preamble if isinstance(task, SourcedTask) else "",
        scorer=settings.scorer.model_dump(mode="json", exclude_defaults=True),
    )


def _mean(scores: Sequence[float], tasks: Sequence[str], weights: Mapping[str, float]) -> dict[str, Any]:
    found = interval(mean_of(scores, strata(tasks, weights)))
    return {"items": len(scores), "accuracy": found.mean, "low": found.low, "high": found.high}


def _tested(certificate: Certificate) -> SplitAccuracy:
    by_task = {
        task: Accuracy(items=one.items, accuracy=one.mean, low=one.low, high=one.high)
        for task, one in certificate.by_task.items()
    }
    score = certificate.score
    return SplitAccuracy(
        items=certificate.items.test, accuracy=score.mean, low=score.low, high=score.high, by_task=by_task
    )


def _verdict(certificate: Certificate) -> VerdictSaid:
    said, opening = certificate.verdict, certificate.opening
    return VerdictSaid(
        outcome=said.outcome, sentence=said.sentence, forced=opening.forced, opened_before=opening.others
    )
