"""One opening of held-out questions, as every place keeps it: a line of JSON that says what it is a digest of."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evoswarm.canonical import digest_of
from evoswarm.errors import RunError, Where

_BEGINS = re.compile(r'\{"opening": "(\w+)"')
_NAMED = 2  # champions and run directories: more are counted
_DAMAGED = "the file was changed by hand or damaged (move it away; what other places know is written to a new one)"


class OpeningRecord(BaseModel):
    """Held-out questions that were opened for one policy, or for several at once.

    Attributes:
        at: when, in seconds of the epoch.
        how: by what: ``certificate``, ``evaluate``, ``two-by-two``; ``ledger`` where a ledger of an earlier version
            says so and nothing more is known.
        space: name of the search space.
        search: its continuation digest.
        seeds: of the searches, as far as they are known.
        runs: the run directories, if there are any.
        champions: digests of the policies that they were opened for, sorted.
        questions: keys of the questions, see `evoswarm.tasks.question`.
        items: digests of items, by which ledgers of earlier versions knew them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    at: float
    how: str
    space: str = ""
    search: str
    seeds: tuple[int, ...] = ()
    runs: tuple[str, ...] = ()
    champions: tuple[str, ...] = Field(min_length=1)
    questions: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()

    @property
    def content(self) -> dict[str, Any]:
        """As JSON data."""
        data = self.model_dump(mode="json")
        return {**data, "questions": sorted(self.questions), "items": sorted(self.items)}

    @property
    def described(self) -> str:
        """For whom and when, in words."""
        whom = " and ".join(champion[:12] for champion in self.champions[:_NAMED])
        if len(self.champions) > _NAMED:
            whom = f"{len(self.champions)} recipes together"
        seeds = f", seed{'s'[: len(self.seeds) > 1]} {', '.join(map(str, self.seeds))}" if self.seeds else ""
        of = f" of {self.space}{seeds}" if self.space else ""
        where = f" ({', '.join(self.runs)})" if 0 < len(self.runs) <= _NAMED else ""
        when = datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return f"{whom}{of}{where}, by {self.how}, {when}"

    def line(self) -> tuple[str, str]:
        """Its digest, and the line that begins with it, so that a known one need not be read."""
        content = self.content
        digest = digest_of(content)
        return digest, json.dumps({"opening": digest, **content})  # ASCII: a crash cuts no character

    @classmethod
    def from_line(cls, line: str, where: Where) -> tuple[str, Self]:
        """Read what `line` gave: the digest and the opening.

        Raises:
            RunError: it is none, or not what its digest says.
        """
        try:
            data = json.loads(line)
            digest = data.pop("opening")
            opening = cls.model_validate(data)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError, ValidationError):
            raise RunError(f"expected an opening of test items, got {line[:40]!a}: {_DAMAGED}", where) from None
        if digest_of(opening.content) != digest:
            raise RunError(f"expected an opening as it was written, got one that was changed: {_DAMAGED}", where)
        return str(digest), opening


def begins_with(line: str) -> str:
    """The digest that a line begins with; "" where it begins otherwise."""
    begun = _BEGINS.match(line)
    return begun[1] if begun else ""
