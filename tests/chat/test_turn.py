"""Conversations: rendered as transformers renders them, refused where a template does not take them."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from evoswarm.chat import ChatTemplate, Conversation, PromptRefused, Turn
from evoswarm.errors import RunError
from tests.chat.templates import TEMPLATES, TURNS
from tests.decoding import tiny

NAMED = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"}
SAID = (Turn("user", " 1+2 \n"), Turn("assistant", "3"), Turn("user", "{{ x }} <eos> é🙂"))
GEMMA_LIKE = """{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}
{%- for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Conversation roles must alternate') }}{% endif %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"""


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A tokenizer of transformers, whose own rendering is the judge."""
    return PreTrainedTokenizerFast(tokenizer_object=tiny.KINDS["plain bytes"](), **NAMED)


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("own", [None, "Be brief."])
def test_turns_are_rendered_as_apply_chat_template_does(name: str, own: str | None, tokenizer: Any) -> None:
    source, options, parts, takes_system = TEMPLATES[name]
    if name.startswith("macros"):
        return  # knows no turn of an assistant
    ours = ChatTemplate("m", source, NAMED, system=own if takes_system else None, options=options)
    wrap = (lambda text: [{"type": "text", "text": text}]) if parts else str
    for system in (None, "Be kind."):
        if system is not None and not takes_system:
            continue
        first = [] if system is None else [Turn("system", system)]
        said = system or (own if takes_system else None)
        shown = [*([] if said is None else [Turn("system", said)]), *SAID]
        theirs = tokenizer.apply_chat_template(
            [{"role": turn.role, "content": wrap(turn.content)} for turn in shown],
            chat_template=source,
            add_generation_prompt=True,
            tokenize=False,
            **options,
        )
        assert ours.render_turns(Conversation.of([*first, *SAID])) == theirs


@pytest.mark.parametrize(
    ("source", "turns", "words"),
    [
        (GEMMA_LIKE, (Turn("system", "x"), *SAID), "takes turns of system, user, assistant, user, got: System role"),
        (GEMMA_LIKE, (SAID[0], *SAID), "takes turns of user, user, assistant, user, got: Conversation roles must"),
        ("{{ messages[-1]['content'] }}", SAID, r"writes every user turn, got one that loses ' 1\+2 \\n'"),
        (
            "{% for m in messages %}{% if m.role != 'system' %}{{ m.content }}{% endif %}{% endfor %}",
            (Turn("system", "Be brief."), SAID[0]),
            "writes every system turn, got one that loses 'Be brief.'",
        ),
    ],
)
def test_what_a_template_does_not_take_is_refused(source: str, turns: tuple[Turn, ...], words: str) -> None:
    template = ChatTemplate("m", source, {})
    with pytest.raises(PromptRefused, match=f"^member 'm': expected a chat template that {words}"):
        template.render_turns(Conversation.of(turns))
    assert "1+2" in template.render("1+2")


def test_thoughts_may_be_left_out_of_answers() -> None:
    source = TURNS.replace("m['content'] | trim", "m['content'].split('</think>')[-1] | trim")
    said = (Turn("user", "1+2"), Turn("assistant", "<think>hm</think>3"), Turn("user", "And 2+2?"))
    shown = ChatTemplate("m", source, {}).render_turns(Conversation.of(said))
    assert "hm" not in shown
    assert "assistant\n3<|im_end|>" in shown


def test_what_is_no_conversation_is_refused() -> None:
    with pytest.raises(RunError, match="role: expected one of system, user, assistant, got 'tool'"):
        Turn("tool", "x")
    with pytest.raises(RunError, match="content: expected a text, got 3"):
        Turn("user", 3)  # type: ignore[arg-type]
    with pytest.raises(RunError, match="at least one turn, got an empty one"):
        Conversation.of([])
    with pytest.raises(RunError, match="ends with a user's turn, got one that ends with assistant"):
        Conversation.of(SAID[:2])
