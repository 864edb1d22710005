"""What transformers loads from an exported folder answers as evoswarm does, whatever way it is decoded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, StoppingCriteria, TextStreamer, pipeline
from transformers.generation import BaseStreamer

from evoswarm.errors import EvoswarmError
from evoswarm.policies import load_document
from evoswarm.zoo.catalogue import member_path
from tests.docs.pages import DOCS, blocks

Loaded = tuple[Any, Any]


def told(loaded: Loaded, questions: Sequence[str], **options: Any) -> list[str]:
    """Answers of ``generate``, decoded."""
    model, tokenizer = loaded
    inputs = tokenizer(list(questions), return_tensors="pt", padding=True)
    rows = model.generate(**inputs, **options)
    found: list[str] = tokenizer.batch_decode(rows[:, inputs.input_ids.shape[1] :], skip_special_tokens=True)
    return found


@pytest.fixture(scope="module")
def mix(loaded: Callable[[Path], Loaded], policy_file: Path) -> Loaded:
    """A mix across tokenizers."""
    return loaded(policy_file)


def test_a_mix_answers_a_hundred_items_as_before(mix: Loaded, items: list[str], evoswarm_answers: list[str]) -> None:
    assert told(mix, items) == evoswarm_answers
    assert [told(mix, [one])[0] for one in items[:5]] == evoswarm_answers[:5]


@pytest.mark.parametrize("kind", ["vote", "route"])
def test_votes_and_routes_answer_and_give_no_probabilities(
    kind: str,
    loaded: Callable[[Path], Loaded],
    vote_file: Path,
    route_file: Path,
    items: list[str],
    answers_of: Callable[[Path], list[str]],
) -> None:
    file = vote_file if kind == "vote" else route_file
    model = loaded(file)[0]
    assert told(loaded(file), items) == answers_of(file)
    why = "elects one of several whole answers" if kind == "vote" else "between mixes of several alphabets"
    with pytest.raises(EvoswarmError, match=rf"\(num_beams needs it\), got one without: [^\n]*{why}"):
        told(loaded(file), items[:1], num_beams=2)
    with pytest.raises(EvoswarmError, match=f"distribution over next symbols, got one without: [^\n]*{why}"):
        model(torch.tensor([[65]]))


def test_transformers_own_decoding_takes_the_same_way(
    mix: Loaded, items: list[str], evoswarm_answers: list[str]
) -> None:
    """A penalty of nothing, beams and an assistant are decoded over ``forward``, step by step."""
    model, tokenizer = mix
    assert told(mix, items[:8], repetition_penalty=1.0 + 1e-12) == evoswarm_answers[:8]
    some = tokenizer(items[:8], return_tensors="pt", padding=True)
    assert torch.equal(model.generate(**some, repetition_penalty=1.0 + 1e-12), model.generate(**some))
    assert told(mix, items[:1], assistant_model=model) == evoswarm_answers[:1]
    inputs = tokenizer(items[:2], return_tensors="pt", padding=True)
    options = {"return_dict_in_generate": True, "output_scores": True}
    beams = model.generate(**inputs, num_beams=3, **options)
    greedy = model.generate(**inputs, repetition_penalty=1.0 + 1e-12, **options)
    scores = [
        sum(step[row, token].item() for step, token in zip(greedy.scores, greedy.sequences[row, width:], strict=True))
        for width in [inputs.input_ids.shape[1]]
        for row in range(2)
    ]
    lengths = [len(row[row != tokenizer.pad_token_id]) for row in greedy.sequences[:, inputs.input_ids.shape[1] :]]
    means = [score / length for score, length in zip(scores, lengths, strict=True)]
    assert all(beam >= mean - 1e-4 for beam, mean in zip(beams.sequences_scores.tolist(), means, strict=True))


def test_forward_says_what_may_come_next(mix: Loaded, items: list[str], evoswarm_answers: list[str]) -> None:
    model, tokenizer = mix
    rows = model.generate(**tokenizer(items[:3], return_tensors="pt", padding=True))
    logits = model(rows).logits
    assert logits.shape == (*rows.shape, len(tokenizer))
    assert torch.allclose(logits.exp().sum(-1), torch.ones(rows.shape), atol=1e-5)
    for row, answer in enumerate(rows.tolist()):
        start, end = answer.index(tokenizer.convert_tokens_to_ids("<|evoswarm_answer|>")), tokenizer.eos_token_id
        whole = answer[start : answer.index(end) + 1]
        assert logits[row, start : start + len(whole) - 1].argmax(-1).tolist() == whole[1:]
    some = model(rows, logits_to_keep=2, return_dict=False)[0]
    assert torch.equal(some, logits[:, -2:])
    text = tokenizer("47+8", return_tensors="pt", add_special_tokens=False)
    behind = model.engine.next_symbols([("", b"47+8"[:length]) for length in range(1, 5)])
    assert torch.equal(model(**text).logits[0, :, : behind.shape[1]], torch.from_numpy(behind))


class _AfterTwo(StoppingCriteria):  # type: ignore[misc]  # transformers has no types
    """A caller's own: it looks at the whole batch."""

    def __init__(self, width: int) -> None:
        self._width = width

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        return torch.full((len(input_ids),), input_ids.shape[1] - self._width >= 2)


