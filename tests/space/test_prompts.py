"""What a space says to chat templates, and what `check_files` says of prompts and ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evoswarm.errors import MemberError, SpaceError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.space import SearchSpace, check_files
from tests.chat.templates import TURNS
from tests.space.test_files import write_model

SPACE = """\
name: told
pool:
  - {{name: chat, path: ./chat, chat_template: true{member}}}
  - {{name: plain, path: ./plain}}
tasks:
  - {{name: sums, source: reasoning_gym, family: chain_sum{task}}}
splits: {{search: 4, selection: 4, test: 4}}
"""
CHATML = {token: number for number, token in enumerate(("<|im_start|>", "<|im_end|>"), start=3)}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a chat model, whose tokenizer knows ChatML, and a plain one."""
    monkeypatch.chdir(tmp_path)
    for name in ("chat", "plain"):
        write_model(tmp_path / name)
    template(tmp_path, TURNS)
    added = [{"id": token, "content": text, "special": True} for text, token in CHATML.items()]
    edit(tmp_path / "chat" / "tokenizer.json", added_tokens=added)
    return tmp_path


def template(home: Path, source: str) -> None:
    edit(home / "chat" / "tokenizer_config.json", chat_template=source)


def edit(file: Path, **changes: Any) -> None:
    content = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def space(text: str = "", member: str = "", task: str = "") -> SearchSpace:
    return SearchSpace.from_text(SPACE.format(member=member, task=task) + text)


def test_a_space_speaks_to_all_templates_and_a_member_for_itself() -> None:
    said = "system: Be brief.\ntemplate_options: {enable_thinking: false, level: [1]}\ntemplate_date: '2024-07-26'\n"
    chat, plain = space(said).pool
    assert (chat.system, chat.template_date) == ("Be brief.", "2024-07-26")
    assert chat.template_options == {"enable_thinking": False, "level": [1]}
    assert plain == space().pool[1], "nobody tells it anything: it has no template"
    own = ", system: '', template_options: {level: 2, more: null}, template_date: '2025-01-31'"
    chat = space(said, member=own).pool[0]
    assert (chat.system, chat.template_date) == ("", "2025-01-31")
    assert chat.template_options == {"enable_thinking": False, "level": 2, "more": None}
    assert chat.told == {"template_options": chat.template_options, "template_date": "2025-01-31"}


def test_what_is_told_is_part_of_space_and_recipe_and_comes_back_from_files() -> None:
    said = "system: Be brief.\ntemplate_options: {enable_thinking: false, level: [1]}\ntemplate_date: '2024-07-26'\n"
    told = space(said, member=", end_tokens: ['<|im_end|>']")
    assert SearchSpace.from_text(told.to_yaml()) == told
    texts = ("", said, said.replace("26", "27"), said.replace("brief", "long"), said.replace("false", "true"))
    assert len({space(text).continuation_digest for text in texts}) == 5
    recipe = Recipe(members=(RecipeMember(spec=told.pool[0]),), lead="chat")
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert recipe.members[0].spec.told == told.pool[0].told


def test_a_loaded_member_is_told_the_same_or_not() -> None:
    asked = space("system: Be brief.\n").pool[0]
    loaded = asked.model_copy(update={"fingerprint": "f", "template_date": "2026-01-01"})
    assert asked.says_as(loaded)
    assert not asked.says_as(loaded.model_copy(update={"system": None}))
    assert not asked.model_copy(update={"template_date": "2026-01-02"}).says_as(loaded)
    assert not asked.model_copy(update={"end_tokens": ("x",)}).says_as(loaded)


def test_where_nothing_is_said_nothing_is_written() -> None:
    """Spaces, recipes and run directories from before keep their digests."""
    for key in ("system", "template_options", "template_date", "end_tokens"):
        assert key not in space().to_yaml()
        assert key not in MemberSpec(name="m", path="x", chat_template=True).model_dump()
    recipe = Recipe(members=(RecipeMember(spec=MemberSpec(name="m", path="x", chat_template=True)),), lead="m")
    assert list(json.loads(recipe.to_json())["members"][0]["spec"]) == [
        *("name", "path", "revision", "dtype", "device", "chat_template", "trust_remote_code", "fingerprint")
    ]


