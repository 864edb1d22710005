"""What lies beside the package is what contributors and their tools meet: it is well-formed, and it is pinned."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
TEMPLATES = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")


def read(path: str | Path) -> Any:
    return YAML(typ="safe", pure=True).load((ROOT / path).read_text(encoding="utf-8"))


def test_hooks_are_pinned_and_run_what_the_environment_has() -> None:
    local, *others = read(".pre-commit-config.yaml")["repos"]
    assert {hook["id"] for hook in local["hooks"]} == {"ruff-format", "ruff", "mypy"}
    assert all(re.match(r"\.venv/bin/(ruff|mypy)\b", hook["entry"]) for hook in local["hooks"])
    assert others
    assert all(re.fullmatch(r"v\d+\.\d+\.\d+", repo["rev"]) for repo in others)
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert all(re.search(rf"^{name}==", pins, re.MULTILINE) for name in ("ruff", "mypy", "pre_commit"))


def test_every_development_tool_is_pinned() -> None:
    pins = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    }
    wanted = re.findall(
        r'^    "([\w.-]+?)[<>=].*",', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(wanted) > 20
    assert not {name.lower().replace("_", "-") for name in wanted} - pins


def test_continuous_integration_runs_one_command_without_secrets() -> None:
    job = read(".github/workflows/ci.yml")["jobs"]["check"]
    assert job["steps"][-1] == {"run": ".ci/run"}
    assert os.access(ROOT / ".ci/run", os.X_OK)
    required = [one for one in job["strategy"]["matrix"]["include"] if not one["may-fail"]]
    assert [(one["os"].split("-")[0], one["python"]) for one in required] == [("ubuntu", "3.11")]
    assert "secrets" not in (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert read(".github/workflows/ci.yml")["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_an_issue_asks_for_what_is_needed(template: Path) -> None:
    form = read(template)
    assert {"name", "description", "body"} <= form.keys()
    ids = [part["id"] for part in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(part["attributes"]["label"] for part in form["body"])
    assert any(part.get("validations", {}).get("required") for part in form["body"])


def test_there_are_issue_templates() -> None:
    assert len(TEMPLATES) == 2