class _Heard(BaseStreamer):  # type: ignore[misc]  # likewise
    """Keeps what it is handed."""

    def __init__(self) -> None:
        self.parts: list[list[int]] = []

    def put(self, value: Any) -> None:
        self.parts.append(value.flatten().tolist())

    def end(self) -> None:
        """Nothing is left to do."""


def test_limits_ends_and_chance_are_those_of_the_call(
    mix: Loaded, items: list[str], evoswarm_answers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    model, tokenizer = mix
    inputs = tokenizer(items[0], return_tensors="pt")
    width = inputs.input_ids.shape[1]
    whole = model.generate(**inputs)[0, width:].tolist()
    assert whole[-1] == tokenizer.eos_token_id
    assert model.generate(**inputs, max_new_tokens=1)[0, width:].tolist() == whole[:1]
    assert model.generate(**inputs, max_length=width + 1)[0, width:].tolist() == whole[:1]
    with pytest.raises(EvoswarmError, match=f"room for an answer behind {width} tokens of prompt, got room for 0"):
        model.generate(**inputs, max_length=width)
    assert model.generate(**inputs, stopping_criteria=[_AfterTwo(width)])[0, width:].tolist() == whole[:2]
    assert told(mix, items[:1], stop_strings=[evoswarm_answers[0][1:]]) == [evoswarm_answers[0][:1]]
    torch.manual_seed(0)
    drawn = told(mix, items[:2], do_sample=True, temperature=3.0, num_return_sequences=3)
    torch.manual_seed(0)
    assert told(mix, items[:2], do_sample=True, temperature=3.0, num_return_sequences=3) == drawn
    assert len(set(drawn)) > 2
    torch.manual_seed(0)
    assert told(mix, items[:2], do_sample=True, top_k=1) == evoswarm_answers[:2]
    with pytest.raises(EvoswarmError, match="got more without do_sample=True"):
        told(mix, items[:1], num_return_sequences=2)
    model.generate(**inputs, streamer=TextStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True))
    assert capsys.readouterr().out.strip() == evoswarm_answers[0]
    heard = _Heard()
    model.engine.forget()  # what is remembered is told at once
    model.generate(**inputs, streamer=heard)
    prompt, *parts = heard.parts
    assert prompt == inputs.input_ids[0].tolist()
    assert len(parts) > 1, "told while it grows"
    assert tokenizer.decode([token for part in parts for token in part]) == evoswarm_answers[0]
    with pytest.raises(EvoswarmError, match="streamer: expected one question"):
        model.generate(inputs.input_ids.repeat(2, 1), streamer=_Heard())


def test_nothing_that_a_call_asks_for_is_passed_over(
    mix: Loaded, items: list[str], evoswarm_answers: list[str], tmp_path: Path
) -> None:
    model, tokenizer = mix
    for odd in ({"max_new_token": 1}, {"inputs_embeds": torch.zeros(1, 3, 8)}):
        with pytest.raises(ValueError, match=f"not used by the model: .'{next(iter(odd))}'"):
            told(mix, items[:1], **odd)
    with pytest.raises(EvoswarmError, match=r"temperature: expected a finite number of at least 0, got -1\.0"):
        told(mix, items[:1], do_sample=True, temperature=-1.0)
    first = evoswarm_answers[0][:1]
    ending = tokenizer(first, add_special_tokens=False)["input_ids"]
    for way in ({}, {"repetition_penalty": 1.0 + 1e-12}):
        assert told(mix, items[:1], eos_token_id=ending, **way) == [first]
        assert told(mix, items[1:2], eos_token_id=model.vocabulary.mark("user"), **way) == evoswarm_answers[1:2]
    some = tokenizer(items[:4], return_tensors="pt", padding=True)
    rows = model.generate(**some, pad_token_id=tokenizer.eos_token_id)[:, some.input_ids.shape[1] :]
    assert tokenizer.pad_token_id not in rows
    assert tokenizer.batch_decode(rows, skip_special_tokens=True) == evoswarm_answers[:4]
    with pytest.raises(EvoswarmError, match=r"model\.push_to_hub\(\.\.\.\) does that"):
        model.save_pretrained(tmp_path / "pushed", push_to_hub=True)


def test_threads_wait_for_one_another(mix: Loaded, items: list[str], evoswarm_answers: list[str]) -> None:
    model = mix[0]
    model.engine.forget()
    with ThreadPoolExecutor(4) as threads:
        parts = list(threads.map(lambda number: told(mix, items[number:40:4]), range(4)))
    assert parts == [evoswarm_answers[number:40:4] for number in range(4)]


class _Leaves(_Heard):
    """Somebody who does not listen to the end."""

    def put(self, value: Any) -> None:
        super().put(value)
        if len(self.parts) > 1:
            raise InterruptedError


