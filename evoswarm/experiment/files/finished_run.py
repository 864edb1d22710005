"""A finished run, and whether a policy fits a space: read from files alone, before the models' libraries are imported.

Whoever asks something of a run or a policy learns here, at once, that it cannot be asked.
"""

from __future__ import annotations

import os
from pathlib import Path

from evoswarm.errors import RecipeError, RunError, Where
from evoswarm.experiment.files.places import SPACE
from evoswarm.policies import Policy, load_policy
from evoswarm.run_directory import CHAMPION
from evoswarm.space import SearchSpace, named_store
from evoswarm.trust import NOBODY, Trust
from evoswarm.user_files import nearby


def read_run(path: Path, trust: Trust = NOBODY) -> tuple[SearchSpace, Policy]:
    """The space and the champion of a run directory.

    Args:
        path: of the directory.
        trust: whose code may run where the space asks for it; the directory itself never says.

    Raises:
        RunError: it is none, or its search has not ended.
    """
    for name in (SPACE, CHAMPION):
        if not os.path.isfile(path / name):  # unlike pathlib's, no error for a name that is too long
            got = "one without it" if os.path.isdir(path) else "a file" if os.path.exists(path) else "nothing there"
            got += "" if os.path.exists(path) else nearby(path)
            message = f"expected a run directory with a {name} in it (its search has ended), got {got}"
            raise RunError(message, Where(str(path)))
    space = SearchSpace.from_yaml(path / SPACE, trust=trust)
    named_store(space)
    champion = load_policy(path)
    check_members(champion, space, str(path / CHAMPION))
    return space, champion


def check_members(policy: Policy, space: SearchSpace, file: str) -> None:
    """Refuse a policy with members that the pool lacks.

    Raises:
        RecipeError: names the member.
    """
    names = [spec.name for spec in space.pool]
    for index, spec in enumerate(policy.specs):
        if spec.name not in names:
            message = f"expected a member of the pool ({', '.join(names)}), got {spec.name!r}"
            raise RecipeError(message, Where(file, f"members.{index}.spec.name" if policy.kind == "mix" else ""))
