"""What a command can know from its arguments and from files, asked before the models' libraries are imported.

Importing those takes seconds: whoever mistypes a name should not wait for them. Each check is made again where the work
is done, since other callers come that way too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from evoswarm.cli.compare_command import algorithms_named
from evoswarm.cli.given.asking import at_terminal
from evoswarm.cli.refused_openings import saying_how
from evoswarm.errors import RunError, Where
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.drawn import draw
from evoswarm.experiment.files.beginning import Beginning, beginning
from evoswarm.experiment.files.finished_run import check_members, read_run
from evoswarm.experiment.files.places import ledger_file, root_of, run_of
from evoswarm.experiment.files.same_space import check_place, read_seeds
from evoswarm.experiment.openings.guard import consent_before_loading
from evoswarm.policies import Policy, load_document
from evoswarm.space import SearchSpace, check_files
from evoswarm.trust import Trust
from evoswarm.user_files import place_refused


def check_ledger(runs: Path, ledger: Path | None = None) -> None:
    """Refuse a ledger that cannot be used; none is made.

    Raises:
        RunError: it is no ledger, another version's, or cannot be written.
    """
    file = ledger_file(runs, ledger)
    if os.path.lexists(file):
        Ledger(file).close()
    else:
        _check_place(file, "a ledger")


def check_search(space: SearchSpace, out: Path | None, runs: Path, ledger: Path | None) -> Beginning:
    """How a search begins; one that has nowhere to write is refused.

    Raises:
        RunError: the run directory is another search's or cannot be made; or see `check_ledger`.
    """
    run = beginning(space, runs, out)
    place = runs if out is None else out
    _check_place(place / "files", "a run directory")
    check_ledger(runs, ledger)
    return run


def check_certify(run: Path, trust: Trust, ledger: Path | None, first: Callable[[SearchSpace], None]) -> None:
    """Refuse a run that cannot be certified, as far as its files say.

    Raises:
        EvoswarmError: it has no champion, one that was refused because it scores nothing, its space cannot be used, or
            see `check_ledger`.
    """
    space, _ = read_run(run, trust)
    first(space)
    check_files(space, warm_start=False)
    check_ledger(root_of(run), ledger)
    about = load_document(run).about
    if about is not None and about.refusal and about.selection is not None and about.selection.accuracy == 0:
        raise RunError(about.refusal, Where(str(run)))


def check_certify_seeds(
    runs: Sequence[Path], out: Path | None, trust: Trust, ledger: Path | None, first: Callable[[SearchSpace], None]
) -> None:
    """Refuse runs that cannot be certified together, as far as their files say.

    Raises:
        EvoswarmError: they are not of one space, one has not ended, ``out`` holds something else, or see
            `check_ledger`.
    """
    found = read_seeds(runs, trust)
    if out is not None:
        check_place(out, found)
    first(found[0].space)
    check_files(found[0].space, warm_start=False)
    check_ledger(root_of(found[0].path), ledger)


def check_evaluate(policy: Policy, recipe: Path, space: SearchSpace, runs: Path, ledger: Path | None) -> None:
    """Refuse a policy of other members than the pool's.

    Raises:
        EvoswarmError: it is one; or see `check_ledger`.
    """
    check_members(policy, space, str(recipe))
    check_ledger(runs, ledger)


def check_opening(
    policy: Policy, recipe: Path, space: SearchSpace, runs: Path, ledger: Path | None, open_test: bool, force: bool
) -> None:
    """Refuse to open a space's test items without a word, where nobody sits at a terminal who could give it.

    Raises:
        EvoswarmError: nobody gave it, or the items were opened for another policy before.
    """
    if open_test or not at_terminal():
        file, run = ledger_file(runs, ledger), run_of(recipe)
        with saying_how():
            consent_before_loading(policy, space, draw(space), file, runs, open_test, force, run)


def check_compare(
    space: SearchSpace, algorithms: str | None, seeds: Sequence[int], evaluations: int, out: Path, runs: Path
) -> list[str]:
    """The algorithms to compare: those named, else all that the space allows.

    Raises:
        EvoswarmError: there is none of that name, the numbers make no comparison, ``out`` holds something else, or see
            `check_ledger`.
    """
    from evoswarm.study.comparison.asked import allowed, check_asked, chosen, known_searches

    names = allowed(space) if algorithms is None else chosen(algorithms_named(algorithms))
    check_asked(space, names, seeds, evaluations)
    known_searches(out, space, evaluations)
    _check_place(out / "files", "a comparison")
    check_ledger(runs)
    return names


def _check_place(file: Path, what: str) -> None:
    refused = place_refused(file)
    if refused is not None:
        raise RunError(f"expected a place where {what} can be written, got {refused}", Where(str(file.parent)))
