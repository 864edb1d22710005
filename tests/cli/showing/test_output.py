"""Output that is full, or that nobody reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forked import COMMAND, Forked

pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy"),  # within MLflow
    pytest.mark.filterwarnings("ignore:For backward compatibility, 'str' dtypes"),  # within MLflow
]


class TestOutput:
    @pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["check"], ["zoo", "list"]])
    def test_a_full_output_is_one_line(self, space_file: Path, arguments: list[str]) -> None:
        asked = [*arguments, str(space_file)] if arguments == ["check"] else arguments
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-c", COMMAND, *asked],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == 2
        assert done.stderr == "error: standard output: expected to write to it, got: No space left on device\n"

    def test_a_search_goes_on_when_nobody_reads(self, space_file: Path, tmp_path: Path) -> None:
        with Forked(COMMAND, "search", space_file, directory=tmp_path) as process:
            process.stdout.close()
            assert "error" not in process.stderr.read()
            process.stderr.close()
            assert process.wait(timeout=60) == 0
        assert (tmp_path / "runs" / "micro-seed0" / "champion.json").exists()

    @pytest.mark.parametrize(("encoding", "shown"), [("ascii", "\\xfcbung"), ("latin-1", "übung"), ("utf-8", "übung")])
    def test_what_the_locale_lacks_is_an_escape(
        self, space_file: Path, tmp_path: Path, encoding: str, shown: str
    ) -> None:
        file = tmp_path / "übung.yaml"
        file.write_bytes(space_file.read_bytes())
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "check", file.name],
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            check=False,
        )
        assert done.stderr == b""
        assert done.stdout.decode(encoding).startswith(f"{shown}.yaml: a valid search space")
