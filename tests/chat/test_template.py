"""Chat templates: those of transformers render alike, those that lose a question are refused, none takes long."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from evoswarm.chat import ChatTemplate, find_template, is_dated, named_tokens
from evoswarm.errors import MemberError
from tests.chat.templates import TEMPLATES, TURNS
from tests.decoding import tiny

NAMED = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"}
QUESTIONS = ("1+2", "  a \n", "<eos> {{ messages }} 'q' \"r\" <b>é🙂</b>")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A tokenizer of transformers, whose own rendering is the judge."""
    return PreTrainedTokenizerFast(tokenizer_object=tiny.KINDS["plain bytes"](), **NAMED)


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("system", [None, "Be brief."])
def test_it_renders_as_apply_chat_template(name: str, system: str | None, tokenizer: Any) -> None:
    source, options, parts, takes_system = TEMPLATES[name]
    if not takes_system and system is not None:
        return
    ours = ChatTemplate("m", source, NAMED, system=system, options=options)
    wrap = (lambda text: [{"type": "text", "text": text}]) if parts else str
    first = [] if system is None else [{"role": "system", "content": wrap(system)}]
    for question in QUESTIONS:
        theirs = tokenizer.apply_chat_template(
            [*first, {"role": "user", "content": wrap(question)}],
            chat_template=source,
            add_generation_prompt=True,
            tokenize=False,
            **options,
        )
        assert ours.render(question) == theirs
        assert question.strip() in theirs


def test_the_date_is_what_it_is_told_and_no_clock_is_asked() -> None:
    source = "{{ strftime_now('%d %b %Y %H:%M') }} " + TURNS
    assert is_dated(source)
    assert not is_dated(TURNS)
    assert ChatTemplate("m", source, {}).render("x").startswith("01 Jan 2026 00:00 ")
    assert ChatTemplate("m", source, {}, day="2024-07-26").render("x").startswith("26 Jul 2024 00:00 ")


REFUSED = {
    "lost": ("<u>{{ messages[0]['context'] }}</u>", "writes the question once, got one that loses it"),
    "twice": ("{{ messages[0]['content'] }}" * 2, "got one that writes it 2 times"),
    "answer first": (
        "{% if add_generation_prompt %}A:{% endif %}{{ messages[0]['content'] }}",
        "before the place where the answer begins",
    ),
    "syntax": ("{% for m in messages %}{{ m['content'] }", r"can be rendered, got: unexpected '}' \(line 1 of"),
    "needs a system turn": (
        "{% if messages[0]['role'] != 'system' %}{{ raise_exception('no system turn') }}{% endif %}" + TURNS,
        "without a system prompt, got: no system turn; set system",
    ),
    "always raises": ("{{ raise_exception('never') }}", "can be rendered, got: never"),
    "asks for chance": ("{{ messages[0]['content'] }}{{ ['a', 'b'] | random }}", "No filter named 'random'"),
    "reaches for Python": ("{{ cycler.__init__.__globals__ }}", "unsafe"),
    "calls itself": ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "calls itself without end"),
    "repeats": ("{{ 'a' * 10 ** 10 }}", "little time and memory, got: it needs more memory"),
    "pads": ("{{ 'a' | center(10 ** 10) }}", "little time and memory, got: it needs more memory"),
    "writes too much": ("{% for i in range(3000) %}{{ 'a' * 1000 }}{% endfor %}", "an answer of 3,000,"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_prompt_of_a_question_is_refused_in_one_sentence(name: str) -> None:
    source, words = REFUSED[name]
    with pytest.raises(MemberError, match=f"^member 'm': expected [^\n]*{words}"):
        ChatTemplate("m", source, {})


def test_one_that_never_ends_is_ended() -> None:
    source = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(MemberError, match=r"little time and memory, got: it took (too much|more than)"):
        ChatTemplate("m", source, {})


def test_a_question_that_the_template_refuses_is_named() -> None:
    picky = "{% if 'x' in messages[0]['content'] %}{{ raise_exception('no x') }}{% endif %}" + TURNS
    template = ChatTemplate("m", picky, {})
    assert "abc" in template.render("abc")
    with pytest.raises(MemberError, match="takes 'abx', got: no x"):
        template.render("abx")
    assert "abc" in template.render("abc")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ messages[-1]['content'] }}", "writes the system prompt"),
        (
            "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('only users') }}{% endif %}"
            "{{ m.content }}{% endfor %}",
            "with a system prompt, got: only users; leave out system",
        ),
    ],
)
def test_a_system_prompt_is_not_lost_either(source: str, words: str) -> None:
    with pytest.raises(MemberError, match=words):
        ChatTemplate("m", source, {}, system="Be brief.")
    assert ChatTemplate("m", source, {}, system="").render("x") == "x"


@pytest.mark.parametrize(
    ("source", "token"),
    [
        (TURNS, "<|im_end|>"),
        ("{% for m in messages %}[{{ m.content }}]{% endfor %}", None),
        ("{% for m in messages %}<|im_start|>{{ m.content }}{% endfor %}<|im_start|>", None),
        ("{{ messages[0].content }}{% if messages[1] %}{{ messages[1].content }} <eos>{% endif %}", "<eos>"),
        (
            "{% for m in messages %}{{ raise_exception('') if m.role != 'user' else m.content }}{% endfor %}",
            None,
        ),
    ],
)
def test_the_token_that_closes_a_turn(source: str, token: str | None) -> None:
    assert ChatTemplate("m", source, {}).closing_token(["<|im_start|>", "<|im_end|>", "<|im", "<eos>", " "]) == token


def test_where_templates_are_kept(tmp_path: Path) -> None:
    def write(name: str, content: Any) -> None:
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))

    assert find_template(tmp_path) is None
    write("chat_template.json", {"chat_template": "json"})
    assert find_template(tmp_path) == "json"
    write("tokenizer_config.json", {"chat_template": "config", "bos_token": {"content": "<s>"}, "eos_token": "</s>"})
    assert find_template(tmp_path) == "config"
    assert named_tokens(tmp_path) == {"bos_token": "<s>", "eos_token": "</s>"}
    named = [{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}]
    write("tokenizer_config.json", {"chat_template": named})
    assert find_template(tmp_path) == "d"
    write("tokenizer_config.json", {"chat_template": named[:1]})
    with pytest.raises(MemberError, match=r"called 'default' in .*tokenizer_config.json.*got 'rag'"):
        find_template(tmp_path)
    write("tokenizer_config.json", {"chat_template": 3})
    with pytest.raises(MemberError, match="expected a text as chat_template"):
        find_template(tmp_path)
    write("tokenizer_config.json", "{")
    with pytest.raises(MemberError, match="expected JSON in"):
        find_template(tmp_path)
    write("chat_template.jinja", "jinja")
    assert find_template(tmp_path) == "jinja"
