"""Runs that differ in their seed alone: what may be certified together, known from files before a model is loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.errors import RunError, Where
from evoswarm.experiment.files.finished_run import read_run
from evoswarm.experiment.files.places import LARGEST_CERTIFICATE, PAGE, SPACE
from evoswarm.policies import Policy
from evoswarm.run_directory import CERTIFICATE, JOURNAL
from evoswarm.space import SearchSpace
from evoswarm.trust import NOBODY, Trust
from evoswarm.user_files import read_text

_FREE = frozenset({"seed", "description", "tracking", "decoding"})
"""Keys of a space in which runs may differ: they change no result."""


@dataclass(frozen=True)
class FinishedSeed:
    """A finished search of one seed.

    Attributes:
        path: of its directory.
        space: with the seed.
        champion: of it.
    """

    path: Path
    space: SearchSpace
    champion: Policy


def read_seeds(paths: Sequence[Path], trust: Trust = NOBODY) -> list[FinishedSeed]:
    """The runs of several seeds of one space, by seed.

    Args:
        paths: of the run directories.
        trust: whose code may run where the space asks for it.

    Raises:
        RunError: there are fewer than two, two have one seed, one has not ended, or their spaces differ in more than
            the seed.
    """
    if len(paths) < 2:
        raise RunError(f"expected two run directories or more (of several seeds), got {len(paths)}")
    found = [FinishedSeed(path, *read_run(path, trust)) for path in paths]
    first = found[0]
    seeds: dict[int, Path] = {}
    for one in found:
        other = seeds.setdefault(one.space.seed, one.path)
        if other != one.path or sum(path == one.path for path in paths) > 1:
            message = f"expected runs of different seeds, got seed {one.space.seed} twice ({other} and {one.path})"
            raise RunError(message, Where(str(one.path / SPACE), "seed"))
        differing = _differs(first.space, one.space)
        if differing:
            raise RunError(
                f"expected runs of one space that differ in their seed alone, got another {differing} than in "
                f"{first.path}",
                Where(str(one.path / SPACE), differing),
            )
    return sorted(found, key=lambda one: one.space.seed)


def check_place(out: Path, seeds: Sequence[FinishedSeed]) -> None:
    """Refuse a directory whose certificate is not one over these seeds, and would be lost; nothing is written.

    Args:
        out: the directory that the user asked for.
        seeds: that are to be certified together.

    Raises:
        RunError: it is that of a run, no directory, or holds such a file.
    """
    if os.path.lexists(out / JOURNAL):
        message = "expected a directory of its own for the certificate over seeds, got that of a run"
        raise RunError(message, Where(str(out)))
    if os.path.lexists(out) and not os.path.isdir(out):
        raise RunError("expected a directory, got a file", Where(str(out)))
    if os.path.lexists(out / CERTIFICATE):
        text = read_text(out / CERTIFICATE, limit=LARGEST_CERTIFICATE)
        try:
            said = json.loads(text)
            found = said["search_digest"], {(one["seed"], one["run"]) for one in said["seeds"]}
        except (ValueError, TypeError, LookupError, RecursionError):
            found = None
        if found == (seeds[0].space.continuation_digest, {(one.space.seed, one.path.name) for one in seeds}):
            return
    for name in (CERTIFICATE, PAGE):
        if os.path.lexists(out / name):
            message = "expected a place for the certificate over these seeds, got a file of another kind"
            raise RunError(f"{message}: choose another directory", Where(str(out / name)))


def _differs(first: SearchSpace, other: SearchSpace) -> str:
    """The first key in which two spaces differ; "" where none counts."""
    one, two = (_content(space) for space in (first, other))
    return next((key for key in one if one[key] != two.get(key)), "")


def _content(space: SearchSpace) -> dict[str, Any]:
    data = space.model_dump(mode="json", by_alias=True)
    return {key: value for key, value in data.items() if key not in _FREE}
