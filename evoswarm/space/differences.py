"""What two spaces say differently, where that makes them two searches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evoswarm.space.search_space import SearchSpace

_LONGEST_VALUE = 60
_MOST_SHOWN = 4


@dataclass(frozen=True)
class Change:
    """One place where two spaces differ.

    Attributes:
        path: dotted, as errors and ``--set`` name it.
        old: what the first says, as JSON; empty where it says nothing there.
        new: likewise, of the second.
    """

    path: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}: {_short(self.old) or 'nothing'} -> {_short(self.new) or 'nothing'}"


def differences(old: SearchSpace, new: SearchSpace) -> tuple[Change, ...]:
    """Where two spaces differ, of what makes them two searches, in the order of the format.

    An alphabet that ``auto`` was resolved to is no difference.
    """
    before, after = _flat(old.identity), _flat(new.identity)
    if "auto" in (old.alphabet, new.alphabet):
        before.pop("alphabet", None)
        after.pop("alphabet", None)
    paths = [*after, *(path for path in before if path not in after)]
    pairs = ((path, before.get(path, ""), after.get(path, "")) for path in paths)
    return tuple(Change(*one) for one in pairs if one[1] != one[2])


def varying(spaces: Sequence[SearchSpace]) -> dict[str, list[str]]:
    """Where several spaces differ in anything that they say: by dotted path, what each says there, as JSON.

    What a space says nothing of is empty there.
    """
    told = [_flat(space.model_dump(mode="json", by_alias=True)) for space in spaces]
    paths = dict.fromkeys(path for one in told for path in one)
    table = {path: [one.get(path, "") for one in told] for path in paths}
    return {path: values for path, values in table.items() if len({*values}) > 1}


def in_words(changes: Sequence[Change]) -> str:
    """``evolution.population: 12 -> 16, noise_seed: 0 -> 1``; of many the first."""
    shown = ", ".join(map(str, changes[:_MOST_SHOWN]))
    more = len(changes) - _MOST_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _flat(value: Any, path: str = "") -> dict[str, str]:
    """Every scalar of nested data as JSON, by its dotted path."""
    if isinstance(value, dict | list) and value:
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        found: dict[str, str] = {}
        for key, entry in entries:
            found |= _flat(entry, f"{path}.{key}" if path else str(key))
        return found
    return {path: json.dumps(value, ensure_ascii=False)}


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
