"""A bundle answers as its policy did, from wherever it is, with nothing but itself."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest

from evoswarm.answering.answers import answer
from evoswarm.cli import run
from evoswarm.decoding.member.files import identified, locate, wanted_of_hub
from evoswarm.errors import EvoswarmError, MemberError
from evoswarm.experiment.result import SearchResult
from evoswarm.export.bundle import BUNDLE
from evoswarm.export.exporting import checked_source, export
from evoswarm.export.source import read_source
from evoswarm.export.target import ExportError, Options
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import KINDS, Policy, Recipe, load_document, load_policy
from evoswarm.zoo.catalogue import member_path


def bundle(path: Path, out: Path, **options: Any) -> Path:
    given = Options(out, **options)
    export(checked_source(path, BUNDLE, given), BUNDLE, given)
    return out


def of_directory(path: Path, **fields: Any) -> Recipe:
    """A recipe of one member, with its fingerprint."""
    spec = identified(found := MemberSpec(name="mine", path=str(path), **fields), locate(found))
    return Recipe.model_validate({"members": [{"spec": spec}], "lead": "mine"})


@pytest.fixture(scope="module")
def moved(policy_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that has been moved since it was written."""
    root = tmp_path_factory.mktemp("bundles")
    assert run(["export", str(policy_file), "--to", "bundle", str(root / "written"), "--quiet"]) == 0
    (root / "far" / "away").mkdir(parents=True)
    return (root / "written").rename(root / "far" / "away" / "moved")


