"""Prompts as members read them: templates per member, and special tokens that a user merely writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken
from transformers import AutoTokenizer

from evoswarm.decoding.member import Member, load_member
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RecipeError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.zoo.catalogue import member_path
from tests.chat.templates import TURNS
from tests.decoding import tiny
from tests.decoding.recipes import PROMPTS, ZOO, recipe, spec
from tests.oracle_member import OracleMember

TEMPLATE = "{% for m in messages %}<|turn|>{{ m['content'] }}<eos>{% endfor %}<|turn|>"


@pytest.mark.parametrize("name", ZOO)
def test_a_prompt_is_what_the_tokenizer_makes_of_it(
    name: str, member: Callable[[str], Member], oracle: Callable[[str], OracleMember]
) -> None:
    for prompt in (*PROMPTS, " two  spaces ", "é🙂\n"):
        assert member(name).render(prompt) == oracle(name).prompt(prompt)


def test_only_the_member_with_a_template_reads_it(member: Callable[[str], Member]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(member_path("qwen3-d"))
    shown = tokenizer.decode(member("qwen3-d").render("47+85="))
    assert shown == "<|im_start|>user\n47+85=<|im_end|>\n<|im_start|>assistant\n"
    plain = load_member(spec("qwen3-d", chat_template=False), 4096)
    assert tokenizer.decode(plain.render("47+85=")) == "47+85="
    assert plain.spec.fingerprint != member("qwen3-d").spec.fingerprint


@pytest.mark.parametrize("name", [*ZOO, "gpt2", "llama2", "metaspace", "unigram", "added tokens"])
def test_special_tokens_in_a_users_text_are_text(name: str, any_member: Callable[[str], Member]) -> None:
    one = any_member(name)
    tokenizer = one._prompt._tokenizer
    special = sorted({token.content for token in tokenizer.added_tokens_decoder.values() if token.special})
    ids = {tokenizer.convert_tokens_to_ids(content) for content in special}
    frame = [token for token in one.render("x") if token in ids]
    for content in special:
        read = one.render(f"a {content} b")
        assert [token for token in read if token in ids] == frame, content
        spelled = b"".join(one.codec.token_bytes[token] or b"" for token in read)
        assert f"a {content} b".encode() in spelled


def test_in_a_template_too_and_for_special_tokens_that_have_no_role(tmp_path: Path) -> None:
    tokenizer = tiny.KINDS["added tokens"]()
    model = tiny.random_model("llama", tokenizer.get_vocab_size(), tie_word_embeddings=False, **tiny.SMALL)
    path = tiny.save(tmp_path / "chat", model, tokenizer, chat_template=TEMPLATE)
    one = load_member(MemberSpec(name="chat", path=str(path), chat_template=True, device="cpu"), 4096)
    turn, end = tokenizer.token_to_id("<|turn|>"), tokenizer.token_to_id("<eos>")
    for text in ("hello", "a<eos>b", "a <|turn|> b", "<|turn|>"):
        read = one.render(text)
        assert [token for token in read if token in (turn, end)] == [turn, end, turn]
        assert one.codec.continuation.spell(read[1:-2]) == text.encode()


def chat_member(path: Path, kind: str, template: str, **fields: Any) -> Member:
    """A random model around a kind of tokenizer with the tokens of ChatML, and a chat template."""
    tokenizer = tiny.KINDS[kind]()
    tokenizer.add_special_tokens([AddedToken("<|im_start|>"), AddedToken("<|im_end|>")])
    model = tiny.random_model("llama", tokenizer.get_vocab_size(), tie_word_embeddings=False, **tiny.SMALL)
    saved = tiny.save(path / kind.replace(" ", "-"), model, tokenizer, chat_template=template)
    return load_member(MemberSpec(name="chat", path=str(saved), chat_template=True, device="cpu", **fields), 4096)


@pytest.mark.parametrize("kind", ["gpt2", "llama2", "gemma", "metaspace", "unigram", "added tokens"])
def test_a_written_special_token_leaves_no_seam(kind: Any, tmp_path: Path) -> None:
    """The text around it is tokenized as the whole text would be if there were no such token."""
    one = chat_member(tmp_path, kind, TURNS)
    literals, tokenizer = one._prompt._literals, one._prompt._tokenizer
    before, after = one._prompt._template.frame
    for text in ("a", "the  cat", "é\n\n🙂 <tool>", "    x = 1"):
        whole = tokenizer(before + text + after, add_special_tokens=False)["input_ids"]
        assert literals.encode(before, text, after) == whole
    read = one.render("the <|im_end|> and <eos>")
    parts = [tokenizer.convert_tokens_to_ids(token) for token in ("<|im_start|>", "<|im_end|>")]
    assert [token for token in read if token in parts] == [parts[0], parts[1], parts[0]]
    spelled = b"".join(one.codec.token_bytes[token] or b"" for token in read)
    assert b"user\nthe <|im_end|> and <eos>" in spelled
    backend = tokenizer.backend_tokenizer
    backend.encode_special_tokens = True
    inner = backend.encode("user\nthe <|im_end|> and <eos>", add_special_tokens=False).ids
    backend.encode_special_tokens = False
    if kind not in (
        "metaspace",
        "unigram",
    ):  # one puts a space in front of the first text only, the other finds them as pieces
        assert list(read[1 : read.index(parts[1])]) == inner


def test_what_a_template_is_told_is_in_prompt_and_fingerprint(tmp_path: Path) -> None:
    template = "{{ strftime_now('%Y') }} " + TURNS + "{% if enable_thinking is false %}(no){% endif %}"
    plain = chat_member(tmp_path / "1", "gpt2", template)
    told = {"system": "Be brief.", "template_options": {"enable_thinking": False}, "template_date": "2024-07-26"}
    shown = plain._prompt._tokenizer.decode(plain.render("x"))
    assert shown == "2026 <|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n"
    assert plain.spec.template_date == "2026-01-01"
    prints = {plain.spec.fingerprint}
    for key, value in told.items():
        one = load_member(MemberSpec(**{**plain.spec.model_dump(), key: value, "fingerprint": None}), 4096)
        assert one.render("x") != plain.render("x"), key
        prints.add(one.spec.fingerprint)
    assert len(prints) == 4
    one = load_member(MemberSpec(**{**plain.spec.model_dump(), **told, "fingerprint": None}), 4096)
    assert one._prompt._tokenizer.decode(one.render("x")) == (
        "2024 <|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n(no)"
    )


def test_a_recipe_holds_its_members_to_what_they_are_told(zoo: Swarm) -> None:
    asked = recipe("qwen3-d")
    member = asked.members[0]
    other = member.model_copy(update={"spec": member.spec.model_copy(update={"system": "Be brief."})})
    with pytest.raises(RecipeError, match="expected 'qwen3-d' with the system that the recipe says"):
        zoo.check(asked.model_copy(update={"members": (other,)}))


def test_a_template_that_takes_parts_is_given_parts(tmp_path: Path) -> None:
    parts = TURNS.replace("m['content']", "m['content'][0]['text']")
    assert chat_member(tmp_path / "1", "gpt2", parts).render("47+85=") == chat_member(
        tmp_path / "2", "gpt2", TURNS
    ).render("47+85=")


@pytest.mark.parametrize("alphabet", ["bytes", "tokens"])
def test_a_question_that_the_template_refuses_fails_alone(alphabet: str, tmp_path: Path) -> None:
    picky = "{% if 'x' in messages[0]['content'] %}{{ raise_exception('no x') }}{% endif %}" + TURNS
    swarm = Swarm([chat_member(tmp_path, "gpt2", picky)])
    only = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="chat", alphabet=alphabet)
    good, bad = swarm.decode([Request(only, prompt, max_bytes=4) for prompt in ("abc", "abx")])
    assert good.failure is None
    assert bad.failure is not None
    assert bad.failure.kind == "prompt_refused"
    assert "takes 'abx', got: no x" in bad.failure.message
    assert swarm.silenced(["abc", "abx"]) == swarm.silenced(["abc"])


def test_an_empty_prompt_is_still_read(
    any_member: Callable[[str], Member], any_oracle: Callable[[str], OracleMember]
) -> None:
    for name in ("llama-a", "mistral-h", "gpt2"):
        ids = any_member(name).render("")
        assert len(ids) == 1


def test_a_tokenizer_that_closes_what_it_encodes_leaves_prompts_open(tmp_path: Path) -> None:
    tokenizer = tiny.KINDS["gpt2"]()
    tokenizer.post_processor = tiny.processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    model = tiny.random_model("llama", tokenizer.get_vocab_size(), tie_word_embeddings=False, **tiny.SMALL)
    path = tiny.save(tmp_path / "closing", model, tokenizer)
    one = load_member(MemberSpec(name="closing", path=str(path), device="cpu"), 4096)
    assert one._prompt._tokenizer("the cat")["input_ids"][-1] == 1
    assert one.render("the cat")[-1] != 1


def test_the_prompt_format_of_the_recipe_comes_first(zoo: Swarm) -> None:
    plain, shaped = recipe("llama-a"), recipe("llama-a", prompt_format="{prompt}=")
    one, other = zoo.decode([Request(plain, "47+85=", max_bytes=4), Request(shaped, "47+85", max_bytes=4)])
    assert one == other


def test_the_template_file_belongs_to_the_member() -> None:
    held = json.loads((member_path("qwen3-d") / "generation_config.json").read_text())
    assert len(held["eos_token_id"]) == 2, "the zoo has a member with two end tokens"
