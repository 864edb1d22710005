"""A browser is found where there is one; where there is none, and none can be installed, one sentence says why."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools import browser


def program(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def _bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on the PATH but what a test puts there, and no browser of Playwright's."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "fetched"))
    monkeypatch.setenv("EVOSWARM_REAL", str(tmp_path / "cache"))
    monkeypatch.delenv("EVOSWARM_BROWSER", raising=False)


def test_the_first_one_that_runs_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert browser.find() is None
    fetched = program(tmp_path / "fetched/chromium_headless_shell-1255/linux64/chrome-headless-shell")
    assert browser.find() == fetched
    program(tmp_path / "bin/chromium", "echo 'a stand-in, install the real one' >&2", "exit 1")
    assert browser.find() == fetched
    installed = program(tmp_path / "bin/google-chrome", "[ $1 = --version ]")
    assert browser.find() == installed
    monkeypatch.setenv("EVOSWARM_BROWSER", str(fetched))
    assert browser.find() == fetched


def test_one_that_is_named_must_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOSWARM_BROWSER", "/no/such/browser")
    with pytest.raises(SystemExit, match=r"got '/no/such/browser', which does not run"):
        browser.find()


def test_apt_get_installs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The package that is not everywhere is missing here; the other one comes with a program."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    asked, made = tmp_path / "asked", tmp_path / "bin/chromium"
    refuse = "case $* in *headless-shell*) echo 'E: Unable to locate package' >&2; exit 100;; esac"
    make = f"case $* in *download-only*|*update*) ;; *) printf '#!/bin/sh\\n' > {made}; /bin/chmod 755 {made};; esac"
    program(tmp_path / "bin/apt-get", f"echo $* >> {asked}", refuse, make)
    browser.main()
    assert capsys.readouterr().out == f"browser: {made}\n"
    steps = [line.split()[-4:] for line in asked.read_text(encoding="utf-8").splitlines()]
    assert [step[-1] for step in steps] == ["update", *["fonts-dejavu-core"] * 3]
    browser.main()
    assert len(asked.read_text(encoding="utf-8").splitlines()) == len(steps), "what is there is not installed again"


def test_where_none_can_be_installed_it_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "`make browser` has not been run" in browser.why_none()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    program(tmp_path / "bin/apt-get", "exit 1")
    python = program(tmp_path / "bin/python", "echo 'Error: getaddrinfo ENOTFOUND' >&2", "exit 1")
    monkeypatch.setattr(sys, "executable", str(python))
    browser.main()
    said = capsys.readouterr().out
    assert "got none: apt-get installs for root only, and Playwright could not (Error: getaddrinfo ENOTFOUND);" in said
    assert said.startswith(browser.why_none()), "tests are skipped with the same sentence"
