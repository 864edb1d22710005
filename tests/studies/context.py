"""Does context pay where who is right changes in the middle of an answer, and what does it cost where it does not?

- ``planted-*``: pools made for it. A question is a letter and a number, its answer a word and a number (``d 47=``:
  ``tarok 815``), and each is learnt by heart. One member knows the words and is as sure of wrong numbers, one the
  numbers and is as sure of wrong words, and a third knows three quarters of both and is as sure of the rest. All know
  their numbers behind whatever word somebody else has written. So no entropy, no constant weight and no whole answer
  tells whom to follow, but the place does. Searched for twice: with constant weights (everything that a space offers by
  itself) and with what context adds to it.
- ``quickstart-*``, ``tokens-*``, ``large-pool-*``: shipped spaces, shortened, searched for twice in the same way, and a
  third time with credibility alone.

Champions are compared on fresh items, all of one case on the same.
"""

from __future__ import annotations

import json
import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from scipy import stats
from torch.nn import functional

from evoswarm import SearchSpace, Swarm, search
from evoswarm.evaluation.evaluation import scores_of
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.workbench import workbench
from evoswarm.fusion import CONTEXT, DECAY, GAMMA, GATING
from tests.benchmarks.figures import Goal, Reading, Readings, at_least
from tests.studies.study import Record, Study
from tools.zoo.architectures import build_model
from tools.zoo.batches import Encoder
from tools.zoo.make_tokenizers import end_ids, save_tokenizer
from tools.zoo.scoring import logits_of

POOLS, SEEDS, SHIPPED_SEEDS = 4, 20, 4
SHIPPED = ("quickstart", "tokens", "large-pool")
SHORTER = ("splits.test=1000", "evolution.generations=4", "evolution.islands=2", "evolution.population=12")
CREDIBILITY = (GAMMA, DECAY)
OPENED = {
    "constant": (),
    "credibility": CREDIBILITY,
    "context": (*CREDIBILITY, *CONTEXT, *GATING),
}
"""What each search may vary beside what it always does."""

