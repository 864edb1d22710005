"""What ``evoswarm two-by-two`` does, and what it prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evoswarm.cli.showing.output import say
from evoswarm.cli.telling.narrator import Narrator
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.durable import write_within
from evoswarm.study.two_by_two.searches import DIRECTORY
from evoswarm.study.two_by_two.values import two_by_two

if TYPE_CHECKING:
    from evoswarm.space import SearchSpace


def run_two_by_two(
    same: SearchSpace, cross: SearchSpace, seeds: Sequence[int], narrator: Narrator, *, runs: Path
) -> None:
    """Do the study, show the table and keep it.

    Raises:
        EvoswarmError: see ``evoswarm.study.two_by_two.values``.
    """
    silence_loading()
    answer = two_by_two(same, cross, seeds, runs=runs, progress=narrator.progress)
    data = json.dumps(answer.as_dict(), indent=2, ensure_ascii=False)
    file = write_within(runs, f"{DIRECTORY}/{same.name}-{cross.name}.json", data + "\n")
    narrator.result({**answer.as_dict(), "file": str(file)})
    for line in [*answer.lines(), f"written: {file}"] if narrator.to_people else ():
        say(line)
