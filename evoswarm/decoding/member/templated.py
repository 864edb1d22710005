"""A loaded member asked as its owner would ask it: through its own chat template, though its pool asks it without."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from evoswarm.chat import find_template
from evoswarm.checkpoint.vocabulary import has_tokenizer
from evoswarm.decoding.member.files import dated, local_base
from evoswarm.decoding.member.member import Member
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec

SUFFIX = ".chat"
"""Behind the name of a member that is asked through its template."""


def templated_spec(spec: MemberSpec, directory: Path, taken: Collection[str]) -> MemberSpec | None:
    """The member through its template, with a name of its own; None where it is so already, or has none that is found.

    Args:
        spec: of the member.
        directory: that holds its files.
        taken: names of others.
    """
    if spec.chat_template:
        return None
    try:
        if not find_template(_speaks(directory)):
            return None
        name = spec.name + SUFFIX
        while name in taken:
            name += SUFFIX
        return dated(spec.model_copy(update={"name": name, "chat_template": True, "fingerprint": None}), directory)
    except MemberError:  # nothing that its pool asks for
        return None


def templated(member: Member, spec: MemberSpec, directory: Path) -> Member:
    """The loaded member by a spec of ``templated_spec``: the same weights, loaded once.

    Raises:
        MemberError: the template does not do what it should, or writes what the model cannot read.
    """
    template = member.chat_template(spec, _speaks(directory))
    assert template is not None  # the spec asks for one
    return member.asked(spec, template)


def _speaks(directory: Path) -> Path:
    """Where tokenizer and template are: an adapter may leave them to its base."""
    return (None if has_tokenizer(directory) else local_base(directory)) or directory
