"""What two spaces say differently."""

from __future__ import annotations

from collections.abc import Callable

from evoswarm.space import SearchSpace
from evoswarm.space.differences import Change, differences, in_words

Micro = Callable[..., SearchSpace]


def test_equal_spaces_and_what_may_change_between_two_sittings(micro: Micro) -> None:
    later = micro("evolution.generations=9", "seed=4", "description=longer", "budget.seconds=60")
    assert differences(micro(), later) == ()


def test_places_are_named_as_set_names_them(micro: Micro) -> None:
    changed = micro("pool.1.chat_template=false", "tasks.0.max_bytes=20", "splits.test=9", "pool.1.name=other")
    assert differences(micro(), changed) == (
        Change("pool.1.name", '"llama-b"', '"other"'),
        Change("tasks.0.max_bytes", "12", "20"),
        Change("splits.test", "6", "9"),
    )


def test_what_auto_was_resolved_to_is_no_difference(micro: Micro) -> None:
    auto, tokens, byte = micro("alphabet=auto"), micro("alphabet=tokens"), micro("alphabet=bytes")
    assert differences(tokens, auto) == differences(byte, auto) == ()
    assert [one.path for one in differences(tokens, byte)] == ["alphabet"]


def test_a_member_that_is_gone(micro: Micro) -> None:
    data = micro()
    fewer = data.model_copy(update={"pool": data.pool[:1]})
    gone = differences(data, fewer)
    assert {one.path.rpartition(".")[0] for one in gone} == {"pool.1"}
    assert {one.new for one in gone} == {""}
    assert in_words(gone[:1]).endswith("-> nothing")


def test_many_changes_and_long_ones_are_cut() -> None:
    changes = [Change(f"tasks.{number}.file", '"old"', f'"{"x" * 100}"') for number in range(6)]
    words = in_words(changes)
    assert words.endswith("x... and 2 more")
    assert "tasks.4" not in words
    assert len(words) < 400
