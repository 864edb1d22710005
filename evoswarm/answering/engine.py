"""The engine: policies in use, with the models of all of them loaded once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from evoswarm.answering.asked import Asked
from evoswarm.answering.likelihood import Context, Likelihoods, LogLikelihood
from evoswarm.answering.partial import PartialText
from evoswarm.answering.question import News, Question, Reply
from evoswarm.answering.reach import Reach
from evoswarm.answering.seats import SeatedPolicy, Seating
from evoswarm.decoding.decoder import MemberFacts
from evoswarm.decoding.pool import OnLoad
from evoswarm.decoding.request import Completion
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RunError, Where
from evoswarm.evaluation.advance import Advance, Pace
from evoswarm.evaluation.judge import Judge
from evoswarm.experiment.loadable import check_recipe
from evoswarm.policies import Policy, PolicyDocument, Recipe
from evoswarm.policies.document import naming


class RefusedQuestion(RunError):
    """A question that its policy's members cannot be asked.

    Attributes:
        failure: why, as a reply would say it.
    """

    def __init__(self, failure: str) -> None:
        super().__init__(f"expected a question that its policy's members can read, got: {failure}")
        self.failure = failure


class OpenQuestion:
    """A question that is being answered.

    Attributes:
        asked: the question.
        tickets: of its decodings.
        done: their completions, by ticket.
        partial: what of its answer has been told.
    """

    def __init__(self, asked: Asked, tickets: Sequence[int]) -> None:
        self.asked, self.tickets = asked, tickets
        self.done: dict[int, Completion] = {}
        self.partial = PartialText(asked.task.stop)

    @property
    def streams(self) -> bool:
        """Whether its answer is known while it is decoded: nothing is elected among several."""
        return len(self.tickets) == 1 and self.asked.requests[0].recipe.samples == 1


AnyPolicy = Policy | PolicyDocument | str | Path
"""A policy, what a file says of one, its file, or a run directory with a champion."""


class Engine:
    """Answers questions to several policies from one loaded pool.

    Answers are those of ``evoswarm generate`` to the same question. One thread owns an engine.

    Attributes:
        names: of its policies.

    Example:
        >>> engine = Engine.load(recipe)
        >>> [reply.text for reply in engine.answer([Question("47+85=", max_bytes=8)])]
        ['132']
    """

    def __init__(self, policies: Mapping[str, SeatedPolicy], swarm: Swarm) -> None:
        """Take policies whose members are in a swarm; ``Engine.load`` loads both."""
        self.names = tuple(policies)
        self._policies, self._swarm = dict(policies), swarm
        self._decoding = swarm.continuous()
        self._open: dict[int, OpenQuestion] = {}
        self._asks: dict[int, int] = {}
        self._next = 0

    @classmethod
    def load(
        cls,
        policies: Mapping[str, AnyPolicy] | AnyPolicy,
        *,
        trust_remote_code: bool = False,
        allow_changed: bool = False,
        on_load: OnLoad = lambda member: None,
        file: str = "<recipe>",
    ) -> Self:
        """Load the members of policies, each model once, whatever policies call it.

        Args:
            policies: by name; or one, whose name is "".
            trust_remote_code: see ``Swarm.load``.
            allow_changed: members may be others than their policies knew: their files have changed since.
            on_load: told of every model that is about to be loaded.
            file: that a policy came from which is no path, for errors.

        Raises:
            MemberError: a member cannot be found or loaded, or has changed and that is not allowed.
            RecipeError: a file holds no policy, or one whose members' directories are not there.
            RunError: there is no policy.
        """
        seating = Seating(allow_changed=allow_changed)
        named = policies if isinstance(policies, Mapping) else {"": policies}
        if not named:
            raise RunError("expected at least one policy, got none")
        for name, policy in named.items():
            seating.seat(name, *_read(policy, file, trust_remote_code))
        return cls(seating.policies, Swarm(seating.load(trust_remote_code=trust_remote_code, on_load=on_load)))

    def document(self, name: str = "") -> PolicyDocument:
        """A policy, bound to its members as they are now, and what its file says of it.

        Args:
            name: of the policy; "" where there is one.

        Raises:
            RunError: nobody knows the name.
        """
        return self._policy(name).document

    def lead(self, name: str = "") -> MemberFacts:
        """The member of a policy that stands for the others where one must: the lead of a mix, else the first.

        Args:
            name: of the policy; "" where there is one.

        Raises:
            RunError: nobody knows the name.
        """
        seated = self._policy(name)
        policy = seated.document.policy
        own = policy.lead if isinstance(policy, Recipe) else policy.specs[0].name
        return next(facts for facts in self._swarm.facts if seated.own_names.get(facts.spec.name) == own)

    def answer(
        self, questions: Sequence[Question], *, tell: Callable[[Advance], None] = lambda advance: None
    ) -> list[Reply]:
        """Answer all questions together.

        Args:
            questions: to any of the policies, in any mix.
            tell: told about twice a second how far it is.

        Returns:
            Replies in their order; a question that has no answer has a reply that says why.

        Raises:
            RunError: a question names no policy or task of the engine, or cannot be worded.
            RecipeError: a stop string is one that no answer can hold.
        """
        asked = [Asked.of(question, self._policy(question.policy)) for question in questions]
        requests = [request for one in asked for request in one.requests]
        pace = Pace(
            sum(one.recipe.samples for one in requests),
            self._swarm.counters,
            tell,
            sum(one.recipe.samples * one.max_bytes for one in requests),
        )

        def look() -> bool:
            pace.look()
            return False

        done: dict[int, Completion] = {}
        with naming(asked[0].seated.file if asked else ""):
            Judge(self._swarm, {}, look).decode_requests(
                requests, lambda numbers, some: done.update(zip(numbers, some, strict=True))
            )
        rest = iter(done[number] for number in range(len(requests)))
        return [one.reply([next(rest) for _ in one.requests], self._swarm) for one in asked]

    def submit(self, question: Question) -> int:
        """A question comes, whatever is at work; returns its ticket. It begins at the next turn that has room for it.

        Raises:
            RunError: see `answer`.
            RecipeError: likewise.
            RefusedQuestion: a member that is asked for certain cannot read it: its chat template refuses it, or it is
                too long.
        """
        asked = Asked.of(question, self._policy(question.policy))
        with naming(asked.seated.file):
            self._swarm.admit(asked.requests)
            for request in asked.requests:
                failure = self._swarm.refusal(request)
                if failure is not None and len(asked.requests) == 1:
                    raise RefusedQuestion(asked.named(failure))
        self._next += 1
        self._open[self._next] = OpenQuestion(asked, [self._decoding.join(one) for one in asked.requests])
        self._asks.update(dict.fromkeys(self._open[self._next].tickets, self._next))
        return self._next

    def cancel(self, ticket: int) -> None:
        """Nobody waits for a question any more: what is at work for it leaves. Who is answered has left."""
        known = self._open.pop(ticket, None)
        for one in known.tickets if known else ():
            self._asks.pop(one, None)  # some may be done
            self._decoding.leave(one)

    def turn(self) -> list[News]:
        """One turn of everything at work: what all wait for is read, and all go on.

        Returns:
            What is new, in the order in which the questions came. A question that fails has a reply that says why.
            An error that is raised ends all that is at work.
        """
        try:
            done = self._decoding.turn()
        except BaseException:
            for ticket in list(self._open):
                self.cancel(ticket)
            raise
        for ticket, completion in done.items():
            self._open[self._asks.pop(ticket)].done[ticket] = completion
        found = [self._news(ticket, one) for ticket, one in self._open.items()]
        for news in found:
            if news.reply is not None:
                del self._open[news.ticket]
        return [news for news in found if news.text or news.reply is not None]

    @property
    def idle(self) -> bool:
        """Whether no question is at work."""
        return not self._open

    @property
    def waiting(self) -> int:
        """How many decodings of questions have not begun: they wait for room."""
        return self._decoding.waiting

    def _news(self, ticket: int, one: OpenQuestion) -> News:
        if len(one.done) < len(one.tickets):
            return News(ticket, one.partial.grown(self._decoding.written(one.tickets[0])) if one.streams else "")
        reply = one.asked.reply([one.done[number] for number in one.tickets], self._swarm)
        return News(ticket, "" if reply.failure else one.partial.rest(reply.text), reply)

    def worded(self, question: Question) -> str:
        """A question for people: as it came; of a row, as its task words it.

        Raises:
            RunError: see `answer`.
        """
        return Asked.of(question, self._policy(question.policy)).words

    def log_likelihoods(
        self, pairs: Sequence[tuple[Context, str]], policy: str = "", task: str | None = None
    ) -> list[LogLikelihood]:
        """How likely a policy finds texts behind contexts that are worded already; see `Likelihoods`.

        Args:
            pairs: contexts and what stands behind each; the policy's prompt format and chat templates apply.
            policy: its name; "" where there is one.
            task: by which a route chooses.

        Raises:
            RunError: nobody knows the name, or the policy gives no probabilities.
        """
        return self._likelihoods(policy).log_likelihoods(pairs, task)

    def next_symbols(
        self, texts: Sequence[tuple[Context, bytes]], policy: str = "", task: str | None = None
    ) -> NDArray[np.float32]:
        """``[texts, symbols]`` log-probabilities of what comes next behind a context and the answer so far.

        END is the last symbol; what is forbidden has -inf. See `Likelihoods.next_symbols`.
        """
        return self._likelihoods(policy).next_symbols(texts, task)

    def reach(self, policy: str = "") -> Reach:
        """How much the members of a policy can read, and what they never write."""
        return Reach(self._policy(policy).as_loaded(None, None), self._swarm)

    def spellings(self, policy: str = "") -> tuple[bytes, ...]:
        """By symbol its bytes; END, the last, has none. See `Likelihoods.spellings`."""
        return self._likelihoods(policy).spellings

    def forget(self) -> None:
        """Forget what has been read, and what was said: nobody will ask these questions again."""
        self._swarm.forget()

    def _likelihoods(self, name: str) -> Likelihoods:
        seated = self._policy(name)
        return Likelihoods(seated.as_loaded(None, None), self._swarm, lambda member: seated.own_names[member])

    def _policy(self, name: str) -> SeatedPolicy:
        if not name and len(self._policies) == 1:
            return next(iter(self._policies.values()))
        if name not in self._policies:
            raise RunError(f"expected one of {', '.join(self._policies)}, got {name!r:.100}", Where("policy"))
        return self._policies[name]


def _read(policy: AnyPolicy, file: str, trust_remote_code: bool) -> tuple[PolicyDocument, str]:
    """What is known of a policy, and the file it came from."""
    if isinstance(policy, str | Path):
        return check_recipe(Path(policy), trust_remote_code), str(policy)
    return (policy if isinstance(policy, PolicyDocument) else PolicyDocument(policy)), file
