"""What a study leaves in its directory."""

from __future__ import annotations

import json

from evoswarm.durable import write_within
from evoswarm.study.hyperparameters.plot import picture
from evoswarm.study.hyperparameters.result import BEST, PLOT, RESULT, StudyResult
from evoswarm.study.hyperparameters.settings import label


def write_result(result: StudyResult) -> None:
    """Write ``study.json``, the plot, and ``best.yaml`` where a setting is better; else no such file is left.

    Raises:
        RunError: the directory cannot be written.
    """
    directory = result.directory
    write_within(directory, RESULT, json.dumps(result.as_dict(), indent=2, ensure_ascii=False) + "\n")
    write_within(directory, PLOT, picture(result))
    if result.differs:
        write_within(directory, BEST, best_yaml(result))
    else:
        (directory / BEST).unlink(missing_ok=True)


def best_yaml(result: StudyResult) -> str:
    """The space with the best setting, and where it comes from."""
    question, confirmation = result.question, result.confirmation
    origin = [
        f"The best setting of the study {question.study.name!r}, trial {result.best.number} of {len(result.records)}.",
        f"It began with {question.study.space}" + ("." if not question.study.set else ", and with:"),
        *(f"    {override}" for override in question.study.set),
        "What differs from the default:",
        *(f"    {path}: {label(value)}" for path, value in result.changed.items()),
        result.sentence,
    ]
    if confirmation is not None:
        origin.append(f"Fresh seeds: {', '.join(map(str, confirmation.seeds))}.")
    comments = [line for text in origin for line in text.splitlines()]
    return "".join(f"# {line}\n" for line in comments) + "\n" + question.space_of(result.best.parameters).to_yaml()
