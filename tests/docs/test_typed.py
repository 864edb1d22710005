"""Commands that pages show are run as they stand: those of a shell here, where ``runs/quickstart-seed0`` is a run.

It is a small run of two members that has ended: what a page types of the quickstart's is typed of that one. Blocks of a
console, with what they print, are run in `test_examples`. A block that is not run says so, and stands in a list here.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evoswarm.cli import run
from evoswarm.experiment.result import SearchResult
from evoswarm.export.targets import TARGETS
from tests.docs.pages import BESIDE, DOCS, PAGES, ROOT, Block, blocks, name_of

GUIDES = sorted((DOCS / "guides").glob("export-*.md"))
SHELL = re.compile(r"[|&;<>$`#~*]|^\w+=")  # what a shell alone understands
TYPED = [(page, block) for page in PAGES for block in blocks(page) if block.language == "sh" and not block.skip]
TYPED += [(guide, first) for guide in GUIDES if (first := blocks(guide)[0]).language == "python"]
NOT_RUN = {
    "docs/design/certificate.md": "its runs are anybody's; the cookbook certifies two",
    "docs/guides/export-distilled.md": "trains for minutes; its first block trains for a moment",
    "docs/guides/export-lm-eval.md": "installs, and fetches tasks; tests/export/lm_eval runs the command",
    "docs/guides/export-mlflow.md": "serves, and registers in a store; tests/export/test_mlflow.py does both",
    "docs/guides/mlflow.md": "serves MLflow's own pages",
}
"""By page, why commands of it are not run as they stand."""


def test_every_target_has_a_guide_and_every_guide_a_target() -> None:
    assert {guide.stem.removeprefix("export-") for guide in GUIDES} == set(TARGETS)


def test_every_command_stands_in_a_block_that_is_run_or_says_why_not() -> None:
    elsewhere, skipped = [], set()
    for page in [*PAGES, *BESIDE]:
        for block in blocks(page):
            shown = any(line.removeprefix("$ ").startswith("evoswarm ") for line in block.text.splitlines())
            if shown and block.language not in ("sh", "console"):
                elsewhere.append(f"{name_of(page)}:{block.line}")
            if block.skip and block.language in ("sh", "console"):
                skipped.add(name_of(page))
    assert elsewhere == [], "commands belong into blocks of the languages sh and console"
    assert skipped == set(NOT_RUN)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_the_first_commands_of_a_guide_are_run(guide: Path) -> None:
    first = next(block for block in blocks(guide) if block.language in ("sh", "python"))
    assert (guide, first) in TYPED


@pytest.mark.parametrize(("page", "block"), TYPED, ids=[f"{page.stem}-{block.line}" for page, block in TYPED])
def test_commands_can_be_typed(
    page: Path,
    block: Block,
    finished: SearchResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(finished.directory, "runs/quickstart-seed0")
    shutil.copy(finished.ledger, "runs/ledger.sqlite")
    for other in blocks(page):
        if other.file:
            Path(other.file).write_text(other.text, encoding="utf-8")
    where = f"{name_of(page)}:{block.line}"
    if block.language == "python":
        exec(compile(block.text, where, "exec"), {"__name__": "__main__"})
        return
    commands = block.text.replace("\\\n", " ").strip().splitlines()
    if all(line.startswith(("evoswarm ", "cd ")) and not SHELL.search(line) for line in commands):
        for line in commands:
            program, *arguments = shlex.split(line)
            if program == "cd":
                monkeypatch.chdir(arguments[0])
            else:
                assert run(arguments) == 0, f"{where}: {line}"
        assert "Loading weights" not in capfd.readouterr().err  # a library's own bars
    else:
        _in_a_shell(block, tmp_path, where)


def _in_a_shell(block: Block, folder: Path, where: str) -> None:
    """Everything else, a server in the background for one, is a shell's: it finds this evoswarm and this Python."""
    program = folder / "bin" / "evoswarm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m evoswarm "$@"\n')
    program.chmod(0o755)
    python = program.with_name("python")
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{where}\n{done.stdout}\n{done.stderr}"
