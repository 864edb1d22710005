"""The files of a policy's members: where they are, and whether they are those that the policy knew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evoswarm.decoding.member.files import identified, local_base, locate
from evoswarm.errors import MemberError, Where
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy
from evoswarm.policies.places import member_keys


@dataclass(frozen=True)
class MemberHere:
    """A member whose files are here.

    Attributes:
        spec: as they make it now: with the fingerprint of what is there.
        directory: that holds them.
        base: the directory of the model that it is an adapter of; None for whole models, and for bases on the hub.
        changed: they are not those that the policy knew.
    """

    spec: MemberSpec
    directory: Path
    base: Path | None
    changed: bool


def members_here(
    policy: Policy,
    file: Path,
    *,
    allow_changed: bool = False,
    tell: Callable[[str], None] = lambda name: None,
) -> tuple[MemberHere, ...]:
    """Find the members' files, and read them: those that the policy did not know are refused.

    Args:
        policy: with `placed` members.
        file: that it was read from, for errors.
        allow_changed: go on where files have changed.
        tell: told of every member whose files are read, by name: large ones take a while.

    Raises:
        MemberError: a member is not there, cannot be had, or has changed; names the file and the key.
    """
    keys = member_keys(policy)
    found = []
    for spec in policy.specs:
        tell(spec.name)
        where = Where(str(file), keys[spec.name])
        try:
            directory = locate(spec)
            now = identified(spec, directory)
        except MemberError as error:
            raise MemberError(error.message, error.where or where) from None
        changed = spec.fingerprint is not None and spec.fingerprint != now.fingerprint
        if changed and not allow_changed:
            raise MemberError(
                f"expected the files of member {spec.name!r} that the policy knew (fingerprint {spec.fingerprint:.12}),"
                f" got others at {str(directory)!r:.200} ({now.fingerprint:.12}): --allow-changed goes on, with what is"
                " there now",
                where,
            )
        found.append(MemberHere(now, directory, local_base(directory), changed))
    return tuple(found)


def as_they_are(policy: Policy, members: tuple[MemberHere, ...]) -> Policy:
    """The policy with its members as their files make them now; itself where nothing has changed."""
    if not any(one.changed for one in members):
        return policy
    return policy.bound({one.spec.name: one.spec for one in members})
