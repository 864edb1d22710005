"""The commands and their options. Heavy libraries are imported by the commands that need them."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evoswarm import __version__
from evoswarm.cli.questions import check_encodable, check_writable, read_questions, write_rows
from evoswarm.cli.trusting import RemoteCode, trusting
from evoswarm.errors import RunError, SpaceError, Where
from evoswarm.trust import Trust

if TYPE_CHECKING:
    from evoswarm.space import SearchSpace

RUNS = Path("runs")

app = typer.Typer(
    name="evoswarm",
    help="Evolves mixtures of language models: who speaks when, with what weight, by which rule.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
zoo_app = typer.Typer(help="The built-in pool of tiny members.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(zoo_app, name="zoo")

SpaceFile = Annotated[Path, typer.Argument(metavar="SPACE", help="A search space: a YAML file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Replaces a value of the space; may be repeated."),
]
Ledger = Annotated[
    Path | None,
    typer.Option(
        "--ledger", metavar="FILE", help="Where evaluations are kept; else EVOSWARM_LEDGER, else runs/ledger.sqlite."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
@trusting
def search(
    trust: Trust,
    space: SpaceFile,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The run directory.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Replaces the space's seed.")] = None,
    overrides: Overrides = None,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, for machines.")] = False,
    certify: Annotated[
        bool, typer.Option("--certify/--no-certify", help="Test the champion on held-out items at the end.")
    ] = True,
    ledger: Ledger = None,
) -> None:
    """Search for the recipe that answers best; an unfinished run is continued."""
    checked = _space(space, overrides, seed, trust)
    from evoswarm.cli.search_command import run_search

    run_search(checked, out=out, runs=RUNS, ledger=ledger, quiet=quiet, as_json=as_json, certify=certify)


@app.command()
@trusting
def certify(
    trust: Trust,
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="A run directory with a champion.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Open test items that were opened for another champion before.")
    ] = False,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="The certificate as JSON, for machines.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of certificates.")] = False,
    ledger: Ledger = None,
) -> None:
    """Test a champion on held-out items, against rivals that spend compute without mixing."""
    if schema:
        from evoswarm.certificate.document import Certificate

        print(json.dumps(Certificate.json_schema(), indent=2))
        return
    if run is None:
        raise RunError("expected RUN (a run directory) or --schema, got neither")
    from evoswarm.cli.certify_command import run_certify

    run_certify(run, trust, ledger=ledger, force=force, quiet=quiet, as_json=as_json)


@app.command()
@trusting
def plan(space: SpaceFile, trust: Trust, overrides: Overrides = None) -> None:
    """Decode a small sample and say what a search would take; nothing is written."""
    checked = _space(space, overrides, None, trust)
    from evoswarm.decoding.forward.devices import silence_loading
    from evoswarm.experiment.plan import make_plan
    from evoswarm.experiment.progress import Progress

    silence_loading()
    for line in make_plan(checked, progress=Progress(_tell)).lines():
        print(line)


@app.command(name="two-by-two")
@trusting
def two_by_two(
    trust: Trust,
    same: Annotated[Path, typer.Argument(metavar="SAME", help="A space whose members share an architecture.")],
    cross: Annotated[Path, typer.Argument(metavar="CROSS", help="The same space over members that do not.")],
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="So many seeds, from 0.")] = 5,
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Does mixing gain more over voting across architectures? Searches two pools; goes on where it ended."""
    spaces = [_space(path, overrides, None, trust) for path in (same, cross)]
    from evoswarm.cli.two_by_two_command import run_two_by_two

    run_two_by_two(spaces[0], spaces[1], range(seeds), runs=RUNS, as_json=as_json)


@app.command()
@trusting
def check(
    trust: Trust,
    space: Annotated[Path, typer.Argument(metavar="SPACE|STUDY", help="A search space or a study: a YAML file.")],
    overrides: Overrides = None,
) -> None:
    """Validate a space or a study, its files and its items, without loading a model."""
    from evoswarm.genomes import check_kind
    from evoswarm.space import SearchSpace, check_files, small_test_split, told_alphabet
    from evoswarm.study.hyperparameters.settings import is_study

    if is_study(space):
        _check_study(space, overrides, trust)
        return
    checked = SearchSpace.from_yaml(space, tuple(overrides or ()), trust)
    check_kind(checked)
    notes = [*check_files(checked, prompts=True), *filter(None, [small_test_split(checked)])]
    print(f"{space}: a valid search space: {_count(checked.pool, 'member')}, {_count(checked.tasks, 'task')}")
    if (told := told_alphabet(checked)) is not None:
        print(f"alphabet: {told}")
    for note in notes:
        print(f"note: {note}")


