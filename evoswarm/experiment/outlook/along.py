"""What rows along right answers take in memory, as a few items say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import uniform
from evoswarm.gold.fit.outcomes import Outcomes
from evoswarm.gold.rows import BUDGET_BYTES, GoldRows, bytes_of
from evoswarm.space.gold_use import no_founders


@dataclass(frozen=True)
class RowsTaken:
    """Rows along the right answers of some items.

    Attributes:
        items: of a split, with right answers or without.
        most: bytes that they could take, which have to be within the budget.
        kept: bytes that they do take.
    """

    items: int
    most: int
    kept: int

    @classmethod
    def of(cls, rows: GoldRows, bench: Workbench, items: int) -> Self:
        """What rows of so many items of a bench take."""
        symbols = bench.swarm.symbols(uniform(bench.space, bench.pool)).symbols + 1
        return cls(items, bytes_of(len(rows.targets), symbols, len(rows.members)), rows.bytes)

    def fit(self, items: int) -> bool:
        """Whether those of so many items are kept at all."""
        return self.most * items <= BUDGET_BYTES * self.items

    def bytes(self, items: int) -> float:
        """That those of so many items take."""
        return self.kept * items / self.items if self.fit(items) else 0.0


def read_along(bench: Workbench) -> RowsTaken | None:
    """Read the rows that mixes are fitted to; None where none are, or there are no rows."""
    if len(bench.pool) < 2 or no_founders(bench.space) is not None:
        return None
    rows = bench.gold("search")
    return None if rows is None else RowsTaken.of(rows, bench, len(bench.items["search"]))


def narrow(bench: Workbench, along: RowsTaken | None) -> None:
    """Keep of rows that were read what fits look at, once for all fits."""
    rows = None if along is None else bench.gold("search")
    if rows is not None:
        Outcomes.of(rows)
