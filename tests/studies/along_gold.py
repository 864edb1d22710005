"""What fresh members say along right answers, read once for each and kept: pools of any of them are put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from evoswarm.decoding.swarm import Swarm
from evoswarm.decoding.waves import ViewKey
from evoswarm.genomes.plain import uniform
from evoswarm.gold.fit.outcomes import Outcomes
from evoswarm.gold.rows import GoldRows, read_rows
from evoswarm.gold.texts import GoldText
from evoswarm.space import SearchSpace
from evoswarm.space.questions import make_task, make_tasks
from evoswarm.tasks.task import Item
from tests.studies.fresh_members import FAMILIES, bank, train
from tools.zoo.plans import PLANS

END = 256
ITEMS = 1500
"""Questions of every family."""

Taken = Sequence[tuple[str, int]]
"""Questions: their families and their places there."""

Arrays = Mapping[str, NDArray[np.generic]]

SPACE = """
name: of-the-bank
pool:
{pool}
tasks:
{tasks}
alphabet: bytes
"""


def space_of(members: Sequence[str], families: Sequence[str], seed: int, models: Path, more: str = "") -> SearchSpace:
    """A space of members of the bank and families of questions.

    Args:
        members: of the bank, trained where they are missing, or of the built-in pool.
        families: of questions.
        seed: of their source.
        models: where the bank lies.
        more: YAML that is added.
    """
    pool = []
    for name in members:
        plan = PLANS[name] if name in PLANS else bank()[name].plan
        if name not in PLANS:
            train(name, bank()[name], models)
        path = f"zoo:{name}" if name in PLANS else models / name
        chat = ", chat_template: true" if plan.tokenizer == "chat" else ""
        pool.append(f"  - {{name: {name}, path: '{path}'{chat}}}")
    tasks = [
        f"  - {{name: {family}, source: reasoning_gym, family: {family}, max_bytes: 16, seed: {seed}}}"
        for family in families
    ]
    return SearchSpace.from_text(SPACE.format(pool="\n".join(pool), tasks="\n".join(tasks)) + more, "of the bank")


class AlongGold:
    """Members' rows along the right answers of some questions, in bytes.

    Args:
        seed: of the questions.
        models: where the bank lies.
        kept: where rows are kept.
    """

    def __init__(self, seed: int, models: Path, kept: Path) -> None:
        self._seed, self._models, self._kept = seed, models, kept
        self._read: dict[str, Arrays] = {}

    def outcomes(self, members: Sequence[str], taken: Taken) -> Outcomes:
        """Of a pool on some questions.

        Args:
            members: names.
            taken: the questions, each once.
        """
        arrays = [self._of(member) for member in members]
        first = arrays[0]
        places = [FAMILIES.index(family) * ITEMS + place for family, place in taken]
        spans = [np.arange(first["starts"][place], first["starts"][place + 1]) for place in places]
        item = torch.from_numpy(np.repeat(np.arange(len(taken)), [len(span) for span in spans]))
        where = np.concatenate(spans)
        said = torch.stack([torch.from_numpy(one["log_probs"][where].astype(np.float32)) for one in arrays])
        items = tuple(Item(str(number), family, "", "") for number, (family, _) in enumerate(taken))
        rows = GoldRows(
            view=ViewKey("bytes", 0.0, ()),
            tokens={},
            prompt_format="{prompt}",
            tasks={task.name: task for task in make_tasks(space_of(members, FAMILIES, self._seed, self._models))},
            members=tuple(members),
            texts=tuple(GoldText(one, "") for one in items),
            items=items,
            text=item,
            item=item,
            targets=torch.from_numpy(first["targets"][where].astype(np.int64)),
            log_probs=said,
            present=torch.ones(said.shape[:2], dtype=torch.bool),
            allowed=torch.isfinite(said[0]),
            entropies=torch.zeros(said.shape[:2], dtype=torch.float64),
            spellings=tuple(bytes([one]) for one in range(END)),
            unread={},
        )
        return Outcomes.of(rows)

    def _of(self, member: str) -> Arrays:
        if member not in self._read:
            file = self._kept / f"{member}-{self._seed}.npz"
            if not file.exists():
                self._kept.mkdir(parents=True, exist_ok=True)
                fresh = file.with_suffix(".part.npz")
                np.savez(fresh, allow_pickle=False, **self._asked(member))
                fresh.rename(file)
            with np.load(file) as found:
                self._read[member] = dict(found)
        return self._read[member]

    def _asked(self, member: str) -> Arrays:
        """Read one member; half precision is finer than what tells two accuracies apart."""
        space = space_of([member], FAMILIES, self._seed, self._models)
        decoder = Swarm.load(space.pool)
        recipe = uniform(space, decoder.specs)
        said, targets, lengths = [], [], []
        for index in range(len(FAMILIES)):
            task = make_task(space, index)
            items = [
                Item(f"{number}", task.name, one.prompt, one.gold)  # some come back
                for number, one in zip(range(ITEMS), task.items(), strict=False)
            ]
            rows = read_rows(decoder, recipe, [GoldText(item, item.gold) for item in items], {task.name: task})
            if rows is None or len(rows.texts) != ITEMS or not bool(rows.present.all()):
                raise RuntimeError(f"{member}: expected rows along {ITEMS} answers to {task.name}, got fewer")
            number = np.array([*(spelling[0] for spelling in rows.spellings), END])
            whole = np.full((len(rows.targets), END + 1), -np.inf, dtype=np.float16)
            whole[:, number] = rows.log_probs[0].numpy()
            said.append(whole)
            targets.append(number[rows.targets.numpy()].astype(np.int16))
            lengths.append(np.bincount(rows.item.numpy()))
            decoder.forget()
        starts = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
        return {"log_probs": np.concatenate(said), "targets": np.concatenate(targets), "starts": starts}
