"""Loading members: what cannot take part says so by name, fingerprints, and typed failures of evaluations."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from evoswarm.decoding.member import load_member
from evoswarm.decoding.member.files import fingerprint
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.zoo.catalogue import member_path
from tests.decoding import tiny
from tests.decoding.recipes import spec


def load(path: Any, **fields: Any) -> Any:
    return load_member(MemberSpec(name="guest", path=str(path), **{"device": "cpu", **fields}), 4096)


@pytest.fixture
def copy(tmp_path: Path) -> Any:
    """A member's directory that may be changed."""
    return lambda name, to="copy": shutil.copytree(member_path(name), tmp_path / to)


def edit(file: Any, **fields: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        MemberError, match=r"member 'guest': expected a directory with a model or a hub id, got .*/none"
    ):
        load(tmp_path / "none")


def test_a_zoo_member_that_is_not_there() -> None:
    with pytest.raises(
        MemberError, match=r"member 'guest': expected one of gemma3-f, .* as a built-in member, got 'lama'"
    ):
        load("zoo:lama")


def test_a_directory_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(
        MemberError, match=r"member 'guest': expected a causal language model, so config\.json in .*got none"
    ):
        load(tmp_path)


@pytest.mark.parametrize("missing", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_directory_with_a_file_missing(copy: Any, missing: Any) -> None:
    path = copy("llama-a")
    (path / missing).unlink()
    with pytest.raises(MemberError, match="member 'guest'"):
        load(path)


def test_weights_that_are_cut_off(copy: Any) -> None:
    path = copy("llama-a")
    held = (path / "model.safetensors").read_bytes()
    (path / "model.safetensors").write_bytes(held[: len(held) // 2])
    with pytest.raises(MemberError, match=r"member 'guest': .*its header says so.* it is cut off"):
        load(path)


def test_weights_that_are_not_all_there(copy: Any) -> None:
    """Transformers would draw what is missing by chance, and say so in a warning."""
    path = copy("llama-a")
    weights = load_file(path / "model.safetensors")
    weights.pop("model.layers.1.mlp.up_proj.weight")
    save_file(weights, path / "model.safetensors", {"format": "pt"})
    with pytest.raises(MemberError, match=r"member 'guest': .*model\.layers\.1\.mlp\.up_proj\.weight"):
        load(path)


def test_no_end_token(tmp_path: Path) -> None:
    tokenizer = tiny.KINDS["gpt2"]()
    model = tiny.random_model(
        "llama", tokenizer.get_vocab_size(), tie_word_embeddings=False, **{**tiny.SMALL, "eos_token_id": None}
    )
    path = tiny.save(tmp_path / "endless", model, tokenizer, eos_token=None)
    with pytest.raises(MemberError, match=r"member 'guest': expected a tokenizer with an end token .*eos_token_id"):
        load(path)


def test_no_chat_template() -> None:
    with pytest.raises(MemberError, match=r"member 'guest': expected a tokenizer with a chat template .*got none"):
        load("zoo:llama-a", chat_template=True)


def test_a_tokenizer_whose_tokens_do_not_say_their_bytes(tmp_path: Path) -> None:
    tokenizer = tiny.word_piece()
    model = tiny.random_model("llama", tokenizer.get_vocab_size(), tie_word_embeddings=False, **tiny.SMALL)
    path = tiny.save(tmp_path / "pieces", model, tokenizer, pad_token=None)
    with pytest.raises(MemberError, match=r"member 'guest': expected a byte-level or a SentencePiece-like .*WordPiece"):
        load(path)


def test_a_gpu_that_is_not_there() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(MemberError, match=r"member 'guest': expected a GPU .*cuda:3.*got none"):
        load("zoo:llama-a", device="cuda:3")


def test_end_tokens_of_all_sources_count(copy: Any) -> None:
    path = copy("qwen3-d")
    assert load(path).codec.end_ids == (1, 3)
    (path / "generation_config.json").unlink()
    assert load(path).codec.end_ids == (3,)
    edit(path / "config.json", eos_token_id=[0, 1])
    assert load(path).codec.end_ids == (0, 1, 3)


def fingerprint_of(path: Any, **fields: Any) -> Any:
    return fingerprint(path, MemberSpec(name="x", path=str(path), **fields))


def test_a_fingerprint_is_of_content_not_of_names(copy: Any) -> None:
    path = copy("llama-a")
    before = fingerprint_of(path, chat_template=False)
    assert len(before) == 64
    assert (
        fingerprint_of(copy("llama-a", "elsewhere"), chat_template=False)
        == before
        == load("zoo:llama-a").spec.fingerprint
    )
    (path / "README.md").write_text("words")
    assert fingerprint_of(path, chat_template=False) == before
    assert fingerprint_of(path, chat_template=True) != before
    assert fingerprint_of(member_path("llama-b"), chat_template=False) != before
    for file in ("tokenizer.json", "config.json", "generation_config.json", "tokenizer_config.json"):
        changed = copy("llama-a", f"other-{file}")
        (changed / file).write_bytes((changed / file).read_bytes() + b"\n")
        assert fingerprint_of(changed, chat_template=False) != before, file
    weights = load_file(path / "model.safetensors")
    weights["model.norm.weight"][0] += 1
    save_file(weights, path / "model.safetensors", {"format": "pt"})
    assert fingerprint_of(path, chat_template=False) != before
    with_template = copy("qwen3-d", "qwen")
    before = fingerprint_of(with_template, chat_template=True)
    (with_template / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    assert fingerprint_of(with_template, chat_template=True) != before


def decode_alone(path: Any, prompt: str = "47+85=", alphabet: str = "bytes", **fields: Any) -> Any:
    swarm = Swarm([load(path)])
    alone = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="guest", alphabet=alphabet)
    return swarm.decode([Request(alone, prompt, **fields)])[0]


def failed(done: Any) -> Any:
    assert done.samples == ()
    return done.failure.kind, done.failure.message


@pytest.mark.parametrize("alphabet", ["bytes", "tokens"])
def test_a_prompt_longer_than_the_member_can_read(copy: Any, alphabet: str) -> None:
    path = copy("llama-a")
    edit(path / "config.json", max_position_embeddings=12)
    assert decode_alone(path, "a", alphabet, max_bytes=2).failure is None
    kind, message = failed(decode_alone(path, "47+85=" * 9, alphabet))
    assert kind == "prompt_too_long"
    assert "12 tokens" in message


@pytest.mark.parametrize("alphabet", ["bytes", "tokens"])
def test_an_answer_that_grows_beyond_what_the_member_can_read(tmp_path: Path, alphabet: str) -> None:
    tokenizer = tiny.KINDS["plain bytes"]()
    config = {**tiny.SMALL, "max_position_embeddings": 12}
    model = tiny.random_model("llama", tokenizer.get_vocab_size(), tie_word_embeddings=False, **config)
    path = tiny.save(tmp_path / "short", model, tokenizer)
    assert decode_alone(path, "12345", alphabet, max_symbols=8).failure is None
    assert failed(decode_alone(path, "12345", alphabet, max_symbols=9))[0] == "prompt_too_long"


@pytest.mark.parametrize("alphabet", ["bytes", "tokens"])
def test_logits_that_are_not_finite(copy: Any, alphabet: str) -> None:
    path = copy("llama-a")
    weights = {name: tensor.float() for name, tensor in load_file(path / "model.safetensors").items()}
    weights["model.norm.weight"][:] = 3e38
    save_file(weights, path / "model.safetensors", {"format": "pt"})
    assert failed(decode_alone(path, alphabet=alphabet))[0] == "non_finite"


@pytest.fixture
def mute(tmp_path: Path) -> Any:
    """A member whose tokenizer cannot spell an x: behind one it has nothing to say."""
    pieces = [*tiny.SPECIALS, "▁", "a", "b"]
    model = tiny.models.BPE(vocab={piece: n for n, piece in enumerate(pieces)}, merges=[], unk_token="<unk>")
    tokenizer = tiny.Tokenizer(model)
    tokenizer.add_special_tokens(tiny.SPECIALS)
    tokenizer.pre_tokenizer = tiny.pre_tokenizers.Metaspace(prepend_scheme="never")
    tokenizer.decoder = tiny.decoders.Metaspace(prepend_scheme="never")
    made = tiny.random_model("llama", len(pieces), tie_word_embeddings=False, **tiny.SMALL)
    return tiny.save(tmp_path / "mute", made, tokenizer, unk_token="<unk>")


def test_a_member_that_cannot_spell_the_text_abstains_and_a_lead_opens_the_gates(mute: Any) -> None:
    swarm = Swarm([load_member(spec("llama-a"), 4096), load(mute)])
    talker, silent = (RecipeMember(spec=one) for one in swarm.specs)
    strict = RecipeMember(spec=swarm.specs[0], threshold=99.0)
    alone = Recipe(members=(talker,), lead="llama-a")
    led_by_mute = Recipe(members=(strict, silent.model_copy(update={"weight": 1e-6})), lead="guest")
    followed = Recipe(members=(talker, silent.model_copy(update={"weight": 1e-6})), lead="llama-a")
    asked = [Request(one, "rev tiger=", max_bytes=6, trace=True) for one in (alone, led_by_mute, followed)]
    want, led, mixed = swarm.decode(asked)
    assert want.failure is None
    assert mixed.samples == want.samples, "an abstaining follower leaves the others alone"
    beyond = [step for at, step in enumerate(led.trace) if set(spoken(led.trace[:at])) - set(b" ab")]
    for step in beyond:
        assert step.speakers == ("llama-a", "guest")
        assert step.said[0]
        assert step.said[1] == (), "it has nothing to say"
        assert math.isnan(step.moved), "so nothing could be moved from it"
    before = [step for step in led.trace if step not in beyond]
    assert all(step.speakers == ("guest",) for step in before)


def test_who_is_drawn_and_has_nothing_to_say_makes_room_for_another(mute: Any) -> None:
    swarm = Swarm([load_member(spec("llama-a"), 4096), load(mute)])
    talker, silent = (RecipeMember(spec=one, weight=w) for one, w in zip(swarm.specs, (1.0, 9.0), strict=True))
    drawn = Recipe(members=(talker, silent), lead="llama-a", samples=1, sampled=True)
    assert drawn.draws_speaker
    asked = [Request(drawn, prompt, prompt, max_bytes=6, trace=True) for prompt in ("rev tiger=", "47+85=", "xyz")]
    spoke = set()
    for done in swarm.decode(asked):
        assert done.failure is None
        for at, step in enumerate(done.trace):
            spelled = not set(spoken(done.trace[:at])) - set(b" ab")
            assert step.speakers in [("llama-a",), ("guest",) if spelled else ("llama-a", "guest")]
            spoke.add(step.speakers)
    assert ("llama-a", "guest") in spoke


def spoken(trace: Any) -> Any:
    return bytes(step.symbol for step in trace)


def test_nobody_who_has_anything_to_say(tmp_path: Path) -> None:
    """A tokenizer that can begin a character and not finish it: behind its first byte nothing is allowed."""
    model = tiny.models.BPE(vocab={"<pad>": 0, "<eos>": 1, "a": 2, "Ã": 3}, merges=[])
    tokenizer = tiny.Tokenizer(model)
    tokenizer.add_special_tokens(tiny.SPECIALS[:2])
    tokenizer.pre_tokenizer = tiny.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = tiny.decoders.ByteLevel()
    made = tiny.random_model("llama", 4, tie_word_embeddings=False, **tiny.SMALL)
    swarm = Swarm([load(tiny.save(tmp_path / "broken", made, tokenizer))])
    loud = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="guest", samples=16, sampling_temperature=9.0)
    kind, message = failed(swarm.decode([Request(loud, "aa")])[0])
    assert kind == "no_mass"
    assert "no speaker" in message


def test_a_hub_that_cannot_be_reached_is_said_in_one_sentence() -> None:
    code = (
        "from evoswarm.decoding.member import locate; from evoswarm.policies.mix import MemberSpec;"
        "locate(MemberSpec(name='far', path='nobody/nothing-of-this-name'))"
    )
    nowhere = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=nowhere, capture_output=True, text=True, timeout=100)
    last = done.stderr.strip().splitlines()[-1]
    assert "MemberError" in last
    assert "member 'far': hub id 'nobody/nothing-of-this-name' is neither a directory here nor in the cache" in last
    assert "cannot be reached" in last


def test_an_apple_gpu_that_is_not_there() -> None:
    if torch.backends.mps.is_available():
        pytest.skip("there is an Apple GPU")
    with pytest.raises(MemberError, match=r"member 'guest': expected an Apple GPU \(device is mps\), got none"):
        load("zoo:llama-a", device="mps")
