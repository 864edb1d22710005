"""A policy as a model of transformers: ``generate`` answers as evoswarm does, ``forward`` says what may come next."""

from __future__ import annotations

import inspect
import os
import threading
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from transformers import (
    DynamicCache,
    EosTokenCriteria,
    GenerationConfig,
    GenerationMixin,
    PreTrainedModel,
    StoppingCriteriaList,
)
from transformers.generation import GenerateDecoderOnlyOutput
from transformers.modeling_outputs import CausalLMOutputWithPast

from evoswarm.answering.engine import Engine
from evoswarm.errors import RunError, Where
from evoswarm.experiment.asking import Asking
from evoswarm.export.transformers.answers import Wish, answer_all
from evoswarm.export.transformers.config import PolicyConfig
from evoswarm.export.transformers.cutting import beside, cut
from evoswarm.export.transformers.folder import HUB_KEYS, copy_folder, folder_of, load_engine
from evoswarm.export.transformers.next_symbols import AnswerEnds, NextSymbols, vocabulary_of
from evoswarm.export.transformers.prompt_ids import ReadPrompt, read_prompt
from evoswarm.export.transformers.settings import CallSettings
from evoswarm.export.transformers.symbol_ids import SymbolIds
from evoswarm.policies import Recipe

_MEANINGLESS = frozenset({"_from_auto", "adapter_kwargs", "low_cpu_mem_usage", "use_safetensors", "weights_only"})
_KNOWN = frozenset({*inspect.signature(GenerationMixin.generate).parameters, "tokenizer", "assistant_tokenizer"})
_PROCESSED = ("logits_processor", "prefix_allowed_tokens_fn", "assistant_model", "custom_generate")


