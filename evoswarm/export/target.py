"""What a target of an export is: what it takes, what it needs, and what writes it. No heavy library is imported here.

A target is one module of this folder, which makes one `Target`, and one entry in ``targets.TARGETS``. All of them are
imported when a target is chosen: what writes it imports its libraries, and members' loaders, when it is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evoswarm.errors import EvoswarmError, RunError, Where
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.policies import KINDS, Policy
from evoswarm.trust import NOBODY, Trust

if TYPE_CHECKING:
    from evoswarm.export.source import Source


class ExportError(EvoswarmError):
    """Something cannot be exported so, or not to this place."""


@dataclass(frozen=True)
class Options:
    """What a caller of an export says; those behind ``progress`` are of single targets, which name them.

    Attributes:
        out: where the export will be in the end; while it is written it is elsewhere.
        trust: whose code may run.
        overwrite: replace what is there already.
        allow_changed: go on where files of members are not those that the policy knew.
        progress: told of what is being done.
        register: the name of a registered model.
        student: the model to train: a directory, or a configuration to make one from.
        storage: the address of a database, where ``out`` is none of a file.
        overrides: values of the student's plan, ``path.to.key=value``.
    """

    out: Path
    trust: Trust = NOBODY
    allow_changed: bool = False
    progress: Progress = SILENT
    register: str | None = field(default=None, metadata={"of": "target"})
    student: str | None = field(default=None, metadata={"of": "target"})
    storage: str | None = field(default=None, metadata={"of": "target"})
    overrides: tuple[str, ...] = field(default=(), metadata={"of": "target"})
    overwrite: bool = False

    @property
    def place(self) -> str:
        """Where the export will be, for people: an address without its password."""
        return str(self.out) if self.storage is None else re.sub(r"(//[^/@:]*):[^/@]*@", r"\1:***@", self.storage)

    @property
    def said(self) -> dict[str, Any]:
        """The options of single targets that were given, by name."""
        own = [one for one in fields(self) if one.metadata.get("of") == "target"]
        return {one.name: value for one in own if (value := getattr(self, one.name)) != one.default}


Writer = Callable[["Source", Path, Options], list[str]]
"""Writes an export of a source to a path, and says what was written and how it is used, a sentence each. The path of a
folder is there and empty, that of a file is not there yet; it becomes the place that was asked for once all is written.
"""


def _anything(policy: Policy) -> str | None:
    return None


def _nothing(options: Options) -> None:
    pass


@dataclass(frozen=True)
class Target:
    """One way out.

    Attributes:
        name: as it is typed behind ``--to``.
        title: what one gets, in half a sentence.
        takes: ``policy`` is a policy's file, a run or a bundle; ``run`` is a run alone.
        command: that is used for it, or that uses it.
        write: writes it; None where ``command`` does the work and nothing is written.
        kinds: of policies that export there.
        why_not: why a policy does not export there, as a sentence; None where it does. ``kinds`` are refused before.
        makes: whether one gets a folder or a single file.
        signs: names of files by which a folder of this target is known again, so that it may be replaced.
        joins: a file that is there is gone on with: what it has of others stays, and ``write`` refuses what it would
            replace.
        options: names of the fields of `Options` that it takes, of those that not every target takes.
        wants: those of them without which there is no such export.
        check_options: refuses what these say that cannot be meant, by raising what the export would raise.
        done: called once the export is in its place: what was kept for whoever goes on may go.
        needs_members: whether its members' files are wanted: they are found, and checked against what the policy knew.
        extra: of the package, that brings what it needs; empty where nothing is needed.
        packages: that it needs, as they are imported.
    """

    name: str
    title: str
    takes: Literal["policy", "run"]
    command: str
    write: Writer | None = None
    kinds: tuple[str, ...] = tuple(KINDS)
    why_not: Callable[[Policy], str | None] = _anything
    makes: Literal["folder", "file"] = "folder"
    signs: tuple[str, ...] = ()
    joins: bool = False
    options: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    check_options: Callable[[Options], None] = _nothing
    done: Callable[[Options], None] = _nothing
    needs_members: bool = True
    extra: str = ""
    packages: tuple[str, ...] = ()

    @property
    def made_by(self) -> str:
        """The command that makes an export, with stand-ins for what a caller names; of what writes nothing, its own."""
        if self.write is None:
            return self.command
        source = "RUN" if self.takes == "run" else "RUN|POLICY"
        wanted = "".join(f" {spoken(option)} {option.upper()}" for option in self.wants)
        return f"evoswarm export {source} --to {self.name} OUT{wanted}"

    @property
    def missing(self) -> tuple[str, ...]:
        """The packages that it needs and that are not here; nothing is imported."""
        return tuple(name for name in self.packages if find_spec(name) is None)

    def refusal(self, policy: Policy) -> str | None:
        """Why a policy does not export there, as a sentence; None where it does."""
        if policy.kind not in self.kinds:
            return self.why_not(policy) or f"a {policy.kind} does not export there"
        return self.why_not(policy)

    def check(self, options: Options) -> None:
        """Refuse what the target does not take, and a machine that lacks what it needs.

        Raises:
            ExportError: it writes nothing by itself, or does not take an option.
            RunError: a package is missing; names the extra that brings it.
        """
        if self.write is None:
            wanted = f"a target that export writes, got {self.name!r}, which is used by a command of its own"
            raise ExportError(f"expected {wanted}: {self.command}", Where("--to"))
        for name, value in options.said.items():
            if name not in self.options:
                got = f"{options.place if name == 'storage' else value!r:.80}: {self.name} does not take it"
                where = "OUT" if name == "storage" else spoken(name)
                raise ExportError(f"expected a target that takes it, got {got}", Where(where))
        if self.missing:
            need = f"expected {' and '.join(self.missing)} to be installed ({self.name} needs it), got nothing"
            raise RunError(f"{need}: pip install 'evoswarm[{self.extra}]'")
        self.check_options(options)


def spoken(option: str) -> str:
    """An option as the command line has it."""
    return "--set" if option == "overrides" else f"--{option.replace('_', '-')}"
