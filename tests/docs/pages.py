"""The pages as data: their text, the names they quote, the blocks that can be run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
BESIDE = [page for name in ("README.md", "CONTRIBUTING.md", "runs/README.md") if (page := ROOT / name).exists()]
_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: where it begins.
        language: the first word behind the fence.
        file: what it is to be written to (``file=NAME`` behind the language); empty is nothing.
        skip: it says ``not-run``, for commands that take too long or what the machine lacks.
        text: what stands in it.
    """

    line: int
    language: str
    file: str
    skip: bool
    text: str


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def inline_code(page: Path) -> Iterator[tuple[int, str]]:
    """``(line, text)`` of everything that stands in backticks within sentences and tables."""
    for token in _MARKDOWN.parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            if child.type == "code_inline":
                yield (token.map or [0])[0] + 1, child.content.replace("\\|", "|")


def blocks(page: Path) -> list[Block]:
    found = []
    for token in _MARKDOWN.parse(page.read_text(encoding="utf-8")):
        if token.type == "fence":
            language, *words = [*token.info.split(), ""]
            file = next((word.removeprefix("file=") for word in words if word.startswith("file=")), "")
            found.append(Block((token.map or [0])[0] + 1, language, file, "not-run" in words, token.content))
    return found


def links(page: Path) -> Iterator[tuple[int, str]]:
    """``(line, target)`` of all links."""
    for token in _MARKDOWN.parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            if child.type == "link_open":
                yield (token.map or [0])[0] + 1, str(child.attrs["href"])


def anchors(page: Path) -> set[str]:
    """Of the headings, as code hosts make them."""
    tokens = _MARKDOWN.parse(page.read_text(encoding="utf-8"))
    titles = [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