def test_who_stops_listening_leaves_nothing_at_work(mix: Loaded, items: list[str]) -> None:
    model, tokenizer = mix
    model.engine.forget()
    with pytest.raises(InterruptedError):
        model.generate(**tokenizer(items[0], return_tensors="pt"), streamer=_Leaves())
    assert model.engine.idle


def test_an_answer_that_is_begun_is_gone_on_with(mix: Loaded, items: list[str], evoswarm_answers: list[str]) -> None:
    model, tokenizer = mix
    rows = model.generate(**tokenizer(items[0], return_tensors="pt"))
    assert torch.equal(model.generate(rows[:, :-2]), rows)


def test_the_evaluation_harness_asks_it_as_any_model(
    mix: Loaded, items: list[str], evoswarm_answers: list[str]
) -> None:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model, tokenizer = mix
    harness = HFLM(pretrained=model, tokenizer=tokenizer, backend="causal", batch_size=4, max_length=256)
    wanted = {"until": ["\n"], "max_gen_toks": 16}
    asked = [Instance("generate_until", {}, (item, wanted), number) for number, item in enumerate(items[:6])]
    assert harness.generate_until(asked, disable_tqdm=True) == evoswarm_answers[:6]


def test_a_pipeline_takes_questions_and_conversations(
    mix: Loaded, items: list[str], evoswarm_answers: list[str]
) -> None:
    ask = pipeline("text-generation", model=mix[0], tokenizer=mix[1])  # from the folder: see the guide
    assert ask(items[0]) == [{"generated_text": items[0] + evoswarm_answers[0]}]
    several = ask(items[:4], return_full_text=False, batch_size=2)
    assert [one[0]["generated_text"] for one in several] == evoswarm_answers[:4]
    chat = ask([{"role": "user", "content": items[1]}])[0]["generated_text"]
    assert chat[-1] == {"role": "assistant", "content": evoswarm_answers[1]}
    with pytest.raises(EvoswarmError, match="expected an answer to row 0 of the input, got none: prompt_refused"):
        ask([{"role": "system", "content": "Be brief."}, {"role": "user", "content": items[1]}])


def test_the_guide_can_be_followed(
    exported: Callable[[Path], Path], policy_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(exported(policy_file), "my-model", copy_function=os.link)
    Path("my-model/members/llama-b").symlink_to(member_path("llama-b"))  # one of the quickstart's champion
    Path("runs").mkdir()
    Path("runs/quickstart-seed0").symlink_to(exported(policy_file))
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(DOCS / "guides" / "export-transformers.md"):
        if block.language == "python":
            exec(compile(block.text, f"export-transformers.md:{block.line}", "exec"), names)


def test_it_is_saved_and_loaded_again(
    mix: Loaded, exported: Callable[[Path], Path], policy_file: Path, tmp_path: Path, items: list[str]
) -> None:
    model, tokenizer = mix
    folder = exported(policy_file)
    for saved in (model, tokenizer):
        saved.save_pretrained(tmp_path / "again")
    assert sorted(os.listdir(tmp_path / "again")) == sorted(os.listdir(folder))
    again = AutoModelForCausalLM.from_pretrained(
        tmp_path / "again", trust_remote_code=True, dtype="bfloat16", device_map={"": "cpu"}, raw=True
    )
    assert (again.dtype, again.device.type, again.config.raw) == (torch.bfloat16, "cpu", True)
    assert load_document(tmp_path / "again").policy.digest == load_document(policy_file).policy.digest
    assert list(folder.glob("*.safetensors")) == [], "weights lie with their members alone"
    assert model.to("cpu") is model
    assert (model.half().dtype, model.device.type) == (torch.float32, "cpu"), "members stay what they are"
    with pytest.raises(EvoswarmError, match=r"say dtype='torch\.float16' at from_pretrained"):
        model.to(torch.float16)


def test_what_was_exported_and_what_is_asked_must_fit(
    mix: Loaded, items: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = mix[0]
    monkeypatch.setattr(model.config, "task", "nobody")
    with pytest.raises(EvoswarmError, match="expected one of sums, spelling, got 'nobody': say task="):
        told(mix, items[:1])
    with pytest.raises(
        EvoswarmError, match=r"that it was exported with \(5 token ids\), got others \(\d+\): export it"
    ):
        type(model)(type(model.config)(vocab_size=5), model.engine, model.folder)
    with pytest.raises(EvoswarmError, match="got a configuration alone"):
        AutoModelForCausalLM.from_config(model.config, trust_remote_code=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device_map": "sequential"}, "device_map: expected auto or one device"),
        ({"dtype": "int8"}, "dtype: expected auto, float32"),
        ({"quantization_config": object()}, "mean something to a policy, got quantization_config"),
    ],
)
def test_what_means_nothing_to_a_policy_is_refused(
    options: dict[str, Any], words: str, mix: Loaded, exported: Callable[[Path], Path], policy_file: Path
) -> None:
    with pytest.raises(EvoswarmError, match=words):
        type(mix[0]).from_pretrained(exported(policy_file), **options)
