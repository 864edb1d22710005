"""Generation by a policy through any model of transformers, in its own tokens, without code from a folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from transformers import PrefixConstrainedLogitsProcessor

from evoswarm.answering.engine import AnyPolicy, Engine
from evoswarm.chat import Conversation, Turn
from evoswarm.errors import RunError
from evoswarm.export.transformers.answers import Wish, answer_all
from evoswarm.export.transformers.cutting import beside, cut
from evoswarm.export.transformers.settings import CallSettings

Message = Turn | Mapping[str, str]
"""A turn, or ``role`` and ``content`` as transformers has them."""

_STAND_IN = "WhichQuestionIsThis"


def as_custom_generate(
    policy: AnyPolicy | Engine,
    *,
    tokenizer: Any = None,
    task: str | None = None,
    raw: bool = False,
    stop: Sequence[str] | None = None,
    trust_remote_code: bool = False,
    allow_changed: bool = False,
) -> Callable[..., Any]:
    """What ``generate(..., custom_generate=...)`` of any model takes, so that a policy answers in the model's place.

    The model's own tokenizer turns ids into the question and the answer into ids. A question in the model's chat
    template is known again, and asked as a question; of a conversation of several turns, ``generate`` is told the turns
    themselves (``turns=[{"role": ..., "content": ...}, ...]``). ``do_sample``, ``temperature`` and the limits of
    ``generate`` hold, and nothing else may be asked for; without ``do_sample`` the policy answers as it was tuned.
    Several threads may ask: they wait for one another.

    Args:
        policy: of any kind; its file, a run directory with a champion, or an engine of one policy.
        tokenizer: of the model that generates; None looks where the model came from.
        task: of the policy's file, whose questions they are; None where its tasks asked alike.
        raw: questions are worded already: neither template nor worked examples of the task apply.
        stop: strings that end an answer, in place of the task's.
        trust_remote_code: see ``Swarm.load``.
        allow_changed: members may be others than the policy knew.

    Raises:
        EvoswarmError: a member cannot be loaded, or the policy cannot be read.

    Example:
        >>> from transformers import AutoModelForCausalLM, AutoTokenizer
        >>> from evoswarm.zoo.catalogue import member_path
        >>> host = AutoModelForCausalLM.from_pretrained(member_path("llama-a"))
        >>> words = AutoTokenizer.from_pretrained(member_path("llama-a"))
        >>> asked = words("47+85=", return_tensors="pt", return_token_type_ids=False)
        >>> told = host.generate(**asked, custom_generate=as_custom_generate(recipe), max_new_tokens=9)
        >>> words.decode(told[0, asked.input_ids.shape[1] :], skip_special_tokens=True)
        '132'
    """
    one_at_a_time = threading.Lock()
    engine = (
        policy
        if isinstance(policy, Engine)
        else Engine.load(policy, trust_remote_code=trust_remote_code, allow_changed=allow_changed)
    )
    ends = None if stop is None else tuple(stop)
    found = cache(_tokenizer_from)

    def generate(
        model: Any,
        input_ids: Tensor,
        logits_processor: Any = None,
        stopping_criteria: Any = None,
        generation_config: Any = None,
        turns: Sequence[Message] | Sequence[Sequence[Message]] | None = None,
        **others: Any,
    ) -> Any:
        _refuse_beyond(generation_config, model.generation_config, logits_processor or ())
        words = found(model.config.name_or_path) if tokenizer is None else tokenizer
        mask = others.get("attention_mask")
        rows = [row if mask is None else row[mask[number].bool()] for number, row in enumerate(input_ids)]
        asked = [_question(row.tolist(), words) for row in rows] if turns is None else _conversations(turns, len(rows))
        room = int(generation_config.max_length) - input_ids.shape[1]
        temperature = float(generation_config.temperature or 1.0) if generation_config.do_sample else None
        with one_at_a_time:
            replies = answer_all(engine, asked, Wish(None, ends, temperature, task=task, raw=raw))
        end = _first(generation_config.eos_token_id, words.eos_token_id)
        pad = _first(generation_config.pad_token_id, words.pad_token_id, end, 0)
        answers = []
        for reply in replies:
            answer = [*words(reply.text, add_special_tokens=False)["input_ids"]]
            answers.append([*answer, *([end] if reply.finish != "limit" and end is not None else [])][:room])
        sequences = beside(input_ids, cut(input_ids, answers, pad, stopping_criteria), pad)
        if generation_config.return_dict_in_generate:
            from transformers.generation import GenerateDecoderOnlyOutput

            return GenerateDecoderOnlyOutput(sequences=sequences)
        return sequences

    return generate


def _tokenizer_from(place: str) -> Any:
    """The tokenizer of a model that came from a place; large ones take seconds."""
    from transformers import AutoTokenizer

    if not place:
        raise RunError("tokenizer: expected that of the model that generates (the model does not say), got none")
    return AutoTokenizer.from_pretrained(place, local_files_only=os.path.isdir(place))


def _refuse_beyond(asked: Any, own: Any, processors: Sequence[Any]) -> None:
    """Refuse what a caller asks of transformers' own decoding, which does not take place here.

    What the model's own ``generation_config.json`` asks for was meant for its own answers, and is passed over.

    Args:
        asked: the configuration of the call, the model's own and transformers' defaults in it.
        own: that of the model.
        processors: of the call; transformers' own are there because of the configuration, but for one.

    Raises:
        RunError: there are several beams, cut-offs, penalties, or processors; names them.
    """
    usual = {**type(asked)._get_default_generation_params(), **own.to_diff_dict(), "num_beams": 1}
    found = {key: value for key, value in asked.to_diff_dict().items() if value is not None and not key.startswith("_")}
    said = {key: value for key, value in found.items() if value != usual.get(key)}
    odd = [type(one).__name__ for one in processors if not type(one).__module__.startswith("transformers.")]
    odd += [type(one).__name__ for one in processors if isinstance(one, PrefixConstrainedLogitsProcessor)]
    if beyond := [*CallSettings(said, limited=True).beyond, *odd]:
        wanted = "a call that asks for limits, do_sample and temperature alone (a policy answers by its own decoding)"
        raise RunError(f"expected {wanted}, got one with {', '.join(beyond)}")


def _question(ids: list[int], tokenizer: Any) -> Conversation:
    """The question that ids are: plain, or within the model's own chat template.

    Raises:
        RunError: they are a conversation, which cannot be read back.
    """
    text = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    if tokenizer.chat_template:
        message = [{"role": "user", "content": _STAND_IN}]
        frame = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        before, _, after = frame.partition(_STAND_IN)
        if text.startswith(before) and text.endswith(after) and len(text) >= len(before) + len(after):
            text = text[len(before) : len(text) - len(after)]
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    around = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
    special = {token for token, entry in tokenizer.added_tokens_decoder.items() if entry.special} - around
    marks = [token for token in ids if token in special]
    if marks:
        name = tokenizer.convert_ids_to_tokens(marks[0])
        raise RunError(f"expected one question, or turns= beside ids of a conversation, got ids with {name!r:.60}")
    return Conversation(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def _conversations(turns: Sequence[Any], rows: int) -> list[Conversation]:
    """One conversation for each row."""
    one = not turns or isinstance(turns[0], Turn | Mapping)
    given: Sequence[Sequence[Message]] = [turns] if one else turns
    if len(given) != rows:
        raise RunError(f"turns: expected one conversation for each of {rows} rows, got {len(given)}")
    return [Conversation.of([_turn(message) for message in some]) for some in given]


def _turn(message: Message) -> Turn:
    return message if isinstance(message, Turn) else Turn(message.get("role", ""), message.get("content", ""))


def _first(*values: Any) -> Any:
    """The first token id that there is; of several, the first of them."""
    found = next((value for value in values if value is not None), None)
    if isinstance(found, torch.Tensor):
        found = found.flatten().tolist()
    return found[0] if isinstance(found, list) else found
