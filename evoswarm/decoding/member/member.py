"""A member: one loaded causal LM with its own tokenizer, prompt format and device."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from torch import nn

from evoswarm.chat import ChatTemplate, PromptRefused
from evoswarm.decoding.forward.runner import Runner
from evoswarm.decoding.member.ends import end_ids
from evoswarm.decoding.member.literals import special_ids
from evoswarm.decoding.member.prompt import Prompt
from evoswarm.decoding.request import MemberShape
from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.split_points import find_split_points
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec


class Member:
    """A loaded member.

    Attributes:
        spec: where it came from, its fingerprint filled in.
        codec: its tokens and bytes.
        runner: reads tokens.
        shape: what its cost is computed from.
        context_length: longest sequence it can read, tokens; None where there is no limit.
        dtype: of the loaded weights.
        device: where they are.
        unspoken: texts of its special tokens; they get no mass, so no answer holds them.
    """

    def __init__(
        self, spec: MemberSpec, model: Any, tokenizer: Any, template: ChatTemplate | None, batch_tokens: int
    ) -> None:
        """Wrap a model and its tokenizer; see ``load_member``."""
        self.spec = spec
        self.runner = Runner(model, spec.name, batch_tokens)
        self._ends = end_ids(model, tokenizer, self.runner.columns, spec, template)
        self._prompt = Prompt(tokenizer, self._ends, template)
        self.codec = Codec(tokenizer, self._ends, self.runner.columns, spec.name)
        if not len(self.codec.order):
            raise MemberError(
                f"member {spec.name!r}: expected tokens that spell something, got only end and special ones"
            )
        self._tokenizer = tokenizer
        self._known = int(model.get_input_embeddings().weight.shape[0])
        self._check_words_around()
        self.shape = _shape(model)
        self.context_length = _context_length(model)
        self.dtype = str(model.dtype).removeprefix("torch.")
        self.device = str(model.device)
        self.unspoken = frozenset(tokenizer.convert_ids_to_tokens(sorted(special_ids(tokenizer) - set(self._ends))))

    def _check_words_around(self) -> None:
        """Refuse a template that writes what the model cannot read: no prompt could be."""
        with suppress(PromptRefused):
            foreign = self.unreadable(self.render("0"))
            if foreign is not None:
                raise MemberError(foreign)

    @cached_property
    def split_points(self) -> bytes:
        """Where the tokenizer treats both sides of a text apart (see ``find_split_points``)."""
        return find_split_points(self.codec)

    def render(self, text: str) -> tuple[int, ...]:
        """Token ids of a prompt (see ``Prompt.render``)."""
        return self._prompt.render(text)

    def readable(self, text: str) -> tuple[int, ...] | None:
        """Token ids of a prompt; None where the member cannot read it."""
        try:
            tokens = self.render(text)
        except PromptRefused:
            return None
        fits = self.context_length is None or len(tokens) <= self.context_length
        return tokens if fits and self.unreadable(tokens) is None else None

    def unreadable(self, tokens: Sequence[int]) -> str | None:
        """Why tokens of its own tokenizer cannot be read: there is one that the model has no embedding for."""
        beyond = next((token for token in tokens if token >= self._known), None)
        if beyond is None:
            return None
        text = self._tokenizer.convert_ids_to_tokens(beyond)
        return (
            f"member {self.spec.name!r}: expected tokens that it knows ({self._known} of them), got {text!r:.60}"
            f" (token {beyond}) in the prompt: its embeddings were not resized when that was added"
        )


def _context_length(model: Any) -> int | None:
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return int(limit) if limit else None


def _shape(model: Any) -> MemberShape:
    """Count parameters; experts count with the share that is active."""
    config = model.config.get_text_config()
    output = model.get_output_embeddings()
    output_parameters = 0 if output is None else sum(one.numel() for one in output.parameters())
    tables = {id(one) for module in model.modules() if isinstance(module, nn.Embedding) for one in module.parameters()}
    tables |= set() if output is None else {id(one) for one in output.parameters()}
    experts = getattr(config, "num_experts", None) or getattr(config, "num_local_experts", None) or 1
    chosen = getattr(config, "num_experts_per_tok", None) or experts
    active = sum(
        one.numel() * (chosen / experts if ".experts." in name else 1.0)
        for name, one in model.named_parameters()
        if id(one) not in tables
    )
    heads = getattr(config, "num_attention_heads", 0) or 0
    hidden = getattr(config, "hidden_size", 0)
    size = getattr(config, "head_dim", None) or (hidden // heads if heads else 0)
    attends = 0 if type(model.config).__name__.lower().startswith(("mamba", "rwkv")) else int(config.num_hidden_layers)
    every = list(model.parameters())
    return MemberShape(
        active_parameters=int(active),
        output_parameters=output_parameters,
        parameters=sum(one.numel() for one in every),
        parameter_bytes=sum(one.numel() * one.element_size() for one in every),
        attention_width=heads * size * attends,
    )
