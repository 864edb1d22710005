"""Kinds of checkpoints: what is read as it comes, what is merged or converted, and what is refused with a remedy."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

from evoswarm.decoding.member import fingerprint, load_member
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import MemberError, Where
from evoswarm.member_spec import MemberSpec
from evoswarm.model_files import ModelFiles
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.space import SearchSpace, check_files
from tests.decoding import tiny

SMALLEST = {**tiny.SMALL, "hidden_size": 16, "intermediate_size": 16, "head_dim": 8, "num_hidden_layers": 1}


def load(path: Any, **fields: Any) -> Any:
    return load_member(MemberSpec(name="guest", path=str(path), **{"device": "cpu", **fields}), 1024)


def check(path: Any) -> Any:
    return ModelFiles(Path(path), "guest", Where("space.yaml", "pool.0.path")).check(None)


def answer(path: Any, prompt: str = "47+85=", **fields: Any) -> Any:
    swarm = Swarm([load(path, **fields)])
    alone = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="guest", alphabet="tokens")
    return swarm.decode([Request(alone, prompt, max_bytes=99, max_symbols=6)])[0]


def edit(file: Any, **fields: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A small model of its own, as `save_pretrained` leaves it."""
    tokenizer = tiny.KINDS["plain bytes"]()
    model = tiny.random_model("llama", tokenizer.get_vocab_size(), tie_word_embeddings=False, **SMALLEST)
    return tiny.save(tmp_path_factory.mktemp("kinds") / "base", model, tokenizer)


@pytest.fixture
def copy(base: Any, tmp_path: Path) -> Any:
    return shutil.copytree(base, tmp_path / "copy")


