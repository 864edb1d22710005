"""What the pages show is run, page by page, in an empty directory: files are written, commands typed, Python executed.

Behind the language of a block may stand ``file=NAME`` (it is written to that file, not run) or ``not-run``. Output of
commands is compared as doctest does, ``...`` standing for anything, and numbers for other numbers: times differ, and on
another machine accuracies may.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from evoswarm.cli import run
from tests.docs.pages import PAGES, ROOT, Block, blocks, name_of
from tests.forked import Forked

RUN = ("python", "console")
TOLD = [
    page
    for page in PAGES
    if any(block.language in RUN and not block.skip for block in blocks(page))
    and not page.name.startswith("export-")  # those are of a run: see `test_typed`
]
NUMBER = re.compile(r"\b[0-9a-f]{12,}\b|[-+]?\d[\d,]*(?:\.\d+)?(?:[kMG]?B?\b)?")
PROGRAM = "import runpy, sys; del sys.argv[0]; sys.path.insert(0, '')\nrunpy.run_path(sys.argv[0], run_name='__main__')"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("page", TOLD, ids=name_of)
def test_a_page_can_be_followed(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    os.symlink(ROOT / "search_spaces", "search_spaces")
    known = set(sys.modules)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        where = f"{name_of(page)}:{block.line}"
        if block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.skip:
            continue
        elif block.language == "console":
            _type(block, where, capsys)
        elif block.language == "python":
            _execute(block, where, names)
    for name in set(sys.modules) - known:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def _type(block: Block, where: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands behind ``$``, each followed by what it prints."""
    for part in block.text.split("$ ")[1:]:
        command, _, wanted = part.replace("\\\n", " ").partition("\n")
        program, *arguments = shlex.split(command, comments=True)
        if program == "python":  # a process of its own: what it registers must not stay
            done = Forked(PROGRAM, *arguments, fresh=True)
            out, error = done.communicate()
            code = done.wait()
        else:
            assert program == "evoswarm", f"{where}: only evoswarm and python are run here, got {program}"
            code = run(arguments)
            out, error = capsys.readouterr()
        assert code == 0, f"{where}: {command}\n{error}"
        if wanted.strip():
            both = error + out  # on a terminal: how it went, then what came of it
            assert _shows(wanted, out) or _shows(wanted, both), f"{where}: {command}\nexpected\n{wanted}\ngot\n{both}"


def _shows(wanted: str, printed: str) -> bool:
    """Whether that is what was printed; dots in a line of their own stand for any lines, or for none."""
    shown, got = _blank(wanted).replace("\n...\n", "...\n"), _blank(printed) + "\n| |"
    shown += "\n|" if shown.endswith("\n...") else "\n| |"
    return doctest.OutputChecker().check_output(shown, got, FLAGS)


def _blank(text: str) -> str:
    """The text with its numbers and digests blanked out."""
    return NUMBER.sub("#", text.strip())


def _execute(block: Block, where: str, names: dict[str, object]) -> None:
    if ">>>" not in block.text:
        exec(compile(block.text, where, "exec"), names)
        return
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(
        doctest.DocTestParser().get_doctest(block.text, names, where, where, block.line),
        out=told.append,
        clear_globs=False,
    )
    assert not runner.failures, "".join(told)
