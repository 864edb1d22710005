"""Writes the sums of ``search_spaces/real-small.yaml``: asked in words, worked in digits.

python -m tools.word_sums      writes search_spaces/data/sums.jsonl, the same to the byte every time
"""

from __future__ import annotations

import json
import random
from itertools import combinations
from pathlib import Path

FILE = Path(__file__).parents[1] / "search_spaces" / "data" / "sums.jsonl"
ROWS, SEED = 300, 0
LEAST, MOST = 2, 40

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def in_words(number: int) -> str:
    """A number from 0 to 99 as English writes it."""
    if number < len(_SMALL):
        return _SMALL[number]
    ten, one = divmod(number, 10)
    return _TENS[ten] + (f"-{_SMALL[one]}" if one else "")


def rows() -> list[dict[str, str]]:
    """The sums: no two numbers are asked for together twice."""
    chance = random.Random(SEED)
    made = []
    for pair in chance.sample(list(combinations(range(LEAST, MOST + 1), 2)), ROWS):
        first, second = chance.sample(pair, 2)
        asked = f"What is {in_words(first)} plus {in_words(second)}?"
        made.append({"question": asked, "worked": f"{first} + {second} = {first + second}", "sum": str(first + second)})
    return made


def text() -> str:
    """The file."""
    return "".join(f"{json.dumps(row)}\n" for row in rows())


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
