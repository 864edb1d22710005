"""Between a tokenizer's tokens and bytes: what each token spells, and how a continuation is tokenized.

``encode`` is the tokenizer's pretokenizer and model only. A continuation is not the beginning of a text, so there
is no dummy prefix; it is somebody's text, so special tokens are not matched in it; and it must spell what was
said, so normalizers that change bytes are left out.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from evoswarm.decoding.text.alphabet import continuation_range, split_character
from evoswarm.errors import MemberError

Path = tuple[int, ...]

PROBES = (b"", b"a", b"0")
METASPACE = "\u2581"
UNWRITTEN = "\ue000"  # a private-use character: takes the place of special tokens that must not be found in text
REMEMBERED = 200_000  # memo entries per table; they are cheap to make again


def byte_level_alphabet() -> dict[str, int]:
    """The printable stand-ins of byte-level tokenizers (GPT-2), as character -> byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    alphabet = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if chr(byte) not in alphabet)
    alphabet.update({chr(256 + index): byte for index, byte in enumerate(others)})
    return alphabet


class Codec:
    """Bytes and tokens of one tokenizer.

    Attributes:
        token_bytes: per token id what it spells; None for special tokens and holes.
        order: ``[texts]`` token ids that spell something, sorted by what they spell.
        rank: token id -> its position in ``order``.
        end_ids: all end tokens, sorted.
        silent_bytes: what the tokens would spell that ``token_bytes`` leaves out; the tokenizer may still produce them.
        merges_only: inside a pretoken nothing but merges decides (BPE that looks up no whole pretokens), so what no
            token stands across is tokenized the same on both sides, wherever the pretoken begins and ends.
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
        description = json.loads(backend.to_str())
        self.byte_level = '"ByteLevel"' in json.dumps([description["pre_tokenizer"], description["decoder"]])
        if not self.byte_level and not _is_metaspace(description):
            raise MemberError(
                f"member {name!r}: expected a byte-level or a SentencePiece-like tokenizer, got"
                f" {description['model']['type']} without byte fallback or metaspace: its tokens do not say which bytes"
                " they spell"
            )
        self.end_ids = tuple(sorted(end_ids))
        self.silent_bytes: list[bytes] = []
        self.token_bytes = self._spell(tokenizer, backend, min(columns, max(backend.get_vocab().values()) + 1))
        spelling = sorted((text, token) for token, text in enumerate(self.token_bytes) if text)
        self._texts = {token: text for text, token in spelling}
        self.order: NDArray[np.int64] = np.array([token for _, token in spelling], dtype=np.int64)
        self.rank = {token: position for position, (_, token) in enumerate(spelling)}
        model = description["model"]
        self.merges_only = model["type"] == "BPE" and not any(
            model.get(key) for key in ("ignore_merges", "end_of_word_suffix", "continuing_subword_prefix")
        )
        self._plain = _continuation_tokenizer(description)

    def same_as(self, other: Codec) -> bool:
        """Whether two codecs spell and tokenize alike."""
        return (
            self.token_bytes == other.token_bytes
            and self.end_ids == other.end_ids
            and self._plain.to_str() == other._plain.to_str()
        )

    def _spell(self, tokenizer: Any, backend: Tokenizer, size: int) -> list[bytes | None]:
        """What each token id spells."""
        added = backend.get_added_tokens_decoder()
        silent = {token for token, entry in added.items() if entry.special} | set(self.end_ids)
        silent |= {token for token in tokenizer.all_special_ids if token is not None}
        stand_ins = byte_level_alphabet()
        table: list[bytes | None] = [None] * size
        for text, token in backend.get_vocab(with_added_tokens=True).items():
            spelled = added[token].content.encode() if token in added else self._spell_piece(text, stand_ins)
            if token < size and token not in silent:
                table[token] = spelled
            elif spelled is not None:
                self.silent_bytes.append(spelled)
        return table

    def _spell_piece(self, text: str, stand_ins: dict[str, int]) -> bytes | None:
        """What a piece of the model's vocabulary spells; None if it is outside the byte-level alphabet."""
        if self.byte_level:
            known = [stand_ins[character] for character in text if character in stand_ins]
            return bytes(known) if len(known) == len(text) else None
        if len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
            return bytes((int(text[3:5], 16),))
        return text.replace(METASPACE, " ").encode()

    def pretokens(self, text: str) -> list[str]:
        """The stretches of a continuation that are tokenized one by one."""
        if self._plain.normalizer is not None:
            text = self._plain.normalizer.normalize_str(text)
        if self._plain.pre_tokenizer is None:
            return [text] if text else []
        return [piece for piece, _ in self._plain.pre_tokenizer.pre_tokenize_str(text)]

    def encode(self, text: bytes) -> Path | None:
        """E(text): token ids of a continuation, which may end inside a character.

        Returns:
            ids that spell exactly the text; None where the tokenizer cannot spell it.
        """
        whole, partial = split_character(text)
        if not partial:
            ids = tuple(self._plain.encode(whole.decode(), add_special_tokens=False).ids)
        elif self.byte_level:
            ids = self._encode_unfinished(whole, partial)
        else:
            known = [token for byte in partial if (token := self._plain.token_to_id(f"<0x{byte:02X}>")) is not None]
            if len(known) < len(partial):
                return None
            ids = (*self._plain.encode(whole.decode(), add_special_tokens=False).ids, *known)
        return ids if self.spell(ids) == text else None

    def _encode_unfinished(self, whole: bytes, partial: bytes) -> Path:
        """Byte-level: finish the character to find its pretoken, then merge only the bytes that are there."""
        finished = partial
        while split_character(finished)[1]:
            finished += bytes((continuation_range(finished)[1],))
        pieces = self._plain.pre_tokenizer.pre_tokenize_str((whole + finished).decode())
        texts = [text for text, _ in pieces]
        texts[-1] = texts[-1][: len(texts[-1]) - (len(finished) - len(partial))]
        return tuple(token.id for text in texts for token in self._plain.model.tokenize(text))

    def spell(self, path: Path) -> bytes | None:
        """The bytes that tokens spell; None if one of them spells nothing or is unknown."""
        try:
            return b"".join([self._texts[token] for token in path])
        except KeyError:
            return None

    def paths(self, text: bytes, probes: tuple[bytes, ...] = PROBES) -> tuple[Path, ...]:
        """C(j): the token paths that spell exactly this text and begin its encoding, whatever follows.

        A pretokenizer looks ahead (a run of spaces before a word is split, one before the end is not), so the
        text is also encoded with a letter and with a digit behind it.

        Args:
            text: x[:j].
            probes: what to put behind it.

        Returns:
            the paths in the order of the probes that find them first, so that E(text), where it exists, leads.
        """
        if not text:
            return ((),)
        if split_character(text)[1]:
            probes = (b"",)
        found: dict[Path, None] = {}  # a dict keeps the order of the probes
        for probe in probes:
            ids = self.encode(text + probe)
            if ids is None:
                continue
            length = 0
            for count, token in enumerate(ids):
                length += len(self._texts[token])
                if length >= len(text):
                    if length == len(text):
                        found[ids[: count + 1]] = None
                    break
        return tuple(found)


