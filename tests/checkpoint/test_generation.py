"""How an owner's answers are decoded, by the files of the model; what cannot be obeyed is refused by file and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import GenerationConfig

from evoswarm.checkpoint import Generation, Unfit, generation_of
from evoswarm.checkpoint.generation import NEUTRAL, USUAL_TOP_K


def written(directory: Path, **content: Any) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "generation_config.json").write_text(json.dumps(content))
    return directory


def test_without_a_file_or_a_word_answers_are_greedy(tmp_path: Path) -> None:
    assert generation_of(tmp_path) == Generation()
    assert generation_of(written(tmp_path, temperature=0.0, top_k=-3, do_sample=False)) == Generation(), "nobody draws"


def test_what_the_file_does_not_say_is_what_generate_takes(tmp_path: Path) -> None:
    assert generation_of(written(tmp_path, do_sample=True)) == Generation(True, 1.0, USUAL_TOP_K, 1.0, 0.0)
    usual = GenerationConfig._get_default_generation_params()
    assert (usual["temperature"], usual["top_k"], usual["top_p"]) == (1.0, USUAL_TOP_K, 1.0)
    whole = {"do_sample": True, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.05}
    assert generation_of(written(tmp_path, **whole)) == Generation(True, 0.6, 20, 0.95, 0.05)
    assert generation_of(written(tmp_path, do_sample=True, top_k=0, temperature=None)).top_k == 0


def test_settings_that_are_not_obeyed_are_named(tmp_path: Path) -> None:
    found = generation_of(written(tmp_path, repetition_penalty=1.1, num_beams=1, no_repeat_ngram_size=3, top_k=5))
    assert found.left_out == ("repetition_penalty 1.1", "no_repeat_ngram_size 3")
    neutral = {key: values[0] for key, values in NEUTRAL.items()}
    assert generation_of(written(tmp_path, **neutral)).left_out == ()
    known = set(GenerationConfig().to_dict())
    assert set(NEUTRAL) <= known, "names of settings as transformers has them"


def test_an_adapter_without_a_word_answers_as_its_base(tmp_path: Path) -> None:
    base = written(tmp_path / "base", do_sample=True, top_p=0.9)
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": str(base), "peft_type": "LORA"})
    )
    (adapter / "adapter_model.safetensors").write_bytes(b"")
    assert generation_of(adapter).top_p == 0.9
    assert generation_of(written(adapter, do_sample=False)) == Generation()


def test_it_survives_json() -> None:
    one = Generation(True, 0.6, 20, 0.95, 0.05, ("num_beams 4",))
    assert Generation.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"do_sample": "yes"}, "expected true or false as do_sample in .*, got 'yes'"),
        (
            {"do_sample": True, "temperature": 0},
            r"expected a number above 0 \(do_sample is on\) as temperature in .*got 0",
        ),
        ({"do_sample": True, "temperature": True}, "as temperature in .*, got True"),
        ({"do_sample": True, "temperature": "hot"}, "expected a number above 0 as temperature in .*, got 'hot'"),
        ({"do_sample": True, "top_p": 1.5}, r"expected a number in \(0, 1\] .*as top_p in .*, got 1.5"),
        ({"do_sample": True, "top_p": 0}, "as top_p in .*, got 0"),
        ({"do_sample": True, "min_p": -0.1}, r"expected a number in \[0, 1\] .*as min_p in .*, got -0.1"),
        ({"do_sample": True, "top_k": -1}, "expected a whole number of at least 0 .*as top_k in .*, got -1"),
        ({"do_sample": True, "top_k": 2.5}, "expected a whole number .*as top_k in .*, got 2.5"),
        ({"do_sample": True, "temperature": float("inf")}, "as temperature in .*, got inf"),
    ],
)
def test_what_generate_would_refuse_is_refused_by_file(tmp_path: Path, content: dict[str, Any], words: str) -> None:
    with pytest.raises(Unfit, match=words) as caught:
        generation_of(written(tmp_path, **content))
    assert str(tmp_path / "generation_config.json") in str(caught.value)
