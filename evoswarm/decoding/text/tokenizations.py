"""How texts of one alphabet can be tokenized by one tokenizer, whoever asks."""

from __future__ import annotations

from collections.abc import Sequence

from evoswarm.decoding.compiled.text_states import TextStates
from evoswarm.decoding.text.continuation import Path
from evoswarm.decoding.text.decomposition import Decomposition
from evoswarm.decoding.text.token_trie import TokenTrie


class Tokenizations:
    """What a tokenizer makes of the texts of one table of contexts; the members that share it share all of this.

    Attributes:
        decomposition: of its tokens.
        tokens: what its tokens begin with.
        texts: of contexts.
    """

    def __init__(self, decomposition: Decomposition, split_points: bytes) -> None:
        """Begin without texts; split points are those that ``find_split_points`` finds for the codec."""
        self.decomposition, self.tokens = decomposition, TokenTrie(decomposition)
        self._ends, self._apart = decomposition.last_bytes, split_points
        self.texts = TextStates(
            self.tokens.child,
            self._paths,
            self._spells,
            (decomposition.last_bytes, decomposition.first_bytes),
            split_points,
        )

    def _paths(self, tail: Sequence[int]) -> tuple[Path, ...]:
        """C of a text that begins at a split point; probes that the tokenizer treats apart find what E(tail) finds."""
        last = self._ends[tail[-1]] << 8
        probes = [one for one in self.decomposition.codec.probes if not (one and self._apart[last | one[0]])]
        return self.decomposition.paths(self.decomposition.as_text(tail), probes)

    def _spells(self, tail: Sequence[int]) -> bool:
        """Whether a text between two split points can be spelled at all."""
        return bool(self.decomposition.paths(self.decomposition.as_text(tail), (b"",)))

    def forget(self) -> None:
        """Contexts have other numbers now."""
        self.texts.forget(0)
