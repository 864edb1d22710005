"""Special tokens that a text merely writes, beside those that are meant."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from tokenizers import AddedToken, Tokenizer

from evoswarm.chat import PromptRefused

_MARK = "\ue001"  # a private-use character
_HIDING = range(0xE002, 0xF8FF)  # more of them


def special_ids(tokenizer: Any) -> frozenset[int]:
    """The special tokens of a tokenizer of transformers, those without a role among them."""
    added = {token for token, entry in tokenizer.added_tokens_decoder.items() if entry.special}
    return frozenset(added | {token for token in tokenizer.all_special_ids if token is not None})


class Literals:
    """Encodes texts in parts of which special tokens are meant, and in others only written.

    A tokenizer can leave special tokens unmatched everywhere, or nowhere. So a copy of it leaves them unmatched, and
    each that is meant is written with a stand-in: an ordinary added token that is matched by the same rules. The text
    stays whole, so no seam shows between the parts (SentencePiece would put a space of its own there).
    """

    def __init__(self, backend: Tokenizer) -> None:
        """Copy a tokenizer; large ones take a second or two."""
        added = backend.get_added_tokens_decoder()
        names = {entry.content: token for token, entry in added.items()}
        self._stand_ins = {entry.content: f"{_MARK}{token}{_MARK}" for token, entry in added.items() if entry.special}
        self._copy = Tokenizer.from_str(_without_pieces(backend.to_str(), frozenset(self._stand_ins)))
        self._copy.encode_special_tokens = True
        self._copy.add_tokens([_like(added[names[content]], text) for content, text in self._stand_ins.items()])
        ids = {text: self._copy.token_to_id(text) for text in self._stand_ins.values()}
        self._meant = {ids[text]: names[content] for content, text in self._stand_ins.items()}
        longest_first = sorted(filter(None, names), key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def encode(self, before: str, literal: str, after: str, add_special_tokens: bool = False) -> list[int]:
        """Token ids of the three texts as one: special tokens are text in the second, and meant in the others.

        With ``add_special_tokens``, those that the tokenizer puts around a text are there too.

        Raises:
            PromptRefused: the second text holds what stands for a special token here.
        """
        _refuse_stand_ins(literal)
        text = self._with_stand_ins(before) + literal + self._with_stand_ins(after)
        ids = self._copy.encode(text, add_special_tokens=add_special_tokens).ids
        return [self._meant.get(token, token) for token in ids]

    def encode_turns(self, contents: Sequence[str], render: Callable[[Sequence[str]], str]) -> list[int]:
        """Token ids of a text that is written around contents, in which special tokens are only written.

        A template may trim a content, or take a part of it: where it ends in the text is not known. So special tokens
        in contents are hidden from the template, and what it writes of them is text.

        Args:
            contents: what stands in the text.
            render: writes the text around them; special tokens that it writes itself are meant.

        Raises:
            PromptRefused: a content holds what stands for a special token here.
        """
        for content in contents:
            _refuse_stand_ins(content)
        mark = next(mark for mark in map(chr, _HIDING) if not any(mark in content for content in contents))
        hidden = {content: f"{mark}{number}{mark}" for number, content in enumerate(self._stand_ins)}
        shown = {name: content for content, name in hidden.items()}
        text = render([self._any.sub(lambda match: hidden.get(match[0], match[0]), one) for one in contents])
        text = re.sub(f"{mark}[0-9]+{mark}", lambda match: shown.get(match[0], match[0]), self._with_stand_ins(text))
        return [self._meant.get(token, token) for token in self._copy.encode(text, add_special_tokens=False).ids]

    def _with_stand_ins(self, text: str) -> str:
        return self._any.sub(lambda match: self._stand_ins.get(match[0], match[0]), text)


def _refuse_stand_ins(text: str) -> None:
    """Nobody writes a special token by writing what stands for it, or its beginning where another stands behind it.

    Raises:
        PromptRefused: the text does.
    """
    found = re.search(f"{_MARK}[0-9]+{_MARK}?", text)
    if found:
        raise PromptRefused(
            f"expected a text without {found[0]!a} beside special tokens that it writes (private-use characters that "
            "stand for one here), got one with it"
        )


def _without_pieces(description: str, special: frozenset[str]) -> str:
    """A tokenizer whose Unigram model, which knows special tokens as pieces like any other, does not find them."""
    content = json.loads(description)
    if content["model"]["type"] != "Unigram":
        return description
    hidden = {text: f"{_MARK}{text}" for text in special}
    vocabulary = content["model"]["vocab"]
    content["model"]["vocab"] = [[hidden.get(text, text), score] for text, score in vocabulary]
    for token in content["added_tokens"]:
        token["content"] = hidden.get(token["content"], token["content"])  # so it keeps its id
    return json.dumps(content)


def _like(token: AddedToken, content: str) -> AddedToken:
    """An ordinary token that is matched by the rules of a special one."""
    return AddedToken(
        content,
        single_word=token.single_word,
        lstrip=token.lstrip,
        rstrip=token.rstrip,
        normalized=token.normalized,
        special=False,
    )