def _is_metaspace(description: dict[str, Any]) -> bool:
    """Whether tokens spell text with a visible space and raw bytes as ``<0xNN>``."""
    parts = json.dumps(
        [description["normalizer"], description["pre_tokenizer"], description["decoder"]], ensure_ascii=False
    )
    return '"Metaspace"' in parts or METASPACE in parts or bool(description["model"].get("byte_fallback"))


def _continuation_tokenizer(description: dict[str, Any]) -> Tokenizer:
    """The same model and pretokenizer without special tokens, dummy prefixes and normalizers that change bytes."""
    plain = json.loads(json.dumps(description))
    if plain["model"]["type"] == "Unigram":  # its pieces are matched in text, the special ones among them
        for token in plain["added_tokens"]:
            if token["special"] and token["id"] < len(plain["model"]["vocab"]):
                plain["model"]["vocab"][token["id"]][0] = f"{UNWRITTEN}{token['id']}"
    plain.update(added_tokens=[], post_processor=None, truncation=None, padding=None)
    steps = _flatten(plain["normalizer"], "normalizers")
    kept = [step for step in steps if step["type"] == "Replace" and step["content"] == METASPACE]
    plain["normalizer"] = {"type": "Sequence", "normalizers": kept} if kept else None
    for step in _flatten(plain["pre_tokenizer"], "pretokenizers"):
        if step["type"] == "ByteLevel":
            step["add_prefix_space"] = False
        elif step["type"] == "Metaspace":
            step["prepend_scheme"] = "never"
    return Tokenizer.from_str(json.dumps(plain))


def _flatten(step: dict[str, Any] | None, inner: str) -> list[dict[str, Any]]:
    """The steps of a (nested) sequence, or the one step itself."""
    if step is None:
        return []
    if step["type"] == "Sequence":
        return [one for part in step[inner] for one in _flatten(part, inner)]
    return [step]
