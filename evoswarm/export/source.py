"""What is exported: a policy with all that is known of it, and the run that it comes from where that is here.

Only files are read, and no heavy library is imported.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from evoswarm.certificate.document import Certificate
from evoswarm.errors import RunError, Where
from evoswarm.experiment.files.finished_run import read_run
from evoswarm.experiment.files.places import FRONT, LARGEST_CERTIFICATE, run_of
from evoswarm.experiment.loadable import check_recipe
from evoswarm.policies import About, Policy, PolicyDocument, load_document
from evoswarm.policies.policy import policy_file
from evoswarm.run_directory import CERTIFICATE, CHAMPION
from evoswarm.space import SearchSpace
from evoswarm.trust import NOBODY, Trust
from evoswarm.user_files import MIB, read_text

if TYPE_CHECKING:
    from evoswarm.export.members import MemberHere

_LARGEST_FRONT = 1024 * MIB


@dataclass(frozen=True)
class Source:
    """What is exported.

    Attributes:
        path: as its caller named it: a policy's file, a run directory, a bundle.
        file: of the policy.
        document: the policy, and what its file says about it.
        certificate: of the policy; None where it has none.
        run: the run directory, where the policy is a run's champion; else None.
        members: where the members' files are and what they hold now; none before they were looked at.
    """

    path: Path
    file: Path
    document: PolicyDocument
    certificate: Certificate | None = None
    run: Path | None = None
    members: tuple[MemberHere, ...] = ()

    @property
    def policy(self) -> Policy:
        """The policy itself."""
        return self.document.policy

    @property
    def about(self) -> About | None:
        """What its file says about it."""
        return self.document.about

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of members whose files are not those that the policy knew, by those that were looked at."""
        return tuple(one.spec.name for one in self.members if one.changed)

    @property
    def inputs(self) -> list[Path]:
        """Files and directories that an export must not replace."""
        own = [self.path, self.file, *([] if self.run is None else [self.run])]
        return own + [Path(spec.path) for spec in self.policy.specs if os.path.isdir(spec.path)]

    def space(self, trust: Trust = NOBODY) -> SearchSpace:
        """The space of the run.

        Raises:
            EvoswarmError: there is no run, or its space cannot be read or asks for more than is trusted.
        """
        return read_run(self._run, trust)[0]

    def front(self) -> dict[str, Any]:
        """What ``front.json`` of the run says: the Pareto front and all contenders, with scores and costs.

        Raises:
            RunError: there is no run, or the file is missing or holds something else.
        """
        file = self._run / FRONT
        try:
            found = json.loads(read_text(file, limit=_LARGEST_FRONT))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not isinstance(found.get("contenders"), list):
            raise RunError(
                "expected what a search writes (the Pareto front as JSON), got another text", Where(str(file))
            )
        return found

    @property
    def _run(self) -> Path:
        if self.run is None:
            raise RunError("expected a run directory (its search has ended), got a policy alone", Where(str(self.path)))
        return self.run


def read_source(path: Path, trust: Trust = NOBODY, *, members: bool = False) -> Source:
    """Read what is to be exported.

    Args:
        path: a policy's file, a run directory, a bundle.
        trust: whose code may run.
        members: whether members are wanted: those that cannot be loaded, as far as files say, are refused.

    Raises:
        EvoswarmError: there is no policy, its certificate is none, or a member cannot be loaded.
    """
    document = check_recipe(path, trust.remote_code) if members else load_document(path)
    file = policy_file(path)
    return Source(path, file, document, certificate_beside(file, document.policy), run_of(path))


def certificate_beside(file: Path, policy: Policy) -> Certificate | None:
    """The certificate of a champion, in the directory of its file; None where there is none of this policy.

    Raises:
        RunError: what stands there is none, or of a later version.
    """
    beside = file.parent / CERTIFICATE
    if file.name != CHAMPION or not os.path.lexists(beside):
        return None
    try:
        found = Certificate.from_json(read_text(beside, limit=LARGEST_CERTIFICATE))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        got = first["msg"] if key != "version" else f"version {first['input']!r:.20}, which a later evoswarm reads"
        raise RunError(
            f"expected a certificate as this evoswarm writes it, got: {got:.120}", Where(str(beside), key)
        ) from None
    return found if found.subject.champion == policy.digest else None
