"""The judge's reading of one member: next bytes from a model and its tokenizer, by definition alone."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

END = 256
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
    """A model and its tokenizer, read from the beginning at every question."""

    def __init__(self, directory: Path, chat_template: bool = False) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(directory)
        self.model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
        self.chat_template = chat_template
        self.ends = self._ends()
        backend = self.tokenizer.backend_tokenizer
        layout = json.loads(backend.to_str())
        self.byte_level = "ByteLevel" in json.dumps([layout["decoder"], layout["pre_tokenizer"]])
        special = {token for token, added in backend.get_added_tokens_decoder().items() if added.special}
        silent = special | set(self.ends)
        self.spelling: dict[int, bytes] = {
            token: self._spell(text)
            for text, token in backend.get_vocab().items()
            if token not in silent and token < self.model.config.vocab_size and text
        }
        self.tokens = sorted(self.spelling, key=lambda token: (self.spelling[token], token))
        self.texts = [self.spelling[token] for token in self.tokens]
        self.place = {token: place for place, token in enumerate(self.tokens)}
        self.firsts = [text[0] for text in self.texts]
        self.columns = torch.tensor(self.tokens + self.ends)
        self.plain = self._as_a_continuation(layout)
        self.rows: dict[Ids, tuple[np.ndarray, float]] = {}
        self.known_paths: dict[bytes, list[Ids]] = {}
        self.counted: dict[tuple[Ids, bytes], np.ndarray] = {}

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
                self.counted.clear()
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

    def paths(self, text: bytes) -> list[Ids]:
        """C(j) for text = x[:j]."""
        if text not in self.known_paths:
            found: list[Ids] = []
            for following in FOLLOWING if _is_utf8(text) else ("",):
                ids = self.encode(text + following.encode()) or ()
                begun = list(accumulate((len(self.spelling[token]) for token in ids), initial=0))
                if len(text) in begun and (path := ids[: begun.index(len(text))]) not in found:
                    found.append(path)
            self.known_paths[text] = found
        return self.known_paths[text]

    def heads(self, x: bytes) -> list[tuple[Ids, bytes]]:
        """Every path of C(j) behind which some token leads beyond x, with the rest of x; END leads beyond all of x."""
        found = []
        for j in range(len(x) + 1):
            if j == len(x) or self._extending(x[j:]):
                found += [(path, x[j:]) for path in self.paths(x[:j])]
        return found

    def _extending(self, rest: bytes) -> range:
        """The places of the tokens that strictly extend a string."""
        return range(bisect_right(self.texts, rest), bisect_right(self.texts, rest + b"\xff" * 256))

    def read(self, prompt: Ids, x: bytes, epsilon: float) -> tuple[Ids, set[Ids], float]:
        """The common prefix of all heads, the paths whose rows are read, and what the unread heads count for."""
        heads = self.heads(x)
        common = heads[0][0]
        for path, _ in heads:
            while path[: len(common)] != common:
                common = common[:-1]
        read = {common}
        while True:
            counts = [self._count(prompt, path, rest, common, read) for path, rest in heads]
            unread = [(path, count) for (path, _), count in zip(heads, counts, strict=True) if path not in read]
            lightest = sorted(count for _, count in unread)
            room = epsilon * sum(counts)
            heavy = [count for count, so_far in zip(lightest, accumulate(lightest), strict=True) if so_far >= room]
            wanted = [path for path, count in unread if heavy and count >= heavy[0] and count > 0]
            if not wanted:
                return common, read, sum(count for _, count in unread)
            read |= {path[: _depth_read(path, common, read) + 1] for path in wanted}

    def next_byte(self, prompt: Ids, x: bytes, epsilon: float) -> tuple[list[float], float] | None:
        """Probability of the 257 symbols behind x, and the share left out; None: no mass on any allowed symbol."""
        if not self.heads(x):
            return None
        common, read, left_out = self.read(prompt, x, epsilon)
        symbols = self._sum(prompt, [head for head in self.heads(x) if head[0] in read], common)
        symbols = [p if ok else 0.0 for p, ok in zip(symbols, allowed(x), strict=True)]
        kept = sum(symbols)
        return ([p / kept for p in symbols], left_out / (left_out + kept)) if kept > 0 else None

    def _mass(self, prompt: Ids, path: Ids, common: Ids) -> float:
        depths = range(len(common), len(path))
        return math.prod(self.row(prompt + path[:depth])[0][self.place[path[depth]]] for depth in depths)

    def _count(self, prompt: Ids, path: Ids, rest: bytes, common: Ids, read: set[Ids]) -> float:
        """What a head counts for: exactly once it is read, else its mass up to the deepest ancestor that is."""
        if path not in read:
            return self._mass(prompt, path[: _depth_read(path, common, read) + 1], common)
        return self._mass(prompt, path, common) * float(self._beyond(prompt + path, rest).sum())

    def _beyond(self, ids: Ids, rest: bytes) -> np.ndarray:
        """Probability of the tokens that come next and strictly extend the rest of the text, by their next byte."""
        if (ids, rest) not in self.counted:
            row, end = self.row(ids)
            places = self._extending(rest)
            following = self.firsts if rest == b"" else [self.texts[place][len(rest)] for place in places]
            symbols = np.bincount(following, weights=row[places.start : places.stop], minlength=257)
            symbols[END] = end if rest == b"" else 0.0
            self.counted[ids, rest] = symbols
        return self.counted[ids, rest]

    def _sum(self, prompt: Ids, heads: list[tuple[Ids, bytes]], common: Ids) -> list[float]:
        totals = np.zeros(257)
        for path, rest in heads:
            totals += self._mass(prompt, path, common) * self._beyond(prompt + path, rest)
        return [float(total) for total in totals]


def _depth_read(path: Ids, common: Ids, read: set[Ids]) -> int:
    """How many tokens of a path its deepest read ancestor has."""
    return max(depth for depth in range(len(common), len(path)) if path[:depth] in read)


def _shown(text: bytes) -> str:
    """Bytes as byte-level tokenizers write them."""
    return "".join(STAND_INS[byte] for byte in text)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _completed(text: bytes) -> bytes:
    """The text with the highest bytes that finish its last character."""
    endings = [b"", b"\xbf", b"\x9f", b"\x8f", b"\xbf\xbf", b"\x9f\xbf", b"\xbf\xbf\xbf", b"\x8f\xbf\xbf"]
    return next(text + more for more in endings if _is_utf8(text + more))


def allowed(x: bytes) -> list[bool]:
    """Which symbols keep x valid UTF-8: tried out, with enough ways in which a character could go on."""
    tails = [b"", b"\x80", b"\x80\x80", b"\xbf", b"\xbf\x80", b"\xbf\x80\x80", b"\x90\x80\x80", b"\x8f\x80\x80"]
    return [any(_is_utf8(x + bytes([byte]) + tail) for tail in tails) for byte in range(256)] + [_is_utf8(x)]
