"""A finished search read again from its files: its items, its individuals, and the policies that they express."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from evoswarm.durable import LONGEST
from evoswarm.errors import RunError, Where
from evoswarm.experiment.drawn import Drawn, draw
from evoswarm.experiment.files.places import calibration_name
from evoswarm.experiment.files.same_items import same_items
from evoswarm.experiment.per_question.asked_policy import AskedPolicy
from evoswarm.genomes import Material, PolicyGenomes, genomes_of
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.policies import Policy
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.run_directory import INDIVIDUALS, parsed
from evoswarm.run_directory.directory import events_of
from evoswarm.space import SearchSpace
from evoswarm.user_files import read_text

_NEEDED: Mapping[str, type | tuple[type, ...]] = {
    "id": str,
    "key": str,
    "generation": int,
    "island": int,
    "number": int,
    "operator": str,
    "parents": list,
    "objectives": list,
    "by_task": dict,
    "cost": dict,
    "genome": dict,
}
_LIMITS = ("max_members", "max_parameters", "max_flops", "max_memory_bytes")


class FinishedSearch:
    """A finished search.

    Args:
        asked: its champion, by its run directory.

    Attributes:
        asked: the same.

    Raises:
        RunError: the champion is none of a run directory.
    """

    def __init__(self, asked: AskedPolicy) -> None:
        if asked.run is None:
            raise RunError(
                "expected a run directory (its search has ended), got a policy alone", Where(str(asked.path))
            )
        self.asked, self._run = asked, asked.run

    @cached_property
    def drawn(self) -> Drawn:
        """The tasks and their items, as the search had them.

        Raises:
            TaskError: a source cannot be read.
            RunError: it gives other items now.
        """
        found = draw(self.asked.space)
        same_items(self._run, events_of(self._run), self.asked.space, found.items)
        return found

    @cached_property
    def genomes(self) -> PolicyGenomes[Any, Any]:
        """What genomes its space has; only where prompts tell items apart are items read.

        Raises:
            EvoswarmError: a calibration is damaged, or the items cannot be read.
        """
        material = Material(
            self._space, calibrate=self._calibration, prompts=lambda: [one.prompt for one in self.drawn.items["search"]]
        )
        return genomes_of(material)

    def individuals(self) -> Iterator[dict[str, Any]]:
        """The lineage, line by line, as the search wrote it.

        Raises:
            RunError: a line is damaged; names it.
        """
        file = self._run / INDIVIDUALS
        if not os.path.isfile(file):
            raise RunError("expected the individuals of a search, got nothing there", Where(str(file)))
        with file.open(encoding="utf-8", errors="replace", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith("\n"):
                    return  # a crash cut it short
                row = parsed(line)
                for name, kind in _NEEDED.items():
                    if not isinstance(row.get(name), kind) or isinstance(row[name], bool):
                        message = f"expected {name!r} of an individual, got another text: the file is damaged"
                        raise RunError(message, Where(str(file), "", number))
                items = row.get("items", 0)  # of races alone
                if not isinstance(items, int) or isinstance(items, bool) or items < 0:
                    message = f"expected a number of items, got {items!r:.80}: the file is damaged"
                    raise RunError(message, Where(str(file), "items", number))
                yield row

    def genome(self, row: Mapping[str, Any]) -> Any:
        """The genome of an individual.

        Raises:
            RunError: it is none of the space's kind.
        """
        try:
            return self.genomes.decode(row["genome"])
        except (ValueError, TypeError, KeyError, IndexError) as error:
            message = f"expected a genome of the kind {self._space.genome.kind}, got another: {error!s:.200}"
            raise RunError(message, Where(str(self._run / INDIVIDUALS), row["id"])) from None

    def policy(self, row: Mapping[str, Any]) -> Policy | None:
        """The policy of an individual; None where what it was made of is not known any more."""
        found: Policy = self.genomes.express(self.genome(row))
        return found if found.digest == row["key"] else None

    @cached_property
    def _space(self) -> SearchSpace:
        """The space with the members' fingerprints, as far as they are known, and without limits: nothing is bred."""
        space, known = self.asked.space, self.asked.members
        pool = tuple(known[spec.name][0].specs[0] if known[spec.name] else spec for spec in space.pool)
        free = space.genome.model_copy(update=dict.fromkeys(_LIMITS))
        return space.model_copy(update={"pool": pool, "genome": free})

    def _calibration(self, alphabet: AlphabetName) -> Calibration:
        file = self._run / calibration_name(self.asked.space, alphabet)
        if not os.path.lexists(file):
            return Calibration({})  # no threshold of the space hangs on it, or whoever asks for one says so
        return Calibration.from_json(read_text(file, limit=LONGEST), str(file))
