"""The gold paths of a search: rows for whatever its recipes see, within a budget, or a sentence on why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from evoswarm.decoding.along import TextReader
from evoswarm.decoding.decoder import Decoder
from evoswarm.decoding.request import Along, DoesNotFit, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Ledger
from evoswarm.genomes.plain import single, uniform
from evoswarm.gold.paths import NOT_OFFERED, GoldPaths
from evoswarm.policies import Policy
from evoswarm.policies.route import PromptCluster, Route
from evoswarm.policies.vote import Vote, Voter
from tests.decoding.recipes import SURE
from tests.gold.conftest import Ready


def paths(ready: Ready, budget: int = 1 << 26, decoder: Decoder | None = None) -> GoldPaths:
    """The gold paths of a few items of a space, its pool as it is loaded."""
    space = ready.space.model_copy(update={"pool": ready.swarm.specs})
    return GoldPaths(decoder or ready.swarm, space, {"search": ready.items}, ready.tasks, budget)


def test_recipes_in_common_have_rows_of_their_own_tokenizers(shipped: Callable[[str], Ready]) -> None:
    ready = shipped("two-by-two-same")
    gold = paths(ready)
    pool = ready.swarm.specs
    whole, alone = (uniform(ready.space, specs, "bytes") for specs in (pool, pool[:1]))
    rows = gold.rows("search", whole)
    assert rows is not None
    assert gold.rows("search", alone) is rows
    tokens = gold.rows("search", uniform(ready.space, pool, "common"))
    assert tokens is not None
    assert tokens.view.alphabet == "tokens"
    assert tokens.items == rows.items == tuple(ready.items)


def test_policies_of_all_kinds_in_all_alphabets_are_told_of_together(shipped: Callable[[str], Ready]) -> None:
    ready = shipped("two-by-two-same")
    pool = ready.swarm.specs
    mixes = [uniform(ready.space, pool, "bytes"), uniform(ready.space, pool, "tokens"), single(ready.space, pool[1])]
    policies: list[Policy] = [*mixes, mixes[0].changed(samples=3), Vote(voters=(Voter(recipe=mixes[2]),))]
    found = paths(ready).scores(policies, "search")
    assert found.right.shape == (5, len(ready.items))
    assert found.decided[:3].mean() > 0.9
    assert not found.decided[3:].any()
    assert np.isnan(found.margin[3:]).all()
    assert np.isfinite(found.log_likelihood[:3]).all()
    assert not found.right[2, [item.task == "sums" for item in ready.items]].any()  # llama-b cannot add


def test_of_routes_the_mix_that_answers_decides(shipped: Callable[[str], Ready]) -> None:
    ready = shipped("two-by-two-same")
    pool = ready.swarm.specs
    drawn = uniform(ready.space, pool, "bytes").changed(samples=3)
    mixes = (*(single(ready.space, spec, "bytes") for spec in pool), uniform(ready.space, pool, "tokens"), drawn)
    first, second, third = (task.name for task in list(ready.tasks.values())[:3])
    other = next(item for item in ready.items if item.task not in (first, second, third))
    clusters = [PromptCluster(ngrams={item.prompt: 9}, policy=n) for n, item in enumerate((ready.items[0], other))]
    routes = [
        Route(policies=mixes, by="task", tasks={first: 1, second: 2, third: 3}),
        Route(policies=mixes, by="cluster", clusters=clusters),
        Route(policies=mixes[:2], by="confidence"),
    ]
    found = paths(ready).scores(routes, "search")
    with Ledger(":memory:") as ledger:
        rows = Evaluator(ready.swarm, ready.tasks, ledger).evaluate(routes, ready.items)
    right = np.array([[one.score == 1.0 for one in row] for row in rows])
    sure = found.decided & (found.closeness >= SURE)
    assert (found.right == right)[sure].all()
    drawn_at = np.array([item.task == third for item in ready.items])
    assert found.decided[0].tolist() == (~drawn_at).tolist()
    assert found.decided[1].all()
    assert not found.decided[2].any()
    assert len({tuple(row) for row in found.right[:2].tolist()}) == 2


def test_beyond_its_budget_there_are_none_and_it_says_so(shipped: Callable[[str], Ready]) -> None:
    ready = shipped("tokens")
    swarm = Swarm(ready.swarm.members)
    gold = paths(ready, budget=50_000, decoder=swarm)
    assert gold.rows("search") is None
    assert gold.why_not["search"].startswith("expected members' rows along the right answers in 0 MiB, got")
    assert not gold.passing("search")
    assert not swarm.counters.forwards  # how much it would be is known before anything is read


def test_steps_are_known_before_texts_are_read(shipped: Callable[[str], Ready]) -> None:
    ready = shipped("tokens")
    recipe = uniform(ready.space, ready.swarm.specs)
    asked = [Request(recipe, item.prompt, item.key, max_bytes=64, forced=item.gold) for item in ready.items]
    read = [0 if one is None else len(one.symbols) for one in ready.swarm.rows_along(asked).texts]
    assert ready.swarm.steps_along(asked) == read


class Cramped(Swarm):
    """Without room for more texts than one."""

    def rows_along(self, requests: Sequence[Request]) -> Along:
        if len(requests) > 1:
            raise DoesNotFit("more than one")
        return super().rows_along(requests)


def test_texts_that_do_not_fit_together_are_read_apart(shipped: Callable[[str], Ready]) -> None:
    ready = shipped("tokens")
    apart, together = paths(ready, decoder=Cramped(ready.swarm.members)).rows("search"), paths(ready).rows("search")
    assert apart is not None
    assert together is not None
    assert apart.items == together.items
    assert (apart.targets == together.targets).all()
    assert (apart.log_probs.exp() - together.log_probs.exp()).abs().max() < 1e-4


def test_a_device_without_room_is_of_the_moment(
    shipped: Callable[[str], Ready], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("no room on the device")

    monkeypatch.setattr(TextReader, "read", full)
    gold = paths(shipped("tokens"))
    assert gold.rows("search") is None
    assert gold.why_not["search"] == "no room on the device"
    assert gold.passing("search")


def test_a_decoder_need_not_offer_them(shipped: Callable[[str], Ready], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Swarm, "rows_along", Decoder.rows_along)
    ready = shipped("tokens")
    gold = paths(ready, decoder=Swarm(ready.swarm.members))
    assert gold.rows("search") is None
    assert gold.why_not["search"] == NOT_OFFERED
    found = gold.scores([uniform(ready.space, ready.swarm.specs)], "search")
    assert not found.decided.any()


def test_a_text_is_read_as_one_chunk(shipped: Callable[[str], Ready]) -> None:
    ready = shipped("tokens")
    recipe = uniform(ready.space, ready.swarm.specs)
    item = max(ready.items, key=lambda one: len(one.gold))
    asked = [Request(recipe, item.prompt, item.key, max_bytes=64, forced=item.gold)]
    chunk, steps = Swarm(ready.swarm.members), Swarm(ready.swarm.members)
    along, followed = chunk.rows_along(asked).texts[0], steps.decode(asked)[0]
    assert along is not None
    assert len(along.symbols) == followed.steps > 2
    assert chunk.counters.forwards == len(recipe.members) < steps.counters.forwards
    assert chunk.counters.rows_forwarded == steps.counters.rows_forwarded


@pytest.mark.parametrize("alphabet", ["bytes", "tokens"])
def test_what_was_read_is_what_decoding_finds(shipped: Callable[[str], Ready], alphabet: str) -> None:
    ready = shipped("tokens")
    swarm = Swarm(ready.swarm.members)
    recipe = uniform(ready.space, ready.swarm.specs, "bytes" if alphabet == "bytes" else "tokens")
    found = paths(ready, decoder=swarm).rows("search", recipe)
    after_decoding = paths(ready).rows("search", recipe)
    assert found is not None
    assert after_decoding is not None
    assert (found.targets == after_decoding.targets).all()
    gap = (found.log_probs.exp() - after_decoding.log_probs.exp()).abs().max()
    assert gap < 1e-4
