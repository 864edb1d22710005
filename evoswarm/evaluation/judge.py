"""From a recipe and an item to an evaluation: decode, vote, score, put a price on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from evoswarm.confined.function import CallFailed
from evoswarm.decoding.decoder import Decoder, OnDone
from evoswarm.decoding.request import Completion, DoesNotFit, FinishReason, Request
from evoswarm.errors import EvoswarmError
from evoswarm.evaluation.cost import cost_of
from evoswarm.evaluation.evaluation import Ending, Evaluation
from evoswarm.failure import Failure
from evoswarm.policies.mix import Recipe
from evoswarm.tasks.task import Item, Task

TIE = 1e-6
"""Weights of answers that are closer than this, as a share of all votes, tie."""


class Judge:
    """Decodes recipes on items and judges the answers; it remembers nothing.

    Args:
        swarm: holds every member that the recipes name.
        tasks: by name; every item's task is among them.
        stop: asked by the swarm; True ends the decoding.
    """

    def __init__(self, swarm: Decoder, tasks: Mapping[str, Task], stop: Callable[[], bool] | None = None) -> None:
        self._swarm, self._tasks, self._stop = swarm, tasks, stop

    def complete(
        self, asked: Sequence[tuple[Recipe, Item]], *, trace: bool = False, logprobs: int | None = None
    ) -> list[Completion]:
        """Decode.

        Args:
            asked: recipes on items, in any mix.
            trace: keep what happened at every step of the first samples; see `Request`.
            logprobs: keep less of every step of all samples; likewise.

        Returns:
            Completions in the same order; what is not done when ``stop`` says so is a time-out.
        """
        found: dict[int, Completion] = {}
        requests = [self._request(*one, trace, logprobs) for one in asked]
        self.decode_requests(requests, lambda numbers, done: found.update(zip(numbers, done, strict=True)))
        return [found[number] for number in range(len(asked))]

    def decode(self, asked: Sequence[tuple[Recipe, Item]], on_done: OnDone) -> None:
        """Decode, and hand every completion over as soon as it is there.

        Args:
            asked: recipes on items, in any mix.
            on_done: told of each of them once, by position; what is not done when ``stop`` says so is a time-out.
        """
        self.decode_requests([self._request(*one) for one in asked], on_done)

    def decode_requests(self, requests: Sequence[Request], on_done: OnDone) -> None:
        """The same for requests; what does not fit into memory with all others is decoded with fewer of them."""
        self._decode(dict(enumerate(requests)), on_done)

    def evaluation(self, item: Item, completion: Completion) -> Evaluation:
        """Vote, score, and put a price on it.

        Args:
            item: that was asked.
            completion: by any recipe.
        """
        texts = tuple(sample.text for sample in completion.samples)
        failure, score, winner = completion.failure, None, 0
        ending: Ending | None = None
        if failure is None:
            try:
                task = self._tasks[item.task]
                found = [task.extract(text) for text in texts]
                winner = elected([(answer, 1.0) for answer in found])
                score = checked_score(task.score(item, texts[winner]))
                ending = ending_of(completion.samples[winner].finish, found[winner])
            except Exception as error:  # a user's own scorer may raise anything
                failure = scorer_failure(error)
        return Evaluation(
            score=score,
            answer=texts[winner] if texts else "",
            answers=texts,
            cost=cost_of(completion.use, self._swarm.shapes),
            margin=completion.margin,
            steps=completion.steps,
            open_steps=completion.open_steps,
            lead_tokens=completion.lead_tokens,
            lead_tokens_touched=completion.lead_tokens_touched,
            left_out=completion.left_out,
            entropy=completion.entropy,
            failure=failure,
            ending=ending,
        )

    def _decode(self, requests: Mapping[int, Request], on_done: OnDone) -> None:
        """Decode; what does not fit into memory is halved until the requests at fault stand alone."""
        numbers, left = list(requests), dict(requests)

        def pass_on(places: Sequence[int], completions: Sequence[Completion]) -> None:
            done = [numbers[place] for place in places]
            on_done(done, completions)
            for number in done:
                del left[number]

        try:
            found = self._swarm.decode(list(requests.values()), stop_after=self._stop, on_done=pass_on)
        except DoesNotFit as error:  # any other lack of memory may have left the engine half-way through something
            if len(left) == 1:
                on_done(list(left), [Completion(failure=Failure("out_of_memory", str(error)))])
                return
            rest = list(left.items())
            self._decode(dict(rest[: len(rest) // 2]), on_done)
            self._decode(dict(rest[len(rest) // 2 :]), on_done)
            return
        untold = [place for place, number in enumerate(numbers) if number in left]
        if untold:
            pass_on(untold, [found[place] for place in untold])

    def _request(self, recipe: Recipe, item: Item, trace: bool = False, logprobs: int | None = None) -> Request:
        task = self._tasks[item.task]
        return Request(
            recipe=recipe,
            prompt=item.prompt,
            key=item.key,
            max_bytes=task.max_bytes,
            stop=task.stop,
            trace=trace,
            before=item.before,
            logprobs=logprobs,
        )


def ending_of(finish: FinishReason, found: str) -> Ending:
    """How an answer ended.

    Args:
        finish: what ended the decoding.
        found: the answer that the scorer reads in the text; "" is none.
    """
    return "cut_off" if finish == "limit" and not found else finish


def scorer_failure(error: Exception) -> Failure:
    """What a scorer raised, as a failure of the item.

    That it raises on this answer is a fact. That it had no time, no memory or no connection, or that its process had to
    be killed, is owed to the moment.
    """
    said = " ".join((str(error) if isinstance(error, EvoswarmError) else f"{type(error).__name__}: {error}").split())
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            return Failure("out_of_memory", f"the scorer: {said}")
        if isinstance(cause, TimeoutError | ConnectionError) or (isinstance(cause, CallFailed) and cause.killed):
            return Failure("time_out", f"the scorer: {said}")
        cause = cause.__cause__
    return Failure("scorer_error", said)


def elected(votes: Sequence[tuple[str, float]]) -> int:
    """The position of the first vote for the answer with the greatest summed weight; of equals the first voted for.

    A text without an answer (cut off before it came to one, say) has no vote, unless all are such.

    Args:
        votes: (answer, weight), in the order that settles ties; at least one.
    """
    tally: dict[str, list[float]] = {}
    for answer, weight in [vote for vote in votes if vote[0]] or votes:
        tally.setdefault(answer, []).append(weight)
    sums = {answer: math.fsum(weights) for answer, weights in tally.items()}
    enough = max(sums.values()) - TIE * math.fsum(sums.values())
    return next(place for place, (answer, _) in enumerate(votes) if sums.get(answer, -math.inf) >= enough)


def checked_score(score: float) -> float:
    """The score, if a scorer may give it.

    Raises:
        ValueError: it is outside [0, 1].
    """
    if not (math.isfinite(score) and 0.0 <= score <= 1.0):
        raise ValueError(f"expected a score in [0, 1], got {score}")
    return float(score)
