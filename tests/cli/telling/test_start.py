"""What there is: help, versions, members, and that nothing heavy is imported for it."""

from __future__ import annotations

import pytest

import evoswarm
from tests.cli.conftest import Command, python, refused

ROOMS = {"cli", "errors", "spreadsheets", "trust", "user_files"}
LIBRARIES = {
    "typer",
    "click",
    "rich",
    "shellingham",
    "annotated_doc",
    "typing_extensions",
    "pygments",
    "markdown_it",
    "mdurl",
}


class TestStart:
    def test_help_imports_the_command_line_and_nothing_else(self) -> None:
        code = (
            "import sys; before = set(sys.modules); from evoswarm.cli import run; code = run(['--help'])\n"
            "new = set(sys.modules) - before\n"
            "rooms = {name.split('.')[1] for name in new if name.startswith('evoswarm.')}\n"
            "others = {name.partition('.')[0] for name in new} - set(sys.stdlib_module_names) - {'evoswarm'}\n"
            f"more = rooms - {ROOMS} | others - {LIBRARIES}\n"
            "sys.exit(f'imported {more}' if more else code)"
        )
        done = python(code)
        assert done.returncode == 0, done.stderr
        for name in ("search", "plan", "check", "generate", "evaluate", "zoo", "doctor"):
            assert name in done.stdout

    def test_import_is_instant_and_lazy(self) -> None:
        code = (
            "import sys, evoswarm; from evoswarm import Recipe, SearchSpace, EvoswarmError, Request, MemberSpec\n"
            "heavy = {'torch', 'transformers', 'mlflow', 'datasets'} & set(sys.modules)\n"
            "sys.exit(f'imported {heavy}' if heavy else 0)"
        )
        done = python(code)
        assert done.returncode == 0, done.stderr

    def test_public_names(self) -> None:
        assert evoswarm.__all__ == sorted(evoswarm.__all__)
        assert set(evoswarm.__all__) == set(evoswarm._HOMES)
        for name in evoswarm.__all__:
            assert getattr(evoswarm, name) is not None
            assert name in dir(evoswarm)
        with pytest.raises(AttributeError, match="nothing"):
            _ = evoswarm.nothing

    def test_version(self, command: Command) -> None:
        assert command("--version").out.strip() == evoswarm.__version__

    def test_nothing_asked_shows_help(self, command: Command) -> None:
        for arguments, word in (((), "doctor"), (("zoo",), "list")):
            outcome = command(*arguments)
            assert (outcome.code, outcome.error) == (0, "")
            assert word in outcome.out

    @pytest.mark.parametrize(
        ("arguments", "word"),
        [
            (["serch"], "serch"),
            (["search"], "SPACE"),
            (["search", "x.yaml", "--generations", "3"], "--generations"),
            (["search", "x.yaml", "--seed", "-1"], "--seed"),
            (["search", "x.yaml", "--seed", "many"], "--seed"),
            (["zoo", "feed"], "feed"),
            (["generate", "r.json", "p", "--max-bytes", "0"], "--max-bytes"),
            (["evaluate", "r.json"], "--space"),
            (["doctor", "who"], "who"),
        ],
    )
    def test_wrong_words(self, command: Command, arguments: list[str], word: str) -> None:
        refused(command(*arguments), word)


class TestRest:
    def test_zoo_list(self, command: Command) -> None:
        outcome = command("zoo", "list")
        assert outcome.code == 0, outcome.error
        for name in ("zoo:llama-a", "zoo:mamba-b", "zoo:opt-g"):
            assert name in outcome.out

    def test_doctor(self, command: Command) -> None:
        outcome = command("doctor")
        assert outcome.code == 0
        for word in ("python", "torch", "mlflow", "memory", "disk", "cpu", "HF_TOKEN"):
            assert word in outcome.out

    def test_doctor_says_how_to_get_what_is_missing(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("evoswarm.cli.doctor.PURPOSES", {"no-such-package-of-ours": "is missed"})
        outcome = command("doctor")
        assert outcome.code == 1
        assert "pip install no-such-package-of-ours" in outcome.out
