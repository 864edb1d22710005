"""The main job: check a space, plan a search, search, certify."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evoswarm.cli.commands.options import (
    RUNS,
    AsJson,
    Ask,
    Ledger,
    Overrides,
    Quiet,
    SpaceFile,
    checking,
    count,
    read_space,
)
from evoswarm.cli.given.trusting import trusting
from evoswarm.cli.showing.output import show
from evoswarm.cli.showing.terminal import prose_width
from evoswarm.errors import RunError, SpaceError, Where
from evoswarm.trust import Trust

if TYPE_CHECKING:
    from evoswarm.space import SearchSpace

_PLANNED = " " * 11
"""Before the rest of a line of a plan: below what its name is followed by."""


@trusting
def check(
    trust: Trust,
    space: Annotated[Path, typer.Argument(metavar="SPACE|STUDY", help="A search space or a study: a YAML file.")],
    overrides: Overrides = None,
) -> None:
    """Validate a space or a study, its files and its items, without loading a model."""
    from evoswarm.cli.telling.narrator import narrator_for

    with narrator_for(f"check {space}", briefly=not sys.stderr.isatty()):
        from evoswarm.study.hyperparameters.settings import is_study

        checked = _check_study if is_study(space) else _check_space
        lines = checked(space, overrides, trust)
    for line in lines:
        show(line)


def _check_space(file: Path, overrides: list[str] | None, trust: Trust) -> list[str]:
    from evoswarm.genomes import check_kind
    from evoswarm.space import SearchSpace, check_files, small_test_split, told_alphabet, unused_gold

    space = SearchSpace.from_yaml(file, tuple(overrides or ()), trust)
    check_kind(space)
    notes = [*check_files(space, prompts=True), *filter(None, [small_test_split(space)]), *unused_gold(space)]
    told = told_alphabet(space)
    return [
        f"{file}: a valid search space: {count(space.pool, 'member')}, {count(space.tasks, 'task')}",
        *([] if told is None else [f"alphabet: {told}"]),
        *(f"note: {note}" for note in notes),
    ]


def _check_study(file: Path, overrides: list[str] | None, trust: Trust) -> list[str]:
    from evoswarm.study.hyperparameters.question import read_question

    if overrides:
        raise SpaceError(
            f"expected no --set beside a study (it has a set of its own), got {overrides[0]!r}", Where("--set")
        )
    question = read_question(file, trust)
    settings = count(question.settings, "setting")
    searches = f"{question.study.trials} trials of {len(question.study.seeds)} searches each"
    return [
        f"{file}: a valid study of {question.space.name}: {settings}, {searches}",
        f"run it: evoswarm study {file}",
    ]


@trusting
def plan(space: SpaceFile, trust: Trust, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Decode a small sample; say what a search would take and whether mixing will pay. Nothing is written.

    A budget or a split with which a search could not show anything is refused: exit code 2, and what would be enough.
    """
    from evoswarm.cli.telling.narrator import narrator_for

    with narrator_for(f"plan {space}", as_json=as_json) as narrator:
        from evoswarm.cli.telling.start import Start, about

        def first(read: SearchSpace) -> None:
            narrator.start(Start("plan", about(read, space), read.name))
            narrator.enter("reading", checking(read))

        checked = read_space(space, overrides, None, trust, first)
        narrator.imports()
        from evoswarm.cli.showing.first_look import first_look_lines
        from evoswarm.decoding.forward.devices import silence_loading
        from evoswarm.experiment.outlook.plan import make_plan

        silence_loading()
        planned = make_plan(checked, progress=narrator.progress)
        narrator.result(planned.as_dict())
        if narrator.to_people:
            for line in planned.lines():
                show(line, _PLANNED)
            for line in first_look_lines(planned.first_look, prose_width(sys.stdout)):
                show(line)
        if planned.refusals:
            first_refusal, *others = planned.refusals
            more = f" (and {count(others, 'refusal')} more, above)" if others else ""
            raise SpaceError(f"{first_refusal.message}{more}", checked.where(*first_refusal.path))


@trusting
def search(
    trust: Trust,
    space: SpaceFile,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The run directory.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, max=2**63 - 1, help="Replaces the space's seed.")] = None,
    overrides: Overrides = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    certify: Annotated[
        bool, typer.Option("--certify/--no-certify", help="Test the champion on held-out items at the end.")
    ] = True,
    ask: Ask = False,
    ledger: Ledger = None,
) -> None:
    """Search for the recipe that answers best; an unfinished run is continued."""
    from evoswarm.cli.given.asking import require_terminal
    from evoswarm.cli.telling.narrator import narrator_for

    require_terminal(ask)
    if ask and not certify:
        raise RunError("expected --ask or --no-certify (which opens no test items, so nothing is asked), got both")
    with narrator_for(f"search {space}", quiet=quiet, as_json=as_json) as narrator:
        from evoswarm.cli.given.early import check_search
        from evoswarm.cli.telling.start import Start, about

        def first(read: SearchSpace) -> None:
            run = check_search(read, out, RUNS, ledger)
            narrator.start(Start("search", about(read, space), read.name, run, read.evolution.generations))
            narrator.enter("reading", checking(read))

        checked = read_space(space, overrides, seed, trust, first)
        narrator.imports()
        from evoswarm.cli.search_command import run_search

        run_search(checked, narrator, out=out, runs=RUNS, ledger=ledger, certify=certify, ask=ask)


@trusting
def certify(
    trust: Trust,
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN...", help="A run directory with a champion; of several seeds, all of them."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the certificate over seeds is written.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Open test items that were opened for another champion before.")
    ] = False,
    ask: Ask = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of certificates.")] = False,
    ledger: Ledger = None,
) -> None:
    """Test a champion on held-out items, against rivals that spend compute without mixing.

    Runs of one space that differ in their seed (search each with --no-certify) are certified together: the test items
    are opened once, and there is one certificate over the seeds.
    """
    if schema:
        from evoswarm.certificate.document import Certificate

        print(json.dumps(Certificate.json_schema(), indent=2))
        return
    if not runs:
        raise RunError("expected RUN (a run directory) or --schema, got neither")
    from evoswarm.cli.given.asking import require_terminal
    from evoswarm.cli.telling.narrator import narrator_for

    require_terminal(ask)
    several = len(runs) > 1
    if out is not None and not several:
        raise RunError("expected --out with several runs (a single one keeps its certificate), got one run")
    named = " ".join(map(str, runs))
    with narrator_for(f"certify {named}", quiet=quiet, as_json=as_json) as narrator:
        from evoswarm.cli.given.early import check_certify, check_certify_seeds
        from evoswarm.cli.telling.start import Start

        def first(read: SearchSpace) -> None:
            whose = f"the champions of {named}, searches" if several else f"the champion of {named}, a search"
            narrator.start(Start("certify", f"{whose} of space {read.name}", read.name))
            narrator.enter("reading", checking(read))

        if several:
            check_certify_seeds(runs, out, trust, ledger, first)
        else:
            check_certify(runs[0], trust, ledger, first)
        narrator.imports()
        from evoswarm.cli.certify_command import run_certify, run_certify_seeds

        if several:
            run_certify_seeds(runs, trust, narrator, out=out, ledger=ledger, force=force, ask=ask)
        else:
            run_certify(runs[0], trust, narrator, ledger=ledger, force=force, ask=ask)
