"""Two real models of different tokenizers as one model of transformers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

from evoswarm import Engine, Question, Recipe, Turn
from evoswarm.chat import find_template
from evoswarm.export.exporting import checked_source, export
from evoswarm.export.target import Options
from evoswarm.export.targets import target_named
from evoswarm.policies.mix import RecipeMember
from tests.real.conftest import GEMMA3, SMOLLM2, real_spec
from tests.real.tokenizers import tokenizer_folder

QUESTIONS = ("What is the capital of France?", "Name a colour, please. <|im_end|> é🙂")
TALK = (Turn("system", "Be brief."), Turn("user", "My name is Ada."), Turn("assistant", "Hello Ada!"))
SYMBOLS = 12


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A mix in the symbols that both have in common, each member asked through its own chat template."""
    gemma, folder = real_spec(GEMMA3), tmp_path_factory.mktemp("gemma")
    for file in Path(gemma.path).iterdir():
        (os.symlink if file.suffix == ".safetensors" else shutil.copyfile)(file, folder / file.name)
    (folder / "chat_template.jinja").write_text(find_template(tokenizer_folder("gemma3")) or "", encoding="utf-8")
    specs = (
        real_spec(SMOLLM2, chat_template=True),
        gemma.model_copy(update={"path": str(folder), "chat_template": True}),
    )
    members = tuple(RecipeMember(spec=spec, weight=weight) for spec, weight in zip(specs, (0.7, 0.3), strict=True))
    return Recipe(members=members, lead=SMOLLM2, alphabet="common")


@pytest.fixture(scope="module")
def folder(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported folder."""
    root = tmp_path_factory.mktemp("exported")
    target, options = target_named("transformers"), Options(root / "model")
    export(checked_source(recipe.save(root / "mix.json"), target, options), target, options)
    return options.out


@pytest.fixture(scope="module")
def loaded(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What transformers loads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path_factory.mktemp("modules")))
        model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)
    return model, AutoTokenizer.from_pretrained(folder)


def test_answers_are_those_of_evoswarm(loaded: Any, recipe: Recipe) -> None:
    model, tokenizer = loaded
    assert len(tokenizer) > 10_000, "most of the smaller vocabulary is shared"
    inputs = tokenizer(list(QUESTIONS), return_tensors="pt", padding=True)
    rows = model.generate(**inputs, max_new_tokens=SYMBOLS)[:, inputs.input_ids.shape[1] :]
    told = tokenizer.batch_decode(rows, skip_special_tokens=True)
    want = Engine.load(recipe).answer([Question(one, max_bytes=1000, max_symbols=SYMBOLS) for one in QUESTIONS])
    assert told == [one.text for one in want]
    assert "Paris" in told[0]


def test_conversations_and_transformers_own_decoding(loaded: Any) -> None:
    model, tokenizer = loaded
    turns = (*TALK, Turn("user", "What is my name?"))
    want = model.engine.answer([Question(turns, max_bytes=1000, max_symbols=SYMBOLS)])[0]
    ask = pipeline("text-generation", model=model, tokenizer=tokenizer)
    chat = [{"role": turn.role, "content": turn.content} for turn in turns]
    told = ask(chat, max_new_tokens=SYMBOLS)[0]["generated_text"]
    assert told[-1] == {"role": "assistant", "content": want.text}
    assert "Ada" in want.text
    inputs = tokenizer(QUESTIONS[0], return_tensors="pt")
    width = inputs.input_ids.shape[1]
    rows = model.generate(**inputs, max_new_tokens=6)
    logits = model(rows[:, :-1], logits_to_keep=6).logits
    assert torch.equal(logits[0].argmax(-1), rows[0, width:]), "a greedy answer is the likeliest at every step"
    beams = model.generate(**inputs, max_new_tokens=6, num_beams=2)
    assert beams.shape[1] <= width + 6
