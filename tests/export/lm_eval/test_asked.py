"""What the harness asks, in an engine's words; nothing is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.chat import Turn
from evoswarm.errors import EvoswarmError, RunError
from evoswarm.export.lm_eval.asked import AnswerLimits, as_context, context_of, limits_of, symbols_of
from evoswarm.export.lm_eval.command import run_harness, with_model
from evoswarm.export.lm_eval.windows import windows
from evoswarm.policies import Vote
from tests.decoding.recipes import recipe


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, AnswerLimits((), 256, None)),
        ({"until": "\n", "max_gen_toks": 8}, AnswerLimits(("\n",), 8, None)),
        ({"until": ["a", "", "a"], "max_new_tokens": "9", "temperature": 0.0}, AnswerLimits(("a",), 9, None)),
        ({"until": None, "temperature": 0.7, "do_sample": False, "top_p": 0.9}, AnswerLimits((), 256, None)),
        ({"temperature": 0.7, "do_sample": True, "top_p": 1.0, "num_beams": 1}, AnswerLimits((), 256, 0.7)),
        ({"do_sample": True}, AnswerLimits((), 256, None)),
    ],
)
def test_generation_kwargs(said: dict[str, object], meant: AnswerLimits) -> None:
    assert limits_of(said) == meant


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"num_beams": 4}, "generation_kwargs: num_beams: expected 1 or nothing, got 4"),
        ({"do_sample": True, "temperature": 1, "top_p": 0.9}, "top_p: expected 1.0 or nothing, got 0.9"),
        ({"max_gen_toks": "many"}, "max_gen_toks: expected a number from 0, got 'many'"),
        ({"max_tokens": 0}, "max_tokens: expected a whole number from 1, got 0"),
        ({"do_sample": True, "temperature": "hot"}, "temperature: expected a number from 0, got 'hot'"),
        ({"do_sample": True, "temperature": -1}, "temperature: expected a number from 0, got -1"),
        ({"until": 5}, "until: expected strings, got 5"),
        ({"suffix": "x"}, "expected until, max_gen_toks, do_sample and temperature, got suffix: 'x'"),
    ],
)
def test_generation_kwargs_that_no_policy_obeys(said: dict[str, object], error: str) -> None:
    with pytest.raises(EvoswarmError, match=error):
        limits_of(said)


def test_a_token_of_a_limit_is_a_symbol_but_where_symbols_are_bytes() -> None:
    whole, parts = recipe("llama-a", alphabet="tokens"), recipe("llama-a")
    vote = Vote.model_validate({"voters": [{"recipe": whole}, {"recipe": recipe("gpt2-c")}]})
    assert [symbols_of(10, one, 4) for one in (whole, parts, vote)] == [10, 40, 40]


def test_conversations_cross_the_harness_as_texts() -> None:
    turns = [{"role": "system", "content": 'Say "é".'}, {"role": "user", "content": "a\nb"}]
    assert context_of(as_context(turns)) == (Turn("system", 'Say "é".'), Turn("user", "a\nb"))
    assert context_of("a plain context") == "a plain context"
    for begun in ([*turns, {"role": "assistant", "content": "The answer"}], []):
        with pytest.raises(RunError, match=r"got one that begins the answer \(gen_prefix\)"):
            as_context(begun)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--tasks a", "run --model evoswarm --tasks a"),
        ("run --tasks a", "run --model evoswarm --tasks a"),
        ("run --model=hf --tasks a", "run --model=hf --tasks a"),
        ("-M hf --tasks a", "run -M hf --tasks a"),
        ("--config a.yaml", "run --config a.yaml"),
        ("ls tasks", "ls tasks"),
        ("run --help", "run --help"),
        ("", ""),
    ],
)
def test_the_model_is_evoswarm_where_none_is_named(typed: str, meant: str) -> None:
    assert with_model(typed.split()) == meant.split()


@given(st.text("ab \n", max_size=120), st.integers(1, 20))
def test_windows_score_every_character_once(text: str, tokens: int) -> None:
    def fits(part: str) -> bool:
        return len(part) <= tokens

    found = list(windows(text, fits, tokens))
    assert "".join(one.text for one in found) == text
    start = 0
    for one in found:
        assert fits(one.text)
        assert text[:start].endswith(one.context)
        assert bool(one.context) == bool(start) or one is found[-1]
        start += len(one.text)
    if len(found) > 1:  # the last window shows as much as can be read
        last = found[-1]
        assert len(last.context + last.text) == min(len(text), tokens)


@pytest.mark.parametrize("said", ["policy={}", "task=t,policy={}", "task=t policy={}", '{{"policy": "{}"}}'])
def test_a_policy_is_read_before_the_harness_is(said: str, tmp_path: Path) -> None:
    typed = said.format(tmp_path / "nowhere.json")
    words = [typed] if typed.startswith("{") else typed.split()
    with pytest.raises(EvoswarmError, match=r"nowhere\.json: expected a readable file"):
        run_harness(["--tasks", "sums", "--model_args", *words, "--limit", "2"])


def test_a_missing_harness_is_named_by_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evoswarm.export.target.find_spec", lambda name: None)
    with pytest.raises(RunError, match=r"expected lm_eval to be installed .*: pip install 'evoswarm\[lm-eval\]'"):
        run_harness(["--model_args", "policy=mine.json", "--tasks", "sums"])
