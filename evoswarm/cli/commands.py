"""The command line: parses, calls, prints. Heavy libraries are imported by the commands that need them."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evoswarm import __version__
from evoswarm.cli.output import ensure_streams, mute, output_fails
from evoswarm.errors import EvoswarmError, RunError, SpaceError, Where

if TYPE_CHECKING:
    from evoswarm.experiment.generation import Row
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
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def main() -> None:
    """Run the command line; mistakes are one or two lines on stderr and exit code 2."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    ensure_streams()
    _quiet_libraries()
    asked = [*arguments, "--help"] if arguments in ([], ["zoo"]) else arguments
    try:
        code = app(asked, prog_name="evoswarm", standalone_mode=False)
        sys.stdout.flush()  # what cannot be written shows here, not when the interpreter ends
        return code if isinstance(code, int) else 0
    except typer.Exit as end:
        return _flushed(end.exit_code)
    except EvoswarmError as error:
        return _refuse(str(error))
    except typer.Abort:
        return _refuse("aborted", 1)
    except KeyboardInterrupt:
        return _refuse("interrupted", 130)
    except BrokenPipeError:
        mute()  # whoever read our output has gone
        return 1
    except OSError as error:
        if not output_fails(error):
            raise
        return _refuse_output(error)
    except Exception as error:
        if hasattr(error, "format_message"):  # the parser's own errors
            return _refuse(f"{error.format_message()} ({_hint(arguments, str(error.format_message()))})")
        raise


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def search(
    space: SpaceFile,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The run directory.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Replaces the space's seed.")] = None,
    overrides: Overrides = None,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, for machines.")] = False,
    certify: Annotated[
        bool, typer.Option("--certify/--no-certify", help="Test the champion on held-out items at the end.")
    ] = True,
) -> None:
    """Search for the recipe that answers best; an unfinished run is continued."""
    checked = _space(space, overrides, seed)
    from evoswarm.cli.search_command import run_search
    from evoswarm.experiment.interrupt import SearchInterrupted

    try:
        run_search(checked, out=out, runs=RUNS, quiet=quiet, as_json=as_json, certify=certify)
    except SearchInterrupted as end:
        print(f"{end} when the same command is run again", file=sys.stderr)
        raise typer.Exit(130) from None


@app.command()
def certify(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="A run directory with a champion.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Open test items that were opened for another champion before.")
    ] = False,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="The certificate as JSON, for machines.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of certificates.")] = False,
) -> None:
    """Test a champion on held-out items, against rivals that spend compute without mixing."""
    if schema:
        from evoswarm.certificate.document import Certificate

        print(json.dumps(Certificate.json_schema(), indent=2))
        return
    if run is None:
        raise RunError("expected RUN (a run directory) or --schema, got neither")
    from evoswarm.cli.certify_command import run_certify
    from evoswarm.experiment.interrupt import SearchInterrupted

    try:
        run_certify(run, force=force, quiet=quiet, as_json=as_json)
    except SearchInterrupted as end:
        print(f"{end} when the same command is run again", file=sys.stderr)
        raise typer.Exit(130) from None


@app.command()
def plan(space: SpaceFile, overrides: Overrides = None) -> None:
    """Decode a small sample and say what a search would take; nothing is written."""
    checked = _space(space, overrides, None)
    from evoswarm.decoding.forward.devices import silence_loading
    from evoswarm.experiment.plan import make_plan

    silence_loading()
    for line in make_plan(checked, on_stage=_tell).lines():
        print(line)


