"""Which alphabet a pool can have, as far as the members' files say: whether they share one tokenizer and its ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evoswarm.model_files import model_files, vocabulary_digest
from evoswarm.policies.alphabets import automatic
from evoswarm.space.prompts import MemberPrompts
from evoswarm.space.search_space import SearchSpace


@dataclass(frozen=True)
class Difference:
    """A member that does not share the first one's tokens.

    Attributes:
        first: name of the first.
        other: name of the member.
        index: of the member in the pool.
        what: ``tokens`` or ``end tokens``.
    """

    first: str
    other: str
    index: int
    what: str


def difference(members: Iterable[MemberPrompts]) -> Difference | None:
    """The first member with other tokens or ends than the first of all; None where there is none.

    Members without a tokenizer.json are passed over: what their tokens are shows when they are loaded.
    """
    first: tuple[str, str, frozenset[int]] | None = None
    for member in members:
        vocabulary = member.files.vocabulary()
        if vocabulary is None:
            continue
        name, digest, ends = member.spec.name, vocabulary_digest(vocabulary), member.files.end_ids()
        ends |= {vocabulary[token] for token in member.extra_ends if token in vocabulary}
        first = first or (name, digest, ends)
        if (digest, ends) != first[1:]:
            return Difference(first[0], name, member.index, "tokens" if digest != first[1] else "end tokens")
    return None


def told_alphabet(space: SearchSpace) -> str | None:
    """What ``alphabet: auto`` will be, in words; None where the space says itself.

    Nothing is loaded. What members are on the hub only shows when they are: they may share the others' tokenizer.

    Raises:
        MemberError: the files of a member cannot be understood.
    """
    if space.alphabet != "auto":
        return None
    if space.genome.alphabets is not None:
        return f"auto is {space.genome.alphabets[0]}, the first of genome.alphabets"
    here: list[MemberPrompts] = []
    for index, spec in enumerate(space.pool):
        files = model_files(spec, space.where("pool", index, "path"))
        if files is not None:
            here.append(MemberPrompts(space, index, files))
    found = difference(here)
    if found is not None:
        return f"auto is {automatic(False)} (the {found.what} of {found.other!r} differ from those of {found.first!r})"
    known = [member for member in here if member.files.vocabulary() is not None]
    if len(known) < len(space.pool) > 1:
        return "auto is tokens if all members turn out to share one tokenizer, else common"
    why = "the members share one tokenizer" if len(space.pool) > 1 else "there is one member"
    return f"auto is {automatic(True)} ({why})"
