"""A small pool made ready: three real members, two tasks, a few items; every test has a ledger of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import pytest
import torch

from evoswarm.canonical import digest_of
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Key
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item

SPACE = """
name: controls
pool:
  - {name: llama-a, path: "zoo:llama-a"}
  - {name: llama-b, path: "zoo:llama-b"}
  - {name: neox-e, path: "zoo:neox-e"}
tasks:
  - {name: sums, source: reasoning_gym, family: chain_sum, max_bytes: 8}
  - {name: spell, source: reasoning_gym, family: spell_backward, max_bytes: 12, weight: 3}
splits: {search: 4, selection: 20, test: 20}
"""

Bench = Callable[[], AbstractContextManager[Workbench]]


@pytest.fixture(scope="session")
def space(tmp_path_factory: pytest.TempPathFactory) -> SearchSpace:
    """Three members that are good at different things."""
    file = tmp_path_factory.mktemp("controls") / "space.yaml"
    file.write_text(SPACE, encoding="utf-8")
    return SearchSpace.from_yaml(file, ())


@pytest.fixture(scope="session")
def loaded(space: SearchSpace) -> Iterator[Swarm]:
    """Its pool."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Swarm.load(space.pool)
    torch.set_num_threads(threads)


@pytest.fixture
def fresh(space: SearchSpace, loaded: Swarm) -> Bench:
    """Makes the space ready with an empty ledger."""
    return lambda: workbench(space, ":memory:", splits=("selection", "test"), swarm=loaded)


@pytest.fixture
def bench(fresh: Bench) -> Iterator[Workbench]:
    """The space made ready."""
    with fresh() as made:
        yield made


def mix(bench: Workbench, *names: str, thresholds: Sequence[float] = (), rule: str = "product") -> Recipe:
    """A recipe over some of the pool; the first leads."""
    specs = {spec.name: spec for spec in bench.pool}
    nats = thresholds or [0.0] * len(names)
    members = [RecipeMember(spec=specs[name], threshold=at) for name, at in zip(names, nats, strict=True)]
    return Recipe(alphabet=bench.space.alphabets[0], members=tuple(members), lead=names[0], fusion=Fusion(rule=rule))


def tell(evaluator: Evaluator, recipe: Recipe, items: Sequence[Item], rows: Sequence[Evaluation]) -> None:
    """Write made-up evaluations into the ledger, which the evaluator then believes."""
    context = digest_of(evaluator.context(recipe))
    keys = [Key(recipe.digest, evaluator.item_digest(item, recipe.prompt_format), context) for item in items]
    evaluator.ledger.write(dict(zip(keys, rows, strict=True)))
