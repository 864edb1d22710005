"""Split points, where a tokenizer treats both sides of a text apart: what lies before need not be read again.

Most pretokenizers end a pretoken before a space, a line break or a digit that follows something visible of another
kind, and most vocabularies hold no token that stands across such a point. Neither is taken on trust: a kind of point
counts only if no token of this tokenizer stands across it and a sample of texts is tokenized there as its two sides
are. Letters and punctuation begin no side: contractions ("'s") look at what stands around them. Added tokens are
tokens like all others here, and are among the texts; one that is found only as a whole word looks at what stands
around it, too, so it may neither end nor begin a side.
"""

from __future__ import annotations

import random
import re
from functools import lru_cache

from evoswarm.decoding.text.codec import Codec

# Byte classes as in a regular expression. High bytes that may end a Unicode space (U+00A0, U+2003, U+3000, ...) are
# left out, and some letters with them (U+00E9): what is not split by this only has a longer tail.
ENDS = (rb"[A-Za-z]", rb"[0-9]", rb"[!-/:-@\[-`{-~]", rb"[\x8b-\x9e\xa1-\xa7\xaa-\xae\xb0-\xbf]")
STARTS = (rb" ", rb"\n", rb"[0-9]")
SINGLE = tuple(bytes((byte,)) for byte in range(256))
NO_TEXT = b"\xff"  # between tokens: in none of the classes
SAMPLES = 60  # texts per kind of point
REMEMBERED = 64  # tokenizers
SEED = 0  # what is found is the same in every run
ALPHABETS = (
    *("aeinorst", "AEMTXZ", "0123456789", ".,;:!?", "'\"`()[]{}<>", "+-*/=_|\\#$%&@^~", " ", "\n", " \n\t\r\x00"),
    *("éßñüøı", "дгλωאשعم", "東京都のカ한국ไทย", "🙂🎉👩🏽\u200d🚀", "½²٣—“”…。，€\u0301\u200b\u00a0\u3000"),
)
COMMON = ("the", "ing", "'s", "'ll", "'T", "1984", "20,480", "3.14", "e.g.", "://", "</", "    ", "\n\n", ".\n", "\r\n")


def find_split_points(codec: Codec) -> bytes:
    """Find the points at which texts can be split.

    Returns:
        ``[65536]`` flags: 1 at ``before << 8 | after`` if E(a + b) == E(a) + E(b) for every a that ends with byte
        ``before`` and every b that begins with byte ``after``.
    """
    flags = bytearray(1 << 16)
    vocabulary = NO_TEXT.join([*(text for text in codec.token_bytes if text), *codec.silent_bytes])
    chance = random.Random(SEED)
    for end in ENDS:
        for start in STARTS:
            if (
                re.search(end + start, vocabulary) is None
                and not any(re.match(start, word) or re.search(end + rb"\Z", word) for word in codec.continuation.words)
                and _is_independent(codec, end, start, chance)
            ):
                for before in filter(re.compile(end).match, SINGLE):
                    for after in filter(re.compile(start).match, SINGLE):
                        flags[before[0] << 8 | after[0]] = 1
    return bytes(flags)


def split_points_of(codec: Codec) -> bytes:
    """See ``find_split_points``, asked once for tokenizers that are alike: a pool may hold many of a family."""
    found = _found(codec.digest)
    if not found:
        found.append(find_split_points(codec))
    return found[0]


@lru_cache(maxsize=REMEMBERED)
def _found(digest: str) -> list[bytes]:
    """Where what was found for a tokenizer is put; empty at first."""
    return []


def _is_independent(codec: Codec, end: bytes, start: bytes, chance: random.Random) -> bool:
    """Whether sampled texts are tokenized at a kind of point as their two sides are."""
    characters = "".join(ALPHABETS)
    last = [one for one in characters if re.search(end + rb"\Z", one.encode())]
    first = [one for one in characters if re.match(start, one.encode())]
    for _ in range(SAMPLES):
        left = _sample(codec, chance) + "".join(chance.choices(last, k=chance.randint(1, 7)))
        right = "".join(chance.choices(first, k=chance.choice((1, 1, 2, 3)))) + _sample(codec, chance)
        if not _keep_pretokens(codec, left.encode(), right.encode()):
            return False
        before = codec.encode(left.encode())
        unfinished = chance.choice("東🙂").encode()[: chance.randint(1, 2)]
        for probe in (*codec.probes, unfinished):
            behind = codec.encode(right.encode() + probe)
            apart = None if before is None or behind is None else before + behind
            if codec.encode((left + right).encode() + probe) != apart:
                return False
    return True


def _keep_pretokens(codec: Codec, left: bytes, right: bytes) -> bool:
    """Whether two sides have the pretokens of the whole; one may stand across if only merges decide inside it."""
    before, behind, whole = (codec.continuation.pretokens(text) for text in (left, right, left + right))
    if before is None or behind is None or whole is None:
        return before is whole or behind is whole  # what cannot be spelled apart cannot be spelled together
    across = [*before[:-1], (*before[-1], *behind[0]), *behind[1:]] if before and behind else whole
    return whole == before + behind or (codec.continuation.merges_only and whole == across)


def _sample(codec: Codec, chance: random.Random) -> str:
    """Up to five pieces: runs of one kind of character, common strings, tokens, added ones among them."""
    pieces = []
    added = codec.continuation.added_texts
    for _ in range(chance.randint(0, 5)):
        kind = chance.random()
        if kind < 0.1 and added:
            pieces.append(chance.choice(added).decode(errors="ignore"))
        elif kind < 0.6:
            pieces.append("".join(chance.choices(chance.choice(ALPHABETS), k=chance.randint(1, 7))))
        elif kind < 0.75 or not len(codec.order):
            pieces.append(chance.choice(COMMON))
        else:
            token = int(codec.order[chance.randrange(len(codec.order))])
            pieces.append((codec.token_bytes[token] or b"").decode(errors="ignore"))
    return "".join(pieces)
