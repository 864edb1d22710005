"""Prompts that are longer than a member can read: counted from files alone, before any model is loaded.

A recipe with such a member fails on such an item, which is a wrong answer: worth knowing before a search.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evoswarm.space.prompts import MemberPrompts
from evoswarm.tasks.task import SplitName

_FRAME = 64
"""Tokens that may stand around a question (special ones, and a sign for a leading blank): more than any tokenizer adds
by itself."""


@dataclass(frozen=True)
class LongPrompts:
    """Prompts that one member cannot read.

    Attributes:
        member: its name.
        context: tokens that it can read.
        counts: by split, how many prompts are too long, of how many.
    """

    member: str
    context: int
    counts: Mapping[SplitName, tuple[int, int]]

    @property
    def words(self) -> str:
        """In one sentence."""
        splits = ", ".join(f"{long:,} of {count:,} {split} prompts" for split, (long, count) in self.counts.items())
        return (
            f"{self.member} reads {self.context:,} tokens at most, and {splits} are longer: recipes with it fail "
            "there, and a failed item counts as a wrong answer"
        )


def counted(member: str, context: int, splits: Mapping[SplitName, Sequence[int]]) -> LongPrompts | None:
    """Count prompts that are too long; None where all fit.

    Args:
        member: its name.
        context: tokens that it can read.
        splits: by split, the lengths of all prompts in tokens.
    """
    counts = {split: (sum(one > context for one in lengths), len(lengths)) for split, lengths in splits.items()}
    return LongPrompts(member, context, counts) if any(long for long, _ in counts.values()) else None


def may_be_long(prompt: str, context: int, frame: int = _FRAME) -> bool:
    """Whether a prompt could be too long: a token spells at least one byte, so most need not be tokenized.

    Args:
        prompt: as the space words it.
        context: tokens that a member can read.
        frame: tokens that stand around it.
    """
    return len(prompt.encode("utf-8", "surrogatepass")) + frame > context


def long_prompts(
    members: Sequence[MemberPrompts], questions: Mapping[SplitName, Sequence[str]]
) -> Iterator[LongPrompts]:
    """Count the questions that are too long for each member with a ``tokenizer.json``.

    Args:
        members: local ones.
        questions: by split, as the space's prompt format words them.
    """
    for member in members:
        context = member.files.context()
        if context is None:
            continue
        frame = len(member.rendered("").encode("utf-8", "replace")) + _FRAME
        asked = {
            split: [one for one in texts if may_be_long(one, context, frame)] for split, texts in questions.items()
        }
        if any(asked.values()):
            lengths = {split: _lengths(member, texts) for split, texts in asked.items()}
            padded = {split: [*own, *[0] * (len(questions[split]) - len(own))] for split, own in lengths.items()}
            one = counted(member.spec.name, context, padded)
            if one is not None:
                yield one


def _lengths(member: MemberPrompts, texts: Sequence[str]) -> list[int]:
    """In tokens, special ones included; none where the file cannot be read, which loading will say."""
    from tokenizers import Tokenizer

    file, plain = member.files.directory / "tokenizer.json", not member.spec.chat_template
    if not texts or not file.is_file():
        return []
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception:  # the library raises nothing more particular; whoever loads the member says what is wrong
        return []
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = plain  # what looks like a special token in a question is text, in a template not
    rendered = [member.rendered(text.encode("utf-8", "replace").decode("utf-8")) for text in texts]
    return [len(one.ids) for one in tokenizer.encode_batch(rendered, add_special_tokens=plain)]
