"""From a question to what has to be decoded for it, and from what was decoded to the reply."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from evoswarm.answering.question import Finish, Question, Reply, Symbol
from evoswarm.answering.seats import SeatedPolicy
from evoswarm.chat import Conversation, Turn
from evoswarm.decoding.request import Completion, Request, Step
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RunError, Where
from evoswarm.evaluation.answers import answer_of
from evoswarm.evaluation.cost import Cost
from evoswarm.evaluation.evaluation import Ending
from evoswarm.evaluation.failures import sentence
from evoswarm.evaluation.judge import Judge
from evoswarm.experiment.asking import Asking
from evoswarm.failure import Failure
from evoswarm.policies import Policy
from evoswarm.tasks.task import Item

_FINISHES: dict[Ending, Finish] = {"end": "end", "stop": "stop", "limit": "limit", "cut_off": "limit"}


@dataclass(frozen=True)
class Unscored:
    """A ``Task`` without right answers, whose questions are asked as another task asked."""

    asking: Asking
    weight: float = 1.0
    scorer_id: str = "none"

    @property
    def name(self) -> str:
        """Of the task that asked so."""
        return self.asking.task

    @property
    def max_bytes(self) -> int:
        """Likewise."""
        return self.asking.max_bytes

    @property
    def stop(self) -> tuple[str, ...]:
        """Likewise."""
        return self.asking.stop

    def items(self) -> Iterator[Item]:
        """None: questions come from elsewhere."""
        return iter(())

    def extract(self, text: str) -> str:
        """The answer within a text."""
        return self.asking.extract(text)

    def score(self, item: Item, text: str) -> float:
        """Nothing is right or wrong."""
        return 0.0


@dataclass(frozen=True)
class Asked:
    """A question of an engine, as its policy is asked it.

    Attributes:
        question: as it came.
        seated: its policy, and what the policy calls the members of the pool.
        policy: by the pool's names for its members, with the question's temperature and seed.
        task: how it is asked, and where its answer ends.
        item: the question in its task's words.
        words: the question for people: as it came; of a row, as its task words it; of a conversation, the last turn.
    """

    question: Question
    seated: SeatedPolicy
    policy: Policy
    task: Unscored
    item: Item
    words: str

    @classmethod
    def of(cls, question: Question, seated: SeatedPolicy) -> Asked:
        """Word a question.

        Raises:
            RunError: it does not say which task is meant where that counts, names one that nobody knows, is a row that
                does not fill in the task's template, or a conversation that does not end with a user's turn; or a limit
                or the temperature is out of its range.
            RecipeError: the policy's file says what cannot be meant.
        """
        _check(question)
        asking = seated.asking(question.task, question.max_bytes, question.stop)
        policy = seated.as_loaded(question.temperature, question.seed)
        prompt, before = question.prompt, tuple[Turn, ...]()
        if isinstance(prompt, tuple):
            prompt, before = Conversation.of(prompt)
        if question.raw and not isinstance(prompt, str):
            raise RunError("expected a text (raw questions are worded already), got a row", Where("prompt"))
        text = prompt if question.raw and isinstance(prompt, str) else asking.worded(prompt)
        words = prompt if isinstance(prompt, str) else text
        key = words if question.key is None else question.key
        asked = cls(question, seated, policy, Unscored(asking), Item(key, asking.task, text, "", before=before), words)
        if question.logprobs is not None and len(asked.requests) > 1:
            message = (
                f"expected a policy of which one mix answers (others have no one distribution), got a {policy.kind}"
            )
            raise RunError(message, Where("logprobs"))
        return asked

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """What has to be decoded: one request for each mix that the policy needs here."""
        return tuple(
            Request(
                recipe=recipe,
                prompt=self.item.prompt,
                key=self.item.key,
                max_bytes=self.task.max_bytes,
                max_symbols=self.question.max_symbols,
                stop=self.task.stop,
                before=self.item.before,
                logprobs=self.question.logprobs,
            )
            for recipe in self.policy.mixes(self.item.task, self.item.prompt)
        )

    def reply(self, completions: Sequence[Completion], swarm: Swarm) -> Reply:
        """The reply that completions of the requests, in their order, come to; ``swarm`` decoded them."""
        judge = Judge(swarm, {self.task.name: self.task})
        rows = [judge.evaluation(self.item, one) for one in completions]
        answer = answer_of(self.policy, self.task, self.item, rows)
        names = self.seated.own_names
        cost = Cost(tuple(one._replace(name=names[one.name]) for one in answer.cost.members))
        return Reply(
            text="" if answer.failure else answer.answer,
            finish=_FINISHES[answer.ending or "end"],
            failure=None if answer.failure is None else self.named(answer.failure),
            cost=cost,
            open_share=answer.open_share,
            touched_share=answer.lead_tokens_touched / answer.lead_tokens if answer.lead_tokens else 0.0,
            symbols=sum(one.steps for one in completions),
            prompt_tokens={names[use.name]: use.prompt_tokens for one in completions for use in one.use if use.steps},
            trace=()
            if answer.failure or self.question.logprobs is None
            else self._trace(answer.answer, completions[0], swarm),
        )

    def _trace(self, text: str, completion: Completion, swarm: Swarm) -> tuple[Symbol, ...]:
        """The symbols of an answer, as far as they reach into its text."""
        steps = next(one.trace for one in completion.samples if one.text == text)
        recipe, size, found = self.requests[0].recipe, len(text.encode()), list[Symbol]()
        written = 0
        for step in steps:
            spelled = swarm.spell(recipe, step.symbol)
            if written >= size or not spelled:
                break
            written += len(spelled)
            found.append(self._symbol(step, spelled, lambda symbol: swarm.spell(recipe, symbol)))
        return tuple(found)

    def _symbol(self, step: Step, spelled: bytes, spell: Callable[[int], bytes]) -> Symbol:
        likely = [(spell(symbol), math.log(share)) for symbol, share in step.candidates if share > 0]
        names = tuple(self.seated.own_names[name] for name in step.speakers)
        return Symbol(spelled, step.log_prob, tuple(likely), step.entropy, names)

    def named(self, failure: Failure) -> str:
        """A failure in words, its kind first, by the policy's own names for its members."""
        own = replace(failure, member=self.seated.own_names.get(failure.member, failure.member))
        return f"{own.kind}: {sentence(own)}"


def _check(question: Question) -> None:
    """Refuse what no question can mean.

    Raises:
        RunError: names the attribute.
    """
    if not isinstance(question.prompt, str | Mapping | tuple):
        message = f"expected a text, a row, or a tuple of turns, got {question.prompt!r:.80}"
        raise RunError(message, Where("prompt"))
    for name, least in (("max_bytes", 0), ("max_symbols", 1), ("logprobs", 0)):
        value = getattr(question, name)
        if value is not None and value < least:
            raise RunError(f"expected at least {least}, got {value}", Where(name))
    if question.temperature is not None and not 0 <= question.temperature < math.inf:
        raise RunError(f"expected a finite number of at least 0, got {question.temperature}", Where("temperature"))
    if question.stop is not None and "" in question.stop:
        raise RunError("expected strings of at least one character, got an empty one", Where("stop"))
