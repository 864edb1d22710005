"""Pools in which the truth is known, through the real search and the real certificate.

- ``composite``: specialists and a task that needs them in one answer. Mixing gains at least 15 points over every rival:
  "adds value" is right.
- ``copies``: one model under three names. Nothing can be gained: "adds value" is wrong.
- ``noise``: two specialists and a model with random weights. It must not be heard.
- ``branches``: two models that lie on both sides of a third, each spoilt by its way from it. Mixing them helps, and the
  mean of their weights is that third model, which is far better: "adds value" is wrong, and only R6 can know.

Every seed draws its questions anew, and so has test items of its own (families are finite: some come back).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from evoswarm.certificate.document import Certificate
from evoswarm.certificate.verdict import SPEAKS
from evoswarm.experiment.session import search
from evoswarm.space import SearchSpace
from evoswarm.zoo.catalogue import member_path
from tests.benchmarks.figures import Goal, Reading, Readings, at_least, exactly
from tests.studies.study import Record, Study

SEEDS = 20
KINDS = ("composite", "copies", "noise", "branches")
APART = 100_000
"""Between the sources of two cases: a family makes its question number i from source + i, so neighbours repeat."""

SPACE = """
name: planted-{kind}-{seed}
seed: {seed}
pool:
{pool}
tasks:
{tasks}
splits: {{search: 60, selection: 150, test: 600}}
evolution: {{generations: 6, islands: 2, population: 8}}
tracking: {{mlflow: false}}
"""
FAMILIES = {
    "sums": ("chain_sum", 12),
    "spelling": ("spell_backward", 12),
    "gcd": ("gcd", 12),
    "letters": ("letter_counting", 8),
    "pair": ("pair", 16),
}
TASKS = {
    "composite": ("sums", "spelling", "pair"),
    "copies": ("sums", "spelling", "gcd", "letters"),
    "noise": ("sums", "spelling", "letters"),
    "branches": ("sums",),
}
BETWEEN = "llama-a"  # the model between the branches
FAR = 0.02  # how far each number of a branch is from it: a branch gets 42% of the sums right, it 92%
COPIED = "opt-g"  # a weak generalist: there is room above it
GOALS: dict[str, Goal | None] = {
    "composite_adds_value": at_least(0.95),
    "composite_least_gain": at_least(0.15),
    "copies_add_value": exactly(0.0),
    "noise_not_heard": at_least(0.95),
    "branches_add_value": exactly(0.0),
    "branches_least_loss": at_least(0.15),
    "seconds_per_search": None,
}


def run(case: str, runs: Path) -> Record:
    """One search with its certificate, over a pool in which the truth is known.

    Every case has a ledger and openings of its own: families are finite, so some questions come back in other cases.
    """
    kind, _, seed = case.rpartition("-")
    space = planted(kind, int(seed), runs)
    began = time.monotonic()
    result = search(space, out=runs / case / "run", runs=runs / case)
    if result.certificate is None:
        raise RuntimeError(f"{case}: expected a certificate, got none: {result.refusal}")
    return {"seconds": round(time.monotonic() - began, 1), **_record(result.certificate)}


def planted(kind: str, seed: int, runs: Path) -> SearchSpace:
    """The space of a case; its models lie under ``runs``."""
    tasks = [
        f"  - {{name: {task}, source: reasoning_gym, family: {FAMILIES[task][0]}, max_bytes: {FAMILIES[task][1]}, "
        f"seed: {source(kind, seed)}}}"
        for task in TASKS[kind]
    ]
    pool = [f"  - {{name: {name}, path: '{path}'}}" for name, path in members(kind, runs / "models").items()]
    return SearchSpace.from_text(
        SPACE.format(kind=kind, seed=seed, pool="\n".join(pool), tasks="\n".join(tasks)), f"planted {kind}"
    )


def source(kind: str, seed: int) -> int:
    """The seed of the questions of a case."""
    number, kinds = KINDS.index(kind), len(KINDS) - 1  # the last kind came later: the others keep their questions
    return APART * (1 + number + kinds * seed) if number < kinds else APART * (1 + kinds * SEEDS + seed)


def members(kind: str, models: Path) -> dict[str, str]:
    """The pool of a kind, by name; copies and noise are made when they are missing."""
    if kind == "branches":
        return branches(models)
    if kind == "copies":
        return {f"copy-{number}": str(_copied(models / f"copy-{number}")) for number in (1, 2, 3)}
    specialists = {name: f"zoo:{name}" for name in ("llama-a", "llama-b")}
    return specialists if kind == "composite" else {**specialists, "noise": str(noise(models / "noise"))}


def _copied(target: Path) -> Path:
    if not target.exists():
        shutil.copytree(member_path(COPIED), target)
    return target


def noise(target: Path) -> Path:
    """A model of llama-a's shape with random weights, the same every time."""
    if not target.exists():
        making = target.with_name(f"{target.name}.part")
        shutil.rmtree(making, ignore_errors=True)
        shutil.copytree(member_path("llama-a"), making)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(making))
        model.save_pretrained(making)
        making.rename(target)
    return target


