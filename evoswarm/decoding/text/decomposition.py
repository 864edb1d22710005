"""How the tokens of one tokenizer spell the symbols of an alphabet, and by which tokens a text of symbols is spelled.

Every token decomposes into symbols in one fixed way, so a distribution over token paths is one over texts of symbols,
and nothing of it is lost (Chijiwa et al., "Lossless Vocabulary Reduction for Auto-Regressive Language Models", 2025).
Bytes are one end of it, where all tokens but 256 decompose; tokens are the other, where none does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.continuation import Path

Text = Sequence[int]


class Decomposition:
    """The tokens of one tokenizer in the symbols of one alphabet.

    Attributes:
        codec: of the tokenizer.
        spelled: per token id the symbols that it decomposes to; None where it spells nothing.
        token_of: of a symbol that is one token of the tokenizer: that token.
        whole: every token is a symbol of its own, so a text is its own and only path.
        order: ``[texts]`` ids of the tokens that spell something, sorted by their symbols.
        symbols: number of symbols, END left out.
        first_bytes: per symbol; ``last_bytes`` likewise.
        as_text: a text of some symbols, in the alphabet's form.
    """

    def __init__(
        self,
        codec: Codec,
        spelled: Sequence[Text | None],
        symbols: Sequence[bytes | None],
        as_text: Callable[[Iterable[int]], Text],
        *,
        whole: bool = False,
    ) -> None:
        """Lay out what each token decomposes to.

        Args:
            codec: of the tokenizer.
            spelled: per token id its symbols; None where it spells nothing.
            symbols: the bytes of each symbol; None for numbers that stand for nothing.
            as_text: makes texts in the alphabet's form.
            whole: see the attribute.
        """
        self.codec, self.spelled, self.symbols = codec, spelled, len(symbols)
        self.as_text, self.whole = as_text, whole
        self._bytes = symbols
        self.first_bytes = bytes(text[0] if text else 0 for text in symbols)
        self.last_bytes = bytes(text[-1] if text else 0 for text in symbols)
        spelling = codec.order.tolist()
        by_symbols = sorted(spelling, key=lambda token: spelled[token])
        self.order: NDArray[np.int64] = np.array(by_symbols, dtype=np.int64)
        self.token_of: dict[int, int] = {}
        for token in sorted(spelling):
            made = spelled[token]
            if made is not None and len(made) == 1:
                self.token_of.setdefault(made[0], token)
                if self.token_of[made[0]] != token and codec.encodes_alone(token):
                    self.token_of[made[0]] = token  # of tokens of equal bytes, the one that the tokenizer writes

    @property
    def decomposed(self) -> int:
        """How many tokens are several symbols."""
        return sum(len(made) > 1 for made in self.spelled if made is not None)

    def raw(self, text: Text) -> bytes:
        """The bytes of a text."""
        return b"".join([self._bytes[symbol] or b"" for symbol in text])

    def paths(self, text: Text, probes: Sequence[bytes] | None = None) -> tuple[Path, ...]:
        """The canonical token paths that spell exactly a text, whatever follows (see ``Codec.paths``).

        They are the tokenizer's own encodings wherever the symbols are those that its tokens decompose to, and the
        symbols' own tokens elsewhere.

        Args:
            text: of symbols, its bytes valid UTF-8 that may end inside a character (any bytes where ``whole``).
            probes: what to put behind it; None is all that the tokenizer needs.

        Returns:
            the paths in the order of the probes that find them first; none where the tokenizer cannot write the text.
        """
        encoded = ((),) if self.whole else self.codec.paths(self.raw(text), probes)
        followed = [self.follow(path, text) for path in encoded]
        return tuple(dict.fromkeys([path for path in followed if path is not None]))

    def follow(self, encoded: Path, text: Text) -> Path | None:
        """The path of a text that is nearest to an encoding of its bytes.

        Args:
            encoded: tokens that spell the bytes of the text; what is missing at the end counts as disagreement.
            text: of symbols.

        Returns:
            tokens that decompose to exactly the text; None where a symbol is no token and no encoding helps.
        """
        found: list[int] = []
        at = reached = ahead = place = 0  # symbols and bytes of the text, bytes and tokens of the encoding
        while at < len(text):
            while ahead < reached and place < len(encoded):
                ahead += len(self.codec.token_bytes[encoded[place]] or b"")
                place += 1
            token = encoded[place] if ahead == reached and place < len(encoded) else None
            made = None if token is None else self.spelled[token]
            if token is None or made is None or not _stands_at(made, text, at):
                token = self.token_of.get(text[at])
                if token is None:
                    return None
                made = text[at : at + 1]
            found.append(token)
            at += len(made)
            reached += len(self.codec.token_bytes[token] or b"")
        return tuple(found)

    def encode(self, raw: bytes) -> Text | None:
        """The symbols of a text as the tokenizer would write it; None where its tokens do not spell it."""
        path = self.codec.encode(raw)
        return None if path is None else self.as_text([one for token in path for one in self.spelled[token] or ()])

    def symbols_per_token(self, text: Text) -> list[int]:
        """Of each token that the tokenizer makes of a text, how many symbols it takes."""
        path = () if self.whole else self.codec.encode(self.raw(text))
        return [len(self.spelled[token] or ()) for token in self.follow(path or (), text) or ()]


def _stands_at(part: Text, text: Text, at: int) -> bool:
    return (len(part) == 1 and part[0] == text[at]) or text[at : at + len(part)] == part
