"""The first commands of every guide of an export are run as they stand, where ``runs/quickstart-seed0`` is a run.

It is a small run of two members that has ended: what a guide types of the quickstart's is typed of that one.
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
from tests.docs.pages import DOCS, ROOT, Block, blocks

GUIDES = sorted((DOCS / "guides").glob("export-*.md"))
SHELL = re.compile(r"[|&;<>$`#~*]|^\w+=")  # what a shell alone understands


def test_every_target_has_a_guide_and_every_guide_a_target() -> None:
    assert {guide.stem.removeprefix("export-") for guide in GUIDES} == set(TARGETS)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_the_first_commands_of_a_guide_can_be_typed(
    guide: Path,
    finished: SearchResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    first = next(block for block in blocks(guide) if block.language in ("sh", "python"))
    assert not first.skip, f"{guide.name}: the first commands are not run"
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(finished.directory, "runs/quickstart-seed0")
    shutil.copy(finished.ledger, "runs/ledger.sqlite")
    where = f"{guide.name}:{first.line}"
    if first.language == "python":
        exec(compile(first.text, where, "exec"), {"__name__": "__main__"})
        return
    commands = first.text.replace("\\\n", " ").strip().splitlines()
    if all(line.startswith(("evoswarm ", "cd ")) and not SHELL.search(line) for line in commands):
        for line in commands:
            program, *arguments = shlex.split(line)
            if program == "cd":
                monkeypatch.chdir(arguments[0])
            else:
                assert run(arguments) == 0, f"{where}: {line}"
        assert "Loading weights" not in capfd.readouterr().err  # a library's own bars
    else:
        _in_a_shell(first, tmp_path, where)


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