@app.command(name="two-by-two")
def two_by_two(
    same: Annotated[Path, typer.Argument(metavar="SAME", help="A space whose members share an architecture.")],
    cross: Annotated[Path, typer.Argument(metavar="CROSS", help="The same space over members that do not.")],
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="So many seeds, from 0.")] = 5,
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Does mixing gain more over voting across architectures? Searches two pools; goes on where it ended."""
    spaces = [_space(path, overrides, None) for path in (same, cross)]
    from evoswarm.cli.two_by_two_command import run_two_by_two
    from evoswarm.experiment.interrupt import SearchInterrupted

    try:
        run_two_by_two(spaces[0], spaces[1], range(seeds), runs=RUNS, as_json=as_json)
    except SearchInterrupted as end:
        print(f"{end} when the same command is run again", file=sys.stderr)
        raise typer.Exit(130) from None


@app.command()
def check(space: SpaceFile, overrides: Overrides = None) -> None:
    """Validate a space, its files and its items, without loading a model."""
    from evoswarm.space import SearchSpace, check_files, small_test_split

    checked = SearchSpace.from_yaml(space, tuple(overrides or ()))
    notes = [*check_files(checked), *filter(None, [small_test_split(checked)])]
    print(f"{space}: a valid search space: {len(checked.pool)} members, {len(checked.tasks)} tasks")
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
) -> None:
    """Answer with a recipe: text to standard output, or rows with costs to a file."""
    questions = _questions(prompt, prompts)
    for text in stop or ():
        if not text:
            raise SpaceError("expected a text that is not empty, got ''", Where("--stop"))
        _check_encodable(text, Where("--stop"))
    from evoswarm.recipe import Recipe

    chosen = Recipe.load(recipe)
    _check_writable(out)
    from evoswarm.decoding.forward.devices import silence_loading
    from evoswarm.experiment.generation import answer

    silence_loading()
    rows = answer(chosen, questions, max_bytes=max_bytes, stop=tuple(stop or ()), file=str(recipe))
    _write_rows(rows, out)


@app.command()
def evaluate(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE|RUN", help="A recipe file or a run directory.")],
    space: Annotated[Path, typer.Option("--space", metavar="SPACE", help="The search space whose items are meant.")],
    split: Annotated[str, typer.Option("--split", help="search, selection or test.")] = "selection",
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Score any recipe on a split of a space; opening the test split is recorded."""
    from evoswarm.tasks.task import SPLITS

    name = next((known for known in SPLITS if known == split), None)
    if name is None:
        raise SpaceError(f"expected search, selection or test, got {split!r}", Where("--split"))
    from evoswarm.recipe import Recipe

    Recipe.load(recipe)  # a mistake in it shows before heavy libraries are loaded
    checked = _space(space, overrides, None)
    from evoswarm.cli.search_command import run_evaluate

    run_evaluate(recipe, checked, name, runs=RUNS, as_json=as_json)


@app.command()
def study(
    file: Annotated[Path, typer.Argument(metavar="STUDY", help="A study: a YAML file.")],
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes that run trials side by side.")] = 1,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, for machines.")] = False,
) -> None:
    """Find out which settings of a search matter; an unfinished study is continued."""
    from evoswarm.study.question import read_question

    question = read_question(file)
    from evoswarm.cli.study_command import run_study
    from evoswarm.study.session import StudyInterrupted

    try:
        run_study(question, runs=RUNS, jobs=jobs, quiet=quiet, as_json=as_json)
    except StudyInterrupted as end:
        print(f"{end} when the same command is run again", file=sys.stderr)
        raise typer.Exit(130) from None