@pytest.fixture(scope="module")
def adapter(base: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What training a LoRA leaves, the tokenizer beside it; and the model with it, as its authors would run it."""
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    path = tmp_path_factory.mktemp("adapter") / "lora"
    lora = LoraConfig(r=2, lora_alpha=8, target_modules=["q_proj", "o_proj"], init_lora_weights=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package asks transformers for what is to be called otherwise
        adapted = get_peft_model(model, lora).eval()
    adapted.save_pretrained(path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(base / name, path)
    return path, adapted


def test_an_adapter_is_merged_into_its_base(adapter: Any, base: Any, tmp_path: Path) -> None:
    path, adapted = adapter
    assert check(path) == ()
    member = load(path)
    ids = torch.tensor([[5, 9, 11, 40]])
    with torch.no_grad():
        torch.testing.assert_close(member.reader.model(ids).logits, adapted(ids).logits, atol=1e-4, rtol=0)
    assert not torch.allclose(member.reader.model(ids).logits, load(base).reader.model(ids).logits, atol=1e-2)
    other = shutil.copytree(base, tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    save_file(
        {**weights, "lm_head.weight": weights["lm_head.weight"] + 1}, other / "model.safetensors", {"format": "pt"}
    )
    moved = shutil.copytree(path, tmp_path / "moved")
    edit(moved / "adapter_config.json", base_model_name_or_path=str(other))
    spec = MemberSpec(name="guest", path=str(path))
    assert fingerprint(moved, spec) != fingerprint(path, spec), "the base is a part of what it is"


def test_an_adapter_that_leaves_its_words_to_a_base_on_the_hub(adapter: Any, tmp_path: Path) -> None:
    path = shutil.copytree(adapter[0], tmp_path / "plain")
    edit(path / "adapter_config.json", base_model_name_or_path="owner/base")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (path / name).unlink()
    pool = f"pool: [{{name: guest, path: {path}, chat_template: true}}]\nsystem: Be brief.\n"
    tasks = (
        "tasks: [{name: sums, source: reasoning_gym, family: chain_sum}]\nsplits: {search: 2, selection: 2, test: 2}"
    )
    (note,) = check_files(SearchSpace.from_text(f"name: hub\n{pool}{tasks}"))
    assert note.endswith("on the hub and not checked; nor are its tokenizer and chat template")


def test_an_adapter_with_words_of_its_own_beside_a_base_without(adapter: Any, copy: Any, tmp_path: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (copy / name).unlink()
    path = shutil.copytree(adapter[0], tmp_path / "own")
    edit(path / "adapter_config.json", base_model_name_or_path=str(copy))
    assert check(path) == ()
    assert load(path).codec.token_bytes


def test_an_adapter_without_the_package_that_merges_it(adapter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    words = r"expected a whole model in .*lora', got an adapter \(LORA\) of .*evoswarm\[adapters\].*merge_and_unload"
    with pytest.raises(MemberError, match=words):
        check(adapter[0])
    with pytest.raises(MemberError, match="member 'guest': " + words):
        load(adapter[0])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: edit(path / "adapter_config.json", base_model_name_or_path=None), "base_model_name_or_path"),
        (lambda path: edit(path / "adapter_config.json", base_model_name_or_path=str(path)), "config.json"),
        (lambda path: (path / "adapter_model.safetensors").unlink(), r"the adapter's weights \(adapter_model"),
    ],
)
def test_an_adapter_that_is_not_whole(adapter: Any, tmp_path: Path, spoil: Any, words: str) -> None:
    path = shutil.copytree(adapter[0], tmp_path / "broken")
    spoil(path)
    for look in (check, load):
        with pytest.raises(MemberError, match=words):
            look(path)


@pytest.mark.parametrize("change", ["more", "less", "other"])
def test_an_adapter_of_another_base(adapter: Any, tmp_path: Path, change: Any) -> None:
    path = shutil.copytree(adapter[0], tmp_path / "foreign")
    weights = load_file(path / "adapter_model.safetensors")
    first = min(weights)
    if change == "more":
        weights[first.replace("layers.0", "layers.7")] = weights[first].clone()
    elif change == "less":
        del weights[first]
    else:
        weights[first] = torch.zeros(2, 99)
    save_file(weights, path / "adapter_model.safetensors", {"format": "pt"})
    with pytest.raises(MemberError, match=r"member 'guest': .*foreign"):
        load(path)


def test_an_adapter_that_lies_beside_merged_weights_is_left_alone(adapter: Any, copy: Any, base: Any) -> None:
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copy(adapter[0] / name, copy)
    assert check(copy) == ()
    assert answer(copy).samples == answer(base).samples != answer(adapter[0]).samples


def test_weights_in_pieces_and_pickled_and_twice(base: Any, tmp_path: Path) -> None:
    want = answer(base).samples
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    pieces = shutil.copytree(base, tmp_path / "pieces")
    (pieces / "model.safetensors").unlink()
    model.save_pretrained(pieces, max_shard_size="20KB")
    assert len(list(pieces.glob("model-*.safetensors"))) > 1
    pickled = shutil.copytree(base, tmp_path / "pickled")
    torch.save(model.state_dict(), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    twice = shutil.copytree(base, tmp_path / "twice")
    save_file({"x": torch.ones(9)}, twice / "consolidated.safetensors")
    for path in (pieces, pickled, twice):
        assert check(path) == ()
        assert answer(path).samples == want
    last = max(pieces.glob("model-*.safetensors"))
    last.unlink()
    for look in (check, load):
        with pytest.raises(MemberError, match=f"expected {last.name} in .*index.json names it.*got none"):
            look(pieces)


def test_other_kinds_of_models(tmp_path: Path) -> None:
    small = {"vocab_size": 259, "eos_token_id": 1, "pad_token_id": 0}
    t5 = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "decoder_start_token_id": 0}
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    made = {
        "encoder with a decoder": AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model("t5", **small, **t5)),
        "encoder or a classifier": AutoModelForMaskedLM.from_config(AutoConfig.for_model("roberta", **small, **sizes)),
    }
    for what, model in made.items():
        path = tiny.save(tmp_path / what.replace(" ", "-"), model, tiny.KINDS["plain bytes"]())
        for look in (check, load):
            with pytest.raises(MemberError, match=f"expected a causal language model in .*got an {what}"):
                look(path)


def test_an_encoder_that_calls_itself_a_writer(tmp_path: Path) -> None:
    """Its last layer says a next token, but it has read what follows."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = AutoConfig.for_model("bert", vocab_size=258, eos_token_id=1, is_decoder=False, **sizes)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for one in model.parameters():
            one.mul_(3.0)
    path = tiny.save(tmp_path / "bert", model, tiny.KINDS["plain bytes"]())
    with pytest.raises(MemberError, match=r"member 'guest': expected a causal language model.*what follows"):
        load(path)


@pytest.mark.parametrize(
    ("method", "name"),
    [("gptq", "GPTQ"), ("awq", "AWQ"), ("bitsandbytes", "bitsandbytes"), ("fp8", "FP8"), ("unheard-of", "unheard-of")],
)
def test_quantised_weights_are_named_as_what_they_are(copy: Any, method: Any, name: str) -> None:
    edit(copy / "config.json", quantization_config={"quant_method": method})
    for look in (check, load):
        with pytest.raises(MemberError, match=f"weights quantised by {name}: take the model as it was before"):
            look(copy)


def test_gguf(copy: Any) -> None:
    (copy / "model.safetensors").rename(copy / "model-q4.gguf")
    for look in (check, load):
        with pytest.raises(MemberError, match=r"got model-q4.gguf \(GGUF, for llama.cpp\): .*gguf_file"):
            look(copy)
    with pytest.raises(MemberError, match=r"got a file \(GGUF"):
        check(copy / "model-q4.gguf")


def test_code_of_its_own_runs_only_where_it_is_trusted(copy: Any) -> None:
    auto_map = {"AutoConfig": "configuration_x.XConfig", "AutoModelForCausalLM": "modeling_x.X"}
    edit(copy / "config.json", auto_map=auto_map, model_type="xmodel")
    with pytest.raises(MemberError, match=r"code of the checkpoint's own \(auto_map\).*only where you trust it"):
        load(copy)


def test_a_family_that_the_library_does_not_know(copy: Any) -> None:
    edit(copy / "config.json", model_type="llama9")
    with pytest.raises(MemberError, match=r"model_type that transformers \S+ knows in .*got 'llama9'"):
        load(copy)
    edit(copy / "config.json", model_type="clip")
    with pytest.raises(MemberError, match=r"expected a causal language model in .*'clip'"):
        load(copy)


def pieces_alone(path: Any, **trainer: Any) -> Any:
    """A SentencePiece model trained on a few lines, as `tokenizer.model`."""
    out = io.BytesIO()
    settings = {
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "model_type": "bpe",
        "byte_fallback": True,
        "vocab_size": 340,
        "hard_vocab_limit": False,
    }
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(tiny.LINES[:3] * 9),
        model_writer=out,
        **{**settings, "unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1, "minloglevel": 2, **trainer},
    )
    (path / "tokenizer.model").write_bytes(out.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())


@pytest.fixture
def llama_of_pieces(tmp_path: Path) -> Any:
    path = tmp_path / "pieces"
    path.mkdir()
    processor = pieces_alone(path)
    model = tiny.random_model("llama", processor.vocab_size(), **{**SMALLEST, "eos_token_id": 2})
    model.save_pretrained(path)
    roles = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True, "legacy": False}
    (path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer", **roles}))
    return path, processor


def test_a_tokenizer_of_pieces_alone_is_converted(llama_of_pieces: Any) -> None:
    path, processor = llama_of_pieces
    assert check(path) == ()
    member = load(path)
    for text in ("the quick brown fox", "result  += 12345\n", "naïve 東京 🙂", "it's   odd"):
        assert list(member.render(text)) == [1, *processor.encode(text)]
    assert answer(path, "the quick").failure is None


def test_pieces_that_are_read_otherwise_once_converted_are_said(
    llama_of_pieces: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path, _ = llama_of_pieces
    pieces_alone(path, normalization_rule_name="nmt_nfkc", remove_extra_whitespaces=True)
    with caplog.at_level(logging.WARNING, "evoswarm"):
        assert answer(path, "the quick").failure is None
    assert "tokenizer.model reads 'two  spaces' otherwise" in caplog.text
    (path / "tokenizer.model").write_text("IQ== 0\nIg== 1\n")
    with pytest.raises(MemberError, match=r"expected a SentencePiece model in .*tiktoken.*tokenizer\.json"):
        load(path)


def test_a_slow_tokenizer_is_converted(copy: Any, base: Any) -> None:
    model = json.loads((copy / "tokenizer.json").read_text())["model"]
    (copy / "vocab.json").write_text(json.dumps(model["vocab"]))
    (copy / "merges.txt").write_text("#version: 0.2\n")
    (copy / "tokenizer.json").unlink()
    edit(copy / "tokenizer_config.json", tokenizer_class="GPT2Tokenizer")
    assert check(copy) == ()
    assert load(copy).render("47+85=") == load(base).render("47+85=")


def test_truncation_and_padding_that_training_left_are_not_obeyed(copy: Any, base: Any) -> None:
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    tokenizer["truncation"] = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    tokenizer["padding"] = {
        "strategy": {"Fixed": 8}, "direction": "Left", "pad_to_multiple_of": None,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "<pad>",
    }  # fmt: skip
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    member, as_it_was = load(copy), load(base)
    for text in ("a prompt of more than eight tokens", "1+2="):
        assert member.render(text) == as_it_was.render(text)
        assert len(member.render(text)) == len(text)


def add_token(path: Any, content: Any, number: Any, special: bool = False) -> None:
    tokenizer = json.loads((path / "tokenizer.json").read_text())
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    tokenizer["added_tokens"].append({"id": number, "content": content, "special": special, **flags})
    (path / "tokenizer.json").write_text(json.dumps(tokenizer))


@pytest.mark.parametrize("alphabet", ["bytes", "tokens"])
def test_a_token_that_the_model_has_no_embedding_for_fails_the_prompts_that_hold_it(copy: Any, alphabet: str) -> None:
    add_token(copy, "TOOL", 258)
    assert "prompts that hold 'TOOL' cannot be read" in check(copy)[0]
    swarm = Swarm([load(copy)])
    alone = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="guest", alphabet=alphabet)
    asked = [Request(alone, prompt, max_bytes=3) for prompt in ("use TOOL now", "use it now", "use TOOL now")]
    broken, fine, again = swarm.decode(asked)
    assert fine.failure is None
    assert broken.failure == again.failure
    assert broken.failure.kind == "unknown_token"
    assert "'guest'" in broken.failure.message
    assert "'TOOL' (token 258)" in broken.failure.message


def test_a_template_that_writes_a_token_without_an_embedding(copy: Any) -> None:
    add_token(copy, "<|turn|>", 258, special=True)
    assert check(copy) == (), "nobody can write it"
    assert answer(copy, "a <|turn|> b").failure is None
    (copy / "chat_template.jinja").write_text("{% for m in messages %}<|turn|>{{ m['content'] }}{% endfor %}=")
    assert "prompts that hold '<|turn|>' cannot be read" in check(copy)[0]
    with pytest.raises(
        MemberError, match=r"member 'guest': expected tokens that it knows .*'<\|turn\|>' \(token 258\)"
    ):
        load(copy, chat_template=True)


def test_the_tokenizer_of_another_model(copy: Any) -> None:
    tokenizer = tiny.KINDS["gpt2"]()
    tokenizer.save(str(copy / "tokenizer.json"))
    for look in (check, load):
        with pytest.raises(MemberError, match=r"expected tokens below 258 .*the tokenizer of another model"):
            look(copy)


def test_a_fingerprint_that_a_space_names_is_held(base: Any) -> None:
    spec = MemberSpec(name="guest", path=str(base), device="cpu")
    own = Swarm.load([spec]).specs[0].fingerprint
    assert Swarm.load([spec.model_copy(update={"fingerprint": own})]).specs[0].fingerprint == own
    with pytest.raises(MemberError, match=f"member 'guest': expected the model of the fingerprint 0000.*got {own}"):
        Swarm.load([spec.model_copy(update={"fingerprint": "0" * 64})])


def test_weights_that_are_of_no_use_are_said(copy: Any, caplog: pytest.LogCaptureFixture) -> None:
    weights = load_file(copy / "model.safetensors")
    save_file({**weights, "value_head.weight": torch.ones(3)}, copy / "model.safetensors", {"format": "pt"})
    with caplog.at_level(logging.WARNING, "evoswarm"):
        load(copy)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("evoswarm")] == [
        "member guest: 1 of its weights are used by nothing: value_head.weight"
    ]


