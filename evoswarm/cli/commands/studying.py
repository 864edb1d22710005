"""Many searches: of settings, of algorithms, of pools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evoswarm.cli.commands.options import RUNS, AsJson, Overrides, Quiet, SpaceFile, checking, read_space
from evoswarm.cli.given.trusting import trusting
from evoswarm.trust import Trust

if TYPE_CHECKING:
    from evoswarm.space import SearchSpace


@trusting
def study(
    trust: Trust,
    file: Annotated[Path, typer.Argument(metavar="STUDY", help="A study: a YAML file.")],
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=256, help="Processes that run trials side by side.")] = 1,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Find out which settings of a search matter; an unfinished study is continued."""
    from evoswarm.cli.telling.narrator import narrator_for

    with narrator_for(f"study {file}", quiet=quiet, as_json=as_json) as narrator:
        from evoswarm.cli.given.early import check_ledger
        from evoswarm.cli.telling.start import Start
        from evoswarm.genomes import check_kind
        from evoswarm.study.hyperparameters.question import STUDIES, StudyQuestion, read_question

        def first(read: StudyQuestion) -> None:
            check_kind(read.space)
            check_ledger(RUNS)
            place = RUNS / STUDIES / read.study.name
            told = f"{read.study.name} ({file}), of space {read.space.name}, in {place}"
            narrator.start(Start("study", told, read.space.name))
            narrator.enter("reading", checking(read.space))

        question = read_question(file, trust, first)
        narrator.imports()
        from evoswarm.cli.study_command import run_study

        run_study(question, narrator, runs=RUNS, jobs=jobs)


@trusting
def compare(
    trust: Trust,
    space: SpaceFile,
    evaluations: Annotated[
        int, typer.Option("--evaluations", metavar="N", min=1, help="(recipe, item) pairs each search may ask for.")
    ],
    algorithms: Annotated[
        str | None, typer.Option("--algorithms", metavar="A,B,...", help="Names; all that the space allows by default.")
    ] = None,
    seeds: Annotated[str, typer.Option("--seeds", metavar="SEEDS", help="Such as 0-9 or 0,3,7.")] = "0-4",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where everything is written.")] = None,
    overrides: Overrides = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Compare search algorithms on a space: equal seeds, evaluations and founders; what is done is not done again."""
    from evoswarm.cli.telling.narrator import narrator_for

    with narrator_for(f"compare {space}", quiet=quiet, as_json=as_json) as narrator:
        from evoswarm.cli.compare_command import numbers, run_compare
        from evoswarm.cli.given.early import check_compare
        from evoswarm.cli.telling.start import Start

        chosen, names, place = numbers(seeds), list[str](), Path()

        def check(read: SearchSpace) -> None:
            nonlocal names, place
            place = out if out is not None else RUNS / f"compare-{read.name}"
            names = check_compare(read, algorithms, chosen, evaluations, place, RUNS)
            searches = f"{len(names) * len(chosen)} searches of {evaluations:,} evaluations"
            narrator.start(Start("compare", f"{searches} over space {read.name} ({space}), in {place}", read.name))
            narrator.enter("reading", checking(read))

        checked = read_space(space, overrides, None, trust, check)
        narrator.imports()
        run_compare(checked, names, chosen, evaluations, narrator, out=place, runs=RUNS)


@trusting
def two_by_two(
    trust: Trust,
    same: Annotated[Path, typer.Argument(metavar="SAME", help="A space whose members share an architecture.")],
    cross: Annotated[Path, typer.Argument(metavar="CROSS", help="The same space over members that do not.")],
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=10_000, help="So many seeds, from 0.")] = 5,
    overrides: Overrides = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Does mixing gain more over voting across architectures? Searches two pools; goes on where it ended."""
    from evoswarm.cli.telling.narrator import narrator_for

    with narrator_for(f"two-by-two {same} {cross}", quiet=quiet, as_json=as_json) as narrator:
        from evoswarm.cli.given.early import check_ledger
        from evoswarm.cli.telling.start import Start
        from evoswarm.study.two_by_two.pair import check_spaces

        def check(read: SearchSpace) -> None:
            check_ledger(RUNS)
            narrator.start(Start("two-by-two", f"{same} and {cross}, {seeds} seeds each", read.name))
            narrator.enter("reading", checking(read))

        one = read_space(same, overrides, None, trust, check)
        other = read_space(cross, overrides, None, trust, lambda read: check_spaces(one, read))
        narrator.imports()
        from evoswarm.cli.two_by_two_command import run_two_by_two

        run_two_by_two(one, other, range(seeds), narrator, runs=RUNS)
