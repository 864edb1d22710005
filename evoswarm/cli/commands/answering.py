"""What a recipe answers: to a question of your own, or on a split of a space."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evoswarm.cli.commands.options import RUNS, AsJson, Ledger, Overrides, Quiet, checking, count, read_space
from evoswarm.cli.given.named_files import Overwrite, require_new
from evoswarm.cli.given.questions import check_encodable, read_questions, write_answers
from evoswarm.cli.given.trusting import RemoteCode, trusting
from evoswarm.errors import SpaceError, Where
from evoswarm.trust import Trust

if TYPE_CHECKING:
    from evoswarm.space import SearchSpace
    from evoswarm.tasks.task import SplitName


def generate(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE|RUN", help="A recipe file or a run directory.")],
    prompt: Annotated[
        str | None, typer.Argument(metavar="PROMPT", help="The question; - reads standard input.")
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option("--prompts", metavar="FILE", help="Many questions: JSON Lines, CSV, TSV, JSON or parquet."),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(
            "--column", metavar="NAME", help="Of FILE: holds the questions; else the task's own, prompt or question."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Write rows, not text: JSON Lines, or a table where it ends in .csv or .tsv."
        ),
    ] = None,
    overwrite: Overwrite = False,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="NAME", help="Asks as this task of the recipe's asked, where several differ."),
    ] = None,
    max_bytes: Annotated[
        int | None, typer.Option("--max-bytes", min=1, max=65536, help="An answer's limit; else the task's, else 256.")
    ] = None,
    stop: Annotated[
        list[str] | None, typer.Option("--stop", help="Ends an answer, in place of the task's; may be repeated.")
    ] = None,
    allow_changed: Annotated[
        bool, typer.Option("--allow-changed", help="Goes on where members' files are others than the recipe knew.")
    ] = False,
    quiet: Quiet = False,
    trust_remote_code: RemoteCode = False,
) -> None:
    """Answer with a recipe: text to standard output, or rows with costs to a file, beside what stood in FILE's rows."""
    from evoswarm.cli.telling.narrator import narrator_for

    alone = prompts is None and not sys.stderr.isatty()  # of one answer in a script little is told but the answer
    with narrator_for(f"generate {recipe}", quiet=quiet, briefly=alone) as narrator:
        require_new(out, overwrite=overwrite, inputs=[recipe, prompts])
        questions = read_questions(prompt, prompts, column)
        for text in stop or ():
            if not text:
                raise SpaceError("expected a text that is not empty, got ''", Where("--stop"))
            check_encodable(text, Where("--stop"))
        from evoswarm.cli.telling.start import Start
        from evoswarm.experiment.asking import Asking
        from evoswarm.experiment.loadable import check_recipe

        narrator.start(Start("generate", f"{count(questions.rows, 'question')} for {recipe}"))
        document = check_recipe(recipe, trust_remote_code)
        asking = Asking.of(document, task, max_bytes=max_bytes, stop=stop, file=str(recipe), named="--task")
        asked = questions.asked(asking)
        require_new(out, overwrite=overwrite, inputs=[Path(spec.path) for spec in document.policy.specs])
        if not quiet and document.about is not None:
            narrator.note(f"{recipe}, {document.about.sentence()}")
        narrator.imports()
        from evoswarm.answering.answers import answers
        from evoswarm.answering.question import Question
        from evoswarm.decoding.forward.devices import silence_loading

        silence_loading()
        found = answers(
            document,
            asked,
            Question("", task=task, max_bytes=max_bytes, stop=None if stop is None else tuple(stop)),
            file=str(recipe),
            trust_remote_code=trust_remote_code,
            allow_changed=allow_changed,
            progress=narrator.progress,
        )
        write_answers(questions, narrator.beside(found), out)


