"""How long the shipped searches take is said once, in the README, and measured once, on the page of results.

Figures that stand in two places differ sooner or later; `evoswarm plan` says what holds on a reader's own machine.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COUNTS = "one|two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|forty|sixty|half an?|quarter of an"
UNIT = r"(?:CPU\s+)?(?:seconds?|minutes?|hours?)"
CLAIM = re.compile(rf"\b(?:(?:\d[\d.,]*|{COUNTS})[\s-]+{UNIT}|an?\s+(?:minute|hour))\b", re.IGNORECASE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
MEASURED = "docs/results.md"
PAGES = sorted(  # the design names limits of the code in seconds: they are no promises
    str(path.relative_to(ROOT))
    for pattern in ("README.md", "docs/*.md", "docs/guides/*.md", "docs/reference/*.md", "search_spaces/**/*.yaml")
    for path in ROOT.glob(pattern)
)


def claims(text: str) -> list[str]:
    """What prose and comments say of how long something takes; output that was pasted says what it says."""
    return CLAIM.findall(FENCE.sub("", text).replace("\n# ", "\n"))  # comments go on behind their mark


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("README.md", MEASURED)])
def test_no_page_and_no_space_says_how_long_a_search_takes(page: str) -> None:
    assert claims((ROOT / page).read_text("utf-8")) == []


def test_the_readme_says_it_once() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    block = next(block for block in FENCE.findall(text) if "make search" in block)
    assert len(CLAIM.findall(block)) == 1
    assert claims(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("about two minutes on two CPU cores", 1),
        ("It takes half a\nminute.", 1),
        ("Made in 40 seconds.", 1),
        ("```text\n40 seconds\n```\n", 0),
        ("every few seconds", 0),
        ("a second member", 0),
    ],
)
def test_claims_are_found(text: str, found: int) -> None:
    assert len(claims(text)) == found
