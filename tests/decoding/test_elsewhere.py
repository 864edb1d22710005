"""A whole decoding with members and distributions on a device, without one: the same answers, and few waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from evoswarm import MemberSpec, Recipe, Request, Swarm
from evoswarm.decoding.member import Member
from evoswarm.decoding.member.loading import torch_member
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.policies.mix import Fusion, RecipeMember
from tests.benchmarks.english import END, learned
from tests.decoding.elsewhere import ELSEWHERE, NUMBER, PLACES, TRANSFER, device

PROMPTS = ("The statement", "If the object", "A class is a", "The function")
WORDS = {"same": (300, 300, 300), "others": (300, 340, 380)}
RULES = ("mixture", "product", "power", "most_confident", "vote", "contrast")


def members(sizes: tuple[int, ...], *, elsewhere: bool) -> list[Member]:
    """Llamas of vocabularies of these sizes, each with weights of its own."""
    found = []
    for number, size in enumerate(sizes):
        words, table = learned(size)
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<eos>", pad_token="<pad>")
        torch.manual_seed(number)
        config = LlamaConfig(
            vocab_size=len(table),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            eos_token_id=END,
        )
        model = LlamaForCausalLM(config).eval()
        spec = MemberSpec(name=f"m{number}", path=f"m{number}", device="cpu", dtype="float32", fingerprint=f"m{number}")
        found.append(torch_member(spec, model.to(ELSEWHERE) if elsewhere else model, tokenizer, None, 4096))
    return found


def recipes(mixed: Sequence[Member], alphabet: AlphabetName, *, sampled: bool) -> list[Recipe]:
    """One for every rule."""
    parts = tuple(RecipeMember(spec=one.spec, weight=1.0 + number) for number, one in enumerate(mixed))
    drawn = {"samples": 2, "sampling_temperature": 1.3, "top_p": 0.9} if sampled else {}
    return [
        Recipe(members=parts, lead=parts[0].spec.name, alphabet=alphabet, fusion=Fusion(rule=rule), **drawn)
        for rule in RULES
    ]


def asked(swarm: Sequence[Member], alphabet: AlphabetName, *, sampled: bool, symbols: int) -> list[Request]:
    mixes = recipes(swarm, alphabet, sampled=sampled)
    return [Request(mix, prompt, key=prompt, max_bytes=200, max_symbols=symbols) for mix in mixes for prompt in PROMPTS]


@pytest.mark.parametrize("sampled", [False, True], ids=["greedy", "sampled"])
@pytest.mark.parametrize(
    ("alphabet", "words"), [("tokens", "same"), ("common", "others"), ("bytes", "others")], ids=lambda one: str(one)
)
def test_members_on_a_device_answer_the_same(alphabet: AlphabetName, words: str, sampled: bool) -> None:
    found = []
    for elsewhere in (False, True):
        with device() if elsewhere else nullcontext():
            swarm = members(WORDS[words], elsewhere=elsewhere)
            done = Swarm(swarm).decode(asked(swarm, alphabet, sampled=sampled, symbols=6))
            assert not any(one.failure for one in done)
            found.append([[sample.text for sample in one.samples] for one in done])
    assert found[0] == found[1]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_host_waits_twice_a_step_however_many_members_and_rules_there_are(count: int) -> None:
    """For what all gates need of all members, and for what was chosen by all rules."""
    seen = Counter[str]()
    with device() as waits:
        swarm = Swarm(members(WORDS["same"][:count], elsewhere=True))
        asks = asked(swarm.members, "tokens", sampled=False, symbols=9)
        waits.clear()
        swarm.decode(asks, on_done=lambda *_: seen.update(waits - seen))
    steps = swarm.counters.step_batches
    assert steps >= 9
    assert seen[TRANSFER] == (1 if count == 1 else 2) * steps
    assert seen[PLACES] == seen[NUMBER] == 0


def test_what_lies_on_both_sides_does_not_go_together() -> None:
    with device() as waits:
        there = torch.arange(4.0).to(ELSEWHERE)
        with pytest.raises(RuntimeError, match="on each side"):
            there + torch.ones(4)
        with pytest.raises(RuntimeError, match="not supported"):
            there.numpy()
        assert bool((there[1:] > 0).all())
        assert there.mul_(2).cpu().tolist() == [0, 2, 4, 6]
        assert len(there[there > 2]) == 2
        assert waits == {NUMBER: 1, TRANSFER: 1, PLACES: 1}
