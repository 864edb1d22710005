"""Exports a source to a target: what can be refused is refused first, and then it is written, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from evoswarm.errors import RunError, Where
from evoswarm.export.place import check_place, written_whole
from evoswarm.export.source import Source, read_source
from evoswarm.export.target import ExportError, Options, Target
from evoswarm.policies import PolicyDocument


def checked_source(path: Path, target: Target, options: Options) -> Source:
    """Refuse an export that cannot be made, as far as files say; no heavy library is imported, nothing is written.

    Args:
        path: a policy's file, a run directory, a bundle.
        target: where it is to go.
        options: of the caller's.

    Returns:
        What is to be exported.

    Raises:
        EvoswarmError: the target does not take it, the place cannot be written, or the source cannot be read.
    """
    target.check(options)
    _check_place(options, target, [path])
    source = read_source(path, options.trust, members=target.needs_members)
    if target.takes == "run" and source.run is None:
        message = f"expected a run directory ({target.name} is made of a whole search), got a policy alone"
        raise RunError(message, Where(str(path)))
    if (refused := target.refusal(source.policy)) is not None:
        raise ExportError(
            f"expected a policy that exports to {target.name}, got one that does not: {refused}", Where(str(path))
        )
    _check_place(options, target, source.inputs)
    return source


def _check_place(options: Options, target: Target, inputs: Sequence[Path]) -> None:
    """Refuse a place that must not be written; a database is asked by whoever writes to it."""
    if options.storage is None:
        check_place(options.out, target, overwrite=options.overwrite or target.joins, inputs=inputs)


def export(source: Source, target: Target, options: Options) -> list[str]:
    """Write an export.

    Args:
        source: that was `checked_source`.
        target: where it goes.
        options: of the caller's.

    Returns:
        What was written and how it is used, a sentence each.

    Raises:
        EvoswarmError: members have moved or changed, or something cannot be written.
    """
    assert target.write is not None  # checked before
    if target.needs_members:
        source = with_members(source, options)
    if options.storage is not None:
        return target.write(source, options.out, options)
    with written_whole(options.out, target) as part:
        lines = target.write(source, part, options)
    target.done(options)
    return lines


def with_members(source: Source, options: Options) -> Source:
    """The source with its members' files; where some have changed and that is allowed, with its members as they are.

    Raises:
        MemberError: a member is not there or has changed.
    """
    from evoswarm.export.members import as_they_are, members_here  # reads what only loaders need

    options.progress.enter("exporting", "reading the files of its members")
    found = members_here(source.policy, source.file, allow_changed=options.allow_changed, tell=options.progress.at)
    document = PolicyDocument(as_they_are(source.policy, found), source.about)
    return replace(source, document=document, members=found)
