"""Prompts that are longer than a member can read: counted from files alone, before any model is loaded.

A recipe with such a member fails on such an item, which is a wrong answer: worth knowing before a search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evoswarm.space.model_files import model_files
from evoswarm.space.search_space import SearchSpace
from evoswarm.tasks.task import Item, SplitName

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
        at_least: whether a chat template, which makes prompts longer, was not counted.
    """

    member: str
    context: int
    counts: Mapping[SplitName, tuple[int, int]]
    at_least: bool = False

    @property
    def words(self) -> str:
        """In one sentence."""
        splits = ", ".join(f"{long:,} of {count:,} {split} prompts" for split, (long, count) in self.counts.items())
        told = "without their chat template, " if self.at_least else ""
        return (
            f"{self.member} reads {self.context:,} tokens at most, and {told}{splits} are longer: recipes with it fail "
            "there, and a failed item counts as a wrong answer"
        )


def counted(
    member: str, context: int, splits: Mapping[SplitName, Sequence[int]], *, at_least: bool = False
) -> LongPrompts | None:
    """Count prompts that are too long; None where all fit.

    Args:
        member: its name.
        context: tokens that it can read.
        splits: by split, the lengths of all prompts in tokens.
        at_least: whether the lengths are lower bounds.
    """
    counts = {split: (sum(one > context for one in lengths), len(lengths)) for split, lengths in splits.items()}
    return LongPrompts(member, context, counts, at_least) if any(long for long, _ in counts.values()) else None


def may_be_long(prompt: str, context: int, frame: int = _FRAME) -> bool:
    """Whether a prompt could be too long: a token spells at least one byte, so most need not be tokenized.

    Args:
        prompt: as the space words it.
        context: tokens that a member can read.
        frame: tokens that stand around it.
    """
    return len(prompt.encode("utf-8", "surrogatepass")) + frame > context


def long_prompts(space: SearchSpace, items: Mapping[SplitName, Sequence[Item]]) -> list[LongPrompts]:
    """Count the prompts that are too long for each local member with a ``tokenizer.json``.

    Args:
        space: whose members and prompt format are meant.
        items: by split.
    """
    prompts = {
        split: [space.prompt_format.replace("{prompt}", item.prompt) for item in drawn]
        for split, drawn in items.items()
    }
    found = []
    for index, spec in enumerate(space.pool):
        files = model_files(spec, space.where("pool", index, "path"))
        context = None if files is None else files.context()
        if files is None or context is None:
            continue
        asked = {split: [one for one in texts if may_be_long(one, context)] for split, texts in prompts.items()}
        if not any(asked.values()):
            continue
        lengths = {split: _lengths(files.directory / "tokenizer.json", texts) for split, texts in asked.items()}
        padded = {split: [*own, *[0] * (len(prompts[split]) - len(own))] for split, own in lengths.items()}
        one = counted(spec.name, context, padded, at_least=spec.chat_template)
        found += [one] if one is not None else []
    return found


def _lengths(file: Path, texts: Sequence[str]) -> list[int]:
    """In tokens, special ones at the ends included; none where the file cannot be read, which loading will say."""
    from tokenizers import Tokenizer

    if not texts or not file.is_file():
        return []
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception:  # the library raises nothing more particular; whoever loads the member says what is wrong
        return []
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True  # what looks like a special token in a question is text
    return [len(one.ids) for one in tokenizer.encode_batch([_readable(text) for text in texts])]


def _readable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
