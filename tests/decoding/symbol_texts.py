"""Texts of symbols to ask about: as a member would write them, cut otherwise, and such as nobody would write."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from tests.oracle_symbols import OracleView, Symbols, Text

WALKS, LONGEST = 12, 5  # texts drawn symbol by symbol
CUT = 0.3  # of the symbols of a text


def symbol_texts(views: Sequence[OracleView], texts: Sequence[str], count: int, seed: int = 0) -> list[Text]:
    """Beginnings of texts in the symbols that members share.

    Args:
        views: what the members say in these symbols.
        texts: to be written as each of them would, and cut otherwise.
        count: how many beginnings.
        seed: what is drawn is made from it.
    """
    chance = random.Random(seed)
    symbols = views[0].symbols
    whole = [_written(view, text) for view in views for text in texts]
    whole += [_cut(text, symbols, chance) for text in whole]
    whole += [_walk(symbols, chance) for _ in range(WALKS)]
    every = sorted({text[:length] for text in whole for length in range(len(text) + 1)})
    return [(), *chance.sample(every[1:], min(count, len(every)) - 1)]


def _written(view: OracleView, text: str) -> Text:
    """As the member's own tokens for it decompose; byte by byte where it has none."""
    tokens = view.member.encode(text.encode())
    return tuple(text.encode()) if tokens is None else tuple(one for token in tokens for one in view.made[token])


def _cut(text: Text, symbols: Symbols, chance: random.Random) -> Text:
    """Some symbols taken apart: into their first byte and the rest, where that is a symbol, or into bytes."""

    def parts(symbol: int) -> Iterator[int]:
        string = symbols.strings[symbol]
        rest = symbols.numbers.get(string[1:])
        if chance.random() > CUT:
            yield symbol
        elif rest is not None and chance.random() < 0.5:
            yield from (string[0], rest)
        else:
            yield from string

    return tuple(part for symbol in text for part in parts(symbol))


def _walk(symbols: Symbols, chance: random.Random) -> Text:
    text: Text = ()
    for _ in range(chance.randint(1, LONGEST)):
        may = symbols.allowed(symbols.raw(text))[: symbols.end]
        text = (*text, chance.choice([symbol for symbol, ok in enumerate(may) if ok]))
    return text
