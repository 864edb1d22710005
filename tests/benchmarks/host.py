"""Host time: what the engine itself costs, with members whose forwards cost next to nothing."""

from __future__ import annotations

import statistics
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from evoswarm import MemberSpec, Recipe, Request, Swarm
from evoswarm.decoding.member import Member
from evoswarm.decoding.member.loading import torch_member
from evoswarm.policies.mix import RecipeMember
from tests.benchmarks.english import END, learned, ranges
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, at_most

VOCABULARY = 2000
MEMBERS, RECIPES, PROMPTS = 3, 16, 64
PROMPT_BYTES, TEXT_BYTES = 24, 32
BATCH_TOKENS = 16_384


class TableConfig(PretrainedConfig):  # type: ignore[misc]
    """One attention layer of one head of one number."""

    model_type = "table"

    def __init__(self, vocab_size: int = 8, **fields: Any) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = self.num_hidden_layers = self.num_attention_heads = self.num_key_value_heads = 1
        self.head_dim = 1
        self.max_position_embeddings = 4096
        super().__init__(**fields)


class Table(nn.Module):
    """An output layer that looks its logits up: the hidden state is the number of the token."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(logits, requires_grad=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """``[..., 1]`` token numbers -> ``[..., columns]`` logits."""
        return self.weight[hidden[..., 0].long()]


class TableModel(PreTrainedModel):  # type: ignore[misc]
    """Logits by lookup on the last token; it keeps (empty) keys and values as any attention model does."""

    config_class = TableConfig

    def __init__(self, config: TableConfig, logits: Tensor) -> None:
        super().__init__(config)
        self.lm_head = Table(logits)

    def get_input_embeddings(self) -> nn.Module:
        """The table again: it has a row for every token."""
        return self.lm_head

    def get_output_embeddings(self) -> nn.Module:
        """The table."""
        return self.lm_head

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        **ignored: Any,
    ) -> Any:
        """``[texts, tokens]`` ids -> logits of all tokens."""
        if past_key_values is not None:
            nothing = torch.zeros((len(input_ids), 1, input_ids.shape[1], 1))
            past_key_values.update(nothing, nothing, 0)
        return SimpleNamespace(logits=self.lm_head(input_ids[..., None].float()), past_key_values=past_key_values)


def host_time(options: Options) -> Readings:
    """Wall time of decoding per stream, byte and member; every stream follows English of its own; one thread."""
    recipes, prompts = options.size(RECIPES, 2), options.size(PROMPTS, 4)
    members = [_stub(f"table-{number}", options.size(VOCABULARY, 600)) for number in range(MEMBERS)]
    mixes = [_mixture(members, 1.0 + number) for number in range(recipes)]
    texts = ranges(recipes * prompts, PROMPT_BYTES + TEXT_BYTES)
    asked = [
        Request(mix, texts[place][:PROMPT_BYTES], forced=texts[place * recipes + number][PROMPT_BYTES:])
        for number, mix in enumerate(mixes)
        for place in range(prompts)
    ]
    micros, forward = [], 0.0
    for _ in range(options.pairs):
        swarm = Swarm(members)
        done = swarm.decode(asked)
        steps = sum(one.steps for one in done)
        micros.append(1e6 * swarm.counters.seconds / (steps * len(members)))
        forward = swarm.counters.forward_seconds / swarm.counters.seconds
    note = (
        f"median of {len(micros)}; {len(asked)} streams, {steps} bytes, {len(members)} members, vocabulary "
        f"{len(members[0].codec.order)}; {forward:.0%} of it around the lookups that stand for forwards, not taken off"
    )
    return {"host_us_per_byte": Reading(statistics.median(micros), note)}


def _stub(name: str, vocabulary: int) -> Member:
    """A member whose distribution is the bigram's."""
    words, table = learned(vocabulary)
    model = TableModel(TableConfig(vocab_size=len(table), eos_token_id=END), torch.from_numpy(np.log(table)).float())
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<eos>", pad_token="<pad>")
    spec = MemberSpec(name=name, path=name, device="cpu", dtype="float32", fingerprint=name)
    return torch_member(spec, model.eval(), tokenizer, None, BATCH_TOKENS)


def _mixture(members: list[Member], weight: float) -> Recipe:
    parts = tuple(
        RecipeMember(spec=member.spec, weight=weight if index else 1.0) for index, member in enumerate(members)
    )
    return Recipe(members=parts, lead=members[0].spec.name)


MEASUREMENTS = (Measurement({"host_us_per_byte": at_most(20)}, host_time),)
