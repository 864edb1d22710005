"""The built-in pool: it loads as any Hugging Face directory does, it is small, and its cards tell the truth."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from evoswarm.tasks.compact_forms import entries
from evoswarm.zoo.catalogue import MEMBERS_DIRECTORY, card, member_path, names
from tools.zoo.batches import Encoder
from tools.zoo.plans import PLANS
from tools.zoo.scoring import accuracies, greedy_answers, logits_of
from tools.zoo.training_data import TRAINED_FAMILIES, Example

NAMES = sorted(PLANS)
FRESH_SEED = 4_000_000_000


@lru_cache(maxsize=16)
def _load(name: str) -> tuple[Any, Any]:
    model = AutoModelForCausalLM.from_pretrained(member_path(name), dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(member_path(name))


def _ends(name: str) -> list[int]:
    ends = _load(name)[0].generation_config.eos_token_id
    return ends if isinstance(ends, list) else [ends]


def _fresh(family: str, size: int) -> list[Example]:
    return [Example(family, item.prompt, item.answer) for item in entries(family, {}, FRESH_SEED, size)]


def test_catalogue() -> None:
    assert names() == NAMES
    with pytest.raises(ValueError, match=r"expected one of .*llama-a.* got 'llama-z'"):
        member_path("llama-z")


def test_the_pool_is_small_and_varied() -> None:
    parameters = [card(name)["parameters"] for name in NAMES]
    assert max(parameters) <= 1_000_000
    assert sum(parameters) / len(parameters) <= 650_000
    assert sum(path.stat().st_size for path in MEMBERS_DIRECTORY.rglob("*")) <= 12_000_000
    assert len({card(name)["architecture"] for name in NAMES}) >= 6
    assert len({card(name)["tokenizer"] for name in NAMES}) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_members_load(name: str) -> None:
    model, tokenizer = _load(name)
    assert type(model).__name__ == card(name)["architecture"]
    assert model.num_parameters() == card(name)["parameters"]
    assert tokenizer.pad_token_id is not None
    assert tokenizer.eos_token_id in _ends(name)
    assert json.loads((member_path(name) / "config.json").read_text())["dtype"] == "float16"
    saved = json.loads((member_path(name) / "tokenizer.json").read_text())
    assert json.loads(tokenizer.backend_tokenizer.to_str()) == saved


def test_special_kinds_of_tokenizers() -> None:
    assert len(_ends("qwen3-d")) == 2
    assert _load("qwen3-d")[1].chat_template
    vocabularies = [_load(name)[1].get_vocab() for name in ("llama-a", "llama-b", "mamba-b")]
    assert vocabularies[0] == vocabularies[1] == vocabularies[2]
    sentence_piece = _load("neox-e")[1]
    assert {f"<0x{byte:02X}>" for byte in range(256)} <= set(sentence_piece.get_vocab())
    assert sentence_piece.decode(sentence_piece("47 é😀")["input_ids"], skip_special_tokens=True) == "47 é😀"
    assert len(_load("gemma3-f")[1]) == 256 + 3


@pytest.mark.parametrize("name", NAMES)
def test_cards_are_complete(name: str) -> None:
    content = card(name)
    assert content["name"] == name
    assert content["held_out"]["items_per_family"] == 2_000
    assert set(content["accuracy"]) == {*TRAINED_FAMILIES, "pair.sum", "pair.word"}
    assert set(content["data"]) == set(TRAINED_FAMILIES) == set(content["held_out_prompts_seen_in_training"])
    for key in ("architecture", "tokenizer", "tokenizer_kind", "parameters", "seed", "steps", "source_seed"):
        assert content[key] not in (None, "")


@pytest.mark.parametrize("name", NAMES)
def test_every_member_is_good_at_something_and_none_at_everything(name: str) -> None:
    accuracy = {family: card(name)["accuracy"][family] for family in TRAINED_FAMILIES}
    assert max(accuracy.values()) >= 0.85
    assert min(accuracy.values()) < 0.5
    assert accuracy["pair"] <= 0.1


def test_both_bs_are_equally_good() -> None:
    llama, mamba = card("llama-b")["accuracy"], card("mamba-b")["accuracy"]
    assert all(abs(llama[key] - mamba[key]) <= 0.05 for key in llama), (llama, mamba)


@pytest.mark.parametrize("name", NAMES)
def test_scoring_decodes_as_generate_does(name: str) -> None:
    model, tokenizer = _load(name)
    encoder = Encoder(tokenizer)
    prompts = [_fresh(family, 1)[0].prompt for family in TRAINED_FAMILIES]
    scored = greedy_answers(logits_of(model), encoder, prompts, _ends(name))
    for prompt, answer in zip(prompts, scored, strict=True):
        ids = torch.tensor([encoder.prompt(prompt)])
        output = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=20, do_sample=False)
        assert tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True) == answer


@pytest.mark.parametrize(("name", "family"), [("opt-g", "count_bits"), ("llama-a", "chain_sum"), ("gpt2-c", "gcd")])
def test_cards_hold_on_fresh_items(name: str, family: str) -> None:
    model, tokenizer = _load(name)
    examples = _fresh(family, 100)
    prompts = [example.prompt for example in examples]
    answers = greedy_answers(logits_of(model), Encoder(tokenizer), prompts, _ends(name))
    # 0.15 is three standard errors at 100 items for an accuracy of one half, more for the others.
    assert accuracies(family, examples, answers)[family] == pytest.approx(card(name)["accuracy"][family], abs=0.15)


def test_mixed_distributions_win_where_neither_member_can() -> None:
    (first, tokenizer), (second, _) = _load("llama-a"), _load("llama-b")

    def mixture(token_ids: Tensor) -> Tensor:
        """The log of the mean of both members' next-token distributions, `[rows, length, vocabulary]`."""
        parts = [logits_of(model)(token_ids).softmax(-1) for model in (first, second)]
        return torch.stack(parts).mean(0).log()

    examples = _fresh("pair", 100)
    answers = greedy_answers(mixture, Encoder(tokenizer), [example.prompt for example in examples], _ends("llama-a"))
    assert accuracies("pair", examples, answers)["pair"] > 0.6
