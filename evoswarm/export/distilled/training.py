"""The training of a student: plain torch, and a state that is kept so that a kill costs minutes, never the weights.

Sequence-level distillation (Kim & Rush 2016, arXiv:1606.07947): the student follows the champion's answers; where
their symbols are its tokens, word-level distillation too (Hinton et al. 2015, arXiv:1503.02531). The loss is the
cross-entropy at the places of the answers, their ends included; questions are only read.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evoswarm.decoding.forward.threads import threads_for
from evoswarm.decoding.member import seen_device
from evoswarm.durable import plain_errors
from evoswarm.errors import OutOfMemory, RunError, Where
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.wording import duration
from evoswarm.export.distilled.lessons import Lesson, LessonBook, chunks
from evoswarm.export.distilled.plan import StudentPlan, Training
from evoswarm.export.distilled.student import Student, peak_rate
from evoswarm.member_spec import MemberSpec

STATE = "training.pt"
"""The file that the state of training is kept in."""

_BETAS = (0.9, 0.98)
_STRIDE = 1_000_003  # between the seeds of two trainings: more than most have steps
_LOGITS = 1 << 28  # logits on the host at once, 1 GiB; training holds some four copies of them
_TOLD_EVERY = 2.0  # seconds
_MEMORY = 0.98  # of the loss that is told: what a step before counts


@dataclass(frozen=True)
class TrainingEnd:
    """What came of a training.

    Attributes:
        steps: that were taken.
        loss: of the last steps, nats per token; the newest counts most.
        seconds: that they took, over all sittings.
    """

    steps: int
    loss: float
    seconds: float


def learning_rate(plan: Training, peak: float, step: int) -> float:
    """A linear warm-up, then a cosine down to zero."""
    rising = max(1, round(plan.warmup * plan.steps))
    if step < rising:
        return peak * (step + 1) / rising
    return peak * 0.5 * (1.0 + math.cos(math.pi * (step - rising) / max(1, plan.steps - rising)))


def training_device(spec: MemberSpec, plan: Training) -> str:
    """Where a student is trained.

    Args:
        spec: of the student, for errors.
        plan: says where.

    Raises:
        MemberError: torch cannot see it.
    """
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    return automatic if plan.device == "auto" else seen_device(spec, plan.device)


def tokens_at_once(wanted: int, columns: int, device: str) -> int:
    """How many tokens are forwarded together.

    Args:
        wanted: by the plan.
        columns: of the logits: the size of the vocabulary.
        device: of the student. A GPU says when it has no room, and less is tried; who asks the host for too much is
            killed, so that its logits are kept within a bound.
    """
    return wanted if device.startswith("cuda") else min(wanted, max(1, _LOGITS // columns))


class Trainer:
    """A student in training.

    Args:
        student: to train; its weights change.
        plan: says how.
        book: what it is taught.
        work: the directory where the state is kept.

    Attributes:
        step: how many steps were taken.
        loss: see `TrainingEnd`.
        seconds: likewise.
    """

    step, loss, seconds = 0, math.nan, 0.0

    def __init__(self, student: Student, plan: StudentPlan, book: LessonBook, work: Path) -> None:
        self._plan, self._book = plan.training, book
        self._soft, self._peak, self._state = plan.soft, peak_rate(plan), work / STATE
        self._device = training_device(student.spec, plan.training)
        columns = int(student.model.get_output_embeddings().weight.shape[0])
        self._at_once = tokens_at_once(plan.training.batch_tokens, columns, self._device)
        self._model = student.model.to(self._device).train().requires_grad_(True)
        self._pad = student.tokenizer.pad_token_id
        self._pad = student.end if self._pad is None else int(self._pad)
        self._narrow = "logits_to_keep" in inspect.signature(self._model.forward).parameters
        self._optimizer = torch.optim.AdamW(self._groups(), betas=_BETAS, fused=self._device != "mps")
        self._restore()

    def _groups(self) -> list[dict[str, Any]]:
        """Matrices decay; gains, biases and what a recurrence is made of do not."""
        named = [(name, one) for name, one in self._model.named_parameters() if one.requires_grad]
        decays = [one for name, one in named if one.ndim >= 2 and not name.endswith("A_log")]
        others = [one for name, one in named if one.ndim < 2 or name.endswith("A_log")]
        return [{"params": decays, "weight_decay": self._plan.weight_decay}, {"params": others, "weight_decay": 0.0}]

    def _restore(self) -> None:
        """Go on where an earlier sitting ended.

        Raises:
            RunError: its state is damaged.
        """
        if not self._state.exists():
            return
        try:
            state = torch.load(self._state, map_location=self._device, weights_only=True)
            self._model.load_state_dict(state["model"])
            self._optimizer.load_state_dict(state["optimizer"])
            self.step, self.loss, self.seconds = int(state["step"]), float(state["loss"]), float(state["seconds"])
        except Exception as error:  # of whatever type torch's readers raise on a damaged file
            message = (
                f"expected a state of training as it was kept, got a damaged one ({type(error).__name__}): remove it"
            )
            raise RunError(message, Where(str(self._state))) from error

    def keep(self) -> None:
        """Keep model, optimiser and step; a kill meanwhile leaves the state of before."""
        fresh = self._state.with_suffix(".new")
        state = {"model": self._model.state_dict(), "optimizer": self._optimizer.state_dict(), "step": self.step}
        with plain_errors(self._state):
            try:
                torch.save({**state, "loss": self.loss, "seconds": self.seconds}, fresh)
            except RuntimeError as error:  # torch's writer says so of a full disk
                raise OSError(f"the state of training cannot be kept: {error}") from error
            fresh.replace(self._state)

    def run(self, progress: Progress, go_on: Callable[[], None]) -> TrainingEnd:
        """Train to the end.

        Args:
            progress: told every other second how far it is.
            go_on: called after every step; what it raises ends the training, with its state kept.
        """
        with threads_for([sum(one.numel() for one in self._model.parameters())]):
            self._run(progress, go_on)
        return TrainingEnd(self.step, self.loss, self.seconds)

    def _run(self, progress: Progress, go_on: Callable[[], None]) -> None:
        began = told = time.monotonic()
        first, before = self.step, self.seconds
        while self.step < self._plan.steps:
            loss = self._one_step()
            self.step += 1
            self.loss = loss if math.isnan(self.loss) else _MEMORY * self.loss + (1.0 - _MEMORY) * loss
            now = time.monotonic()
            self.seconds = before + now - began
            last = self.step == self._plan.steps
            if last or self.step % self._plan.keep_every == 0:
                self.keep()
            if last or now - told > _TOLD_EVERY:
                told = now
                left = (now - began) / (self.step - first) * (self._plan.steps - self.step)
                progress.at(f"loss {self.loss:.3f}, {duration(left)} left, step", self.step, self._plan.steps)
            try:
                go_on()
            except BaseException:
                self.keep()
                raise

    def _one_step(self) -> float:
        """One step of the optimiser; returns the loss."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self._plan, self._peak, self.step)
        lessons = self._book.batch(self.step, self._plan.batch)
        places = sum(len(lesson.answer) for lesson in lessons)
        devices = [] if self._device in ("cpu", "mps") else [self._device]
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed((self._plan.seed * _STRIDE + self.step) % 2**63)  # dropout
            total = self._gradient(lessons, places)
        if not math.isfinite(total):
            raise RunError(
                f"expected a finite loss, got {total} at step {self.step + 1}: a smaller learning_rate, or a longer "
                "warmup, may help",
                Where("training.learning_rate"),
            )
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._plan.clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return total

    def _gradient(self, lessons: Sequence[Lesson], places: int) -> float:
        """The gradient of a step, in parts that the device has room for; returns the loss.

        Raises:
            OutOfMemory: there is none for a single lesson.
        """
        while True:
            try:
                total = 0.0
                for some in chunks(lessons, self._at_once):
                    loss = self._loss(some) / places
                    loss.backward()  # type: ignore[no-untyped-call]  # torch's
                    total += loss.item()
                return total
            except torch.OutOfMemoryError as error:
                self._optimizer.zero_grad(set_to_none=True)
                if self._at_once <= max(map(len, lessons)):
                    raise OutOfMemory("to train on a single answer", error, Where("training.batch_tokens")) from error
                self._at_once //= 2
                torch.cuda.empty_cache()

    def _loss(self, lessons: Sequence[Lesson]) -> Tensor:
        """Summed over the places of all answers, nats."""
        width = max(map(len, lessons))
        ids = torch.full((len(lessons), width), self._pad)
        for row, lesson in enumerate(lessons):
            ids[row, : len(lesson)] = torch.tensor(lesson.question + lesson.answer)
        # What stands at a place foretells the next token, so that an answer begins one place earlier.
        first = min(len(lesson.question) for lesson in lessons) - 1
        rows = np.repeat(np.arange(len(lessons)), [len(lesson.answer) for lesson in lessons])
        columns = np.concatenate([np.arange(len(lesson.answer)) + len(lesson.question) - 1 for lesson in lessons])
        logits = self._logits(ids.to(self._device), first)
        at = torch.from_numpy(rows).to(self._device), torch.from_numpy(columns - first).to(self._device)
        log_probs = logits[at].float().log_softmax(-1)
        chosen = torch.tensor([token for lesson in lessons for token in lesson.answer], device=self._device)
        hard = -log_probs.gather(1, chosen[:, None])[:, 0]
        if not self._soft or all(lesson.soft is None for lesson in lessons):
            return hard.sum()
        return self._mixed(hard, log_probs, lessons)

    def _mixed(self, hard: Tensor, log_probs: Tensor, lessons: Sequence[Lesson]) -> Tensor:
        """The loss where the champion's distributions are known: a part of it follows them."""
        known = np.repeat([lesson.soft is not None for lesson in lessons], [len(lesson.answer) for lesson in lessons])
        softs = [lesson.soft for lesson in lessons if lesson.soft is not None]
        tokens = torch.from_numpy(np.concatenate([one.tokens for one in softs])).long().to(self._device)
        shares = torch.from_numpy(np.concatenate([one.shares for one in softs])).to(self._device)
        here = torch.from_numpy(np.flatnonzero(known)).to(self._device)
        soft = -(shares * log_probs[here].gather(1, tokens)).sum(1)
        return hard.sum() + self._soft * (soft - hard[here]).sum()

    def _logits(self, ids: Tensor, first: int) -> Tensor:
        """``[rows, places from first on, vocabulary]``; nothing looks to the right, so padding there needs no mask."""
        wanted: dict[str, Any] = {"logits_to_keep": ids.shape[1] - first} if self._narrow else {}
        automatic = self._device.startswith("cuda")
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=automatic):
            logits: Tensor = self._model(
                input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False, **wanted
            ).logits
        return logits if self._narrow else logits[:, first:]