@app.command()
def compare(
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
    checked = _space(space, overrides, None)
    from evoswarm.experiment.interrupt import SearchInterrupted

    try:
        run_compare(checked, algorithms, chosen, evaluations, out=out, runs=RUNS, quiet=quiet)
    except SearchInterrupted as end:
        print(f"{end} when the same command is run again", file=sys.stderr)
        raise typer.Exit(130) from None


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


def _space(path: Path, overrides: list[str] | None, seed: int | None) -> SearchSpace:
    """Read and check a space; no heavy library is loaded yet."""
    from evoswarm.space import SearchSpace, check_files

    settings = [*(overrides or ()), *([f"seed={seed}"] if seed is not None else [])]
    checked = SearchSpace.from_yaml(path, tuple(settings))
    for note in check_files(checked):
        logging.getLogger("evoswarm").info(note)
    return checked


def _questions(prompt: str | None, prompts: Path | None) -> list[str]:
    """The questions, wherever they come from.

    Raises:
        RunError: there are none, or a line of the file is not one.
    """
    if (prompt is None) == (prompts is None):
        raise RunError(
            "expected one of PROMPT, - or --prompts FILE.jsonl, got " + ("none" if prompt is None else "two")
        )
    if prompts is not None:
        return list(_read_prompts(prompts))
    if prompt == "-":
        return [_standard_input()]
    _check_encodable(str(prompt), Where("PROMPT"))
    return [str(prompt)]


def _standard_input() -> str:
    where = Where("standard input")
    if sys.stdin is None:
        raise RunError("expected a question (PROMPT is -), got a closed input", where)
    try:
        text = sys.stdin.read().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise RunError(f"expected UTF-8 text, got: {error}", where) from None
    except OSError as error:
        raise RunError(f"expected a question (PROMPT is -), got: {error.strerror}", where) from None
    _check_encodable(text, where)
    return text


def _check_encodable(text: str, where: Where) -> None:
    """Refuse a text with lone surrogates: Python keeps bytes that are no UTF-8 as such."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise RunError(f"expected a text that UTF-8 can encode, got {text!a:.60}", where) from None


def _read_prompts(path: Path) -> Iterator[str]:
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"expected a readable file of UTF-8 text, got: {reason}", Where(str(path))) from None
    count = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        count += 1
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            message = f'expected a JSON object like {{"prompt": "..."}}, got {line[:60]!r} ({error.msg})'
            raise RunError(message, Where(str(path), "", number)) from None
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of levels
            got = "too many levels" if isinstance(error, RecursionError) else "a number with too many digits"
            message = f'expected a JSON object like {{"prompt": "..."}}, got {got}'
            raise RunError(message, Where(str(path), "", number)) from None
        if not isinstance(row, dict) or not isinstance(row.get("prompt"), str):
            found = f"keys {sorted(row)}" if isinstance(row, dict) and "prompt" not in row else f"{line[:60]!r}"
            raise RunError(f"expected a text, got {found}", Where(str(path), "prompt", number))
        _check_encodable(row["prompt"], Where(str(path), "prompt", number))
        yield row["prompt"]
    if not count:
        raise RunError("expected at least one prompt, got an empty file", Where(str(path)))


def _check_writable(out: Path | None) -> None:
    """Refuse a file that cannot be written before the decoding, not after it."""
    if out is None:
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.is_dir() or out.is_file() or not out.exists():
            out.open("a", encoding="utf-8").close()
        elif not os.access(out, os.W_OK):  # a pipe is not opened: its reader would see the end
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise RunError(f"expected a file that can be written, got: {error.strerror}", Where(str(out))) from None


def _write_rows(rows: list[Row], out: Path | None) -> None:
    failed = [row for row in rows if row.failure is not None]
    if out is None:
        for row in rows:
            print(row.text)
    else:
        from evoswarm.run_directory import write_file

        write_file(out, "".join(row.to_json() + "\n" for row in rows))
        print(f"{len(rows)} rows in {out}", file=sys.stderr)
    if failed:
        raise RunError(f"{len(failed)} of {len(rows)} prompts have no answer; the first: {failed[0].failure}")


def _tell(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


def _refuse(message: str, code: int = 2) -> int:
    prefix = "error: " if code == 2 else ""
    with contextlib.suppress(OSError):  # nobody to tell
        print(f"{prefix}{message}", file=sys.stderr, flush=True)
    return _flushed(code)


def _refuse_output(error: OSError) -> int:
    mute()
    return _refuse(f"standard output: expected to write to it, got: {error.strerror}")


def _flushed(code: int) -> int:
    """The exit code, once what was printed is written."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        mute()
        return code or 1
    except OSError as error:
        return _refuse_output(error)
    return code


def _hint(arguments: list[str], message: str) -> str:
    """How to go on after a mistake in the words of the command line."""
    if arguments[:1] == ["generate"] and re.match("No such option: -[^-]", message):
        return "a question that begins with a dash goes behind --, such as: evoswarm generate RUN -- -5+3="
    return "evoswarm --help shows what there is"


def _quiet_libraries() -> None:
    """Other libraries' advice is not for those who use the command line."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    logging.getLogger("evoswarm").setLevel(logging.WARNING)