@pytest.mark.parametrize(
    ("text", "member", "words"),
    [
        ("template_date: '2024-02-30'\n", "", "template_date: expected a date such as 2026-01-31, got '2024-02-30'"),
        ("template_date: soon\n", "", "expected a date such as 2026-01-31, got 'soon'"),
        ("system: ''\n", "", "system: expected at least 1 character, got ''"),
        ("template_options: {messages: []}\n", "", "expected other names than 'messages'"),
        ("template_options: {x: .inf}\n", "", "template_options.* expected"),
        ("", ", template_options: [1]", "pool.0.template_options: expected"),
        ("", ", chat_template: false, system: Hi", "duplicate|twice"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, member: str, words: str) -> None:
    with pytest.raises(SpaceError, match=words):
        space(text, member=member)


def test_words_for_a_template_need_one() -> None:
    plain = "name: p\npool: [{name: a, path: ./a%s}]\ntasks: [{name: t, source: reasoning_gym, family: chain_sum}]\n"
    with pytest.raises(SpaceError, match=r"system: expected chat_template: true beside it .*, got false"):
        SearchSpace.from_text(plain % ", system: Hi")
    with pytest.raises(SpaceError, match=r"system: expected a member with chat_template: true .*, got none"):
        SearchSpace.from_text(plain % "" + "system: Hi\n")


def test_a_good_space_has_no_notes(home: Path) -> None:
    assert check_files(space()) == ()


@pytest.mark.parametrize(
    ("source", "text", "notes"),
    [
        (
            TURNS + "{{ strftime_now('%Y') }}",
            "",
            ["pool.0: its chat template writes a date and is told 2026-01-01; set template_date for another"],
        ),
        (TURNS + "{{ strftime_now('%Y') }}", "template_date: '2024-07-26'\n", []),
        (
            TURNS,
            "template_options: {enable_thinkin: false}\n",
            ["pool.0: its chat template does not know the option 'enable_thinkin'"],
        ),
        (
            TURNS,
            "system: Be brief.\n",
            ["pool.1: chat_template is off, so the system prompt does not reach 'plain'"],
        ),
        (
            TURNS,
            "prompt_format: '<|im_start|>user {prompt}'\n",
            [
                "pool.0: prompt_format writes '<|im_start|>', a special token of 'chat': there it is read as text "
                "(special tokens come from a chat template: chat_template: true)"
            ],
        ),
    ],
)
def test_what_looks_like_a_mistake_is_noted(home: Path, source: str, text: str, notes: list[str]) -> None:
    template(home, source)
    assert list(check_files(space(text))) == notes


@pytest.mark.parametrize(
    ("source", "text", "words"),
    [
        ("{{ messages }", "", "space.*: pool.0.chat_template: member 'chat': .* can be rendered, got: "),
        ("<u></u>", "", "pool.0.chat_template: member 'chat': .* got one that loses it"),
        ("{{ messages[-1].content }}", "system: Hi\n", "writes the system prompt .* got one that loses it"),
        ([{"name": "rag", "template": "x"}], "", "pool.0.chat_template: member 'chat': .* called 'default'"),
    ],
)
def test_a_template_that_makes_no_prompt_is_refused(home: Path, source: Any, text: str, words: str) -> None:
    template(home, source)
    with pytest.raises(MemberError, match=words):
        check_files(space(text))


def test_a_stop_string_is_no_special_token_unless_it_ends_answers(home: Path) -> None:
    with pytest.raises(
        SpaceError, match=r"tasks.0.stop: .* got '<\|im_start\|>', a special token of 'chat' .*end_tokens"
    ):
        check_files(space(task=", stop: ['<|im_start|>']"))
    assert check_files(space(task=", stop: ['<|im_end|>']")) == (), "the template closes turns by it"
    assert check_files(space(member=", end_tokens: ['<|im_start|>']", task=", stop: ['<|im_start|>']")) == ()


def test_ends_may_come_from_the_template_or_from_the_user_alone(home: Path) -> None:
    for name in ("chat", "plain"):
        edit(home / name / "config.json", eos_token_id=None)
        edit(home / name / "tokenizer_config.json", eos_token=None)
    with pytest.raises(MemberError, match=r"pool.1.path: expected an end token"):
        check_files(space())
    edit(home / "plain" / "config.json", eos_token_id=0)
    assert check_files(space()) == ()
    template(home, "{{ messages[0].content }}")
    with pytest.raises(MemberError, match=r"pool.0.path: expected an end token"):
        check_files(space())
    assert check_files(space(member=", end_tokens: ['<|im_end|>']")) == ()
