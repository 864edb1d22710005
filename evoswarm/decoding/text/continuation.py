"""E(s): what a tokenizer does to a text that goes on from somewhere, be it unfinished.

It is the tokenizer's own work, with as little changed as a continuation asks for. A continuation is not the beginning
of a text, so there is no dummy prefix. Nothing of an answer may be lost: normalizers that change bytes are left out,
and added tokens do not swallow the spaces around them. And it is ordinary text: tokens that are never generated
(special ones, ends, ids that the model has no logits for) are not found in it, all other added tokens are. Where the
tokenizer would use such a token all the same, the text is written without it: a piece of the vocabulary as its
beginning and its last character; a visible space in the text itself, which no piece can write, in raw bytes, like any
character that the vocabulary lacks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from tokenizers import AddedToken, Tokenizer

from evoswarm.decoding.text.spelling import METASPACE, STAND_INS, TokenizerParts
from evoswarm.decoding.text.utf8 import continuation_range, split_character

Path = tuple[int, ...]

VISIBLE_SPACE = METASPACE.encode()


class ContinuationTokenizer:
    """One tokenizer as it treats continuations.

    Attributes:
        added: the added tokens that it finds in texts, by id.
        added_texts: what they spell.
        words: what those of them spell that are found only as whole words.
        byte_level: tokens are written in the stand-ins of bytes.
        merges_only: inside a pretoken nothing but merges decides (BPE that looks up no whole pretokens), so what no
            token stands across is tokenized the same on both sides, wherever the pretoken begins and ends.
    """

    def __init__(self, backend: Tokenizer, parts: TokenizerParts, table: Sequence[bytes | None]) -> None:
        """Set the tokenizer up; its model is shared, not copied.

        Args:
            backend: the fast tokenizer.
            parts: of it.
            table: what each of its tokens spells; None where it is never generated.
        """
        self._table = table
        self.byte_level, self._metaspace = parts.byte_level, parts.metaspace
        self._model = model = backend.model
        self.merges_only = type(model).__name__ == "BPE" and not any(
            getattr(model, flag) for flag in ("ignore_merges", "end_of_word_suffix", "continuing_subword_prefix")
        )
        self._plain = Tokenizer(model)
        self._plain.normalizer, self._plain.pre_tokenizer = _around(parts)
        known = sorted(backend.get_added_tokens_decoder().items())
        self.added = {token: entry for token, entry in known if self._is_generated(token)}
        self._plain.add_tokens(
            [
                AddedToken(entry.content, normalized=entry.normalized, single_word=entry.single_word)
                for entry in self.added.values()
            ]
        )
        found = ((self._plain.token_to_id(entry.content), token) for token, entry in self.added.items())
        self._renamed = {here: token for here, token in found if here != token}
        self.added_texts = [table[token] or b"" for token in self.added]
        self.words = [table[token] or b"" for token, entry in self.added.items() if entry.single_word]
        raw: list[Any] = [backend.token_to_id(f"<0x{byte:02X}>") for byte in range(256)] if parts.metaspace else []
        self._raw_bytes = [] if None in raw else raw
        self._written_out: dict[int, Path] = {}

    def same_as(self, other: ContinuationTokenizer) -> bool:
        """Whether two tokenizers treat all texts alike."""
        return self._table == other._table and self.description == other.description

    @property
    def description(self) -> str:
        """All that decides how texts are tokenized, as JSON."""
        return self._plain.to_str()

    @cached_property
    def merges(self) -> list[tuple[str, str]]:
        """The model's merges in their order, as it writes them; none where it is no BPE."""
        described = json.loads(self.description)["model"].get("merges", [])
        pairs = (one.split(" ") if isinstance(one, str) else one for one in described)
        return [(left, right) for left, right in pairs]

    def encode(self, text: bytes) -> Path | None:
        """E(text).

        Args:
            text: valid UTF-8, which may end inside a character.

        Returns:
            ids that spell exactly the text; None where no tokens of this tokenizer do.
        """
        if not split_character(text)[1]:
            ids = self._plain.encode(text.decode(), add_special_tokens=False).ids
            if self._renamed:
                ids = [self._renamed.get(token, token) for token in ids]
            if self.spell(ids) == text:  # nearly always: nothing had to be written otherwise
                return tuple(ids)
        pretokens = self.pretokens(text)
        return None if pretokens is None else tuple([token for one in pretokens for token in one])

    def pretokens(self, text: bytes) -> list[Path] | None:
        """E(text) by the stretches that are tokenized one by one; an added token is one of its own."""
        whole, partial = split_character(text)
        if self._metaspace:
            found = self._between_visible_spaces(whole)
            found += [self._raw(partial)] if partial else []
        elif partial:
            found = self._unfinished(whole, partial)
        else:
            found = self._words(whole)
        return found if self.spell([token for one in found for token in one]) == text else None

    def spell(self, path: Sequence[int]) -> bytes | None:
        """The bytes that tokens spell; None if one of them spells nothing or is unknown."""
        try:
            return b"".join([self._table[token] for token in path])  # type: ignore[misc]  # None is caught
        except (IndexError, TypeError):
            return None

    def _words(self, text: bytes) -> list[Path]:
        encoding = self._plain.encode(text.decode(), add_special_tokens=False)
        found: list[list[int]] = []
        last = None
        for word, token in zip(encoding.word_ids, encoding.ids, strict=True):
            if word != last:
                found.append([])
                last = word
            found[-1] += self._generated(self._renamed.get(token, token))
        return [tuple(one) for one in found]

    def _is_generated(self, token: int) -> bool:
        return token < len(self._table) and self._table[token] is not None

    def _generated(self, token: int) -> Path:
        """A token, or those that stand in its place; none where nothing can."""
        if self._is_generated(token):
            return (token,)
        if token not in self._written_out:
            self._written_out[token] = ()  # what stands for unknown characters is made of them again
            written = self._model.id_to_token(token) or ""
            parts = (written[:-1], written[-1:]) if len(written) > 1 else ()
            made = tuple([one for part in parts for one in self._merged(part)])
            self._written_out[token] = made or self._raw(written.encode())
        return self._written_out[token]

    def _merged(self, pretoken: str) -> Path:
        return tuple([token for one in self._model.tokenize(pretoken) for token in self._generated(one.id)])

    def _between_visible_spaces(self, text: bytes) -> list[Path]:
        first, *others = text.split(VISIBLE_SPACE)
        found = self._words(first)
        for one in others:
            found += [self._raw(VISIBLE_SPACE), *self._words(one)]
        return found

    def _raw(self, text: bytes) -> Path:
        """One token for each byte; none where the tokenizer has no such tokens."""
        return tuple([self._raw_bytes[byte] for byte in text]) if self._raw_bytes else ()

    def _unfinished(self, whole: bytes, partial: bytes) -> list[Path]:
        """Byte-level: finish the character to find its pretoken, then merge only the bytes that are there."""
        finished = partial
        while split_character(finished)[1]:
            finished += bytes((continuation_range(finished)[1],))
        *before, last = self._words(whole + finished) or [()]
        behind = (self.spell(last) or b"")[: -(len(finished) - len(partial))]
        there = "".join([STAND_INS[byte] for byte in behind])
        return [*before, self._merged(there)]


def _around(parts: TokenizerParts) -> tuple[Any, Any]:
    """Normalizer and pretokenizer of a continuation."""
    normalizer = [step for step in parts.normalizer if step["type"] == "Replace" and step["content"] == METASPACE]
    pre_tokenizer = []
    for step in parts.pre_tokenizer:
        if step["type"] == "ByteLevel":
            step = {**step, "add_prefix_space": False}
        elif step["type"] == "Metaspace":
            step = {**step, "prepend_scheme": "never"}
        pre_tokenizer.append(step)
    nothing = {"type": "BPE", "vocab": {}, "merges": []}
    described: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": normalizer} if normalizer else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": pre_tokenizer} if pre_tokenizer else None,
        "post_processor": None,
        "decoder": None,
        "model": nothing,
    }
    empty = Tokenizer.from_str(json.dumps(described))
    return empty.normalizer, empty.pre_tokenizer