def test_weights_of_another_shape_are_named(copy: Any) -> None:
    edit(copy / "config.json", intermediate_size=8)
    with pytest.raises(
        MemberError, match=r"expected model\.layers\.0\.mlp\.down_proj\.weight of shape \[16, 8\].*16, 16"
    ):
        load(copy)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(copy: Any, bad: Any) -> None:
    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"][2] = bad
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(MemberError, match=r"expected finite weights in .*got nan or infinity in model\.norm\.weight"):
        load(copy)


def test_weights_that_are_too_large_for_half_precision(copy: Any) -> None:
    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"][2] = 1e6
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    assert load(copy).reader.dtype == "float32"
    with pytest.raises(MemberError, match=r"infinity in model\.norm\.weight; float16 ends at 65,504: try bfloat16"):
        load(copy, dtype="float16")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"num_hidden_layers": 10**6}, r"at most 10,000 layers as num_hidden_layers in .*config.json', got 1000000"),
        ({"num_hidden_layers": 200}, r"at most \d+ layers \(its weights have as many tensors\)"),
        ({"attention_types": [[["global"], 10**9]]}, r"at most 10,000 layers as attention_types in .*got 1000000000"),
        ({"intermediate_size": 10**9}, r"a model of at most [\d,]+ parameters"),
        ({"num_hidden_layers": 9}, r"expected all weights in .*got none for model\.layers\.1\."),
        ({"head_dim": 2**62}, "config.json"),
    ],
)
def test_a_config_that_promises_too_much_is_refused_before_memory_is_taken(copy: Any, fields: Any, words: str) -> None:
    edit(copy / "config.json", **fields)
    with pytest.raises(MemberError, match=words):
        load(copy)


@pytest.mark.parametrize("name", ["model.safetensors", "model.safetensors.index.json", "config.json", "tokenizer.json"])
def test_nobody_waits_for_a_fifo(copy: Any, name: str) -> None:
    (copy / name).unlink(missing_ok=True)
    if "index" in name:
        (copy / "model.safetensors").unlink()
    os.mkfifo(copy / name)
    assert len(fingerprint(copy, MemberSpec(name="guest", path=str(copy)))) == 64
    for look in (check, load):
        with pytest.raises(MemberError, match=f"expected files in .*got {name}, which is a FIFO"):
            look(copy)


@pytest.mark.parametrize("name", ["../model.safetensors", "/dev/zero", 3])
def test_an_index_that_leaves_its_directory(copy: Any, name: str) -> None:
    (copy / "model.safetensors").rename(copy.parent / "model.safetensors")
    (copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    for look in (check, load):
        with pytest.raises(MemberError, match=r"expected a file of this directory as weight_map\.a in"):
            look(copy)