def test_it_answers_a_hundred_items_as_before(
    moved: Path, items: list[str], evoswarm_answers: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    Path("asked.jsonl").write_text("".join(json.dumps({"prompt": one}) + "\n" for one in items))
    told = ["--out", "answers.jsonl", "--quiet"]
    assert run(["generate", str(moved), "--prompts", "asked.jsonl", *told]) == 0
    assert [json.loads(line)["text"] for line in Path("answers.jsonl").read_text().splitlines()] == evoswarm_answers


def test_a_member_that_is_gone_is_not_looked_for_on_the_hub(
    moved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "champion.json").write_text((moved / "champion.json").read_text())
    assert run(["generate", str(tmp_path), "1+2="]) == 2
    assert "expected a model directory (of member 'llama-a')" in capsys.readouterr().err


def test_nothing_in_it_leads_outside(moved: Path, policy_file: Path) -> None:
    document, before = load_document(moved), load_document(policy_file)
    written = json.loads((moved / "champion.json").read_text())
    paths = [member["spec"]["path"] for member in written["members"]]
    assert paths == ["./members/llama-a", "./members/gpt2-c"], "and never ids of the hub"
    assert {Path(spec.path).resolve() for spec in document.policy.specs} == {(moved / path).resolve() for path in paths}
    assert document.policy.digest == before.policy.digest
    assert document.about == before.about
    assert not [path for path in moved.rglob("*") if path.is_symlink()]
    for spec in document.policy.specs:
        assert (
            identified(spec.model_copy(update={"fingerprint": None}), Path(spec.path)).fingerprint == spec.fingerprint
        )
        assert not {path.name for path in Path(spec.path).iterdir()} & {"card.json"}  # which nothing reads


def test_votes_and_routes_keep_their_digests(vote_file: Path, route_file: Path, tmp_path: Path) -> None:
    for file in (vote_file, route_file):
        out = bundle(file, tmp_path / file.stem)
        policy = load_policy(out)
        assert (policy.kind, policy.digest) == (file.stem, load_policy(file).digest)
        assert all(Path(spec.path).is_relative_to(out) for spec in policy.specs)


def test_a_run_brings_its_certificate(finished: SearchResult, tmp_path: Path) -> None:
    out = bundle(finished.directory, tmp_path / "out")
    again = read_source(out)
    assert again.certificate == finished.certificate is not None
    assert again.run is None  # what a search left behind is not in it
    assert again.about == load_document(finished.directory).about
    assert (out / "certificate.txt").read_text() == (finished.directory / "certificate.txt").read_text()
    once_more = bundle(out, tmp_path / "again")
    names = {path.relative_to(out) for path in out.rglob("*")}
    assert names == {path.relative_to(once_more) for path in once_more.rglob("*")}
    assert load_policy(once_more).digest == finished.champion.digest


def test_changed_members_are_said_to_be_others(finished: SearchResult, tmp_path: Path) -> None:
    run_copy = shutil.copytree(finished.directory, tmp_path / "run")
    model = shutil.copytree(finished.champion.specs[0].path, tmp_path / "model")
    champion = json.loads((run_copy / "champion.json").read_text())
    text = json.dumps(champion).replace(finished.champion.specs[0].path, str(model))
    (run_copy / "champion.json").write_text(text)
    assert load_policy(bundle(run_copy, tmp_path / "moved")).digest == finished.champion.digest  # moved, not changed
    settings = model / "generation_config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "top_k": 7}))
    with pytest.raises(MemberError, match="--allow-changed"):
        bundle(run_copy, tmp_path / "out")
    out = bundle(run_copy, tmp_path / "out", allow_changed=True)
    document = load_document(out)
    assert document.policy.digest != finished.champion.digest
    assert document.about is not None
    assert document.about.verdict is document.about.test is document.about.selection is None
    name = finished.champion.specs[0].name
    assert f"other files of {name}" in str(document.about.refusal)
    card = (out / "README.md").read_text()
    assert f"the files of {name} are not those that were scored" in card
    assert "model-index" not in card
    assert read_source(out).certificate is None  # it is of another policy
    assert answer(out, ["rev tiger="])[0].failure is None


def test_it_needs_room_on_the_disk(policy_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(ExportError, match=r"expected room for [\d,]+ bytes on the disk, got one with 1,000 left"):
        bundle(policy_file, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_read_is_copied_and_the_terms_with_it(tmp_path: Path) -> None:
    model = shutil.copytree(member_path("llama-a"), tmp_path / "model")
    for name in (
        "pytorch_model.bin",
        "optimizer.pt",
        "run.py",
        "LICENSE.txt",
        "Notice",
        "MODEL_TERMS.html",
        "license.py",
        "vocab.txt",
    ):
        (model / name).write_text("x")
    (model / "README.md").write_text("---\nlicense: cc-by-4.0\nbase_model: owner/base\n---\n# Mine\n")
    file = of_directory(model).save(tmp_path / "mine.json")
    out = bundle(file, tmp_path / "out")
    known = {path.name for path in member_path("llama-a").iterdir()} - {"card.json"}
    assert {path.name for path in (out / "members/mine").iterdir()} == known | {
        *("LICENSE.txt", "Notice", "MODEL_TERMS.html"),
        "vocab.txt",
    }
    card = (out / "README.md").read_text()
    for words in ("license: cc-by-4.0", "- owner/base", "[LICENSE.txt](members/mine/LICENSE.txt)"):
        assert words in card


@pytest.mark.parametrize("name", ["LICENSE", "vocab.txt", "added_tokens.json"])
def test_a_link_brings_nothing_of_its_user_along(name: str, tmp_path: Path) -> None:
    """Weights may be links: what is no weights is never loaded as such."""
    (tmp_path / "secret").write_text("{}")
    model = shutil.copytree(member_path("llama-a"), tmp_path / "model")
    (model / "model.safetensors").rename(tmp_path / "weights")
    os.symlink(tmp_path / "weights", model / "model.safetensors")
    file = of_directory(model).save(tmp_path / "mine.json")
    assert not (bundle(file, tmp_path / "linked") / "members/mine/model.safetensors").is_symlink()
    os.symlink(tmp_path / "secret", model / name)
    file = of_directory(model).save(tmp_path / "mine.json")
    with pytest.raises(MemberError, match=rf"got {name}, a link to .*secret"):
        bundle(file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_members_of_one_model_share_its_files(tmp_path: Path) -> None:
    plain, chatting = (
        of_directory(member_path("qwen3-d"), chat_template=chat).specs[0].model_copy(update={"name": name})
        for name, chat in (("Q", False), ("q", True))
    )
    recipe = Recipe.model_validate({"members": [{"spec": plain}, {"spec": chatting}], "lead": "q"})
    policy = load_policy(bundle(recipe.save(tmp_path / "two.json"), tmp_path / "out"))
    assert policy.digest == recipe.digest
    assert len({spec.path for spec in policy.specs}) == 1
    other = of_directory(member_path("llama-a")).specs[0].model_copy(update={"name": "Q"})
    recipe = Recipe.model_validate({"members": [{"spec": chatting}, {"spec": other}], "lead": "q"})
    policy = load_policy(bundle(recipe.save(tmp_path / "else.json"), tmp_path / "else"))
    assert {Path(spec.path).name for spec in policy.specs} == {"q", "Q-2"}  # no capitals on some disks


@pytest.mark.parametrize("on_the_hub", [False, True])
def test_an_adapter_brings_its_base(on_the_hub: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = shutil.copytree(member_path("llama-a"), tmp_path / "base")
    model = AutoModelForCausalLM.from_pretrained(base)
    adapter = tmp_path / "lora"
    settings = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        get_peft_model(model, settings).save_pretrained(adapter)
    if on_the_hub:
        cached = _in_the_cache("owner/base", base, tmp_path / "cache", monkeypatch)
        config = json.loads((adapter / "adapter_config.json").read_text())
        (adapter / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "owner/base"}))
    recipe = of_directory(adapter)
    file = recipe.save(tmp_path / "lora.json")
    before = [one.text for one in answer(file, ["4+5=", "rev tiger="])]
    out = bundle(file, tmp_path / "out")
    shutil.rmtree(base)
    if on_the_hub:
        shutil.rmtree(cached)
        assert "- owner/base" in (out / "README.md").read_text()
    assert load_policy(out).digest == recipe.digest
    assert [one.text for one in answer(out, ["4+5=", "rev tiger="])] == before


def test_a_member_of_the_hub_is_brought_from_its_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = _in_the_cache("owner/model", member_path("llama-a"), tmp_path / "cache", monkeypatch)
    spec = identified(found := MemberSpec(name="hub", path="owner/model"), locate(found))
    recipe = Recipe.model_validate({"members": [{"spec": spec}], "lead": "hub"})
    out = bundle(recipe.save(tmp_path / "hub.json"), tmp_path / "out")
    shutil.rmtree(cached)
    assert not [path for path in out.rglob("*") if path.is_symlink()]
    assert "base_model:\n- owner/model\n" in (out / "README.md").read_text()
    assert [one.text for one in answer(out, ["47+85="])] == [one.text for one in answer(_zoo(), ["47+85="])]


def _zoo() -> Policy:
    return of_directory(member_path("llama-a"))


def _in_the_cache(name: str, model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model as the hub's client keeps it: links to files that are called by what they hold; nothing is fetched."""
    home = cache / f"models--{name.replace('/', '--')}"
    snapshot = home / "snapshots" / ("a" * 40)
    (home / "blobs").mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for number, file in enumerate(sorted(model.iterdir())):
        shutil.copyfile(file, home / "blobs" / str(number))
        os.symlink(home / "blobs" / str(number), snapshot / file.name)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("a" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return home


def test_the_hub_is_asked_for_terms_of_use_too() -> None:
    from huggingface_hub.utils import filter_repo_objects

    terms = ["README.md", "LICENSE", "LICENSE.txt", "Notice.txt", "USE_POLICY.md", "Gemma_TERMS.md"]
    read = ["config.json", "model.safetensors", "tokenizer.json"]
    others = ["pytorch_model.bin", "onnx/model.onnx", "modeling.py", "images/plot.png", "eval/README.md"]
    names = [*terms, *read, *others]
    assert list(filter_repo_objects(names, allow_patterns=wanted_of_hub(names, code=False))) == [*terms, *read]


def test_code_of_another_repository_cannot_be_brought(tmp_path: Path) -> None:
    model = shutil.copytree(member_path("llama-a"), tmp_path / "model")
    config = json.loads((model / "config.json").read_text())
    classes = {"AutoModelForCausalLM": "owner/code--modeling.Mine"}
    (model / "config.json").write_text(json.dumps({**config, "auto_map": classes}))
    file = of_directory(model, trust_remote_code=True).save(tmp_path / "mine.json")
    from evoswarm.trust import Trust

    with pytest.raises(EvoswarmError, match="in another repository of the hub"):
        bundle(file, tmp_path / "out", trust=Trust(remote_code=True))


def test_every_kind_is_tried_here(policy_file: Path, vote_file: Path, route_file: Path) -> None:
    assert {load_policy(file).kind for file in (policy_file, vote_file, route_file)} == set(KINDS)