@app.command()
def generate(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE|RUN", help="A recipe file or a run directory.")],
    prompt: Annotated[
        str | None, typer.Argument(metavar="PROMPT", help="The question; - reads standard input.")
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option("--prompts", metavar="FILE.jsonl", help='One {"prompt": ...} per line.')
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.jsonl", help="Write rows instead of text.")] = None,
    max_bytes: Annotated[int, typer.Option("--max-bytes", min=1, help="An answer's limit.")] = 256,
    stop: Annotated[list[str] | None, typer.Option("--stop", help="Ends an answer; may be repeated.")] = None,
    trust_remote_code: RemoteCode = False,
) -> None:
    """Answer with a recipe: text to standard output, or rows with costs to a file."""
    questions = read_questions(prompt, prompts)
    for text in stop or ():
        if not text:
            raise SpaceError("expected a text that is not empty, got ''", Where("--stop"))
        check_encodable(text, Where("--stop"))
    from evoswarm.policies import load_policy

    chosen = load_policy(recipe)
    members = [Path(spec.path) for spec in chosen.specs]
    inputs = [path for path in (recipe, prompts, *members) if path is not None and os.path.exists(path)]
    check_writable(out, inputs)  # unlike pathlib, `os` takes a name that is too long for one that is not there
    from evoswarm.decoding.forward.devices import silence_loading
    from evoswarm.experiment.answering import answer

    silence_loading()
    rows = answer(
        chosen,
        questions,
        max_bytes=max_bytes,
        stop=tuple(stop or ()),
        file=str(recipe),
        trust_remote_code=trust_remote_code,
    )
    write_rows(rows, out)


@app.command()
@trusting
def evaluate(
    trust: Trust,
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE|RUN", help="A recipe file or a run directory.")],
    space: Annotated[Path, typer.Option("--space", metavar="SPACE", help="The search space whose items are meant.")],
    split: Annotated[str, typer.Option("--split", help="search, selection or test.")] = "selection",
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
    ledger: Ledger = None,
) -> None:
    """Score any recipe on a split of a space; opening the test split is recorded."""
    from evoswarm.tasks.task import SPLITS

    name = next((known for known in SPLITS if known == split), None)
    if name is None:
        raise SpaceError(f"expected search, selection or test, got {split!r}", Where("--split"))
    from evoswarm.policies import load_policy

    load_policy(recipe)  # a mistake in it shows before heavy libraries are loaded
    checked = _space(space, overrides, None, trust)
    from evoswarm.cli.search_command import run_evaluate

    run_evaluate(recipe, checked, name, runs=RUNS, ledger=ledger, as_json=as_json)


@app.command()
@trusting
def study(
    trust: Trust,
    file: Annotated[Path, typer.Argument(metavar="STUDY", help="A study: a YAML file.")],
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes that run trials side by side.")] = 1,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, for machines.")] = False,
) -> None:
    """Find out which settings of a search matter; an unfinished study is continued."""
    from evoswarm.study.hyperparameters.question import read_question

    question = read_question(file, trust)
    from evoswarm.cli.study_command import run_study

    run_study(question, runs=RUNS, jobs=jobs, quiet=quiet, as_json=as_json)


@app.command()
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
) -> None:
    """Compare search algorithms on a space: equal seeds, evaluations and founders; what is done is not done again."""
    from evoswarm.cli.compare_command import numbers, run_compare

    chosen = numbers(seeds)
    checked = _space(space, overrides, None, trust)

    run_compare(checked, algorithms, chosen, evaluations, out=out, runs=RUNS, quiet=quiet)


@zoo_app.command("list")
def zoo_list() -> None:
    """List the members of the built-in pool with what they can do."""
    from evoswarm.cli.zoo_table import print_zoo

    print_zoo()


@app.command()
def doctor() -> None:
    """Show versions, devices and memory, what is missing and how to get it."""
    from evoswarm.cli.doctor import examine

    findings = examine(RUNS)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "!" if finding.serious else "-" if finding.advice else " "
        advice = f"  -> {finding.advice}" if finding.advice else ""
        print(f"{mark} {finding.name:<{width}}  {finding.value}{advice}")
    if any(finding.serious for finding in findings):
        raise typer.Exit(1)


def _check_study(file: Path, overrides: list[str] | None, trust: Trust) -> None:
    from evoswarm.study.hyperparameters.question import read_question

    if overrides:
        raise SpaceError(
            f"expected no --set beside a study (it has a set of its own), got {overrides[0]!r}", Where("--set")
        )
    question = read_question(file, trust)
    settings = _count(question.settings, "setting")
    print(
        f"{file}: a valid study of {question.space.name}: {settings}, {question.study.trials} trials of "
        f"{len(question.study.seeds)} searches each"
    )
    print(f"run it: evoswarm study {file}")


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}" + ("" if len(things) == 1 else "s")


def _space(path: Path, overrides: list[str] | None, seed: int | None, trust: Trust) -> SearchSpace:
    """Read and check a space; no heavy library is loaded yet."""
    from evoswarm.space import SearchSpace, check_files

    settings = [*(overrides or ()), *([f"seed={seed}"] if seed is not None else [])]
    checked = SearchSpace.from_yaml(path, tuple(settings), trust)
    for note in check_files(checked):
        logging.getLogger("evoswarm").info(note)
    return checked


def _tell(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)
