"""The judge's reading of one member: a model and its tokenizer, asked from the beginning at every question."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic_core import from_json
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

REMEMBERED = 300  # rows
VISIBLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
HIDDEN = [byte for byte in range(256) if byte not in VISIBLE]
STAND_INS = {byte: chr(byte) for byte in VISIBLE} | {byte: chr(256 + n) for n, byte in enumerate(HIDDEN)}
BYTES = {character: byte for byte, character in STAND_INS.items()}
Ids = tuple[int, ...]

# What may follow a text, of every kind that some tokenizer looks out for: one that begins the text in one more way
# shows it behind one of these.
FOLLOWING = (
    *("", "a", "A", "0", "aa", "AB", "Aa", "the", "THE", "ing", "tion", "00", "123", "1a", "_a", "n't", "."),
    *("..", ",", " ", "  ", "   ", " a", " A", " 0", "  a", " .", "\n", "\n\n", "\n\n\n", "\na", "\n "),
    *(" \n", "  \n", "\r\n", "\r", "\t", "\ta", "'", '"', "(", ")", "-", "/", "=", "<", "_", "$", "+", "#"),
    *("`", "’", "。", "，", "€", "(a", ".a", "-a", "東", "の", "カ", "é", "É", "я", "Я", "ह", "ा", "ع", "ُ", "ก"),
    *("한", "\u0301", "\u0301a", "\u200d", "\u200b", "\u00a0", "\u3000", "🙂", "\ufe0f", "½", "²", "٣", "ǅ"),
    *("ʰ", "\u2028", "\x00", "\U00010330", "<table>", "<think>"),
    " " * 30,
    *(
        quote + tail
        for quote in ("'", "")
        for tail in ("s", "t", "re", "ve", "m", "ll", "d", "S", "T", "RE", "VE", "M")
    ),
    *("'LL", "'D", "LL", "D", "Ll", "lL", "Re", "vE"),
)


class OracleMember:
    """A model and its tokenizer, read from the beginning at every question.

    Args:
        directory: of the checkpoint.
        chat_template: prompts go through the tokenizer's own.
        tokenizer: that of the directory, if transformers has loaded it already.
    """

    def __init__(self, directory: Path, chat_template: bool = False, tokenizer: Any = None) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(directory) if tokenizer is None else tokenizer
        self.model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
        self.chat_template = chat_template
        self.ends = self._ends()
        backend = self.tokenizer.backend_tokenizer
        layout = from_json(backend.to_str())  # several times as fast as Python's own
        self.byte_level = "ByteLevel" in json.dumps([layout["decoder"], layout["pre_tokenizer"]])
        special = {token for token, added in backend.get_added_tokens_decoder().items() if added.special}
        silent = special | set(self.ends)
        self.spelling: dict[int, bytes] = {
            token: self._spell(text)
            for text, token in backend.get_vocab().items()
            if token not in silent and token < self.model.config.vocab_size and text
        }
        self.tokens = sorted(self.spelling, key=lambda token: (self.spelling[token], token))
        self.place = {token: place for place, token in enumerate(self.tokens)}
        self.columns = torch.tensor(self.tokens + self.ends)
        self.plain = self._as_a_continuation(layout)
        self.rows: dict[Ids, tuple[np.ndarray, float]] = {}
        self.views: dict[Any, Any] = {}  # by the symbols; see ``view_of``

    def _as_a_continuation(self, layout: dict[str, Any]) -> Tokenizer:
        """The tokenizer itself, less what belongs to the beginning of a text or would lose some of it."""
        layout["post_processor"] = None
        written = json.dumps(layout["normalizer"], ensure_ascii=False)
        spaces = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
        layout["normalizer"] = spaces if '"Replace"' in written and '"\u2581"' in written else None
        for step in (layout["pre_tokenizer"] or {}).get("pretokenizers", [layout["pre_tokenizer"]]):
            if step is not None and step["type"] == "Metaspace":
                step["prepend_scheme"] = "never"
        for added in layout["added_tokens"]:
            added.update(lstrip=False, rstrip=False, special=added["id"] not in self.spelling)
        plain = Tokenizer.from_str(json.dumps(layout))
        plain.encode_special_tokens = True  # which means: as text
        return plain

    @cached_property
    def merges(self) -> dict[tuple[bytes, bytes], int]:
        """What the tokenizer merges, and in which order; nothing where it is no BPE."""
        layout = from_json(self.plain.to_str())["model"]
        found: dict[tuple[bytes, bytes], int] = {}
        for rank, merge in enumerate(layout.get("merges", [])):
            one, other = merge.split(" ") if isinstance(merge, str) else merge
            found.setdefault((self._spell(one), self._spell(other)), rank)
        return found

    def _ends(self) -> list[int]:
        ends: set[int] = set()
        for eos in (
            self.model.generation_config.eos_token_id,
            self.model.config.eos_token_id,
            self.tokenizer.eos_token_id,
        ):
            ends |= set(eos) if isinstance(eos, list) else set() if eos is None else {eos}
        return sorted(ends)

    def _spell(self, text: str) -> bytes:
        """What decoding a token gives."""
        if self.byte_level:
            known = all(character in BYTES for character in text)
            return bytes(BYTES[character] for character in text) if known else text.encode()
        if text.startswith("<0x") and len(text) == 6:
            return bytes([int(text[3:5], 16)])
        return text.replace("\u2581", " ").encode()

    def prompt(self, text: str) -> Ids:
        if self.chat_template:
            chat = [{"role": "user", "content": text}]
            text = self.tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
            return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return tuple(self.tokenizer(text)["input_ids"])

    def next_token(self, ids: Ids) -> tuple[dict[int, float], float]:
        """Probability of every token that spells something, and of END."""
        row, end = self.row(ids)
        return dict(zip(self.tokens, row.tolist(), strict=True)), end

    def row(self, ids: Ids) -> tuple[np.ndarray, float]:
        """The same, in the order of ``tokens``."""
        if ids not in self.rows:
            if len(self.rows) >= REMEMBERED:
                self.rows.clear()
            with torch.inference_mode():
                logits = self.model(torch.tensor([ids])).logits[0, -1].double()
            probabilities = torch.softmax(logits[self.columns], 0).numpy()
            self.rows[ids] = (probabilities[: len(self.tokens)], float(probabilities[len(self.tokens) :].sum()))
        return self.rows[ids]

    def encode(self, text: bytes) -> Ids | None:
        """E(text): what the tokenizer does with it as a continuation; it may end inside a character."""
        whole = text.decode(errors="ignore").encode()
        partial = text[len(whole) :]
        if self.byte_level:
            ids = self._words(_completed(text).decode()) if partial else self._words(text.decode())
            if partial:  # the last word ends with bytes that are not there: only those that are, are merged
                before = [token for word in ids[:-1] for token in word]
                there = text[len(self.spelled(tuple(before))) :]
                ids = [before, self._merged(_shown(there))]
            found = [token for word in ids for token in word]
        else:
            found = []
            for place, part in enumerate(whole.decode().split("\u2581")):
                found += self._bytes("\u2581".encode()) if place else []
                found += [token for word in self._words(part) for token in word]
            found += self._bytes(partial)
        return tuple(found) if self.spelled(tuple(found)) == text else None

    def _words(self, text: str) -> list[list[int]]:
        """Tokens by the stretch of text that they came from."""
        encoding = self.plain.encode(text, add_special_tokens=False)
        words: dict[int, list[int]] = {}
        for word, token in zip(encoding.word_ids, encoding.ids, strict=True):
            words.setdefault(word, []).extend(self._said(token))  # type: ignore[arg-type]
        return list(words.values())

    def _said(self, token: int) -> list[int]:
        """A token, or if it cannot be said: what stands for its beginning and for its last character."""
        if token in self.spelling:
            return [token]
        text = self.plain.model.id_to_token(token) or ""
        parts = [one.id for part in (text[:-1], text[-1:]) for one in self.plain.model.tokenize(part)]
        if len(text) < 2 or token in parts:  # one character, or what stands for unknown ones
            return self._bytes(text.encode())
        return [said for part in parts for said in self._said(part)]

    def _merged(self, word: str) -> list[int]:
        return [said for token in self.plain.model.tokenize(word) for said in self._said(token.id)]

    def _bytes(self, text: bytes) -> list[int]:
        return [self.plain.token_to_id(f"<0x{byte:02X}>") or -1 for byte in text]

    def spelled(self, ids: Ids) -> bytes:
        return b"".join(self.spelling.get(token, b"\xff\xff") for token in ids)


def _shown(text: bytes) -> str:
    """Bytes as byte-level tokenizers write them."""
    return "".join(STAND_INS[byte] for byte in text)


def is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _completed(text: bytes) -> bytes:
    """The text with the highest bytes that finish its last character."""
    endings = [b"", b"\xbf", b"\x9f", b"\x8f", b"\xbf\xbf", b"\x9f\xbf", b"\xbf\xbf\xbf", b"\x8f\xbf\xbf"]
    return next(text + more for more in endings if is_utf8(text + more))
