"""Between a tokenizer's tokens and bytes: what each token spells, and by which tokens a text is spelled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.text.continuation import ContinuationTokenizer, Path
from evoswarm.decoding.text.probes import find_probes
from evoswarm.decoding.text.spelling import TokenizerParts, spell_tokens
from evoswarm.decoding.text.utf8 import split_character
from evoswarm.errors import MemberError

REMEMBERED = 200_000  # memo entries per table; they are cheap to make again


class Codec:
    """Bytes and tokens of one tokenizer.

    Attributes:
        token_bytes: per token id what it spells; None for special tokens and holes.
        order: ``[texts]`` token ids that spell something, sorted by what they spell.
        end_ids: all end tokens, sorted.
        silent_bytes: what the tokens would spell that ``token_bytes`` leaves out; the tokenizer may still merge them.
        continuation: the tokenizer as it treats continuations.
    """

    def __init__(self, tokenizer: Any, end_ids: tuple[int, ...], columns: int, name: str) -> None:
        """Read a tokenizer.

        Args:
            tokenizer: a fast tokenizer of transformers.
            end_ids: token ids that end an answer.
            columns: width of the model's logits; ids beyond it cannot be predicted.
            name: of the member, for errors.

        Raises:
            MemberError: neither a byte-level nor a SentencePiece-like tokenizer.
        """
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise MemberError(
                f"member {name!r}: expected a fast tokenizer (tokenizer.json), got {type(tokenizer).__name__}"
            )
        parts = TokenizerParts(backend)
        if not parts.byte_level and not parts.metaspace:
            raise MemberError(
                f"member {name!r}: expected a byte-level or a SentencePiece-like tokenizer, got"
                f" {type(backend.model).__name__} without byte fallback or metaspace: its tokens do not say which bytes"
                " they spell"
            )
        added = backend.get_added_tokens_decoder()
        self.end_ids = tuple(sorted(end_ids))
        silent = {token for token, entry in added.items() if entry.special or token >= columns} | set(end_ids)
        silent |= {token for token in tokenizer.all_special_ids if token is not None}
        size = min(columns, max(backend.get_vocab().values()) + 1)
        table, self.silent_bytes = spell_tokens(backend, parts.byte_level, size, silent)
        self.token_bytes = table
        spelling = [token for token, text in enumerate(table) if text is not None]
        spelling.sort(key=table.__getitem__)  # type: ignore[arg-type]  # those that are None are left out
        self.order: NDArray[np.int64] = np.array(spelling, dtype=np.int64)
        self.continuation = ContinuationTokenizer(backend, parts, table)

    @cached_property
    def digest(self) -> str:
        """Equal for codecs that spell and tokenize alike."""
        said = (self.token_bytes, sorted(self.silent_bytes), self.end_ids, self.continuation.description)
        return sha256(repr(said).encode("utf-8", "surrogatepass")).hexdigest()

    def same_as(self, other: Codec) -> bool:
        """Whether two codecs spell and tokenize alike."""
        return (
            self.token_bytes == other.token_bytes
            and self.end_ids == other.end_ids
            and self.continuation.same_as(other.continuation)
        )

    def encode(self, text: bytes) -> Path | None:
        """E(text): ids that spell exactly the text, which may end inside a character; None where no tokens do."""
        return self.continuation.encode(text)

    def encodes_alone(self, token: int) -> bool:
        """Whether what a token spells, as a text of its own, is encoded as this token."""
        text = self.token_bytes[token] or b""
        return text.decode(errors="ignore").encode() == text and self.encode(text) == (token,)

    @cached_property
    def probes(self) -> tuple[bytes, ...]:
        """What to put behind a text to see all its paths (see ``find_probes``)."""
        return find_probes(self.paths, (self.token_bytes[token] or b"" for token in self.order.tolist()))

    def paths(self, text: bytes, probes: Sequence[bytes] | None = None) -> tuple[Path, ...]:
        """C(j): the token paths that spell exactly this text and begin its encoding, whatever follows.

        A pretokenizer looks ahead (a run of spaces before a word is split, one before the end is not), so the
        text is also encoded with others behind it.

        Args:
            text: x[:j].
            probes: what to put behind it; None is all that the tokenizer needs.

        Returns:
            the paths in the order of the probes that find them first, so that E(text), where it exists, leads.
        """
        if not text:
            return ((),)
        if split_character(text)[1]:
            probes = (b"",)
        found: dict[Path, None] = {}  # a dict keeps the order of the probes
        for probe in self.probes if probes is None else probes:
            ids = self.encode(text + probe)
            if ids is None:
                continue
            length = 0
            for count, token in enumerate(ids):
                length += len(self.token_bytes[token] or b"")
                if length >= len(text):
                    if length == len(text):
                        found[ids[: count + 1]] = None
                    break
        return tuple(found)
