"""What is decoded together: many streams, whatever the vocabulary, and every prompt read once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evoswarm.decoding.memory.member_memory import LEAST_ROWS
from evoswarm.decoding.request import Completion, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.decoding.waves import CAUTION, Growth
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember

NAMES = ("llama-a", "llama-b", "neox-e")
PROMPTS = [f"{a}+{b}=" for a, b in ((47, 85), (30, 12), (5, 99), (61, 7))]


@pytest.fixture(scope="module")
def loaded() -> Swarm:
    return Swarm.load([MemberSpec(name=name, path=f"zoo:{name}") for name in NAMES])


def votes(swarm: Swarm, alphabet: str, samples: int) -> list[Request]:
    """Every member alone, over so many answers to every prompt."""
    recipes = [
        Recipe.model_validate(
            {
                "members": [RecipeMember(spec=spec)],
                "lead": spec.name,
                "alphabet": alphabet,
                "samples": samples,
                "sampling_temperature": 1.0,
            }
        )
        for spec in swarm.specs
    ]
    return [Request(recipe, prompt, prompt, max_bytes=12) for recipe in recipes for prompt in PROMPTS]


def decoded(swarm: Swarm, requests: Sequence[Request]) -> tuple[list[Completion], list[int]]:
    """The completions, and the sizes of the waves."""
    waves: list[int] = []
    return swarm.decode(requests, on_done=lambda numbers, done: waves.append(len(numbers))), waves


def answers(completions: Sequence[Completion]) -> list[list[str]]:
    return [[sample.text for sample in one.samples] for one in completions]


def rows_of(swarm: Swarm, count: int) -> int:
    """Bytes that so many rows of the widest member take."""
    return count * max(memory.rows.row_bytes for memory in swarm.views.memories)


@pytest.mark.parametrize("alphabet", ["bytes", "common"])
def test_few_rows_at_once_hold_up_many_streams_and_change_nothing(loaded: Swarm, alphabet: str) -> None:
    requests = votes(loaded, alphabet, 20)
    roomy = Swarm(loaded.members)
    want, _ = decoded(roomy, requests)
    limit = rows_of(Swarm(loaded.members), LEAST_ROWS)
    narrow = Swarm(loaded.members, row_memory_bytes=limit)
    done, _ = decoded(narrow, requests)
    assert answers(done) == answers(want)
    assert narrow.counters.peak_row_bytes <= 3 * limit, "those just read, and those of texts that wait for another"
    assert roomy.counters.peak_row_bytes > 5 * limit


def test_over_bytes_rows_say_nothing_of_how_many_streams_run_at_once(loaded: Swarm) -> None:
    """The rows of all streams would take fifty times what there is."""
    narrow = Swarm(loaded.members, row_memory_bytes=rows_of(Swarm(loaded.members), 4))
    requests = votes(loaded, "bytes", 17)
    assert decoded(narrow, requests)[1] == [len(requests)]


def test_over_whole_tokens_streams_run_as_far_as_there_is_room_for_what_they_hold(loaded: Swarm) -> None:
    """Requests over bytes ride along; one that is too large alone is a wave of its own."""
    mixed = [*votes(loaded, "bytes", 17), *votes(loaded, "common", 17)]
    narrow = Swarm(loaded.members, row_memory_bytes=rows_of(Swarm(loaded.members), 40))
    want, _ = decoded(Swarm(loaded.members), mixed)
    done, waves = decoded(narrow, mixed)
    assert answers(done) == answers(want)
    assert sum(waves) == len(mixed)
    assert len(waves) > 2
    assert max(waves) > 1
    alone = Swarm(loaded.members, row_memory_bytes=1)
    assert decoded(alone, votes(loaded, "common", 17))[1] == [1] * 12


def test_a_second_wave_takes_what_the_first_has_shown_to_need(loaded: Swarm) -> None:
    requests = votes(loaded, "bytes", 17)
    state = loaded.views.memories[0].member.reader.state_bytes()
    assert state > 0 or decoded(loaded, requests[:1])
    state = max(memory.member.reader.state_bytes() for memory in loaded.views.memories)
    narrow = Swarm(loaded.members, state_memory_bytes=state * 17 * 12 * 3)
    sizes = decoded(narrow, requests)[1]
    assert sum(sizes) == len(requests)
    assert max(sizes[1:]) > 2 * sizes[0]


def test_growth_is_a_bound_until_it_has_been_seen() -> None:
    growth = Growth()
    recipe = Recipe.model_validate({"members": [{"spec": {"name": "a", "path": "a"}}], "lead": "a", "samples": 5})
    assert growth.share == 1.0
    growth.note([Request(recipe, "x", max_bytes=20)] * 2, 20)
    assert growth.share == pytest.approx(CAUTION * 0.1)
    growth.note([Request(recipe, "x", max_bytes=1)], 5)
    assert growth.share == pytest.approx(CAUTION * 25 / 205), "a small wave says little of the rest"
    growth.note([Request(recipe, "x", max_bytes=0)], 0)
    assert growth.share == pytest.approx(CAUTION * 25 / 205), "one that may say nothing says nothing"


@pytest.mark.parametrize("samples", [3, 17])
@pytest.mark.parametrize("tokens", [None, 100])
def test_a_vote_reads_every_prompt_once_whatever_its_answers_the_waves_and_the_limits(
    loaded: Swarm, samples: int, tokens: int | None
) -> None:
    """Counted by the engine; with room for the states of a hundred tokens every prompt has a wave of its own."""
    decoded(loaded, votes(loaded, "bytes", 3)[:1])
    state = max(memory.member.reader.state_bytes() for memory in loaded.views.memories)
    swarm = Swarm(loaded.members, state_memory_bytes=None if tokens is None else tokens * state)
    _, waves = decoded(swarm, votes(swarm, "bytes", samples))
    assert (len(waves) > 1) == (tokens is not None)
    inside = 0
    for memory in swarm.views.memories:
        nodes = memory.nodes
        every = {node for prompt in PROMPTS for node in nodes.path(memory.prompt(prompt)).tolist()}
        inside += sum(not nodes.keeps_row[node] for node in every)
    assert swarm.counters.prompt_tokens == inside > len(PROMPTS)
