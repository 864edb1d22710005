"""A policy as a model of the harness. The harness is imported with this module, so it is imported by who uses it."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lm_eval.api.model import LM
from tqdm import tqdm

from evoswarm.answering.engine import Engine
from evoswarm.answering.likelihood import Context, LogLikelihood
from evoswarm.answering.question import Question
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.errors import RunError, Where
from evoswarm.experiment.asking import Asking
from evoswarm.experiment.loadable import check_recipe
from evoswarm.export.lm_eval.asked import (
    NO_BYTE_LIMIT,
    AnswerLimits,
    as_context,
    context_of,
    limits_of,
    symbols_of,
)
from evoswarm.export.lm_eval.windows import Window, windows
from evoswarm.policies import PolicyDocument, Recipe
from evoswarm.tasks.harness.ending import BYTES_PER_TOKEN, LIMITS
from evoswarm.user_files import expanded

AT_ONCE = 256
"""Requests between two steps of the bar, after which their results are kept (``--use_cache``)."""

WINDOW = 2048
"""Tokens of a window of a long text."""

SPARE = 48
"""Tokens that are left free where texts are cut: what stands at a seam may be tokenized in another way."""

_LOG = logging.getLogger("evoswarm")
_SETTINGS = "policy, task, max_length, bytes_per_token, trust_remote_code and allow_changed"


class HarnessModel(LM):  # type: ignore[misc]  # the harness has no types
    """Answers the harness's requests with a policy.

    Attributes:
        tokenizer_name: under which the harness keeps contexts: they are the same for every policy.
    """

    tokenizer_name = "evoswarm"

    def __init__(
        self,
        policy: str = "",
        task: str | None = None,
        max_length: int = WINDOW,
        bytes_per_token: int = BYTES_PER_TOKEN,
        trust_remote_code: bool = False,
        allow_changed: bool = False,
        batch_size: Any = None,
        max_batch_size: Any = None,
        device: str | None = None,
        **unknown: Any,
    ) -> None:
        """Load a policy.

        Args:
            policy: its file, a run or a bundle.
            task: of the policy's file, by which answers are found within texts, and a route chooses.
            max_length: tokens of a window of ``loglikelihood_rolling``.
            bytes_per_token: what the harness's limits of tokens mean to a policy that writes bytes.
            trust_remote_code: members may run code that they bring.
            allow_changed: members may be others than the policy knew.
            batch_size: of the harness; how much is read at once is decided by what there is room for.
            max_batch_size: likewise.
            device: likewise; members say themselves where they are.
            unknown: what is none of these.

        Raises:
            RunError: an argument is unknown, missing, or not what it should be.
            EvoswarmError: the policy cannot be read, or a member not be loaded.
        """
        super().__init__()
        if unknown:
            raise RunError(f"expected {_SETTINGS}, got {sorted(unknown)[0]!r:.80}", Where("--model_args"))
        if not policy:
            raise RunError("expected policy=RUN, a recipe's file or a bundle, got none", Where("--model_args"))
        for name, value in (("max_length", max_length), ("bytes_per_token", bytes_per_token)):
            if not isinstance(value, int) or value < 1:
                raise RunError(f"expected a whole number from 1, got {value!r:.60}", Where("--model_args", name))
        silence_loading()
        file = Path(expanded(str(policy)))
        document, self._task = _document(file, None if task is None else str(task), trust_remote_code)
        self._engine = Engine.load(
            document, trust_remote_code=trust_remote_code, allow_changed=allow_changed, file=str(file)
        )
        self._document, self._file = self._engine.document(), file
        self._reach = self._engine.reach()
        self._window, self._bytes_per_token = max_length, bytes_per_token
        self._shortened = 0

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Answers; see the base class."""
        asked = [(str(one.args[0]), dict(one.args[1])) for one in requests]
        limits = [limits_of(said) for _, said in asked]
        seeds = _repeats([context + json.dumps(said, sort_keys=True, default=str) for context, said in asked])
        found = [""] * len(asked)
        failures = _Failures()
        for some in self._by_context([context for context, _ in asked], disable_tqdm):
            questions = [self._question(asked[number][0], limits[number], seeds[number]) for number in some]
            for number, reply in zip(some, self._engine.answer(questions), strict=True):
                failures.note(reply.failure)
                found[number] = reply.text
                self.cache_hook.add_partial("generate_until", requests[number].args, reply.text)
        failures.tell("answers; they count as empty")
        return found

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """How likely continuations are; see the base class."""
        asked = [_pair(str(one.args[0]), str(one.args[1])) for one in requests]
        found = [(0.0, False)] * len(asked)
        failures = _Failures()
        for some in self._by_context([context for context, _ in asked], disable_tqdm):
            pairs = [(self._readable(context, SPARE, text), text) for context, text in map(asked.__getitem__, some)]
            for number, one in zip(some, self._engine.log_likelihoods(pairs, task=self._task), strict=True):
                failures.note(one.failure)
                found[number] = one.total, one.greedy
                self.cache_hook.add_partial("loglikelihood", requests[number].args, found[number])
        failures.tell("texts; their log-likelihood is -inf")
        return found

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """How likely whole texts are, from their first symbol on; see the base class."""
        texts = [str(one.args[0]) for one in requests]
        found = [0.0] * len(texts)
        failures = _Failures()
        for some in self._by_context(texts, disable_tqdm, at_once=AT_ONCE // 16):
            cut = [(number, window) for number in some for window in self._windows(texts[number])]
            scored: list[LogLikelihood] = self._engine.log_likelihoods([window for _, window in cut], task=self._task)
            for (number, _), one in zip(cut, scored, strict=True):
                failures.note(one.failure)
                found[number] += one.total
            for number in some:
                self.cache_hook.add_partial("loglikelihood_rolling", requests[number].args, found[number])
        failures.tell("windows of texts; their log-likelihood is -inf")
        return found

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """A conversation as a context: every member renders it by its own chat template when it is asked."""
        return as_context(chat_history)

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """What the harness notes beside results.

        Raises:
            RunError: a template is named.
        """
        if isinstance(chat_template, str):
            wanted = f"no name (every member has its own template), got {chat_template!r:.60}"
            raise RunError(f"expected {wanted}", Where("--apply_chat_template"))
        return "every member's own" if chat_template else None

    def get_model_info(self) -> dict[str, Any]:
        """What the harness keeps beside results: which policy it was."""
        policy = self._document.policy
        return {
            "policy": str(self._file),
            "policy_kind": policy.kind,
            "policy_digest": policy.digest,
            "policy_words": policy.words(),
            "policy_members": {spec.name: spec.fingerprint for spec in policy.specs},
        }

    def _question(self, context: str, limits: AnswerLimits, again: int) -> Question:
        policy = self._document.policy
        return Question(
            self._readable(context, limits.tokens + SPARE),
            task=self._task,
            raw=True,
            max_bytes=NO_BYTE_LIMIT,
            max_symbols=symbols_of(limits.tokens, policy, self._bytes_per_token),
            stop=tuple(stop for stop in limits.stop if stop not in self._reach.unspoken),
            temperature=limits.temperature,
            seed=again or None if limits.temperature else None,
        )

    def _readable(self, context: str, room: int, text: str = "") -> Context:
        """A context as far as every member can read it with a text behind it, and room for some tokens.

        Raises:
            RunError: an answer leaves no room for any of it.
        """
        asked = context_of(context)
        if not isinstance(asked, str):
            return asked
        kept = self._reach.cut(asked, room, text)
        if asked and not kept and not text:
            wanted = "an answer that leaves every member room for the question"
            raise RunError(
                f"expected {wanted}, got one of {room - SPARE:,} tokens", Where("generation_kwargs", LIMITS[0])
            )
        self._shortened += len(kept) < len(asked)
        return kept

    def _windows(self, text: str) -> Iterator[Window]:
        return windows(text, lambda part: self._reach.fits(part, SPARE, self._window), self._window)

    def _by_context(self, contexts: Sequence[str], quiet: bool, at_once: int = AT_ONCE) -> Iterator[list[int]]:
        """Numbers of requests, some at a time, those of like contexts side by side; what was read is then forgotten."""
        order = sorted(range(len(contexts)), key=contexts.__getitem__)
        with tqdm(total=len(order), disable=quiet, desc=f"evoswarm {self._file}") as bar:
            for start in range(0, len(order), at_once):
                yield order[start : start + at_once]
                bar.update(len(order[start : start + at_once]))
        self._engine.forget()
        if self._shortened:
            _LOG.warning("%d contexts are too long for a member and lost their beginning", self._shortened)
            self._shortened = 0


class _Failures:
    """Requests without a result."""

    def __init__(self) -> None:
        self._kinds: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def note(self, failure: str | None) -> None:
        """One more request.

        Raises:
            RunError: no request would do better: a member has no chat template, or not for such conversations.
        """
        if failure is None:
            return
        kind = failure.partition(":")[0]
        if kind == "prompt_refused":
            raise RunError(f"expected contexts that every member can be asked, got one that is refused: {failure}")
        self._kinds[kind] += 1
        self._first.setdefault(kind, failure)

    def tell(self, what: str) -> None:
        """Say how many there were, and why."""
        for kind, count in self._kinds.items():
            _LOG.warning("no result for %d %s (%s)", count, what, self._first[kind])


def _document(file: Path, task: str | None, trust_remote_code: bool) -> tuple[PolicyDocument, str | None]:
    """The policy, and the task by which it is asked.

    Contexts are worded already. How a mix's tasks asked makes a difference only where answers are found within texts.
    """
    document = check_recipe(file, trust_remote_code)
    try:
        Asking.of(document, task, file=str(file), named="--model_args: task")
    except RunError:
        policy = document.policy
        if task is not None or not isinstance(policy, Recipe) or policy.samples > 1:
            raise
        return PolicyDocument(policy), None
    return document, task


def _pair(context: str, text: str) -> tuple[str, str]:
    """A context and its continuation; blanks between them belong to the continuation, as models write words."""
    bare = context.rstrip()
    if context_of(context) is not context or not bare:
        return context, text
    return bare, context[len(bare) :] + text


def _repeats(keys: Sequence[str]) -> list[int]:
    """How often each key stood before."""
    seen: Counter[str] = Counter()
    found = []
    for key in keys:
        found.append(seen[key])
        seen[key] += 1
    return found


def registered(register: Callable[..., Any]) -> None:
    """Make ``evoswarm`` a model type of the harness; once more changes nothing."""
    register("evoswarm")(HarnessModel)
