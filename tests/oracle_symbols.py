"""The judge's alphabets: what the symbols of a recipe are, and what one member says of them, by definition alone.

Bytes, tokens and what several tokenizers have in common are one thing here: byte strings with numbers.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

from tests.oracle_member import FOLLOWING, REMEMBERED, Ids, OracleMember, is_utf8

END = 256  # of the bytes
Text = tuple[int, ...]
Merges = dict[tuple[bytes, bytes], int]


@dataclass(frozen=True)
class Symbols:
    """What a step can choose from: these byte strings by number, and END behind them.

    Attributes:
        strings: by number; of tokens that spell nothing it is empty.
        tokens: a symbol is a token of the one tokenizer that all members have.
    """

    strings: tuple[bytes, ...]
    tokens: bool = False

    @property
    def end(self) -> int:
        """END's number."""
        return len(self.strings)

    @cached_property
    def numbers(self) -> dict[bytes, int]:
        """The symbols by what they spell."""
        return {string: number for number, string in enumerate(self.strings)}

    @cached_property
    def _allowed(self) -> dict[bytes, list[bool]]:
        return {}

    def raw(self, text: Sequence[int]) -> bytes:
        """What a text spells."""
        return b"".join(self.strings[symbol] for symbol in text)

    def allowed(self, raw: bytes) -> list[bool]:
        """Which symbols may follow: with one tokenizer all that spell something, else those that keep UTF-8 valid."""
        if self.tokens:
            return [bool(string) for string in self.strings] + [True]
        tail = raw[len(raw.decode(errors="ignore").encode()) :]
        if tail not in self._allowed:
            self._allowed[tail] = [is_begun(tail + string) for string in self.strings] + [tail == b""]
        return self._allowed[tail]


BYTES = Symbols(tuple(bytes([byte]) for byte in range(256)))


def allowed(x: bytes) -> list[bool]:
    """Which bytes, and END, keep x valid UTF-8."""
    return BYTES.allowed(x)


def is_begun(text: bytes) -> bool:
    """Whether a text is valid UTF-8, or can become so: tried out, with enough ways in which a character could go on."""
    tails = [b"", b"\x80", b"\x80\x80", b"\xbf", b"\xbf\x80", b"\xbf\x80\x80", b"\x90\x80\x80", b"\x8f\x80\x80"]
    return any(is_utf8(text + tail) for tail in tails)


def symbols_of(alphabet: str, members: Sequence[OracleMember]) -> Symbols:
    """The symbols of a recipe."""
    if alphabet == "bytes":
        return BYTES
    first, *others = members
    if all((one.spelling, one.ends) == (first.spelling, first.ends) for one in others):
        size = min(first.model.config.vocab_size, max(first.tokenizer.get_vocab().values()) + 1)
        return Symbols(tuple(first.spelling.get(token, b"") for token in range(size)), tokens=True)
    common = set.intersection(*(set(member.spelling.values()) for member in members))
    return Symbols((*BYTES.strings, *sorted(string for string in common if len(string) > 1)))


def merges_to(member: OracleMember, symbols: Symbols) -> Merges:
    """Those of the tokenizer's own merges that make symbols, with their ranks."""
    return {pair: rank for pair, rank in member.merges.items() if b"".join(pair) in symbols.numbers}


def decompose(member: OracleMember, token: int, symbols: Symbols, merges: Merges) -> Text:
    """The symbols of a token: itself, or what the merges that make symbols make of it."""
    text = member.spelling[token]
    if symbols.tokens:
        return (token,)
    if symbols == BYTES:  # no merge makes one: all that follows would take the text apart and leave it so
        return tuple(text)
    if text in symbols.numbers:
        return (symbols.numbers[text],)
    pieces = list(_units(member, text, symbols))
    while True:
        pairs = list(pairwise(pieces))
        ranks = [(merges[pair], at) for at, pair in enumerate(pairs) if pair in merges]
        if not ranks:
            return tuple(symbols.numbers[piece] for piece in _put_together(pieces, symbols))
        _, at = min(ranks)
        pieces[at : at + 2] = [b"".join(pairs[at])]


