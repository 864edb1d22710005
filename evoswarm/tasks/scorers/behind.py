r"""Answers that stand behind a marker at the end of a longer text: reasoning first, then ``#### 72``."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from functools import cached_property

from evoswarm.tasks.scorers.scorer import Scorer, boxed
from evoswarm.tasks.task import Item

BOX = r"\boxed"


@dataclass(frozen=True)
class Behind(Scorer):
    r"""Another scorer, on the line behind the last marker of a text.

    Markers are found in any case. The line is the first one behind the marker with anything in it; behind ``\boxed`` it
    is what stands within the braces. A text without a marker, or with nothing behind its last one (it was cut off
    there), holds no answer. A gold is read behind its marker too; one without is taken as it is.
    """

    scorer: Scorer
    markers: tuple[str, ...]

    @property
    def id(self) -> str:
        """That of the other scorer, and the markers."""
        return f"{self.scorer.id} behind {json.dumps(self.markers, ensure_ascii=False)}"

    def extract(self, text: str) -> str:
        """The answer within a text, "" where there is none."""
        part = self._part(text)
        return "" if part is None else self.scorer.extract(part)

    def check_gold(self, gold: str) -> None:
        """Refuse a gold that no answer could match."""
        self.scorer.check_gold(self._gold(gold))

    def score(self, item: Item, text: str) -> float:
        """The other scorer's, of what stands behind the marker; 0 where nothing does."""
        part = self._part(text)
        return 0.0 if part is None else self.scorer.score(dataclasses.replace(item, gold=self._gold(item.gold)), part)

    def _gold(self, gold: str) -> str:
        part = self._part(gold)
        return gold if part is None else part

    def _part(self, text: str) -> str | None:
        last = None
        for last in self._marker.finditer(text):  # noqa: B007  # only the last one counts
            pass
        if last is None:
            return None
        if last[0].casefold() == BOX:
            return boxed(text[last.start() :])
        lines = (line.strip() for line in text[last.end() :].splitlines())
        return next(filter(None, lines), None)

    @cached_property
    def _marker(self) -> re.Pattern[str]:
        longest_first = sorted(self.markers, key=len, reverse=True)
        return re.compile("|".join(re.escape(marker) for marker in longest_first), re.IGNORECASE)
