"""The files of one run, as the page reads them: what is not there yet is None, what is damaged is a sentence."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from evoswarm.certificate.document import Certificate
from evoswarm.durable import whole_lines
from evoswarm.errors import RunError, Where
from evoswarm.evaluation.alone import ScoresAlone, read_alone
from evoswarm.evaluation.traces.reading import Traces, read_traces
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.policies import PolicyDocument
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.policies.document import load_document
from evoswarm.run_directory import (
    ALONE,
    CALIBRATION,
    CERTIFICATE,
    CHAMPION,
    FIRST_LOOK,
    FRONT,
    GENERATION,
    INDIVIDUALS,
    SPACE,
    TRACES,
    parsed,
)
from evoswarm.run_directory.directory import events_of
from evoswarm.space import SearchSpace
from evoswarm.user_files import MIB, nearby, read_text

LARGEST = 256 * MIB
"""Bytes: a larger file is none of these."""


class RunFiles:
    """One run directory, read only; each file at most once.

    Args:
        path: of the directory.
        space: that was searched, where it has been read already.

    Raises:
        RunError: it is no run directory.
    """

    def __init__(self, path: Path, space: SearchSpace | None = None) -> None:
        self.path, self._space = path, space
        self._contenders: dict[str, PolicyDocument | None] = {}
        if not os.path.isfile(path / SPACE):
            got = "one without it" if os.path.isdir(path) else "a file" if os.path.exists(path) else "nothing there"
            got += "" if os.path.exists(path) else nearby(path)
            raise RunError(f"expected a run directory with a {SPACE} in it, got {got}", Where(str(path)))

    @cached_property
    def space(self) -> SearchSpace:
        """The search space; nobody's code is run for it.

        Raises:
            SpaceError: the file is none.
        """
        return SearchSpace.from_yaml(self.path / SPACE) if self._space is None else self._space

    @cached_property
    def space_text(self) -> str:
        """The search space as it stands in the file.

        Raises:
            RunError: it cannot be read.
        """
        return self._text(SPACE)

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The journal.

        Raises:
            RunError: a line is damaged; names it.
        """
        return events_of(self.path)

    @cached_property
    def generations(self) -> list[dict[str, Any]]:
        """The figures of every generation that was journalled, in order; none of runs of earlier versions."""
        return [event["figures"] for event in self.events if event["event"] == GENERATION and "figures" in event]

    @cached_property
    def individuals(self) -> list[dict[str, Any]]:
        """The lineage, a row per individual and migrant, in order.

        Raises:
            RunError: a line is damaged; names it.
        """
        return list(self._lines(INDIVIDUALS))

    @cached_property
    def front(self) -> dict[str, Any] | None:
        """The contenders on the selection split; None before the search has chosen."""
        return self.json(FRONT)

    @cached_property
    def champion(self) -> PolicyDocument | None:
        """What the search chose; likewise.

        Raises:
            RecipeError: the file is no policy.
        """
        return load_document(self.path) if (self.path / CHAMPION).is_file() else None

    @cached_property
    def certificate(self) -> Certificate | None:
        """What held-out items say of the champion; None where they were not asked, or asked about another one.

        Raises:
            RunError: the file is no certificate.
        """
        if not (self.path / CERTIFICATE).is_file():
            return None
        try:
            found = Certificate.from_json(self._text(CERTIFICATE))
        except ValueError as error:
            message = f"expected a certificate, got another text: {str(error).splitlines()[0]:.200}"
            raise RunError(message, Where(str(self.path / CERTIFICATE))) from None
        champion = self.champion
        return found if champion is not None and found.subject.champion == champion.policy.digest else None

    def contender(self, recipe: str) -> PolicyDocument | None:
        """The file of a contender, as `front` names it; None where it is not there.

        Raises:
            RecipeError: the file is no policy.
        """
        if recipe not in self._contenders:
            file = self.path / recipe
            self._contenders[recipe] = load_document(file) if file.is_file() else None
        return self._contenders[recipe]

    @cached_property
    def first_look(self) -> dict[str, Any] | None:
        """What each member does alone on the calibration items; None where nobody looked yet."""
        return self.json(FIRST_LOOK)

    @cached_property
    def traces(self) -> Traces | None:
        """Answers step by step; None where nobody traced any, or those of another champion.

        Raises:
            RunError: the file is damaged; names the line.
        """
        if not (self.path / TRACES).is_file():
            return None
        found, champion = read_traces(self.path / TRACES), self.champion
        known = found.header.policy("champion")
        return found if known and champion and known.digest == champion.policy.digest else None

    @cached_property
    def alone(self) -> ScoresAlone | None:
        """What each member alone scores, item by item; None where nobody wrote it down.

        Raises:
            RunError: the file is damaged.
        """
        return read_alone(self.path / ALONE) if (self.path / ALONE).is_file() else None

    def calibration(self, alphabet: AlphabetName) -> Calibration:
        """The entropies that leads showed in an alphabet; none where nobody asked for them.

        Raises:
            RunError: the file is damaged.
        """
        usual = alphabet == self.space.alphabets[0]
        file = self.path / (CALIBRATION if usual else CALIBRATION.replace(".", f"-{alphabet}."))
        if not file.is_file():
            return Calibration({})
        return Calibration.from_json(read_text(file, limit=LARGEST), str(file))

    def json(self, name: str) -> dict[str, Any] | None:
        """A file that holds one JSON object; None where it is not there.

        Raises:
            RunError: it holds something else.
        """
        if not (self.path / name).is_file():
            return None
        data = parsed(self._text(name))
        if not data:
            raise RunError(
                "expected a JSON object, got another text: the file is damaged", Where(str(self.path / name))
            )
        return data

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        """The objects of a file that holds one a line; what a crash cut short is left out."""
        for number, line in enumerate(whole_lines(self.path / name), start=1):
            row = parsed(line)
            if not row:
                message = "expected a JSON object, got another text: the file is damaged"
                raise RunError(message, Where(str(self.path / name), "", number))
            yield row

    def _text(self, name: str) -> str:
        return read_text(self.path / name, limit=LARGEST)


def plain(data: Any) -> Any:
    """Data as a page may hold it: what JSON has no word for (an infinity, no number) is null."""
    return json.loads(json.dumps(data), parse_constant=lambda _: None)
