"""Host time: what the engine itself costs, with members whose forwards cost next to nothing."""

from __future__ import annotations

import statistics
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from evoswarm import MemberSpec, Recipe, Request, Swarm
from evoswarm.decoding.member import Member
from evoswarm.decoding.member.loading import torch_member
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.policies.mix import RecipeMember
from tests.benchmarks.english import END, learned, ranges
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, at_most
from tools.real_tokenizers import make

VOCABULARY = 2000
MEMBERS, RECIPES, PROMPTS = 3, 16, 64
PROMPT_BYTES, TEXT_BYTES = 24, 32
LONG_STREAMS, SHORT, LONG = 64, 16, 512  # tokens of an answer
BATCH_TOKENS = 16_384
REAL_TOKENIZER, LOOKED_UP = "qwen2", 64  # rows of logits, for tokens in turn
WIDE_STREAMS, WIDE_TOKENS = 4, 32


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
    """An output layer that looks its logits up: the hidden state is the number of the token; some are alike."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(logits, requires_grad=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """``[..., 1]`` token numbers -> ``[..., columns]`` logits."""
        return self.weight[hidden[..., 0].long() % len(self.weight)]


class TableModel(PreTrainedModel):  # type: ignore[misc]
    """Logits by lookup on the last token; it keeps (empty) keys and values as any attention model does."""

    config_class = TableConfig

    def __init__(self, config: TableConfig, logits: Tensor) -> None:
        super().__init__(config)
        self.lm_head = Table(logits)

    def get_input_embeddings(self) -> nn.Module:
        """As many as there are tokens; they hold nothing."""
        return nn.Embedding(self.config.vocab_size, 1, device="meta")

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
    members = [stub(f"table-{number}", options.size(VOCABULARY, 600)) for number in range(MEMBERS)]
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


def long_answers(options: Options) -> Readings:
    """Wall time per stream and step in ``tokens``, two members: answers of 16 tokens and of 512, in turns."""
    members = [stub(f"table-{number}", options.size(VOCABULARY, 600)) for number in range(2)]
    mix, texts = _mixture(members, 2.0, "tokens"), ranges(options.size(LONG_STREAMS, 2), PROMPT_BYTES + 6 * LONG)
    micros: dict[int, list[float]] = {SHORT: [], LONG: []}
    for _ in range(options.pairs):
        for length, found in micros.items():
            asked = [follow(mix, members[0], text, length) for text in texts]
            swarm = Swarm(members)
            steps = sum(one.steps for one in swarm.decode(asked))
            found.append(1e6 * swarm.counters.seconds / steps)
    ratios = [long / short for short, long in zip(micros[SHORT], micros[LONG], strict=True)]
    note = (
        f"median of {options.pairs}; {len(texts)} streams at once, 2 members, vocabulary {len(members[0].codec.order)}"
    )
    return {
        "host_us_per_step_16": Reading(statistics.median(micros[SHORT]), f"{note}; answers of {SHORT} tokens"),
        "host_us_per_step_512": Reading(statistics.median(micros[LONG]), f"{note}; answers of {LONG} tokens"),
        "host_long_against_short": Reading(statistics.median(ratios), "of these two, pair by pair"),
    }


def wide_vocabulary(options: Options) -> Readings:
    """CPU time per stream and step in ``tokens``, two members with a real tokenizer of 150,000 and random logits."""
    tokenizer = AutoTokenizer.from_pretrained(make(REAL_TOKENIZER))
    vocabulary = max(tokenizer.get_vocab().values()) + 1
    members = []
    for number in range(2):
        generator = torch.Generator().manual_seed(number)
        logits = 4 * torch.randn((options.size(LOOKED_UP, 4), vocabulary), generator=generator)
        model = TableModel(TableConfig(vocab_size=vocabulary, eos_token_id=tokenizer.eos_token_id), logits)
        members.append(_member(f"wide-{number}", model, tokenizer))
    texts = ranges(options.size(WIDE_STREAMS, 2), PROMPT_BYTES + 6 * LONG)
    found: dict[str, list[float]] = {"greedy": [], "drawn": []}
    swarm = Swarm(members)
    swarm.decode([follow(_mixture(members, 2.0, "tokens"), members[0], texts[0], 1)])  # what is made once
    for number in range(options.pairs):
        for kind, micros in found.items():
            drawn = {"samples": 2, "sampling_temperature": 1.0} if kind == "drawn" else {}
            mix = _mixture(members, 2.0 + number, "tokens").model_copy(update=drawn)
            asked = [follow(mix, members[0], text, options.size(WIDE_TOKENS, 4)) for text in texts]
            swarm.forget()
            began = time.process_time()
            steps = sum(one.steps for one in swarm.decode(asked))
            micros.append(1e6 * (time.process_time() - began) / steps)
    note = f"median of {options.pairs}; {len(texts)} streams at once, 2 members, vocabulary {vocabulary}, CPU time"
    return {
        "host_us_per_step_150k": Reading(statistics.median(found["greedy"]), f"{note}; greedy"),
        "host_us_per_draw_150k": Reading(
            statistics.median(found["drawn"]), f"{note}; two samples of each text, which share its rows"
        ),
    }


def follow(mix: Recipe, member: Member, text: str, length: int) -> Request:
    """Follow so many tokens of a text behind its prompt, which is its beginning."""
    path = member.codec.encode(text[PROMPT_BYTES:].encode()) or ()
    forced = b"".join([member.codec.token_bytes[token] or b"" for token in path[:length]]).decode()  # ASCII
    return Request(mix, text[:PROMPT_BYTES], forced=forced, max_bytes=len(text))


def stub(name: str, vocabulary: int) -> Member:
    """A member whose distribution is the bigram's."""
    words, table = learned(vocabulary)
    model = TableModel(TableConfig(vocab_size=len(table), eos_token_id=END), torch.from_numpy(np.log(table)).float())
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<eos>", pad_token="<pad>")
    return _member(name, model, tokenizer)


def _member(name: str, model: TableModel, tokenizer: PreTrainedTokenizerFast) -> Member:
    spec = MemberSpec(name=name, path=name, device="cpu", dtype="float32", fingerprint=name)
    return torch_member(spec, model.eval(), tokenizer, None, BATCH_TOKENS)


def _mixture(members: list[Member], weight: float, alphabet: AlphabetName = "bytes") -> Recipe:
    parts = tuple(
        RecipeMember(spec=member.spec, weight=weight if index else 1.0) for index, member in enumerate(members)
    )
    return Recipe(members=parts, lead=members[0].spec.name, alphabet=alphabet)


MEASUREMENTS = (
    Measurement({"host_us_per_byte": at_most(15)}, host_time),
    Measurement(
        {
            "host_us_per_step_16": None,
            "host_us_per_step_512": at_most(40),
            "host_long_against_short": at_most(1.2),
        },
        long_answers,
    ),
    Measurement({"host_us_per_step_150k": None, "host_us_per_draw_150k": None}, wide_vocabulary),
)
