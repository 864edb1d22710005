"""What the command ``study`` does, and what it prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evoswarm.cli.showing.screen import commands, files, make_console, prose
from evoswarm.cli.telling.narrator import Narrator
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.experiment.wording import duration
from evoswarm.study.hyperparameters.question import StudyQuestion
from evoswarm.study.hyperparameters.record import TrialRecord
from evoswarm.study.hyperparameters.result import StudyResult, in_words
from evoswarm.study.hyperparameters.session import study

_SHOWN_TRIALS = 12
_UNLIMITED = 100_000  # columns


def run_study(question: StudyQuestion, narrator: Narrator, *, runs: Path, jobs: int) -> None:
    """Run a study, telling of every trial, and show how it ends.

    Raises:
        EvoswarmError: see ``evoswarm.study.hyperparameters.session.study``.
        StudyInterrupted: Ctrl-C.
    """

    def show(record: TrialRecord) -> None:
        narrator.part("trial", record.number, record.as_dict(), trial_line(record), abreast=jobs)

    silence_loading()
    asked = question.study
    confirming = 2 * len(asked.confirm_seeds) / len(asked.seeds)  # the best setting and the default
    narrator.expect(asked.trials, behind=confirming)
    result = study(question, runs=runs, jobs=jobs, on_trial=show, progress=narrator.progress)
    narrator.result(result.as_dict())
    if narrator.to_people:
        print_study(make_console(), result)


def trial_line(record: TrialRecord) -> str:
    """One trial on one line."""
    if record.state == "failed":
        end = f"failed: {record.failure}"
    elif record.pruned is not None:
        seed, generation = record.pruned
        end = f"given up at seed {seed}, generation {generation + 1}" + (f" ({score(record)})" if record.scores else "")
    else:
        end = score(record)
    name = " (the default)" if record.number == 0 else ""
    return f"trial {record.number}{name}: {in_words(record.values)} | {end}, {duration(record.seconds)}"


def score(record: TrialRecord) -> str:
    """Mean and standard error over the seeds that ended."""
    if record.mean is None:
        return "-"
    error = "" if record.standard_error is None else f" ± {record.standard_error:.3f}"
    return f"{record.mean:.3f}{error}"


def print_study(console: Console, result: StudyResult) -> None:
    """The end for people: trials, importance, the sentence, the files."""
    console.print(_trials(result, console))
    prose(
        console,
        f"Accuracy (0 to 1) of the champions on the {result.question.study.measure} split, mean ± standard error over "
        "seeds. Other columns: the settings of a trial; 'default' is the space as it is.",
    )
    if result.importances:
        console.print(_importances(result))
        prose(
            console,
            "By chance up to: the share that a setting stays below 19 times in 20 where scores are dealt at random.",
        )
    console.print()
    prose(console, result.sentence, bold=True)
    if not result.differs:
        prose(console, "No space was written: nothing was shown to be better than the one that is there.")
    written: dict[str | Path, str] = dict(result.written())
    files(console, {**written, result.storage: "all studies"})
    commands(console, "All studies, in a browser", [f"optuna-dashboard {result.storage}"])


def _trials(result: StudyResult, console: Console) -> Table:
    """The best trials, and the default wherever it stands: a column per setting, where the console is that wide."""
    complete = [record for record in result.records if record.state == "complete"]
    best = result.best
    ranked = sorted(complete, key=lambda record: (record is not best, -(record.mean or 0.0), record.number))
    shown = [r for rank, r in enumerate(ranked) if rank < _SHOWN_TRIALS or r.number == 0]
    columns = _trials_table(result, shown, [setting.path.replace(".", ".\n") for setting in result.question.settings])
    for record in shown:
        columns.add_row(*_name_and_score(record), *(escape(in_words({"": v})[1:]) for v in record.values.values()))
    if console.measure(columns, options=console.options.update(max_width=_UNLIMITED)).maximum <= console.width:
        return columns
    narrow = _trials_table(result, shown, ["settings"])
    for record in shown:
        narrow.add_row(
            *_name_and_score(record),
            escape("\n".join(in_words({path: value}) for path, value in record.values.items())),
        )
    return narrow


def _trials_table(result: StudyResult, shown: Sequence[TrialRecord], settings: Sequence[str]) -> Table:
    """Without rows; the score stands first, where no narrow console can cut it."""
    count = len(result.records)
    title = f"The best of {count} trials" if len(shown) < count else f"The {count} trials"
    table = Table(title=f"{title}, on the study's own seeds", title_justify="left")
    table.add_column("trial", justify="right", no_wrap=True)
    table.add_column(f"{result.question.study.measure}\naccuracy", justify="right", no_wrap=True)
    for name in settings:
        table.add_column(escape(name), justify="left" if name == "settings" else "right", overflow="fold")
    return table


def _name_and_score(record: TrialRecord) -> tuple[str, str]:
    return f"{record.number}" + (" default" if record.number == 0 else ""), score(record)


def _importances(result: StudyResult) -> Table:
    table = Table(title="How much each setting matters (share of the variance between trials)", title_justify="left")
    table.add_column("setting", overflow="fold")
    table.add_column("share", justify="right", no_wrap=True)
    for column in ("95% interval", "by chance up to"):
        table.add_column(column, justify="right", overflow="fold")
    table.add_column("")
    for importance in result.importances:
        table.add_row(
            escape(importance.path),
            f"{importance.share:.2f}",
            f"{importance.low:.2f} to {importance.high:.2f}",
            f"{importance.chance:.2f}",
            "matters" if importance.clear else "not told from chance",
        )
    return table
