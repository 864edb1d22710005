"""What a student is taught: its own tokens of a question and of the champion's answer, and what else might come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SoftTargets:
    """What the champion said at every place of an answer, in the student's tokens.

    Attributes:
        tokens: ``[places, candidates]`` int32, the likeliest first.
        shares: ``[places, candidates]`` float32, their probabilities; each row sums to 1.
    """

    tokens: NDArray[np.int32]
    shares: NDArray[np.float32]

    @classmethod
    def of(cls, tokens: NDArray[np.int32], log_probs: NDArray[np.float32], candidates: int) -> Self:
        """The likeliest tokens of some distributions, renormalised.

        Args:
            tokens: ``[columns]`` the token of each column.
            log_probs: ``[places, columns]`` nats.
            candidates: columns that are kept.
        """
        kept = min(candidates, log_probs.shape[1])
        some = np.argpartition(-log_probs, kept - 1, axis=1)[:, :kept]  # all in order would take a vocabulary hours
        some.sort(axis=1)  # of equals the first column first
        order = np.argsort(-np.take_along_axis(log_probs, some, 1), axis=1, kind="stable")
        best = np.take_along_axis(some, order, 1)
        likeliest = np.take_along_axis(log_probs, best, 1).astype(np.float64)
        shares = np.exp(likeliest - likeliest.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        return cls(tokens[best].astype(np.int32), shares.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Lesson:
    """One answer of the champion.

    Attributes:
        task: whose question it answers.
        question: the student's tokens.
        answer: likewise, behind the question; the end is one of them where the answer ended.
        soft: what the champion said at the places of the answer; None where its symbols are not the student's tokens.
    """

    task: str
    question: tuple[int, ...]
    answer: tuple[int, ...]
    soft: SoftTargets | None = None

    def __len__(self) -> int:
        return len(self.question) + len(self.answer)


class LessonBook:
    """All lessons, and what each step of training takes of them: that depends on the seed and the step alone.

    Args:
        lessons: of all tasks.
        weights: of the tasks, > 0.
        seed: of what the steps draw.
    """

    def __init__(self, lessons: Sequence[Lesson], weights: Mapping[str, float], seed: int) -> None:
        self._by_task: dict[str, list[Lesson]] = {}
        for lesson in lessons:
            self._by_task.setdefault(lesson.task, []).append(lesson)
        self._tasks = list(self._by_task)
        shares = np.array([weights[task] for task in self._tasks])
        self._shares, self._seed = shares / shares.sum(), seed

    def __len__(self) -> int:
        return sum(map(len, self._by_task.values()))

    def batch(self, step: int, size: int) -> list[Lesson]:
        """The lessons of a step, the shortest first: tasks by their weights, of a task all alike."""
        rng = np.random.default_rng([self._seed, step])
        drawn = rng.choice(len(self._tasks), size=size, p=self._shares)
        places = rng.random(size)
        owns = [self._by_task[self._tasks[task]] for task in drawn]
        found = [own[int(place * len(own))] for own, place in zip(owns, places, strict=True)]
        return sorted(found, key=len)


def chunks(lessons: Sequence[Lesson], tokens: int) -> Iterator[Sequence[Lesson]]:
    """Lessons in parts that take so many tokens at most when they are padded; a single one may take more.

    Args:
        lessons: the shortest first.
        tokens: of a part.
    """
    start = 0
    for end in range(1, len(lessons) + 1):
        if end == len(lessons) or len(lessons[end]) * (end + 1 - start) > tokens:
            yield lessons[start:end]
            start = end
