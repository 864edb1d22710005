"""A task of the harness as a task of a search."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from evoswarm.errors import TaskError, Where
from evoswarm.tasks.harness.ending import BYTES_PER_TOKEN, answer_ending
from evoswarm.tasks.harness.loading import load
from evoswarm.tasks.harness.scorer import HarnessScorer
from evoswarm.tasks.harness.settings import HarnessSettings
from evoswarm.tasks.scorers import Exact
from evoswarm.tasks.sourced_task import SourcedTask
from evoswarm.tasks.task import Item, item_key
from evoswarm.trust import Trust

_NAMES = re.compile(r"<\|[^|]+\|>|</?s>|<(bos|eos|pad|unk|start_of_turn|end_of_turn)>")
"""Of special tokens, which tasks list among their stop strings: no answer holds them, and end tokens end one anyway."""


@dataclass(frozen=True, eq=False, kw_only=True)
class HarnessTask(SourcedTask):
    """Items are the documents of a task of the harness, in the order of their keys.

    Their prompts are the contexts that the harness makes of them in its own order and by its own choice of examples. A
    key covers the task's name and the document, so it stays where examples or words around it change.

    Attributes:
        loaded: the harness's object.
        settings: what the space says.
    """

    loaded: Any = field(repr=False)
    settings: HarnessSettings = field(repr=False)

    def questions(self) -> Iterator[Item]:
        """The items in the order of their keys.

        Raises:
            TaskError: a document does not fit the task's templates.
        """
        return iter(self._sorted)

    @cached_property
    def _sorted(self) -> list[Item]:
        task, few = self.loaded, self.settings.num_fewshot
        shots = few if few is not None else task.config.num_fewshot or 0
        task.set_fewshot_seed(self.settings.fewshot_seed)
        source = {"source": "lm_eval", "task": task.task_name}
        items: dict[str, Item] = {}
        for number, document in enumerate(islice(documents(task, self.settings), self.settings.limit)):
            try:
                context = task.fewshot_context(document, num_fewshot=shots, gen_prefix=task.doc_to_prefix(document))
                bare, gold = str(task.doc_to_text(document)), gold_of(task, document)
            except Exception as error:  # a task's templates and functions are anybody's code
                said = f"document {number}: {type(error).__name__}: {error!s:.200}"
                raise TaskError(f"expected documents that the task can ask, got {said}", self._where) from error
            raw = dict(document)
            key = item_key(source, raw)
            items.setdefault(key, Item(key, self.name, context, gold, raw, {"prompt": bare}))
        return [items[key] for key in sorted(items)]

    @property
    def _where(self) -> Where:
        return Where(self.settings.benchmark, "benchmark")


def make_task(settings: HarnessSettings, trust: Trust) -> HarnessTask:
    """The task that a space asks for.

    Raises:
        TaskError: see `load`; or what it judges by is not what an answer says.
    """
    loaded = load(settings, trust)
    kind = loaded.OUTPUT_TYPE
    said: Mapping[str, Any] = loaded.config.generation_kwargs or {}
    if kind == "generate_until":
        scorer: HarnessScorer | Exact = HarnessScorer.of(loaded, settings)
        try:
            ending = answer_ending(said)
        except TaskError as error:
            raise TaskError(str(error), Where(settings.benchmark, "benchmark")) from None
        stop = tuple(one for one in ending.stop if not _NAMES.fullmatch(one))
        most = ending.tokens * BYTES_PER_TOKEN
    elif kind == "multiple_choice":
        labels = _labels(loaded, settings)
        scorer, stop = Exact(), ("\n",)
        most = max(len(f"{loaded.config.target_delimiter}{label}".encode()) for label in labels)
    else:
        raise _unfit(settings, f"a task that is answered by writing, got one of kind {kind}, which scores given texts")
    return HarnessTask(
        name=settings.name,
        weight=settings.weight,
        scorer=scorer,
        max_bytes=min(settings.max_bytes, most),
        stop=settings.stop or stop,
        loaded=loaded,
        settings=settings,
    )


def documents(task: Any, settings: HarnessSettings) -> Iterator[Mapping[str, Any]]:
    """The documents that items are made of; an item's own is never among its examples.

    Raises:
        TaskError: the task has no such documents.
    """
    config = task.config
    if settings.documents is not None:
        split = getattr(config, f"{settings.documents}_split")
        if split is None:
            known = [one for one in ("training", "validation", "test") if getattr(config, f"{one}_split")]
            message = f"expected one of {', '.join(known)}, got {settings.documents!r} (the task has none such)"
            raise TaskError(message, Where(settings.benchmark, "documents"))
        # The harness judges by its test documents, and leaves one out of its own examples where these are the same.
        task.set_config("test_split", split)
    shown = task.fewshot_cfg
    if shown.split is None and shown.samples is None:
        shown.split = config.training_split or config.validation_split or config.test_split
    return iter(task.eval_docs)


def gold_of(task: Any, document: Mapping[str, Any]) -> str:
    """The right answer of a document as a text; of several the first, "" where only a function knows."""
    gold = task.doc_to_target(document)
    if isinstance(gold, list | tuple):
        gold = gold[0] if gold else ""
    if isinstance(gold, int) and not isinstance(gold, bool) and task.config.doc_to_choice is not None:
        gold = task.doc_to_choice(document)[gold]
    return "" if gold is None else str(gold).strip()


def _labels(task: Any, settings: HarnessSettings) -> Sequence[str]:
    """The options of a multiple-choice task whose items all have the same: letters, or yes and no.

    Raises:
        TaskError: items have options of their own, which nobody could write word for word.
    """
    every = {tuple(map(str, task.doc_to_choice(document))) for document in islice(task.eval_docs, settings.limit)}
    if len(every) != 1:
        raise _unfit(
            settings,
            "a task that is answered by writing, or multiple choice between the same labels for every item (A, B, C,"
            " D), got one with options of their own, which the harness compares by likelihood: ask for it as source:"
            " dataset with {choices:lettered} in its prompt and scorer: {kind: choice}, or take a generative variant",
        )
    return next(iter(every))


def _unfit(settings: HarnessSettings, expected: str) -> TaskError:
    return TaskError(f"expected {expected}", Where(settings.benchmark, "benchmark"))
