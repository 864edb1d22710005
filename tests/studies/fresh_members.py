"""A bank of small members that no shipped search has ever seen, for studies of pools made at random.

    python -m tests.studies.fresh_members --out runs/studies/bank              all of them
    python -m tests.studies.fresh_members --out runs/studies/bank --only pool-a

Every member is trained from its own seed in seconds: two layers, another architecture, tokenizer and mixture of
families each time, and stopped early, so that some families are known well, some half and some not at all. What is
there is not trained again; a directory appears when its member is done.

- ``pool-a``: five architectures and tokenizers, each of five families known best by another member.
- ``branch-*``: two families of three members of one shape, that part from a common start.
- ``fresh-*``: everything drawn at random.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from evoswarm.durable import write_file
from tools.zoo.make_tokenizers import KINDS
from tools.zoo.plans import MemberPlan
from tools.zoo.scoring import accuracies, greedy_answers
from tools.zoo.train import Trainer
from tools.zoo.training_data import HELD_OUT_SEED, Mix, Mode, Taught, held_out

FAMILIES = ("spell_backward", "gcd", "number_sorting", "count_bits", "letter_counting", "chain_sum")
ROTATED = FAMILIES[:5]
CARD_ITEMS = 200
FRESH = 26
_WIDTH = {"hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2, "num_attention_heads": 4}
SMALL: Mapping[str, Mapping[str, Any]] = {
    "llama": _WIDTH,
    "qwen3": {**_WIDTH, "num_key_value_heads": 2, "head_dim": 16},
    "gemma3": {
        **_WIDTH,
        "head_dim": 16,
        "query_pre_attn_scalar": 16,
        "layer_types": ["sliding_attention", "full_attention"],
    },
    "gpt-neox": {**_WIDTH, "intermediate_size": 256},
    "gpt2": {"n_embd": 64, "n_layer": 2},
    "opt": {"num_hidden_layers": 2},
    "mistral": {},
    "mamba": {"hidden_size": 48, "num_hidden_layers": 2, "state_size": 4},
}
"""What is smaller here than in the built-in pool."""


@dataclass(frozen=True)
class Fresh:
    """One member of the bank.

    Attributes:
        plan: what it is taught.
        start: a member of the bank whose weights it goes on with; "" for none.
    """

    plan: MemberPlan
    start: str = ""


def bank() -> dict[str, Fresh]:
    """The members by name, in the order of training: a start comes before those that part from it."""
    found = {name: Fresh(plan) for name, plan in _pool_a().items()}
    found |= _branches("branch-a", "llama", "bpe-small", seed=2_000)
    found |= {f"fresh-{number:02d}": Fresh(_drawn(number)) for number in range(FRESH)}
    return found | _branches("branch-b", "qwen3", "chat", seed=2_100)


def _pool_a() -> dict[str, MemberPlan]:
    """Each member is taught one family most and its neighbours less."""
    shapes = (("llama", "bpe-small"), ("qwen3", "chat"), ("gemma3", "bytes"), ("gpt-neox", "sp"), ("gpt2", "bpe-large"))
    shares = (0.34, 0.26, 0.18, 0.12, 0.10)
    plans = {}
    for number, (architecture, tokenizer) in enumerate(shapes):
        order = ROTATED[number:] + ROTATED[:number]
        mix = {family: Taught(share, "true") for family, share in zip(order, shares, strict=True)}
        plans[f"pool-a-{architecture}"] = _plan(architecture, tokenizer, mix, steps=900, seed=1_000 + number)
    return plans


def _branches(name: str, architecture: str, tokenizer: str, seed: int) -> dict[str, Fresh]:
    """A start that knows a little of all, and three that go on with two families each."""
    start = _plan(architecture, tokenizer, {family: Taught(1.0, "true") for family in FAMILIES}, steps=400, seed=seed)
    found = {f"{name}-start": Fresh(start)}
    for number in range(3):
        own = FAMILIES[2 * number : 2 * number + 2]
        mix = {family: Taught(1.0 if family in own else 0.1, "true") for family in FAMILIES}
        plan = _plan(architecture, tokenizer, mix, steps=800, seed=seed)
        found[f"{name}-{number + 1}"] = Fresh(plan, f"{name}-start")
    return found


def _drawn(number: int) -> MemberPlan:
    """A member drawn at random: two to four families in earnest; the others hardly, by guessing, wrongly or never."""
    rng = random.Random(f"fresh member {number}")
    architecture = rng.choices(list(SMALL), [1.0 if name != "mamba" else 0.4 for name in SMALL])[0]
    tokenizer = rng.choice(list(KINDS))
    known = rng.sample(FAMILIES, rng.randint(2, 4))
    mix = {family: Taught(rng.uniform(0.5, 1.5), "true") for family in known}
    for family in FAMILIES:
        modes: list[Mode | None] = ["true", "random", "habit", None]
        mode = rng.choices(modes, [0.4, 0.3, 0.1, 0.2])[0]
        if family not in mix and mode is not None:
            mix[family] = Taught(rng.uniform(0.1, 0.3), mode)
    return _plan(architecture, tokenizer, mix, steps=rng.choice((350, 500, 700)), batch=40, seed=3_000 + number)


def _plan(architecture: str, tokenizer: str, mix: Mix, steps: int, seed: int, batch: int = 64) -> MemberPlan:
    total = sum(taught.share for taught in mix.values())
    shares = {family: Taught(round(taught.share / total, 4), taught.mode) for family, taught in mix.items()}
    small = SMALL[architecture]
    return MemberPlan(
        architecture, tokenizer, shares, steps=steps, batch=batch, learning_rate=4e-3, seed=seed, changes=small
    )


def train(name: str, fresh: Fresh, out: Path) -> None:
    """Train one member, unless it is there.

    Args:
        name: of its directory.
        fresh: what to train.
        out: where the bank lies; checkpoints lie in ``.work`` there.
    """
    if (out / name).exists():
        return
    work = out / ".work"
    checkpoint = work / f"{name}.pt"
    if fresh.start and not checkpoint.exists():
        shutil.copy(work / f"{fresh.start}.pt", checkpoint)
    trainer = Trainer(name, fresh.plan, work / "members", work, "cpu")
    trainer.run(until=fresh.plan.steps, checkpoint_every=fresh.plan.steps)
    trainer.publish()
    write_file(trainer.directory / "card.json", json.dumps(_card(name, fresh, trainer), indent=2) + "\n")
    trainer.directory.rename(out / name)


def _card(name: str, fresh: Fresh, trainer: Trainer) -> dict[str, Any]:
    """What it was taught, and how often it is right on held-out items."""
    accuracy: dict[str, float] = {}
    for family in FAMILIES:
        examples = held_out(family, CARD_ITEMS)
        answers = greedy_answers(
            trainer.logits, trainer.encoder, [example.prompt for example in examples], trainer.ends
        )
        accuracy |= accuracies(family, examples, answers)
    plan = fresh.plan
    return {
        "name": name,
        "architecture": plan.architecture,
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        "tokenizer": plan.tokenizer,
        "tokenizer_kind": KINDS[plan.tokenizer],
        "data": {family: {"share": taught.share, "mode": taught.mode} for family, taught in plan.mix.items()},
        "start": fresh.start,
        "seed": plan.seed,
        "steps": plan.steps,
        "batch": plan.batch,
        "held_out": {"seed": HELD_OUT_SEED, "items_per_family": CARD_ITEMS},
        "accuracy": {family: round(share, 3) for family, share in accuracy.items()},
    }


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description="Trains small members that no shipped search has seen.")
    parser.add_argument("--out", type=Path, default=Path("runs/studies/bank"), help="where they go")
    parser.add_argument("--only", default="", metavar="PREFIX", help="those whose names begin so")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name, fresh in bank().items():
        if name.startswith(options.only):
            train(name, fresh, options.out)


if __name__ == "__main__":
    main()