class PolicyForCausalLM(PreTrainedModel, GenerationMixin):  # type: ignore[misc]  # transformers has no types
    """A policy; its members are loaded by evoswarm, from their own folders, and are no parameters of this module.

    Attributes:
        engine: of the policy, its members loaded.
        folder: that it was loaded from.
        written_limit: of new tokens, as its ``generation_config.json`` says: no answer of its tasks is longer.
    """

    written_limit: int | None
    config_class = PolicyConfig
    main_input_name = "input_ids"

    def __init__(self, config: PolicyConfig, engine: Engine | None = None, folder: Path | None = None) -> None:
        """Take a policy whose members are loaded; ``from_pretrained`` loads them."""
        super().__init__(config)
        if engine is None or folder is None:
            raise RunError("expected a policy with its members (from_pretrained loads both), got a configuration alone")
        self.engine, self.folder, self.written_limit = engine, folder, None
        self._one_at_a_time = threading.RLock()
        lead = engine.lead()
        dtype = getattr(torch, lead.dtype.removeprefix("torch."))
        self.place = torch.nn.Parameter(torch.empty(0, dtype=dtype, device=lead.device), requires_grad=False)
        if len(self.vocabulary) != config.vocab_size:
            wanted = f"the members that it was exported with ({config.vocab_size} token ids)"
            raise RunError(f"{folder}: expected {wanted}, got others ({len(self.vocabulary)}): export it again")

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | os.PathLike[str], *model_args: Any, **kwargs: Any
    ) -> Self:
        """Load an exported policy, and its members by evoswarm.

        Args:
            pretrained_model_name_or_path: the folder, or the id of a repository that holds it.
            model_args: none.
            kwargs: ``dtype`` and ``device_map`` (``auto`` or one device) are those of all members; ``task`` and ``raw``
                replace what ``config.json`` says; ``allow_changed`` takes members that have changed since.

        Raises:
            EvoswarmError: a member cannot be loaded, or an option is not known.
        """
        config = kwargs.pop("config", None)
        hub = {key: kwargs.pop(key) for key in HUB_KEYS if key in kwargs}
        folder = folder_of(pretrained_model_name_or_path, hub)
        if not isinstance(config, PolicyConfig):
            config = cls.config_class.from_pretrained(folder)
        for key in ("task", "raw"):
            if key in kwargs:
                setattr(config, key, kwargs.pop(key))
        older = kwargs.pop("torch_dtype", None)
        said = {
            "dtype": kwargs.pop("dtype", older),
            "device_map": kwargs.pop("device_map", None),
            "trust_remote_code": bool(kwargs.pop("trust_remote_code", False)),
            "allow_changed": bool(kwargs.pop("allow_changed", False)),
        }
        odd = [key for key, value in kwargs.items() if key not in _MEANINGLESS and value not in (None, "", False)]
        if odd:
            raise RunError(f"expected options that mean something to a policy, got {', '.join(odd)!s:.120}")
        model = cls(config, load_engine(folder, config.policy, **said), folder)
        if (folder / "generation_config.json").is_file():
            model.generation_config = GenerationConfig.from_pretrained(folder)
            model.written_limit = model.generation_config.max_new_tokens
        model.eval()
        return model

    def save_pretrained(self, save_directory: str | os.PathLike[str], **kwargs: Any) -> None:
        """Copy the folder, members included, and write what the configurations say now.

        Args:
            save_directory: where it goes.
            kwargs: of transformers; what is of weights means nothing here.

        Raises:
            RunError: it is to be pushed to the hub, which ``push_to_hub`` does.
        """
        if kwargs.get("push_to_hub"):
            raise RunError(
                "save_pretrained: expected a folder alone, got push_to_hub: model.push_to_hub(...) does that"
            )
        copy_folder(self.folder, Path(save_directory))
        self.config.save_pretrained(save_directory)
        self.generation_config.save_pretrained(save_directory)

    def to(self, *places: Any, **kwargs: Any) -> Self:
        """Members stay where they were loaded: ``device_map`` and ``dtype`` of ``from_pretrained`` say where.

        Raises:
            RunError: another device or dtype is asked for.
        """
        device, dtype, *_ = torch._C._nn._parse_to(*places, **kwargs)
        if device is not None and (device.type, device.index or 0) != (self.device.type, self.device.index or 0):
            raise RunError(f"expected {self.device} (say device_map={str(device)!r} at from_pretrained), got {device}")
        if dtype is not None and dtype != self.dtype:
            raise RunError(f"expected {self.dtype} (say dtype={str(dtype)!r} at from_pretrained), got {dtype}")
        return self

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """Nothing: ``cuda()`` and ``half()`` would move what says where the members are, and not the members."""
        return self

    @cached_property
    def vocabulary(self) -> SymbolIds:
        """What token ids mean."""
        return vocabulary_of(self.engine)[0]

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        past_key_values: Any = None,
        prompt_length: int | None = None,
        logits_to_keep: int = 0,
        return_dict: bool | None = None,
        **others: Any,
    ) -> CausalLMOutputWithPast | tuple[Tensor]:
        """What may come next: ``logits`` are log-probabilities of the policy's own distribution.

        Args:
            input_ids: ``[rows, columns]``: prompts as the tokenizer makes them, and the answers so far behind them.
            attention_mask: ``[rows, columns]`` 0 where there is filling; None finds it by its id.
            past_key_values: not used: the engine remembers what its members have read.
            prompt_length: columns of the prompts; None is where the mark of an answer stands. Ids without it are read
                as one text, from its beginning, if no member words what it is asked.
            logits_to_keep: columns at the end that are asked for; 0 is all.
            return_dict: False returns a tuple.
            others: of transformers; what is no part of a distribution means nothing here.

        Raises:
            RunError: the policy has no distribution over next symbols, or a prompt is none.
        """
        columns = input_ids.shape[1]
        keep = range(max(0, columns - logits_to_keep) if logits_to_keep else 0, columns)
        with self._one_at_a_time:
            logits = self._next_symbols.logits(input_ids, self._real(input_ids, attention_mask), prompt_length, keep)
        logits = logits.to(input_ids.device)
        if return_dict is False:
            return (logits,)
        return CausalLMOutputWithPast(logits=logits, past_key_values=past_key_values)

    def prepare_inputs_for_generation(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        past_key_values: Any = None,
        prompt_length: int | None = None,
        logits_to_keep: int = 1,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """All ids at every step: the engine knows what it has read."""
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "past_key_values": past_key_values,
            "prompt_length": prompt_length,
            "logits_to_keep": logits_to_keep,
        }

    @torch.no_grad()
    def generate(
        self,
        inputs: Tensor | None = None,
        generation_config: GenerationConfig | None = None,
        stopping_criteria: Any = None,
        streamer: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Answer as ``evoswarm generate`` does; see ``GenerationMixin.generate`` for arguments and what is returned.

        Limits, stop strings, ``do_sample`` and ``temperature`` are the engine's to honour; without ``do_sample`` the
        policy answers as it was tuned. Whatever else is asked for (beams, penalties, processors, an assistant) is
        transformers' own decoding over ``forward``. Several threads may ask: they wait for one another.

        Raises:
            EvoswarmError: there is no answer, or the policy cannot be decoded so.
            ValueError: an argument is none that ``generate`` knows.
        """
        ids = kwargs.pop("input_ids", None) if inputs is None else inputs
        ids = torch.tensor([[self.vocabulary.mark("answer")]]) if ids is None else ids
        mask = kwargs.pop("attention_mask", None)
        _ = self._asking  # a task that has to be named is asked for first
        settings = CallSettings.of(self.generation_config, generation_config, kwargs, self.written_limit)
        self._validate_model_kwargs(
            {key: kwargs[key] for key in kwargs.keys() - vars(GenerationConfig()).keys() - _KNOWN}
        )
        real = self._real(ids, mask)
        prompts = [read_prompt(row[where].tolist(), self.vocabulary) for row, where in zip(ids, real, strict=True)]
        beyond = [*settings.beyond, *(name for name in _PROCESSED if kwargs.get(name))]
        if any(one.answer for one in prompts) or "prompt_length" in kwargs:
            beyond.append("an answer that is begun")
        with self._one_at_a_time:
            if not beyond:
                return self._answered(ids, prompts, settings, stopping_criteria, streamer)
            return self._decoded(ids, mask, settings, beyond, stopping_criteria, streamer, kwargs)

    def _answered(
        self, ids: Tensor, prompts: list[ReadPrompt], settings: CallSettings, criteria: Any, streamer: Any
    ) -> Tensor | GenerateDecoderOnlyOutput:
        """The engine's answers behind the prompts."""
        config, vocabulary = self.config, self.vocabulary
        room = settings.room(ids.shape[1])
        wish = Wish(room, settings.stop, settings.temperature, settings.copies, config.task, config.raw, self._one_mix)
        tell = None
        if streamer is not None:
            streamer.put(ids.cpu())  # it takes one question alone, and says so

            def tell(text: str) -> None:
                streamer.put(torch.tensor(vocabulary.segmented(text.encode())))

        replies = answer_all(self.engine, [one.asked for one in prompts], wish, vocabulary.longest, tell)
        answers = [vocabulary.chosen(reply.text.encode(), [symbol.text for symbol in reply.trace]) for reply in replies]
        end, pad = vocabulary.mark("end"), int(settings.said.get("pad_token_id", vocabulary.mark("pad")))
        for answer, reply in zip(answers, replies, strict=True):
            if reply.finish != "limit" and (room is None or len(answer) < room):
                answer.append(end)
        prompt_rows = ids.repeat_interleave(settings.copies, 0)
        own = [EosTokenCriteria(ends)] if (ends := settings.ends(end)) else []
        answers = cut(prompt_rows, answers, pad, StoppingCriteriaList([*own, *(criteria or ())]))
        if streamer is not None:
            streamer.end()
        sequences = beside(prompt_rows, answers, pad)
        if settings.said.get("return_dict_in_generate"):
            return GenerateDecoderOnlyOutput(sequences=sequences)
        return sequences

    def _decoded(
        self,
        ids: Tensor,
        mask: Tensor | None,
        settings: CallSettings,
        beyond: list[str],
        criteria: Any,
        streamer: Any,
        kwargs: dict[str, Any],
    ) -> Any:
        """Transformers' own decoding over ``forward``."""
        if self._refusal is not None:
            wanted = f"a policy with a distribution over next symbols ({', '.join(beyond)} needs it)"
            raise RunError(f"expected {wanted}, got one without: {self._refusal}")
        room, asking = settings.room(ids.shape[1]), self._asking
        said = {key: value for key, value in settings.said.items() if key not in ("max_length", "stop_strings")}
        own = AnswerEnds(
            self.vocabulary,
            ids.shape[1],
            asking.max_bytes if room is None else None,
            asking.stop if settings.stop is None else settings.stop,
        )
        end = self.vocabulary.mark("end")
        said |= {"max_new_tokens": asking.max_bytes if room is None else room}
        config = GenerationConfig(**{**said, "eos_token_id": [end, *settings.ends(end)]})
        others = {key: value for key, value in kwargs.items() if key not in vars(config)}
        others.setdefault("prompt_length", ids.shape[1])
        if kwargs.get("assistant_model"):
            others.setdefault("past_key_values", DynamicCache())  # it is asked for, and nothing ever lies in it
        return super().generate(
            ids,
            config,
            stopping_criteria=StoppingCriteriaList([own, *(criteria or ())]),
            streamer=streamer,
            attention_mask=mask,
            **others,
        )

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        return False

    @cached_property
    def _one_mix(self) -> bool:
        return isinstance(self.engine.document().policy, Recipe)

    @property
    def _asking(self) -> Asking:
        """How questions are asked; ``config.task`` may be another one now."""
        try:
            return Asking.of(self.engine.document(), self.config.task, file=str(self.folder / self.config.policy))
        except RunError as error:
            raise RunError(f"{error.message}: say task=... at from_pretrained", Where("task")) from None

    @property
    def _next_symbols(self) -> NextSymbols:
        if self._refusal is not None:
            raise RunError(f"expected a policy with a distribution over next symbols, got one without: {self._refusal}")
        policy = self.engine.document().policy
        plain = policy.prompt_format == "{prompt}" and not any(spec.chat_template for spec in policy.specs)
        return NextSymbols(
            self.engine, self._asking, self.vocabulary, raw=self.config.raw, task=self.config.task, whole_texts=plain
        )

    @cached_property
    def _refusal(self) -> str | None:
        return vocabulary_of(self.engine)[1]

    def _real(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        filling = ids == self.vocabulary.mark("pad")
        return ~filling if mask is None else mask.bool() & ~filling