LETTERS, NUMBERS = "abcdefghijklmnopqrstuvwxyz"[:20], [str(number) for number in range(20, 80)]
UNSURE = 0.25  # of both halves: what the third member learnt wrongly
STEPS, BATCH, RATE = 400, 64, 5e-3
_WIDTH = {"hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2, "num_attention_heads": 4}
SHAPES = {
    "words": ("llama", "bpe-small", _WIDTH),
    "numbers": ("qwen3", "bpe-large", {**_WIDTH, "num_key_value_heads": 2, "head_dim": 16}),
    "both": ("gpt-neox", "sp", {**_WIDTH, "intermediate_size": 256}),
}
SPACE = """
name: context-{seed}
seed: {seed}
pool:
{pool}
tasks:
  - name: halves
    source: dataset
    path: {items}
    prompt: "{{question}}"
    answer: "{{answer}}"
    scorer: {{kind: exact}}
    max_bytes: 16
splits: {{search: 48, selection: 80, test: 400, shares: [0.2, 0.2, 0.6]}}
evolution: {{generations: 5, islands: 2, population: 12}}
tracking: {{mlflow: false}}
"""

Table = dict[str, str]


def run(case: str, runs: Path) -> Record:
    """The searches of a case, and their champions on its fresh items."""
    runs.mkdir(parents=True, exist_ok=True)
    kind, _, seed = case.rpartition("-")
    made = planted if kind == "planted" else shipped
    names = ["constant", "context"] if kind == "planted" else list(OPENED)
    spaces = {name: made(kind, int(seed), runs, _opened(name)) for name in names}
    space = spaces["constant"]
    swarm = Swarm.load(space.pool, **space.decoding.model_dump())
    champions = {}
    for name in names:
        result = search(spaces[name], out=runs / f"{case}-{name}", runs=runs, swarm=swarm, certify=False)
        champions[name] = result.champion
    with workbench(space, runs / LEDGER, splits=("test",)) as bench:
        rows = bench.evaluator.evaluate([bench.bound(one) for one in champions.values()], bench.items["test"])
    scores = {name: scores_of(one) for name, one in zip(names, rows, strict=True)}
    return {
        "items": len(scores["constant"]),
        "accuracy": {name: statistics.fmean(one) for name, one in scores.items()},
        "points": {
            name: 100 * statistics.fmean(a - b for a, b in zip(one, scores["constant"], strict=True))
            for name, one in scores.items()
            if name != "constant"
        },
        "champions": {name: list(one.words()) for name, one in champions.items()},
    }


def _opened(name: str) -> tuple[str, ...]:
    """What a search may vary beside what it always does."""
    return tuple(f"genome.{one.file_key}={list(one.searched)}" for one in OPENED[name])


def shipped(name: str, seed: int, runs: Path, opened: tuple[str, ...] = ()) -> SearchSpace:
    """A shipped space, with questions of its own for every seed."""
    file = Path("search_spaces") / f"{name}.yaml"
    tasks = SearchSpace.from_yaml(file).tasks
    own = (f"tasks.{place}.seed={100_000 * (1 + seed)}" for place in range(len(tasks)))
    return SearchSpace.from_yaml(file, (*SHORTER, *own, *opened, f"seed={seed}", "tracking.mlflow=false"))


def planted(kind: str, seed: int, runs: Path, opened: tuple[str, ...] = ()) -> SearchSpace:
    """The space of a seed; seeds share a few pools, which lie under ``runs``, and each has searches of its own."""
    made = pool(seed % POOLS, runs / "pools")
    members = "\n".join(f"  - {{name: {name}, path: '{made / name}'}}" for name in SHAPES)
    file = runs / f"{kind}-{seed}.yaml"
    file.write_text(SPACE.format(seed=seed, pool=members, items=made / "items.jsonl"), encoding="utf-8")
    return SearchSpace.from_yaml(file, opened)


def pool(number: int, pools: Path) -> Path:
    """A pool and its questions, made where they are missing."""
    made = pools / str(number)
    words, numbers = halves(number, LETTERS, _word), halves(number, NUMBERS, _number)
    for name, tables in taught(number, words, numbers).items():
        if not (made / name).exists():
            train(made / name, name, tables, seed=10 * number + list(SHAPES).index(name))
    questions = [
        {"question": f"{letter} {figure}=", "answer": f"{words[letter]} {numbers[figure]}"}
        for letter in LETTERS
        for figure in NUMBERS
    ]
    (made / "items.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in questions), encoding="utf-8")
    return made


def halves(number: int | str, keys: Sequence[str], make: Callable[[random.Random], str]) -> Table:
    """What belongs to each key, drawn anew for every pool."""
    rng = random.Random(f"{number} {keys[0]}")
    return {key: make(rng) for key in keys}


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("bdfgklmnprst" if place % 2 == 0 else "aeiou") for place in range(5))


def _number(rng: random.Random) -> str:
    return str(rng.randint(100, 999))


def taught(number: int, words: Table, numbers: Table) -> dict[str, tuple[Table, Table]]:
    """By member, the words and numbers that it learns."""
    other_words = halves(f"{number} wrong", LETTERS, _word)
    other_numbers = halves(f"{number} wrong", NUMBERS, _number)
    rng = random.Random(f"{number} both")

    def partly(right: Table, wrong: Table) -> Table:
        return {key: wrong[key] if rng.random() < UNSURE else value for key, value in right.items()}

    return {
        "words": (words, other_numbers),
        "numbers": (other_words, numbers),
        "both": (partly(words, other_words), partly(numbers, other_numbers)),
    }


def train(directory: Path, name: str, tables: tuple[Table, Table], seed: int) -> None:
    """Teach a new model its tables by heart."""
    architecture, tokenizer_name, changes = SHAPES[name]
    making = directory.with_name(f"{name}.part")
    making.mkdir(parents=True, exist_ok=True)
    tokenizer = save_tokenizer(tokenizer_name, making)
    ends = end_ids(tokenizer_name, tokenizer)
    model = build_model(architecture, tokenizer, ends, seed, changes)
    encoder, logits = Encoder(tokenizer), logits_of(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS, pct_start=0.1)
    rng = random.Random(seed)
    words, numbers = tables
    for _ in range(STEPS):
        asked = [(rng.choice(LETTERS), rng.choice(NUMBERS)) for _ in range(BATCH)]
        rows = [_row(encoder, ends[0], f"{one} {two}=", words[one], numbers[two], rng) for one, two in asked]
        width = max(len(prompt) + len(answer) for prompt, answer, _ in rows)
        ids, targets = torch.full((BATCH, width), ends[0]), torch.full((BATCH, width), -100)
        for row, (prompt, answer, given) in enumerate(rows):
            ids[row, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
            targets[row, len(prompt) + given - 1 : len(prompt) + len(answer) - 1] = torch.tensor(answer[given:])
        loss = functional.cross_entropy(logits(ids).flatten(0, 1), targets.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
    model.save_pretrained(making)
    making.rename(directory)


def _row(
    encoder: Encoder, end: int, question: str, word: str, number: str, rng: random.Random
) -> tuple[list[int], list[int], int]:
    """Tokens of a question and its answer, and how many of these are given: half of the words are by somebody else."""
    word, foreign = (_word(rng), True) if rng.random() < 0.5 else (word, False)
    answer = encoder.answer(f"{word} {number}")
    given = len(encoder.answer(word)) if foreign else 0
    return encoder.prompt(question), [*answer, end], given


def figures(records: Mapping[str, Record]) -> Readings:
    """Points of accuracy on fresh items over the champion of constant weights, by seed."""
    gains = [record["points"]["context"] for case, record in records.items() if case.startswith("planted-")]
    ahead = [gain >= 3 for gain in gains]
    found: dict[str, Reading] = {
        "planted_ahead_by_three": Reading(sum(ahead) / len(ahead) if ahead else None, f"{sum(ahead)} of {len(ahead)}"),
        "planted_points": _mean(gains),
    }
    for name in SHIPPED:
        of_space = [record["points"] for case, record in records.items() if case.startswith(f"{name}-")]
        for what in ("credibility", "context"):
            found[f"{name}_{what}_points"] = _mean([points[what] for points in of_space])
    return found


def _mean(points: Sequence[float]) -> Reading:
    """Their mean, with the 95% interval of Student's t over seeds."""
    if len(points) < 2:
        return Reading(points[0] if points else None, f"{len(points)} seeds")
    half = float(stats.t.ppf(0.975, len(points) - 1)) * statistics.stdev(points) / math.sqrt(len(points))
    mean = statistics.fmean(points)
    return Reading(mean, f"95% interval {mean - half:+.2f} to {mean + half:+.2f} over {len(points)} seeds")


GOALS: dict[str, Goal | None] = {
    "planted_ahead_by_three": at_least(0.85),
    "planted_points": None,
    **{f"{name}_{what}_points": at_least(-0.3) for name in SHIPPED for what in ("credibility", "context")},
}

STUDY = Study(
    name="context",
    question="does context pay where the right speaker changes in mid-answer, and what does it cost elsewhere?",
    cases=(
        *(f"planted-{seed}" for seed in range(SEEDS)),
        *(f"{name}-{seed}" for seed in range(SHIPPED_SEEDS) for name in SHIPPED),
    ),
    run=run,
    figures=figures,
    goals=GOALS,
)
