"""The schemas take what evoswarm reads and refuse what it refuses, explain every key, and are where modelines say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from evoswarm.cli import run
from evoswarm.experiment.result import SearchResult
from evoswarm.export.schemas import SCHEMAS, schema_of_files, schema_text
from evoswarm.policies import KINDS, Policy, PolicyDocument
from tests.policies.test_about import about
from tests.policies.test_kinds import EXAMPLES, every_policy

ROOT = Path(__file__).parents[2]
SPACES = sorted((ROOT / "search_spaces").glob("*.yaml"))
STUDIES = sorted((ROOT / "search_spaces" / "studies").glob("*.yaml"))


@cache
def validator(kind: str) -> Any:
    return jsonschema.Draft202012Validator(schema_of_files(kind))


def valid(kind: str, data: Any) -> bool:
    return bool(validator(kind).is_valid(data))


def yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every part of a schema that has properties."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema
        schema = list(schema.values())
    if isinstance(schema, list):
        for one in schema:
            yield from parts(one)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_it_is_a_schema_that_explains_every_key(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", kind]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema == schema_of_files(kind)
    assert schema["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
    assert re.fullmatch(rf"urn:evoswarm:schema:{kind}:\d+", schema["$id"])
    jsonschema.Draft202012Validator.check_schema(schema)
    found = list(parts(schema))
    silent = {name for part in found for name, one in part["properties"].items() if not one.get("description")}
    assert found
    assert not silent
    assert not any("Attributes:" in str(part.get("description")) for part in [schema, *found])


@pytest.mark.parametrize("file", [*SPACES, *STUDIES], ids=lambda file: file.stem)
def test_a_shipped_file_names_its_schema_and_keeps_to_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    modeline = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert modeline
    named = (file.parent / modeline[1]).resolve()
    kind = "study" if file in STUDIES else "space"
    assert named == ROOT / "search_spaces" / "schema" / f"{kind}.json"
    assert named.read_text(encoding="utf-8") == schema_text(kind), f"evoswarm schema {kind} > {named.relative_to(ROOT)}"
    assert valid(kind, yaml(text))


def without(key: str) -> Callable[[dict[str, Any]], Any]:
    return lambda data: data.pop(key)


@pytest.mark.parametrize(
    "change",
    [
        without("pool"),
        without("tasks"),
        lambda data: data.update(colour="red"),
        lambda data: data.update(pool=[]),
        lambda data: data.update(alphabet="runes"),
        lambda data: data["pool"][0].pop("name"),
        lambda data: data["pool"][0].update(chat_template="yes"),
        lambda data: data["pool"][0].update(pat="zoo:llama-a"),
        lambda data: data["tasks"][0].update(source="nowhere"),
        lambda data: data["tasks"][0].update(max_bytes=0),
        lambda data: data["splits"].update(search="many"),
        lambda data: data["evolution"].update(topology="cube"),
        lambda data: data["evolution"].update(generations=1.5),
        lambda data: data["genome"].update(samples=[0]),
        lambda data: data.update(version=2),
    ],
)
def test_a_wrong_space_fails(change: Callable[[dict[str, Any]], Any]) -> None:
    data = yaml((ROOT / "search_spaces" / "quickstart.yaml").read_text(encoding="utf-8"))
    assert valid("space", data)
    change(data)
    assert not valid("space", data)


@every_policy
def test_a_policy_of_every_kind_is_taken(policy: Policy) -> None:
    told, bare = (json.loads(PolicyDocument(policy, one).to_json()) for one in (about(), None))
    assert valid("policy", bare)
    assert valid("policy", told)
    assert not valid("policy", {**bare, "version": 9})
    assert not valid("policy", {**bare, "colour": "red"})
    assert not valid("policy", {**told, "about": {**told["about"], "seed": "0"}})
    for kind in ("graph", *(set(KINDS) - {"mix", policy.kind})):
        assert not valid("policy", {**bare, "kind": kind})


def test_a_kind_is_named_and_only_the_whole_is_told_about() -> None:
    vote = json.loads(PolicyDocument(EXAMPLES["vote"][0], about()).to_json())
    unnamed = {key: value for key, value in vote.items() if key != "kind"}
    assert not valid("policy", unnamed)  # that would be read as a mix
    vote["voters"][0]["recipe"]["about"] = vote["about"]
    assert not valid("policy", vote)


def test_what_a_search_writes_keeps_to_the_schemas(finished: SearchResult) -> None:
    home = finished.directory
    assert valid("space", yaml((home / "space.yaml").read_text()))
    assert valid("certificate", json.loads((home / "certificate.json").read_text()))
    files = [home / "champion.json", *(home / "recipes").iterdir()]
    assert all(valid("policy", json.loads(file.read_text())) for file in files)
    assert not valid("certificate", {"version": 1})