def _units(member: OracleMember, text: bytes, symbols: Symbols) -> Iterator[bytes]:
    """Bytes, where the tokenizer merges bytes; else characters, but bytes for those that are no symbols."""
    whole = [bytes([byte]) for byte in text] if member.byte_level else [one.encode() for one in text.decode()]
    for unit in whole:
        yield from [unit] if unit in symbols.numbers else [bytes([byte]) for byte in unit]


def _put_together(pieces: list[bytes], symbols: Symbols) -> Iterator[bytes]:
    """Single bytes beside each other become the longest symbols, from the left."""
    run = b""
    for piece in [*pieces, b""]:
        if len(piece) == 1:
            run += piece
            continue
        while run:
            longest = next(run[:end] for end in range(len(run), 0, -1) if run[:end] in symbols.numbers)
            yield longest
            run = run[len(longest) :]
        yield from [piece] if piece else []


def view_of(member: OracleMember, symbols: Symbols = BYTES) -> OracleView:
    """What a member says in an alphabet; made once."""
    if symbols not in member.views:
        member.views[symbols] = OracleView(member, symbols)
    return member.views[symbols]


class OracleView:
    """The next symbols of one member."""

    def __init__(self, member: OracleMember, symbols: Symbols) -> None:
        self.member, self.symbols = member, symbols
        merges = {} if symbols.tokens or symbols == BYTES else merges_to(member, symbols)
        self.made = {token: decompose(member, token, symbols, merges) for token in member.spelling}
        self.tokens = sorted(self.made, key=lambda token: (self.made[token], token))
        self.texts = [self.made[token] for token in self.tokens]
        self.columns = np.array([member.place[token] for token in self.tokens])
        self.firsts = [text[0] for text in self.texts]
        self.known_paths: dict[Text, list[Ids]] = {}
        self.counted: dict[tuple[Ids, Text], np.ndarray] = {}

    @cached_property
    def _own(self) -> dict[int, int]:
        """Of a symbol that is one token: that token; of tokens of equal bytes the one that the tokenizer writes."""
        alike: dict[int, list[int]] = {}
        for token in sorted(self.made):
            if len(self.made[token]) == 1:
                alike.setdefault(self.made[token][0], []).append(token)
        return {symbol: tokens[0] if len(tokens) == 1 else self._written(tokens) for symbol, tokens in alike.items()}

    def _written(self, tokens: list[int]) -> int:
        text = self.member.spelling[tokens[0]]
        ids = self.member.encode(text) if is_utf8(text) else None
        return ids[0] if ids is not None and len(ids) == 1 else tokens[0]

    def paths(self, text: Sequence[int]) -> list[Ids]:
        """C(j) for text = x[:j]: the tokenizer's own where they spell the symbols, the symbols' tokens elsewhere."""
        text = tuple(text)
        if text not in self.known_paths:
            found = [path for encoded in self._encoded(self.symbols.raw(text)) for path in self._follow(encoded, text)]
            self.known_paths[text] = list(dict.fromkeys(found))
        return self.known_paths[text]

    def _encoded(self, raw: bytes) -> list[Ids]:
        """What the tokenizer makes of a text, whatever follows; nothing where it cannot spell it."""
        if self.symbols.tokens:
            return [()]
        found: list[Ids] = []
        for following in FOLLOWING if is_utf8(raw) else ("",):
            ids = self.member.encode(raw + following.encode()) or ()
            begun = list(accumulate((len(self.member.spelling[token]) for token in ids), initial=0))
            if len(raw) in begun and (path := ids[: begun.index(len(raw))]) not in found:
                found.append(path)
        return found

    def _follow(self, encoded: Ids, text: Text) -> list[Ids]:
        """The one path that spells the symbols and is the tokenizer's wherever that one does; none if there is none."""
        spelling = self.member.spelling
        tokens = dict(zip(accumulate((len(spelling[token]) for token in encoded), initial=0), encoded, strict=False))
        path: Ids = ()
        at = byte = 0
        while at < len(text):
            token = tokens.get(byte)
            if token is None or self.made[token] != text[at : at + len(self.made[token])]:
                token = self._own.get(text[at])
            if token is None:
                return []
            path, at, byte = (*path, token), at + len(self.made[token]), byte + len(spelling[token])
        return [path]

    def heads(self, x: Sequence[int]) -> list[tuple[Ids, Text]]:
        """Every path of C(j) behind which some token leads beyond x, with the rest of x; END leads beyond all of x."""
        text, found = tuple(x), []
        for j in range(len(text) + 1):
            if j == len(text) or self._extending(text[j:]):
                found += [(path, text[j:]) for path in self.paths(text[:j])]
        return found

    def _extending(self, rest: Text) -> range:
        """The places of the tokens that strictly extend a text."""
        return range(bisect_right(self.texts, rest), bisect_right(self.texts, (*rest, self.symbols.end)))

    def read(self, prompt: Ids, x: Sequence[int], epsilon: float) -> tuple[Ids, set[Ids], float]:
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

    def next_symbol(self, prompt: Ids, x: Sequence[int], epsilon: float) -> tuple[list[float], float] | None:
        """Probability of the symbols behind x, and the share left out; None: no mass on any allowed symbol."""
        heads = self.heads(x)
        if not heads:
            return None
        common, read, left_out = self.read(prompt, x, epsilon)
        may = self.symbols.allowed(self.symbols.raw(x))
        sums = np.where(may, self._sum(prompt, [head for head in heads if head[0] in read], common), 0.0)
        kept = float(sums.sum())
        return ((sums / kept).tolist(), left_out / (left_out + kept)) if kept > 0 else None

    def _mass(self, prompt: Ids, path: Ids, common: Ids) -> float:
        depths = range(len(common), len(path))
        rows = [self.member.row(prompt + path[:depth])[0] for depth in depths]
        return math.prod(row[self.member.place[path[depth]]] for row, depth in zip(rows, depths, strict=True))

    def _count(self, prompt: Ids, path: Ids, rest: Text, common: Ids, read: set[Ids]) -> float:
        """What a head counts for: exactly once it is read, else its mass up to the deepest ancestor that is."""
        if path not in read:
            return self._mass(prompt, path[: _depth_read(path, common, read) + 1], common)
        return self._mass(prompt, path, common) * float(self._beyond(prompt + path, rest).sum())

    def _beyond(self, ids: Ids, rest: Text) -> np.ndarray:
        """Probability of the tokens that come next and strictly extend the rest of the text, by their next symbol."""
        if (ids, rest) not in self.counted:
            if len(self.counted) >= REMEMBERED:
                self.counted.clear()
            row, end = self.member.row(ids)
            places = self._extending(rest)
            following = self.firsts if rest == () else [self.texts[place][len(rest)] for place in places]
            weights = row[self.columns[places.start : places.stop]]
            symbols = np.bincount(following, weights=weights, minlength=self.symbols.end + 1)
            symbols[self.symbols.end] = end if rest == () else 0.0
            self.counted[ids, rest] = symbols
        return self.counted[ids, rest]

    def _sum(self, prompt: Ids, heads: list[tuple[Ids, Text]], common: Ids) -> np.ndarray:
        totals = np.zeros(self.symbols.end + 1)
        for path, rest in heads:
            totals += self._mass(prompt, path, common) * self._beyond(prompt + path, rest)
        return totals


def _depth_read(path: Ids, common: Ids, read: set[Ids]) -> int:
    """How many tokens of a path its deepest read ancestor has."""
    return max(depth for depth in range(len(common), len(path)) if path[:depth] in read)
