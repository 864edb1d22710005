"""What must be put behind a text to see all the ways in which a tokenizer may have begun it.

A pretokenizer looks ahead: a run of spaces before a word is split, one before the end is not; an apostrophe belongs
to the letters around it in one tokenizer and to nobody in another. What follows matters by its kind only, and it is
seen best where nothing merges with it, so letters of scripts that hardly any vocabulary knows stand here beside
ordinary ones. Of these *candidates* each tokenizer needs few. Which ones, it shows itself, on endings of texts: those
that are made up here, and tokens of its own.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterable

from evoswarm.decoding.text.continuation import Path
from evoswarm.decoding.text.utf8 import split_character

_CONTRACTED = "ll LL re RE ve VE 's 'LL"
_RARE_LETTERS = "\U00010428\U00010400\U00010330\u02b0\u01c5\u9f98\u306e\u30ab\ud55c\u0e01"
_OTHERS = "\u0301\u093f\u0663\u00b2\U00010107\u2e18\u232c\u20ac\U0001f642\u00a0\u3000\u2028\u200b\u200d\x00éя"
CANDIDATES = tuple(
    text.encode()
    for text in (
        "",
        *"a0 \n.A\t_'/-(<sStTmMdD",
        *(" a", "  a", "\r\n", "\na"),
        *_CONTRACTED.split(),
        *_RARE_LETTERS,
        *_OTHERS,
    )
)
_WORDS = "a The e.g I x1 12 1234 é 東 の カ 한 я Я ا ก हि \u0301 🙂 ½ ² ' I' a' We' WE' x'l X'L it'r 'v 1' .' '' ’"
_SIGNS = ". ... ( _ a_ - -- / // < </ # $ + € … \u200b \u200d \x00"
_SPACES: tuple[str, ...]
_SPACES = (" ", "  ", "   ", " " * 8, "\t", "\t\t", "\n", "\n\n", "\n\n\n", " \n", "\n ", "\n  ", "\n\t")
_SPACES += ("\t ", " \t", "\r", "\r\n", "\r\n ", "\u00a0", "\u3000 ", " \u2003", "\u2028", "a ", "a  ", "1 ", "1  ")
_SPACES += (". ", ".  ", ".\n", ".\n\n", ")\n ", " '", "\n'", " .", " (", " $")
ENDINGS = (*_WORDS.split(), *_SIGNS.split(), *_SPACES)
DRAWN = 6  # tokens of a kind, as endings
QUOTED = 200  # and of those that end with a letter and an apostrophe, where the most depends on what follows
KIND = bytes(
    ord("a" if chr(byte).islower() else "A" if chr(byte).isupper() else "0" if chr(byte).isdigit() else chr(byte))
    if chr(byte) in string.ascii_letters + string.digits + " '"
    else ord("." if 0x20 < byte < 0x7F else "\n" if byte < 0x80 else "*")
    for byte in range(256)
)  # of a byte: what stands for all of its kind
SEED = 0  # what is found is the same in every run


def find_probes(
    paths: Callable[[bytes, tuple[bytes, ...]], Iterable[Path]], tokens: Iterable[bytes]
) -> tuple[bytes, ...]:
    """The fewest candidates that find, behind every ending, all paths that any candidate finds.

    Args:
        paths: of a text with each of some probes behind it, as the tokenizer has them.
        tokens: what its tokens spell, in an order that never changes.

    Returns:
        what to put behind a text, the empty string first.
    """
    finders: dict[tuple[bytes, Path], set[bytes]] = {}
    for ending in _endings(tokens):
        for probe in CANDIDATES:
            for path in paths(ending, (probe,)):
                finders.setdefault((ending, path), set()).add(probe)
    chosen = [CANDIDATES[0]]
    while unseen := [probes for probes in finders.values() if probes.isdisjoint(chosen)]:
        chosen.append(max(CANDIDATES, key=lambda probe: sum(probe in known for known in unseen)))
    return tuple(chosen)


def _endings(tokens: Iterable[bytes]) -> list[bytes]:
    """Ends of texts: of every kind, and some that are tokens, by the kinds of their last two bytes."""
    chance = random.Random(SEED)
    by_kind: dict[bytes, list[bytes]] = {}
    for text in tokens:
        if not split_character(text)[1]:
            by_kind.setdefault(text[-2:].translate(KIND), []).append(text)
    drawn = [
        one
        for kind, texts in sorted(by_kind.items())
        for one in chance.sample(texts, min(QUOTED if kind[-1:] == b"'" else DRAWN, len(texts)))
        if one.decode(errors="ignore").encode() == one  # a text
    ]
    return list(dict.fromkeys([*(ending.encode() for ending in ENDINGS), *drawn]))