@trusting
def evaluate(
    trust: Trust,
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE|RUN", help="A recipe file or a run directory.")],
    space: Annotated[Path, typer.Option("--space", metavar="SPACE", help="The search space whose items are meant.")],
    split: Annotated[str, typer.Option("--split", help="search, selection or test.")] = "selection",
    open_test: Annotated[
        bool, typer.Option("--open", help="Opens the test split: at a terminal you are asked instead.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Opens test items that were opened for another recipe before.")
    ] = False,
    overrides: Overrides = None,
    as_json: AsJson = False,
    ledger: Ledger = None,
) -> None:
    """Score any recipe on a split of a space; the test split needs your word, and its opening is recorded."""
    name = _split(split)
    from evoswarm.cli.telling.narrator import narrator_for

    with narrator_for(f"evaluate {recipe}", as_json=as_json) as narrator:
        from evoswarm.cli.given.early import check_evaluate, check_opening
        from evoswarm.cli.telling.start import Start
        from evoswarm.policies import load_policy

        policy = load_policy(recipe)

        def first(read: SearchSpace) -> None:
            check_evaluate(policy, recipe, read, RUNS, ledger)
            told = f"{recipe} on the {name} split of space {read.name} ({space})"
            narrator.start(Start("evaluate", told, read.name))
            narrator.enter("reading", checking(read))

        checked = read_space(space, overrides, None, trust, first)
        if name == "test":
            check_opening(policy, recipe, checked, RUNS, ledger, open_test, force)
        narrator.imports()
        from evoswarm.cli.search_command import run_evaluate

        run_evaluate(recipe, checked, name, narrator, runs=RUNS, ledger=ledger, open_test=open_test, force=force)


@trusting
def answers(
    trust: Trust,
    recipe: Annotated[Path, typer.Argument(metavar="RUN|RECIPE", help="A run directory or a recipe file.")],
    space: Annotated[
        Path | None,
        typer.Option("--space", metavar="SPACE", help="Whose items are meant; that of the run by default."),
    ] = None,
    split: Annotated[
        str, typer.Option("--split", help="search, selection, or test: what a certificate has opened.")
    ] = "selection",
    by: Annotated[
        str | None, typer.Option("--by", metavar="COLUMN", help="Accuracy by a column of your file instead.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="[FILE]", help="A table for spreadsheets; without FILE to standard output."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, for machines.")] = False,
    decode: Annotated[
        bool, typer.Option("--decode", help="Load the members and decode what the ledger lacks.")
    ] = False,
    overwrite: Overwrite = False,
    ledger: Ledger = None,
) -> None:
    """Show question by question what a recipe and each member alone answered, from the ledger: no model is loaded."""
    name = _split(split)
    if csv is not None and as_json:
        raise SpaceError("expected --csv or --json, got both", Where("--json"))
    if decode and name == "test":
        raise SpaceError("expected another split than test (a certificate alone opens it), got test", Where("--decode"))
    out = None if csv is None or str(csv) == "-" else csv
    require_new(out, overwrite=overwrite, inputs=[recipe, space])
    from evoswarm.cli.telling.narrator import narrator_for

    with narrator_for(f"answers {recipe}") as narrator:
        from evoswarm.cli.answers_command import Form, run_answers
        from evoswarm.experiment.files.places import ledger_file
        from evoswarm.experiment.per_question.asked_policy import asked_policy

        asked = asked_policy(recipe, space, trust)
        require_new(out, overwrite=overwrite, inputs=[*asked.inputs, ledger_file(asked.runs, ledger)])
        if decode:
            from evoswarm.cli.given.early import check_ledger

            check_ledger(asked.runs, ledger)
        run_answers(asked, name, Form(csv, as_json, by), narrator, ledger=ledger, decode=decode)


def _split(text: str) -> SplitName:
    from evoswarm.tasks.task import SPLITS

    name = next((known for known in SPLITS if known == text), None)
    if name is None:
        raise SpaceError(f"expected search, selection or test, got {text!r}", Where("--split"))
    return name
