"""Whose answers are asked for: a policy, the space whose items it answered, and the pool's members alone.

All of it is read from files; the models themselves may be gone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evoswarm.errors import RunError, Where
from evoswarm.experiment.files.finished_run import check_members
from evoswarm.experiment.files.journalled_failures import journalled_failures
from evoswarm.experiment.files.places import LARGEST_CERTIFICATE, RUNS, SPACE, root_of
from evoswarm.failure import Failure
from evoswarm.genomes.plain import single
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import About, Policy, Recipe, load_document, load_policy
from evoswarm.policies.alphabets import ALPHABETS
from evoswarm.run_directory import CHAMPION
from evoswarm.run_directory.directory import events_of
from evoswarm.space import SearchSpace
from evoswarm.trust import NOBODY, Trust
from evoswarm.user_files import expanded, read_text


@dataclass(frozen=True)
class AskedPolicy:
    """Whose answers are asked for.

    Attributes:
        path: by which it was named.
        space_file: by which its space was named; None where it is that of the run.
        space: whose items were answered.
        policy: the champion, or any other policy.
        file: of the policy.
        run: the directory of its search, if that is the search that is asked about.
        runs: the directory whose ledger is meant.
        members: every member of the pool alone, by name: as the space asks it, then in other alphabets. None of these
            where its fingerprint is not known.
    """

    path: Path
    space_file: Path | None
    space: SearchSpace
    policy: Policy
    file: Path
    run: Path | None
    runs: Path
    members: Mapping[str, tuple[Recipe, ...]]

    @property
    def inputs(self) -> list[Path]:
        """Files and directories that are read, or would be if anything were decoded."""
        sources = [_meant(str(getattr(task, task.origin))) for task in self.space.tasks]
        models = [Path(spec.path) for spec in self.space.pool]  # expanded when it was read
        return [self.file, *([] if self.run is None else [self.run]), *sources, *models]

    @property
    def failures(self) -> dict[tuple[str, str], Failure]:
        """What was owed to device and time, by digests of recipe and item, as the run's results stand on it.

        Raises:
            RunError: the journal is damaged.
        """
        return {} if self.run is None else journalled_failures(events_of(self.run))

    @property
    def opened(self) -> bool:
        """Whether a certificate of this policy has opened the test items, by what lies in the run directory."""
        wanted = (self.policy.digest, self.space.continuation_digest)
        return self.run is not None and wanted in map(_certified, sorted(self.run.glob("certificate*.json")))

    def require_opened(self) -> None:
        """Refuse to show test items that no certificate of this policy has shown.

        Raises:
            RunError: there is no such certificate in the run directory.
        """
        if self.opened:
            return
        got = "no run directory" if self.run is None else f"no such certificate in {self.run}"
        made = (
            f" (evoswarm certify {self.run} makes one)" if self.run is not None and self.file.name == CHAMPION else ""
        )
        raise RunError(
            f"expected test items that a certificate of this recipe has opened, since none are opened here, got {got}"
            f"{made}",
            Where("--split"),
        )


def asked_policy(path: Path, space: Path | None = None, trust: Trust = NOBODY) -> AskedPolicy:
    """The policy that a path means, with what is known of it.

    Args:
        path: a run directory, or a policy's file: in a run directory, or anywhere where the space is known.
        space: the file of the space whose items are meant; None is that of the run.
        trust: whose code may run where the space asks for it.

    Raises:
        EvoswarmError: there is no policy, no space, or they do not go together.
    """
    document = load_document(path)
    policy, file = document.policy, path / CHAMPION if os.path.isdir(path) else path
    home = _home(file, document.about)
    if space is None and home is None:
        of = "" if document.about is None else f" (its run was called {document.about.run})"
        raise RunError(
            "expected a run directory, the file of a recipe in one, or --space SPACE beside a recipe (whose questions "
            f"are meant), got a recipe that lies elsewhere{of}",
            Where(str(path)),
        )
    checked = SearchSpace.from_yaml(space or (home or Path()) / SPACE, trust=trust)
    check_members(policy, checked, str(file))
    checked = checked.resolved(policy.mixes(checked.tasks[0].name)[0].alphabet)
    run = home if home is not None and (space is None or _same_search(home / SPACE, checked)) else None
    runs = Path(RUNS) if home is None else root_of(home)
    return AskedPolicy(path, space, checked, policy, file, run, runs, _members(checked, policy, home))


def _home(file: Path, about: About | None) -> Path | None:
    """The run directory of a policy's file: where it lies, or that of the name that it says, if there is one."""
    for folder in (file.parent, file.parent.parent):
        if os.path.isfile(folder / SPACE):
            return folder
    named = None if about is None else Path(RUNS) / Path(about.run).name
    if about is None or named is None or not os.path.isfile(named / SPACE):
        return None
    return named if SearchSpace.from_yaml(named / SPACE).digest == about.space_digest else None


def _same_search(file: Path, space: SearchSpace) -> bool:
    return SearchSpace.from_yaml(file).continuation_digest == space.continuation_digest


def _members(space: SearchSpace, policy: Policy, run: Path | None) -> dict[str, tuple[Recipe, ...]]:
    """Every member of the pool alone."""
    known: dict[str, MemberSpec] = {}
    for one in _policies(policy, run):
        known |= {spec.name: spec for spec in one.specs if spec.fingerprint is not None and spec.name not in known}
        if len(known) == len(space.pool):
            break
    alphabets = dict.fromkeys([space.alphabets[0], *ALPHABETS])
    return {
        spec.name: tuple(single(space, known[spec.name], alphabet) for alphabet in alphabets if spec.name in known)
        for spec in space.pool
    }


def _policies(policy: Policy, run: Path | None) -> Iterator[Policy]:
    """Those that know fingerprints of members: the policy itself, and the recipes of its run."""
    yield policy
    for file in sorted((run / "recipes").glob("*.json")) if run is not None else ():
        yield load_policy(file)


def _certified(file: Path) -> tuple[str, str] | None:
    """Of which champion and which search a certificate is, by their digests; None where it is none."""
    try:
        subject = json.loads(read_text(file, limit=LARGEST_CERTIFICATE))["subject"]
        return str(subject["champion"]), str(subject["search_digest"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _meant(path: str) -> Path:
    """Where a source of items is read."""
    try:
        return Path(expanded(path))
    except ValueError:  # a variable is not set: whoever reads the file says so
        return Path(path)
