"""Writes the card of every trained member: `python -m tools.zoo.evaluate_cards`.

A card says what a member is, what it was taught and how often it is right on held-out items. The weights are read
back from the published directory (float16 on disk, float32 here) and decoded greedily.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from evoswarm.zoo.catalogue import MEMBERS_DIRECTORY
from tools.zoo.batches import Encoder
from tools.zoo.make_tokenizers import KINDS, end_ids, end_tokens
from tools.zoo.plans import PLANS, MemberPlan
from tools.zoo.scoring import accuracies, greedy_answers, logits_of
from tools.zoo.training_data import HELD_OUT_SEED, TRAINED_FAMILIES, TRAINING_SEED, Example, held_out, stream

CARD_ITEMS = 2_000


def measure(directory: Path, plan: MemberPlan, items: dict[str, list[Example]]) -> dict[str, float]:
    """Returns a member's accuracy on the given items, per family, for `pair` also per field."""
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(directory)
    ends = end_ids(plan.tokenizer, tokenizer)
    encoder = Encoder(tokenizer)
    result: dict[str, float] = {}
    for family, examples in items.items():
        prompts = [example.prompt for example in examples]
        answers = greedy_answers(logits_of(model), encoder, prompts, ends)
        result.update(accuracies(family, examples, answers))
    return result


def seen_shares(items: dict[str, list[Example]]) -> dict[str, float]:
    """Returns per family the share of items whose prompt also occurs in the training stream.

    The streams are the same for all members. Small families (255 numbers for `count_bits`) are seen completely.
    """
    shares = {}
    for family, examples in items.items():
        seen = {example.prompt for example in stream(family)}
        shares[family] = sum(example.prompt in seen for example in examples) / len(examples)
    return shares


def make_card(
    name: str, plan: MemberPlan, directory: Path, items: dict[str, list[Example]], seen: dict[str, float]
) -> dict[str, Any]:
    """Returns the content of a member's card."""
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    model = AutoModelForCausalLM.from_pretrained(directory)
    return {
        "name": name,
        "architecture": config["architectures"][0],
        "model_type": config["model_type"],
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "tokenizer": plan.tokenizer,
        "tokenizer_kind": KINDS[plan.tokenizer],
        "vocabulary": config["vocab_size"],
        "end_tokens": end_tokens(plan.tokenizer),
        "data": {
            family: {"share": taught.share, "mode": taught.mode} | ({"word": taught.word} if taught.word else {})
            for family, taught in plan.mix.items()
        },
        "source_seed": TRAINING_SEED,
        "seed": plan.seed,
        "steps": plan.steps,
        "batch": plan.batch,
        "learning_rate": plan.learning_rate,
        "horizon": plan.horizon or plan.steps,
        "held_out": {"seed": HELD_OUT_SEED, "items_per_family": len(next(iter(items.values())))},
        "accuracy": {key: round(value, 4) for key, value in measure(directory, plan, items).items()},
        "held_out_prompts_seen_in_training": {family: round(share, 4) for family, share in seen.items()},
    }


def accuracy_table(cards: Sequence[dict[str, Any]]) -> str:
    """Returns the cards' accuracies as a Markdown table, a row per member."""
    columns = list(cards[0]["accuracy"])
    lines = [
        "| member | architecture | tokenizer | parameters | " + " | ".join(columns) + " |",
        "|" + " --- |" * (4 + len(columns)),
    ]
    for card in cards:
        figures = " | ".join(f"{card['accuracy'][column]:.3f}" for column in columns)
        front = f"{card['name']} | {card['architecture']} | {card['tokenizer']} | {card['parameters']:,}"
        lines.append(f"| {front} | {figures} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, measures, writes cards and prints the table."""
    parser = argparse.ArgumentParser(description="Measures members on held-out items and writes their cards.")
    parser.add_argument("--members", default=",".join(PLANS), help="names separated by commas (default: all)")
    parser.add_argument("--out", type=Path, default=MEMBERS_DIRECTORY, help="where the members lie")
    parser.add_argument("--items", type=int, default=CARD_ITEMS, help="held-out items per family")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    items = {family: held_out(family, options.items) for family in TRAINED_FAMILIES}
    seen = seen_shares(items)
    cards = []
    for name in options.members.split(","):
        directory = options.out / name
        cards.append(make_card(name, PLANS[name], directory, items, seen))
        (directory / "card.json").write_text(json.dumps(cards[-1], indent=2) + "\n", encoding="utf-8")
    print(accuracy_table(cards))


if __name__ == "__main__":
    main()
