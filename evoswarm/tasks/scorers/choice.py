r"""Answers that are one of a few options, in English and in scripts without spaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from evoswarm.tasks.scorers.scorer import Scorer, boxed, fold

LETTERS = ("A", "B", "C", "D")

_UNSPACED = r"\u0e00-\u0eff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff"  # Thai, Chinese, Japanese, Korean
_JOINED = rf"[^\W{_UNSPACED}]"  # a letter or digit that would make the option part of a longer word
_BEFORE, _AFTER = rf"(?<!{_JOINED})(?<!{_JOINED}['\u2019])", rf"(?!['\u2019]?{_JOINED})"
_ANSWER = r"(?i:answer|respuesta|réponse|antwort|risposta|resposta|ответ)|答案|答え|解答|正解|정답|답"
_CHOICE = r"(?i:choice|option)|选项|選項|选择|選擇|选|選"
_LATIN_IS = r"(?i:is\b|would be\b|must be\b|es\b|est\b|ist\b|è\b|é\b)"
_IS = rf"(?:\s*(?:{_LATIN_IS}|[:=]|应该是|應該是|应为|是|为|為|は|은|는|选|選))"
_OPENING = r"[\s:=]*(?:\\text\s*\{|\\mathbf\s*\{|\\textbf\s*\{)?[\"'(\[*「『（]*"
_REASON = re.compile(
    r"(?:\b(?i:because|since|whereas|although|rather than|instead of)\b|因为|因為|なぜなら)[^.!?。！？\n]*"
)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # full-width forms of ASCII


@dataclass(frozen=True)
class Choice(Scorer):
    r"""The chosen one of a few options.

    Looked for, in this order: the option in the last ``\boxed{}``; the last option right behind "answer is",
    "answer:", "答案是" and the like; an option that the text begins with and that ends there or is followed by
    punctuation; the last option right behind "answer", "option" or "choice"; the last option that stands alone,
    reasons ("since B is wrong") and "not B" left out. "I believe" and "A dog" are no options I and A.
    """

    choices: tuple[str, ...] = LETTERS
    ignore_case: bool = False

    kind: ClassVar[str] = "choice"
    version: ClassVar[int] = 2

    def extract(self, text: str) -> str:
        """The answer within a text, "" where there is none."""
        text = text.translate(_WIDE)
        found = next(self._found(text), None)
        return "" if found is None else self._canonical[fold(found, self.ignore_case)]

    def check_gold(self, gold: str) -> None:
        """Refuse a gold that no answer could match."""
        if not self.extract(gold):
            raise ValueError(f"expected one of the choices {', '.join(self.choices)} as the gold, got {gold[:60]!r}")

    def _found(self, text: str) -> Iterator[str]:
        """Candidates, the best founded one first."""
        box = boxed(text)
        if box is not None:
            yield from self._alone.findall(box)[-1:]
        for pattern in self._cued:
            yield from pattern.findall(text)[-1:]
        for part in (self._not.sub(" ", _REASON.sub(" ", text)), text):
            yield from self._standing.findall(part)[-1:]

    @cached_property
    def _canonical(self) -> dict[str, str]:
        return {fold(choice.translate(_WIDE), self.ignore_case): choice for choice in self.choices}

    @cached_property
    def _option(self) -> str:
        """An option that is no part of a word, as one group."""
        longest_first = sorted((choice.translate(_WIDE) for choice in self.choices), key=len, reverse=True)
        options = "|".join(re.escape(choice) for choice in longest_first)
        return f"{_BEFORE}((?i:{options})){_AFTER}" if self.ignore_case else f"{_BEFORE}({options}){_AFTER}"

    @cached_property
    def _cued(self) -> tuple[re.Pattern[str], ...]:
        labelled = rf"(?:(?:{_CHOICE})\s*)?"
        return (
            re.compile(rf"(?:{_ANSWER}){_IS}{_OPENING}{labelled}{_OPENING}{self._option}"),
            re.compile(rf"\A[\s\"'(\[*]*{self._option}(?=[\"')\]*.:,;。，、]|\s*\Z|\s*\n)"),
            re.compile(rf"(?:{_ANSWER}|{_CHOICE}){_IS}?{_OPENING}{self._option}"),
        )

    @cached_property
    def _alone(self) -> re.Pattern[str]:
        return re.compile(self._option)

    @cached_property
    def _not(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?i:not)\s+[\"'(\[*]*{self._option}")

    @cached_property
    def _standing(self) -> re.Pattern[str]:
        """An option that stands alone, and is not the pronoun or the article."""
        word = r"(?![iIaA]\s+(?!(?i:is|because|since|as|due|and|or|would|seems|looks|must|rather|instead)\b)[^\W\d_])"
        return re.compile(self._option.replace(_BEFORE, _BEFORE + word, 1))
