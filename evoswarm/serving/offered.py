"""What a server offers: policies by the names of their runs or files, and single members of them beside those."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evoswarm.errors import RunError, Where
from evoswarm.policies import PolicyDocument, Recipe
from evoswarm.policies.policy import policy_file
from evoswarm.policies.route import every_mix
from evoswarm.run_directory import CHAMPION
from evoswarm.serving.errors import RequestRefused

SHOWN = 20
"""Names that an error lists."""


@dataclass(frozen=True)
class Offer:
    """One thing that can be asked.

    Attributes:
        document: the policy, and what its file says about it.
        source: where it is read from: its file, or the document itself.
        created: when it was made, in seconds since 1970.
    """

    document: PolicyDocument
    source: Path | PolicyDocument
    created: int

    @property
    def tasks(self) -> tuple[str, ...]:
        """Whose questions it knows how to ask."""
        about = self.document.about
        return () if about is None else tuple(about.tasks)

    @property
    def description(self) -> str:
        """What it is, in sentences."""
        said = self.document.policy.words()
        about = self.document.about
        return " ".join([*said, *([] if about is None else [f"It comes {about.sentence()}."])])


Offers = Mapping[str, Offer]


def offers(documents: Iterable[tuple[Path, PolicyDocument]], *, members: bool) -> Offers:
    """Name what is to be offered.

    Args:
        documents: policies with the paths that they were read from: files or run directories.
        members: whether their members are offered too, each alone, as ``POLICY/MEMBER``.

    Raises:
        RunError: two would have one name.
    """
    found: dict[str, Offer] = {}
    places: dict[str, Path] = {}
    for path, document in documents:
        name = _name(path)
        if name in found:
            raise RunError(
                f"expected names that differ (of runs, or of files), got {name!r} twice: {places[name]} has it too",
                Where(str(path)),
            )
        places[name] = path
        created = int(os.path.getmtime(policy_file(path)))
        found[name] = Offer(document, path, created)
        if members:
            for member, alone in _members(document):
                found[f"{name}/{member}"] = Offer(alone, alone, created)
    return found


def offer(found: Offers, name: str) -> Offer:
    """What has a name.

    Raises:
        RequestRefused: nothing has.
    """
    if name not in found:
        shown = ", ".join(list(found)[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
        raise RequestRefused(404, f"expected one of {shown}, got {name!r:.200}", param="model", code="model_not_found")
    return found[name]


def _name(path: Path) -> str:
    """Of a run directory its name, and so of the champion in it; of another file its own without the ending."""
    file = policy_file(path)
    return file.absolute().parent.name if file.name == CHAMPION else file.stem


def _members(document: PolicyDocument) -> Iterable[tuple[str, PolicyDocument]]:
    """Each member alone, greedily, asked as the policy is; what the policy scored is not said of it."""
    about = document.about
    if about is not None:
        nothing = {"selection": None, "expected": None, "test": None, "verdict": None, "refusal": None}
        about = about.model_copy(update=nothing)
    mixes = every_mix(document.policy)
    for spec in document.policy.specs:
        mix = next(one for one in mixes if spec in one.specs)
        alone = Recipe.model_validate(
            {
                "members": [{"spec": spec.model_dump()}],
                "lead": spec.name,
                "alphabet": mix.alphabet,
                "epsilon": mix.epsilon,
                "noise_seed": mix.noise_seed,
                "prompt_format": mix.prompt_format,
            }
        )
        yield spec.name, replace(document, policy=alone, about=about)
