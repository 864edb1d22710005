"""Trains the members of the built-in pool: `python -m tools.zoo.train --help`.

Seeded and resumable: a run that was killed goes on at its last checkpoint and ends with the same weights. Batches
depend on the plan's seed and the number of the step only, so no state of a random generator needs to be kept.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
from torch.nn import functional
from transformers import MambaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from evoswarm.zoo.catalogue import MEMBERS_DIRECTORY
from tools.zoo.architectures import build_model
from tools.zoo.batches import Encoder, MixedStream
from tools.zoo.make_tokenizers import end_ids, save_tokenizer
from tools.zoo.mamba_scan import check_scan
from tools.zoo.plans import PLANS, MemberPlan
from tools.zoo.scoring import accuracies, greedy_answers, logits_of
from tools.zoo.training_data import PROGRESS_SEED, held_out

WARM_UP_STEPS = 100
COOL_DOWN_STEPS = 300
WEIGHT_DECAY = 0.05
PROGRESS_ITEMS = 128


def learning_rate(plan: MemberPlan, step: int) -> float:
    """Linear warm-up, then a cosine down to zero at the plan's horizon.

    A plan that ends before its horizon cools down in a straight line; one that ends after it has a second round
    with half the peak.
    """
    horizon = plan.horizon or plan.steps
    if step >= horizon:
        return 0.5 * plan.learning_rate * _warm_cosine(step - horizon, plan.steps - horizon)
    cool = (plan.steps - step) / COOL_DOWN_STEPS if horizon > plan.steps else 1.0
    return plan.learning_rate * min(_warm_cosine(step, horizon), cool)


def _warm_cosine(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / WARM_UP_STEPS) * 0.5 * (1.0 + math.cos(math.pi * step / steps))


class Trainer:
    """One member in training: its model, its optimizer, its stream and its checkpoint.

    Args:
        name: the member.
        plan: what to train.
        members: where the finished directory goes.
        work: where the checkpoint lies.
        device: `cpu` or `cuda`.
    """

    def __init__(self, name: str, plan: MemberPlan, members: Path, work: Path, device: str) -> None:
        self.name, self.plan, self.device = name, plan, device
        self.directory = members / name
        self._checkpoint = work / f"{name}.pt"
        work.mkdir(parents=True, exist_ok=True)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.tokenizer: PreTrainedTokenizerFast = save_tokenizer(plan.tokenizer, self.directory)
        self.ends = end_ids(plan.tokenizer, self.tokenizer)
        self.encoder = Encoder(self.tokenizer)
        self.model: PreTrainedModel = build_model(plan.architecture, self.tokenizer, self.ends, plan.seed, plan.changes)
        self.model.to(device)
        self.logits = logits_of(self.model)
        self.optimizer = torch.optim.AdamW(self._groups(), betas=(0.9, 0.98), fused=True)
        self.step = 0
        if isinstance(self.model, MambaForCausalLM):
            check_scan(self.model)
        self._restore()

    def _groups(self) -> list[dict[str, object]]:
        """Matrices decay; gains, biases and the recurrence's own parameters do not."""
        decayed = [p for n, p in self.model.named_parameters() if p.ndim == 2 and not n.endswith("A_log")]
        kept = [p for n, p in self.model.named_parameters() if p.ndim != 2 or n.endswith("A_log")]
        return [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": kept, "weight_decay": 0.0}]

    def _restore(self) -> None:
        if self._checkpoint.exists():
            state = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = int(state["step"])

    def save_checkpoint(self) -> None:
        """Writes model, optimizer and step; a kill while writing leaves the old checkpoint."""
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step}
        fresh = self._checkpoint.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self._checkpoint)

    def run(self, until: int, checkpoint_every: int) -> None:
        """Trains up to step `until` (at most the plan's), with a line and a checkpoint now and then."""
        stream = MixedStream(self.plan.mix, self.encoder, self.ends, int(self.tokenizer.pad_token_id), self.plan.seed)
        began, last = time.monotonic(), min(until, self.plan.steps)
        first = self.step
        while self.step < last:
            loss = self._train_step(stream)
            self.step += 1
            if self.step % checkpoint_every == 0 or self.step == last:
                self.save_checkpoint()
                pace = (time.monotonic() - began) / (self.step - first)
                figures = " ".join(f"{family} {share:.2f}" for family, share in self.progress().items())
                print(f"{self.name} step {self.step} loss {loss:.3f} {pace:.3f} s/step | {figures}", flush=True)

    def _train_step(self, stream: MixedStream) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.plan, self.step)
        chunks = stream.batch(self.step, self.plan.batch)
        weight = sum(chunk.weights.sum().item() for chunk in chunks)
        total = 0.0
        for chunk in chunks:
            logits = self.logits(chunk.token_ids.to(self.device))
            targets, weights = chunk.targets.to(self.device), chunk.weights.to(self.device)
            losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
            loss = (losses * weights.flatten()).sum() / weight
            loss.backward()  # type: ignore[no-untyped-call]  # torch's
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return total

    def progress(self) -> dict[str, float]:
        """Accuracies on a few items of a seed used for nothing else."""
        result: dict[str, float] = {}
        for family in self.plan.mix:
            examples = held_out(family, PROGRESS_ITEMS, PROGRESS_SEED)
            prompts = [example.prompt for example in examples]
            answers = greedy_answers(self.logits, self.encoder, prompts, self.ends, self.device)
            result.update(accuracies(family, examples, answers))
        return result

    def publish(self) -> None:
        """Writes the Hugging Face directory: float16 safetensors, configs, tokenizer."""
        state = {name: tensor.detach().to("cpu", torch.float16) for name, tensor in self.model.state_dict().items()}
        copy = build_model(self.plan.architecture, self.tokenizer, self.ends, self.plan.seed, self.plan.changes)
        copy.half()
        copy.load_state_dict(state)
        copy.config.dtype = torch.float16
        copy.save_pretrained(self.directory)


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line and trains; see the module."""
    parser = argparse.ArgumentParser(description="Trains the members of the built-in pool, one after the other.")
    parser.add_argument("--members", default=",".join(PLANS), help="names separated by commas (default: all)")
    parser.add_argument("--out", type=Path, default=MEMBERS_DIRECTORY, help="where finished members go")
    parser.add_argument("--work", type=Path, default=Path("runs/zoo-training"), help="where checkpoints go")
    parser.add_argument("--until", type=int, default=10**9, help="stop at this step (go on later)")
    parser.add_argument("--checkpoint-every", type=int, default=250, help="steps between checkpoints")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="torch's threads")
    options = parser.parse_args(arguments)
    names = options.members.split(",")
    if unknown := sorted(set(names) - set(PLANS)):
        parser.error(f"expected members among {', '.join(PLANS)}, got {', '.join(unknown)}")
    torch.set_num_threads(options.threads)
    for name in names:
        trainer = Trainer(name, PLANS[name], options.out, options.work, options.device)
        trainer.run(options.until, options.checkpoint_every)
        trainer.publish()


if __name__ == "__main__":
    main()
