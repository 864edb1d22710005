"""What is kept stays sound when decoding breaks off; and the check of that finds every kind of damage.

The check itself runs behind every decoding of these tests (see ``conftest``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from evoswarm.decoding.compiled.nodes import NO_SLOT, ROOT, pair
from evoswarm.decoding.forward.in_place import InPlaceBatch
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.distributions import Distributions
from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.memory.member_rows import MemberRows
from evoswarm.decoding.request import DoesNotFit, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.decoding.text.decomposition import Decomposition
from evoswarm.decoding.text.token_trie import TokenTrie
from tests.decoding.integrity import alive, check_integrity
from tests.decoding.recipes import ONE_TOKENIZER, PROMPTS, recipe

POOLS = {"bytes": ("gpt2-c", "mamba-b", "llama-a"), "common": ("gpt2-c", "mamba-b", "llama-a"), "tokens": ONE_TOKENIZER}


def asked(alphabet: str) -> list[Request]:
    return [Request(recipe(*POOLS[alphabet], alphabet=alphabet), prompt, max_bytes=8) for prompt in PROMPTS]


@pytest.fixture(params=POOLS)
def alphabet(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def swarm(zoo: Swarm, alphabet: str) -> Swarm:
    """A swarm of its own, with readers that others may share."""
    return Swarm([member for member in zoo.members if member.spec.name in POOLS[alphabet]])


@pytest.fixture(scope="module")
def undisturbed(zoo: Swarm) -> Callable[[str], Any]:
    """What a swarm of its own answers in an alphabet that nothing breaks off; decoded once for all who ask."""

    @functools.cache
    def samples(alphabet: str) -> Any:
        fresh = Swarm([member for member in zoo.members if member.spec.name in POOLS[alphabet]])
        return [done.samples for done in fresh.decode(asked(alphabet))]

    return samples


def nth(count: int, honest: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    """The same function, which fails the n-th time."""
    calls = [0]

    def failing(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] == count:
            raise error
        return honest(*arguments)

    return failing


@pytest.mark.parametrize(
    ("where", "name"), [(MemberRows, "_write"), (Distributions, "written"), (ContextTable, "settle")]
)
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("error", [torch.OutOfMemoryError("none left"), KeyboardInterrupt(), ValueError("a bug")])
def test_what_breaks_off_while_rows_are_kept_leaves_nothing_half_written(
    swarm: Swarm,
    undisturbed: Callable[[str], Any],
    alphabet: Any,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    count: int,
    error: Any,
) -> None:
    """Rows that were given out but not written must not be believed."""
    want = undisturbed(alphabet)
    with monkeypatch.context() as patch:
        patch.setattr(where, name, nth(count, getattr(where, name), error))
        with pytest.raises(DoesNotFit if isinstance(error, torch.OutOfMemoryError) else type(error)):
            swarm.decode(asked(alphabet))
    check_integrity(swarm)
    assert [done.samples for done in swarm.decode(asked(alphabet))] == want


def test_what_breaks_off_while_a_table_grows(
    swarm: Swarm, undisturbed: Callable[[str], Any], alphabet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    want = undisturbed(alphabet)
    with monkeypatch.context() as patch:
        patch.setattr(MemberRows, "_make_room", nth(2, MemberRows._make_room, torch.OutOfMemoryError("none left")))
        patch.setattr(ContextTable, "kept", nth(2, ContextTable.kept, torch.OutOfMemoryError("none left")))
        with pytest.raises(DoesNotFit):
            swarm.decode(asked(alphabet))
    assert [done.samples for done in swarm.decode(asked(alphabet))] == want


@pytest.mark.parametrize("alphabet", ["bytes", "common"])
@pytest.mark.parametrize("where", [(Decomposition, "paths"), (TokenTrie, "_grow"), (MemberMemory, "prompt")])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_what_breaks_off_while_texts_are_looked_at_leaves_nothing_half_known(
    zoo: Swarm,
    undisturbed: Callable[[str], Any],
    alphabet: str,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    count: int,
) -> None:
    want = undisturbed(alphabet)
    swarm = Swarm([member for member in zoo.members if member.spec.name in POOLS[alphabet]])
    with monkeypatch.context() as patch:
        owner, name = where
        patch.setattr(owner, name, nth(count, getattr(owner, name), KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            swarm.decode(asked(alphabet))
    check_integrity(swarm)
    assert [done.samples for done in swarm.decode(asked(alphabet))] == want


def test_a_swarm_that_is_stopped_and_goes_on(swarm: Swarm, undisturbed: Callable[[str], Any], alphabet: Any) -> None:
    want = undisturbed(alphabet)
    for turns in (0, 1, 3, 6):
        left = iter([False] * turns + [True] * 99)
        swarm.decode(asked(alphabet), stop_after=lambda left=left: next(left))  # type: ignore[misc]
    assert [done.samples for done in swarm.decode(asked(alphabet))] == want


def leaf(swarm: Swarm) -> tuple[Any, int]:
    """A node that was read, has a slot, a row and no children; and its memory."""
    memory = swarm.views.memories[0]
    nodes = memory.nodes
    above = {nodes.parent[node] for node in alive(nodes)}
    fits = [one for one in alive(nodes) if nodes.slot[one] != NO_SLOT and nodes.row[one] >= 0 and one not in above]
    return memory, fits[0]


def contexts(swarm: Swarm) -> ContextTable:
    return next(iter(swarm.views)).contexts


def lose_a_slot(swarm: Any) -> None:
    memory, node = leaf(swarm)
    memory.nodes.slot[node] = NO_SLOT


def use_a_slot_twice(swarm: Any) -> None:
    memory, node = leaf(swarm)
    slot = memory.nodes.slot
    other = next(one for one in alive(memory.nodes) if slot[one] not in (NO_SLOT, slot[node]))
    slot[other] = slot[node]


def free_a_slot_in_use(swarm: Any) -> None:
    view, node = leaf(swarm)
    view.member.reader.slots.free([view.nodes.slot[node]])


def cut_a_branch(swarm: Any) -> None:
    memory, node = leaf(swarm)
    memory.nodes.children.put(pair(memory.nodes.parent[node], memory.nodes.token[node]), ROOT)


def move_a_node(swarm: Any) -> None:
    memory, node = leaf(swarm)
    memory.nodes.depth[node] += 1


def forget_a_prefix(swarm: Any) -> None:
    for view in swarm.views.memories:
        if view.member.reader.needs_whole_past:
            nodes = view.nodes
            above = {nodes.parent[one] for one in alive(nodes) if nodes.slot[one] != NO_SLOT}
            node = next(one for one in alive(nodes) if nodes.depth[one] == 2 and one in above)
            view.tree._release(np.array([node]))
            return


def claim_a_state_that_is_none(swarm: Any) -> None:
    memory, node = leaf(swarm)
    memory.nodes.has_state[node] = 0


def lose_a_row(swarm: Any) -> None:
    memory, node = leaf(swarm)
    memory.nodes.row[node] = -1


def give_a_row_away(swarm: Any) -> None:
    view, node = leaf(swarm)
    view.rows.slots.give([view.nodes.row[node]])


def keep_a_buffer(swarm: Any) -> None:
    reader = next(member.reader for member in swarm.members if member.reader.needs_whole_past)
    kept = InPlaceBatch()
    kept.buffers[0, 0] = torch.zeros(4)
    reader.backend.in_place.put(kept, np.array([1]), 1)


def miscount(swarm: Any) -> None:
    swarm.counters.rows_forwarded = 3


def miscount_by_depth(swarm: Any) -> None:
    swarm.counters.text_lookups += 1


def orphan_a_context(swarm: Any) -> None:
    table = contexts(swarm)
    table.parents[len(table) - 1] = len(table) - 1


def forget_what_was_read(swarm: Any) -> None:
    table = contexts(swarm)
    table.reads[len(table) - 1] = 0


def refer_to_a_node_that_is_gone(swarm: Any) -> None:
    table = contexts(swarm)
    table.read_nodes[:] = 1 << 30


def leave_somebody_waiting(swarm: Any) -> None:
    view, node = leaf(swarm)
    view.tree.want([node])


DAMAGE = (
    lose_a_slot, use_a_slot_twice, free_a_slot_in_use, cut_a_branch, move_a_node, forget_a_prefix, lose_a_row,
    claim_a_state_that_is_none, give_a_row_away, keep_a_buffer, miscount, miscount_by_depth, orphan_a_context,
    forget_what_was_read, refer_to_a_node_that_is_gone, leave_somebody_waiting,
)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_the_check_finds_damage(zoo: Swarm, alphabet: Any, damage: Any) -> None:
    names = POOLS[alphabet]
    swarm = Swarm.load([one for one in zoo.specs if one.name in names])  # readers of its own: they are spoilt
    swarm.decode(asked(alphabet)[:2])
    check_integrity(swarm)
    damage(swarm)
    with pytest.raises(AssertionError):
        check_integrity(swarm)
