"""The student: a causal language model in training, with its tokenizer as evoswarm reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from evoswarm.chat import ChatTemplate
from evoswarm.decoding.member import locate
from evoswarm.decoding.member.adapters import find_adapter
from evoswarm.decoding.member.border import reading
from evoswarm.decoding.member.ends import closing_ids, end_ids
from evoswarm.decoding.member.files import dated
from evoswarm.decoding.member.model import examine, read_model
from evoswarm.decoding.member.prompt import Prompt, chat_template_of
from evoswarm.decoding.member.tokenizer import check_vocabulary, read_tokenizer
from evoswarm.decoding.text.codec import Codec
from evoswarm.errors import MemberError, Where
from evoswarm.export.distilled.plan import StudentPlan
from evoswarm.member_spec import MemberSpec

NAME = "student"
"""What the student is called where a member has a name."""

_LEAST_RATE, _USUAL_RATE = 5e-5, 3e-3
_CONFIG = "config"


@dataclass(frozen=True)
class Student:
    """A model to train, and how it reads and writes.

    Attributes:
        model: of transformers, in float32 on the host.
        tokenizer: of transformers.
        codec: its tokens and bytes.
        prompt: makes its tokens of a question.
        spec: as a member; its path is that of the model or the tokenizer that it began with.
        end: the token that closes what it is taught.
        dtype: of the weights that are written.
    """

    model: Any
    tokenizer: Any
    codec: Codec
    prompt: Prompt
    spec: MemberSpec
    end: int
    dtype: str

    @property
    def parameters(self) -> int:
        """How many it has, each once."""
        return sum(one.numel() for one in self.model.parameters())

    @cached_property
    def context_length(self) -> int | None:
        """How many tokens it can read; None where its configuration does not say."""
        found = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return found if isinstance(found, int) and found > 0 else None

    def asks(self, question: str) -> tuple[int, ...]:
        """The tokens of a question.

        Raises:
            MemberError: its chat template refuses it.
        """
        return self.prompt.render(question)

    def writes(self, answer: str, *, ended: bool) -> tuple[int, ...] | None:
        """The tokens of an answer as the continuation of a question; None where its tokenizer cannot spell it.

        Args:
            answer: a text.
            ended: whether the end belongs to it.
        """
        tokens = self.codec.encode(answer.encode("utf-8", "surrogatepass"))
        if tokens is None:
            return None
        return (*tokens, self.end) if ended else tokens


def read_student(plan: StudentPlan, pool: Sequence[MemberSpec]) -> Student:
    """The student of a plan.

    Args:
        plan: says what it is.
        pool: members whose tokenizers may be named.

    Raises:
        MemberError: there is no such model or tokenizer, they do not go together, or the configuration is none.
        OutOfMemory: there is no room for it.
    """
    return _new_student(plan, pool) if plan.is_new else _trained_before(plan)


def peak_rate(plan: StudentPlan) -> float:
    """The peak of the learning rate."""
    given = plan.training.learning_rate
    return given if given is not None else _USUAL_RATE if plan.is_new else _LEAST_RATE


def _trained_before(plan: StudentPlan) -> Student:
    spec = MemberSpec(name=NAME, path=plan.model or "")
    directory = locate(spec)
    if find_adapter(spec, directory) is not None:
        raise MemberError(
            f"member {NAME!r}: expected a whole model in {str(directory)!r} (all its weights are trained), got an "
            "adapter: merge it into its base first"
        )
    stored = examine(spec, directory)
    tokenizer = read_tokenizer(spec, directory)
    spec, template = _template(plan, spec, directory, tokenizer)
    model = read_model(spec, directory, stored, torch.float32)
    kept = str(getattr(model.config, "dtype", None) or "float32").removeprefix("torch.")
    with reading(NAME, f"expected a model in {str(directory)!r} that reads its own tokens, got"):
        columns = int(model.get_output_embeddings().weight.shape[0])
        check_vocabulary(spec, directory, tokenizer, int(model.get_input_embeddings().weight.shape[0]))
    return _student(plan, model, tokenizer, columns, spec, template, _stored_dtype(directory, kept))


def _new_student(plan: StudentPlan, pool: Sequence[MemberSpec]) -> Student:
    named = {member.name: member for member in pool}.get(plan.tokenizer or "")
    spec = MemberSpec(name=NAME, path=named.path if named else plan.tokenizer or "")
    if named is not None:
        spec = spec.model_copy(update={"revision": named.revision})
    directory = locate(spec)
    tokenizer = read_tokenizer(spec, directory)
    spec, template = _template(plan, spec, directory, tokenizer)
    ends = [] if template is None else list(closing_ids(template, tokenizer))
    ends += [] if tokenizer.eos_token_id is None else [int(tokenizer.eos_token_id)]
    if not ends:
        raise MemberError(f"member {NAME!r}: expected a tokenizer with an end token in {str(directory)!r}, got none")
    size = max(tokenizer.get_vocab().values()) + 1
    model = _made(plan, tokenizer, size, list(dict.fromkeys(ends)))
    columns = int(model.get_output_embeddings().weight.shape[0])
    if columns < size:
        raise MemberError(
            f"expected a vocabulary of at least {size:,} (the tokenizer's), got {columns:,}",
            Where(_CONFIG, "vocab_size"),
        )
    return _student(plan, model, tokenizer, columns, spec, template, "float32")


def _made(plan: StudentPlan, tokenizer: Any, size: int, ends: list[int]) -> Any:
    """A model with weights drawn by the plan's seed; torch's own generator is left as it was."""
    from transformers import CONFIG_MAPPING, AutoConfig, AutoModelForCausalLM, GenerationConfig

    given = dict(plan.config or {})
    kind = given.pop("model_type")
    if kind not in CONFIG_MAPPING:
        raise MemberError(
            f"expected a model_type that transformers knows (llama, qwen3, gpt2, mamba, ...), got {kind!r:.60}",
            Where(_CONFIG, "model_type"),
        )
    names = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": ends[0], "pad_token_id": tokenizer.pad_token_id}
    with reading(NAME, f"expected a config that makes a causal language model of type {kind}, got"):
        config = AutoConfig.for_model(kind, **{"vocab_size": size, **names, **given})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.training.seed)
            model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        model.generation_config = GenerationConfig(do_sample=False, **{**names, "eos_token_id": ends})
    return model


def _template(
    plan: StudentPlan, spec: MemberSpec, directory: Path, tokenizer: Any
) -> tuple[MemberSpec, ChatTemplate | None]:
    """The student as a member, and its chat template, where its questions go through one."""
    wanted = bool(tokenizer.chat_template) if plan.chat_template is None else plan.chat_template
    spec = spec.model_copy(update={"chat_template": wanted})
    return spec, chat_template_of(dated(spec, directory), directory, tokenizer)


def _student(
    plan: StudentPlan,
    model: Any,
    tokenizer: Any,
    columns: int,
    spec: MemberSpec,
    template: ChatTemplate | None,
    dtype: str,
) -> Student:
    ends = end_ids(model, tokenizer, columns, spec, template)
    closing = [] if template is None else list(closing_ids(template, tokenizer))
    own = [*closing, tokenizer.eos_token_id, ends[0]]
    end = next(int(token) for token in own if token in ends)
    wanted = plan.training.dtype
    return Student(
        model=model,
        tokenizer=tokenizer,
        codec=Codec(tokenizer, ends, columns, NAME),
        prompt=Prompt(tokenizer, ends, template),
        spec=spec,
        end=end,
        dtype=dtype if wanted == "auto" else wanted,
    )


def _stored_dtype(directory: Path, otherwise: str) -> str:
    """The type of the weights in a directory, as its configuration says."""
    from evoswarm.checkpoint import Description

    config = Description(directory).json("config.json")
    said = config.get("dtype") or config.get("torch_dtype")
    return said if said in ("float32", "bfloat16", "float16") else otherwise