def branches(models: Path, far: float = FAR) -> dict[str, str]:
    """Two models that lie on both sides of one: their mean is that one, but for rounding."""
    tensors = load_file(member_path(BETWEEN) / "model.safetensors")
    generator = torch.Generator().manual_seed(0)
    steps = {name: far * torch.randn(one.shape, generator=generator) for name, one in tensors.items()}
    places = {}
    for name, sign in (("plus", 1.0), ("minus", -1.0)):
        place = models / f"branch-{name}"
        if not place.exists():
            shutil.copytree(member_path(BETWEEN), place)
            moved = {key: (one.float() + sign * steps[key]).to(one.dtype) for key, one in tensors.items()}
            save_file(moved, place / "model.safetensors", {"format": "pt"})
        places[name] = str(place)
    return places


def _record(certificate: Certificate) -> Record:
    return {
        "outcome": certificate.verdict.outcome,
        "sentence": certificate.verdict.sentence,
        "champion": list(certificate.subject.words),
        "score": certificate.score.mean,
        "detectable_gain": certificate.opening.detectable_gain,
        "others": certificate.opening.others,
        "rivals": {
            rival.key: {"score": rival.score.mean, "difference": rival.difference.model_dump()}
            for rival in certificate.rivals
        },
        "members": {member.name: member.share_of_steps for member in certificate.members},
        "recipes_tried": certificate.recipes_tried,
    }


def figures(records: Mapping[str, Record]) -> Readings:
    """How often each kind came out as it must."""
    by_kind = {kind: [r for case, r in records.items() if case.startswith(f"{kind}-")] for kind in KINDS}
    composite, copies, noisy, branched = (by_kind[kind] for kind in KINDS)
    losses = [-record["rivals"]["R6"]["difference"]["mean"] for record in branched]
    gains = [min(rival["difference"]["mean"] for rival in record["rivals"].values()) for record in composite]
    heard = [record["members"].get("noise", 0.0) for record in noisy]
    seconds = [record["seconds"] for record in records.values()]
    return {
        "composite_adds_value": _share([r["outcome"] == "adds value" for r in composite]),
        "composite_least_gain": Reading(
            min(gains, default=None), "over the closest rival, as seen; the least of all seeds"
        ),
        "copies_add_value": _share([r["outcome"] == "adds value" for r in copies], _counts(copies)),
        "noise_not_heard": _share([share < SPEAKS for share in heard], f"in {sum(s > 0 for s in heard)} champions"),
        "branches_add_value": _share([r["outcome"] == "adds value" for r in branched], _counts(branched)),
        "branches_least_loss": Reading(min(losses, default=None), "to R6, as seen; the least of all seeds"),
        "seconds_per_search": Reading(sum(seconds) / len(seconds), "with its certificate, mean"),
    }


def _share(right: Sequence[bool], note: str = "") -> Reading:
    counted = f"{sum(right)} of {len(right)}"
    return Reading(sum(right) / len(right) if right else None, f"{counted}; {note}" if note else counted)


def _counts(records: Sequence[Record]) -> str:
    outcomes = [record["outcome"] for record in records]
    return ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in sorted(set(outcomes)))


STUDY = Study(
    name="planted",
    question="does the certificate find what was planted, and nothing else?",
    cases=tuple(f"{kind}-{seed}" for seed in range(SEEDS) for kind in KINDS),
    run=run,
    figures=figures,
    goals=GOALS,
)
