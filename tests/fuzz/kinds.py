"""What is spoilt and which command then reads it: one entry a kind, one literal dict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from ruamel.yaml import YAML

from tests.fuzz.material import LEDGER, RUN
from tests.fuzz.mutations import spoil_data, spoil_file, spoil_folder, spoil_json_file


@dataclass(frozen=True)
class Case:
    """Commands that read spoilt files.

    Attributes:
        spoilt: what was done to which file, in words.
        commands: arguments of evoswarm, one after the other.
    """

    spoilt: str
    commands: tuple[tuple[str, ...], ...]


Make = Callable[[Path, Path, Random], Case]
"""Takes the material, an empty folder of the case's own, and chance."""


def _yaml(name: str) -> Make:
    """A space or a study: data mostly, else the text."""

    def make(material: Path, folder: Path, chance: Random) -> Case:
        _beside(material, folder)
        file = folder / name
        if chance.random() < 0.35:
            done = spoil_file(file, chance)
        else:
            data, done = spoil_data(YAML(typ="safe", pure=True).load(file.read_text("utf-8")), chance)
            file.write_text(json.dumps(data, ensure_ascii=True), encoding="utf-8")  # JSON is YAML
        return Case(f"{name}: {done}", (("check", str(file)),))

    return make


def _beside(material: Path, folder: Path) -> None:
    """What a space names, the model as a link: it stays as it is."""
    for name in ("space.yaml", "study.yaml", "rows.jsonl"):
        shutil.copyfile(material / name, folder / name)
    (folder / "model").symlink_to(material / "model", target_is_directory=True)


def _recipes(material: Path, folder: Path, chance: Random) -> Case:
    file = folder / "recipe.json"
    shutil.copyfile(material / chance.choice(["recipe.json", "own.json"]), file)
    done = spoil_json_file(file, chance)
    return Case(done, (("generate", str(file), "rev stone=", "--max-bytes", "3"),))


def _rows(material: Path, folder: Path, chance: Random) -> Case:
    _beside(material, folder)
    name = chance.choice(["rows.jsonl", "rows.json", "rows.csv", "rows.parquet"])
    file = folder / name
    shutil.copyfile(material / name, file)
    done = spoil_json_file(file, chance) if name.startswith("rows.json") else spoil_file(file, chance)
    return Case(done, (("check", str(folder / "space.yaml"), "--set", f"tasks.1.path={name}"),))


def _runs(material: Path, folder: Path, chance: Random) -> Case:
    """A finished run: a file of it is spoilt, then a search goes on with it, or its champion is certified or used."""
    run, runs = _copied_run(material, folder)
    if chance.random() < 0.35:
        done = spoil_folder(run, chance)
    elif chance.random() < 0.15:
        done = spoil_file(runs / LEDGER, chance)
    else:
        file = chance.choice(sorted(path for path in run.rglob("*") if path.is_file()))
        done = spoil_json_file(file, chance) if file.suffix in (".json", ".jsonl") else spoil_file(file, chance)
    return Case(done, (_reads_run(folder, run, chance),))


def _certificates(material: Path, folder: Path, chance: Random) -> Case:
    run, _ = _copied_run(material, folder)
    done = spoil_json_file(run / "certificate.json", chance)
    return Case(done, (_reads_run(folder, run, chance),))


def _copied_run(material: Path, folder: Path) -> tuple[Path, Path]:
    runs = folder / "runs"
    shutil.copytree(material / "runs", runs)
    shutil.copyfile(material / "searched.yaml", folder / "searched.yaml")
    return runs / RUN, runs


def _reads_run(folder: Path, run: Path, chance: Random) -> tuple[str, ...]:
    space = str(folder / "searched.yaml")
    return chance.choice(
        [
            ("search", space, "--out", str(run), "--quiet"),
            ("certify", str(run), "--quiet"),
            ("generate", str(run), "rev stone=", "--max-bytes", "3"),
            ("evaluate", str(run), "--space", space),
        ]
    )


def _models(material: Path, folder: Path, chance: Random) -> Case:
    """A checkpoint folder; `check` reads its files, `generate` loads it."""
    _beside(material, folder)
    model = folder / "model"
    model.unlink()
    shutil.copytree(material / "model", model)
    if chance.random() < 0.15:
        done = spoil_folder(model, chance)
    else:
        file = chance.choice(sorted(model.iterdir()))
        done = spoil_json_file(file, chance) if file.suffix == ".json" else _spoil_header(file, chance)
    recipe = json.loads((material / "own.json").read_text("utf-8"))
    recipe["members"][0]["spec"]["path"] = str(model)
    (folder / "own.json").write_text(json.dumps(recipe), encoding="utf-8")
    loads = ("generate", str(folder / "own.json"), "rev stone=", "--max-bytes", "3")
    return Case(f"model/{done}", (("check", str(folder / "space.yaml")), loads))


def _spoil_header(file: Path, chance: Random) -> str:
    """Weights: the header of safetensors as data or as bytes; sometimes any byte of the file."""
    content = file.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    if chance.random() < 0.4:
        return spoil_file(file, chance)
    header, done = spoil_data(json.loads(content[8:end]), chance)
    written = json.dumps(header).encode()
    file.write_bytes(len(written).to_bytes(8, "little") + written + content[end:])
    return f"{file.name}: header: {done}"


def _prompts(material: Path, folder: Path, chance: Random) -> Case:
    file = folder / "prompts.jsonl"
    shutil.copyfile(material / "prompts.jsonl", file)
    done = spoil_json_file(file, chance)
    recipe = str(material / "own.json")
    return Case(done, (("generate", recipe, "--prompts", str(file), "--max-bytes", "2"),))


KINDS: Mapping[str, tuple[Make, int]] = {
    "spaces": (_yaml("space.yaml"), 6),
    "studies": (_yaml("study.yaml"), 2),
    "recipes": (_recipes, 2),
    "rows": (_rows, 3),
    "runs": (_runs, 3),
    "models": (_models, 6),
    "certificates": (_certificates, 1),
    "prompts": (_prompts, 2),
}
"""By name: how a case is made, and how many of a round of cases are of this kind."""

ROTA: tuple[str, ...] = tuple(
    kind
    for turn in range(max(share for _, share in KINDS.values()))
    for kind, (_, share) in KINDS.items()
    if turn < share
)


def kind_of(number: int) -> str:
    """The kind of a case; the kinds take turns by their shares."""
    return ROTA[number % len(ROTA)]


def make_case(number: int, material: Path, folder: Path) -> Case:
    """The case of a number: the same one every time."""
    kind = kind_of(number)
    return KINDS[kind][0](material, folder, Random(f"{kind} {number}"))
