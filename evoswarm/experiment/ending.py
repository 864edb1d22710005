"""What a search came to, as people are shown it: read from its run directory alone, at once or years later.

A search that has just ended is shown by the same files. So there is one way only to what is said of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.certificate.document import Certificate
from evoswarm.errors import RecipeError, RunError, Where
from evoswarm.evaluation.candidate import HOW_MADE, Candidate, HowMade, Scored
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.failures import FailedItems
from evoswarm.experiment.estimating import Expectation
from evoswarm.experiment.files.places import RECIPES
from evoswarm.experiment.files.run_state import RunState, state_of
from evoswarm.experiment.finalists import PLAIN
from evoswarm.experiment.openings.remedy import remedy_of
from evoswarm.experiment.selection import Selection
from evoswarm.experiment.spoilt import Spoilt, warnings_of_champion
from evoswarm.failure import Failure
from evoswarm.policies import Policy, load_policy
from evoswarm.report.run_files import RunFiles
from evoswarm.run_directory import CHAMPION, FRONT

_DAMAGED = "expected contenders as this evoswarm writes them, got others (of an earlier one, or they are damaged)"


@dataclass(frozen=True)
class Ending:
    """What a search came to.

    Attributes:
        directory: of the run.
        selection: how the champion was chosen; scores per item are not known any more.
        state: how far the search is: its certificate may still be to come.
        example: a question to try the champion on, and its task where that has to be named.
        searched: what was spoilt for the champion on the search split; None where that is not known.
        certificate: the verdict on held-out items; None where there is none.
        refusal: why it was refused.
    """

    directory: Path
    selection: Selection
    state: RunState
    example: tuple[str, str | None]
    searched: Spoilt | None
    certificate: Certificate | None
    refusal: str | None

    @property
    def champion(self) -> Policy:
        """The policy that was chosen."""
        return self.selection.champion.policy

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the champion's accuracies must know of its wrong answers, a sentence each."""
        return warnings_of_champion(self.searched, self.selection.champion.summary, self.certificate)

    @property
    def remedy(self) -> str | None:
        """What can be done about a refusal, where anything can."""
        scores = self.selection.champion.accuracy > 0
        return None if self.refusal is None else remedy_of(self.refusal, self.directory, scores=scores)


def ending_of(run: RunFiles) -> Ending | None:
    """What the search of a run came to; None before it has chosen.

    Raises:
        EvoswarmError: a file is damaged; names it.
    """
    front, document = run.front, run.champion
    if front is None or document is None:
        return None
    try:
        selection, searched = _selection(run, front), front["on_search"]
        example = front["example"]
        read = Ending(
            directory=run.path,
            selection=selection,
            state=state_of(run.path, run.events),
            example=(str(example["question"]), example["task"]),
            searched=None if searched is None else Spoilt(searched["items"], _failed(searched), searched["cut_off"]),
            certificate=run.certificate,
            refusal=None if document.about is None else document.about.refusal,
        )
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise RunError(f"{_DAMAGED}: {error!r:.80}", Where(str(run.path / FRONT))) from None
    if read.champion.digest != document.policy.digest:
        message = f"expected the champion that {FRONT} names, got another policy"
        raise RecipeError(message, Where(str(run.path / CHAMPION)))
    return read


def _selection(run: RunFiles, front: Mapping[str, Any]) -> Selection:
    """How the champion was chosen, with the recipes of all contenders."""
    rows = {str(row["digest"]): row for row in front["contenders"]}
    contenders = {digest: _scored(run, digest, row) for digest, row in rows.items()}
    estimates = {digest: Expectation(**row["estimate"]) for digest, row in rows.items() if "estimate" in row}
    return Selection(
        champion=contenders[front["champion"]],
        winner=contenders[front["winner"]],
        best=contenders[front["best"]],
        standard_error=float(front["standard_error"]),
        dropped=tuple(map(str, front["dropped"])),
        contenders=tuple(contenders.values()),
        front=tuple(contenders[row["digest"]] for row in front["front"]),
        objectives=tuple(map(str, front["objectives"])),
        estimates=estimates,
        reference=str(front["reference"]),
        reference_accuracy=float(front["reference_accuracy"]),
        thrifty=bool(front["thrifty"]),
        made=frozenset(front["made"]),
        origins={digest: _origin(row) for digest, row in rows.items() if "origin" in row},
    )


def _scored(run: RunFiles, digest: str, row: Mapping[str, Any]) -> Scored:
    """A contender: its recipe, whose file is one of those that a search writes, with its figures."""
    name = str(row["recipe"])
    if Path(name).parent != Path(RECIPES):
        raise ValueError(f"expected a file of {RECIPES}/, got {name!r:.80}")
    policy = load_policy(run.path / name)
    if policy.digest != digest:
        raise RecipeError(f"expected the policy {digest[:12]}, got {policy.digest[:12]}", Where(str(run.path / name)))
    key = PLAIN if row.get("origin") == PLAIN else ""
    return Scored(Candidate(str(row["name"]), policy, key), _summary(row))


def _origin(row: Mapping[str, Any]) -> HowMade:
    return next(one for one in HOW_MADE if one == row["origin"])


def _summary(row: Mapping[str, Any]) -> Summary:
    """The figures of a contender."""
    members = row["cost"]["members"]
    failure = row["failure"]
    return Summary(
        accuracy=row["accuracy"],
        by_task=dict(row["by_task"]),
        cost=Cost(tuple(MemberCost(str(name), **numbers) for name, numbers in members.items())),
        open_share=row["open_share"],
        touched_share=row["touched_share"],
        failure=None if failure is None else Failure(failure["kind"], str(failure["message"])),
        failed=_failed(row),
        close=0,
        items=row["items"],
        scores=(),
        at_limit=row.get("at_limit", 0),
        cut_off=row.get("cut_off", 0),
        spoken=dict(row["spoken"]),
    )


def _failed(row: Mapping[str, Any]) -> tuple[FailedItems, ...]:
    found: Sequence[Mapping[str, Any]] = row.get("failed", ())
    return tuple(FailedItems(one["kind"], str(one["member"]), int(one["items"])) for one in found)
