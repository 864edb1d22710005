"""The champion's own distributions along its answers, in the student's tokens: read once, kept in files.

A place of an answer has such a distribution where one greedy mix answers alone and its symbols are the student's
tokens: bytes and a tokenizer of bytes, or a tokenizer that both share. What was drawn, voted on, or spelled otherwise
is taught by its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.decoder import Decoder
from evoswarm.decoding.request import DoesNotFit
from evoswarm.export.distilled.lessons import SoftTargets
from evoswarm.export.distilled.student import Student
from evoswarm.gold.paths import answering_mixes
from evoswarm.gold.rows import GoldRows, RowsDoNotFit, read_rows
from evoswarm.gold.scores import fused_along
from evoswarm.gold.texts import GoldText
from evoswarm.policies import Policy, Recipe
from evoswarm.tasks.task import Item, Task

LEAST_COVERED = 0.99
"""Of a distribution, where the student has tokens for it: what has less is no target of its own."""


class DistributionReader:
    """Reads a champion's distributions along its answers.

    Args:
        decoder: holds its members.
        champion: bound to them.
        tasks: by name.
        student: whose tokens they are wanted in.
        candidates: likeliest tokens that are kept of each.
    """

    def __init__(
        self, decoder: Decoder, champion: Policy, tasks: Mapping[str, Task], student: Student, candidates: int
    ) -> None:
        self._decoder, self._champion, self._tasks = decoder, champion, tasks
        self._student, self._candidates = student, candidates
        table = student.codec.token_bytes
        self._token = {table[token]: token for token in reversed(student.codec.order.tolist())}
        self._columns: dict[tuple[bytes, ...], NDArray[np.int32]] = {}

    def read(self, answers: Sequence[tuple[Item, str]]) -> dict[Item, SoftTargets]:
        """The distributions along answers that ended by themselves, the end included; by item, where there are any."""
        texts = dict(answers)
        items = list(texts)
        found: dict[Item, SoftTargets] = {}
        for mix, places in answering_mixes(self._champion, items):
            found |= self._of_mix(mix, [GoldText(items[place], texts[items[place]]) for place in places])
        return found

    def can_follow(self, answers: Sequence[tuple[Item, str]]) -> bool:
        """Whether any of some answers has such distributions: a few of one champion tell for all."""
        return bool(self.read(answers))

    def _of_mix(self, mix: Recipe, texts: Sequence[GoldText]) -> dict[Item, SoftTargets]:
        try:
            rows = read_rows(self._decoder, mix, texts, self._tasks)
        except (RowsDoNotFit, DoesNotFit):
            if len(texts) == 1:
                return {}
            middle = len(texts) // 2
            return self._of_mix(mix, texts[:middle]) | self._of_mix(mix, texts[middle:])
        return {} if rows is None else self._in_tokens(mix, rows)

    def _in_tokens(self, mix: Recipe, rows: GoldRows) -> dict[Item, SoftTargets]:
        """Of the texts of some rows, those whose symbols are the student's tokens."""
        fused = fused_along(mix, rows)
        tokens = self._tokens_of(rows.spellings)
        known = np.flatnonzero(tokens >= 0)
        bounds = np.append(rows.starts, len(rows.targets))
        targets = rows.targets.numpy()
        found: dict[Item, SoftTargets] = {}
        for number, text in enumerate(rows.texts):
            here = slice(bounds[number], bounds[number + 1])
            written = self._student.writes(text.text, ended=True)
            if written is None or tokens[targets[here]].tolist() != list(written):
                continue
            own = fused[here][:, known]
            if np.exp(own.astype(np.float64)).sum(1).min() >= LEAST_COVERED:
                found[text.item] = SoftTargets.of(tokens[known], own, self._candidates)
        return found

    def _tokens_of(self, spellings: tuple[bytes, ...]) -> NDArray[np.int32]:
        """``[symbols]`` the student's token for each symbol, END the last; -1 where it has none."""
        if spellings not in self._columns:
            known = [self._token.get(spelling, -1) for spelling in spellings]
            self._columns[spellings] = np.array([*known, self._student.end], dtype=np.int32)
        return self._columns[spellings]


def keep(file: Path, softs: Mapping[int, SoftTargets]) -> None:
    """Keep distributions in a file, whole or not at all.

    Args:
        file: to write.
        softs: by the place of their questions among those of the file.
    """
    places = sorted(softs)
    lengths = [len(softs[place].tokens) for place in places]
    tokens = [softs[place].tokens for place in places]
    shares = [softs[place].shares for place in places]
    width = max((one.shape[1] for one in tokens), default=0)
    fresh = file.with_name(f"{file.name}.new")
    with fresh.open("wb") as stream:
        np.savez(
            stream,
            places=np.array(places, dtype=np.int64),
            lengths=np.array(lengths, dtype=np.int64),
            tokens=np.concatenate([np.zeros((0, width), np.int32), *(_padded(one, width) for one in tokens)]),
            shares=np.concatenate([np.zeros((0, width), np.float32), *(_padded(one, width) for one in shares)]),
        )
    fresh.replace(file)


def kept(file: Path) -> dict[int, SoftTargets]:
    """What `keep` wrote."""
    with np.load(file, allow_pickle=False) as content:
        places, lengths = content["places"].tolist(), content["lengths"]
        tokens, shares = content["tokens"], content["shares"]
    ends = np.cumsum(lengths)
    return {
        place: SoftTargets(tokens[end - length : end], shares[end - length : end])
        for place, end, length in zip(places, ends, lengths, strict=True)
    }


def _padded(rows: NDArray[np.generic], width: int) -> NDArray[np.generic]:
    """Rows with columns of zeros added: a share of 0 says nothing of its token."""
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])))
