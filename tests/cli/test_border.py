"""What ends a command from outside: no memory, Ctrl-C, a bug of ours."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from evoswarm.experiment.result import SearchResult
from tests.cli.conftest import last_words
from tests.experiment.runs import same_outcome
from tests.forked import COMMAND, Forked

MEGABYTE = 1 << 20
NARROW = f"""
import resource, torch, transformers.modeling_utils
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 24 * {MEGABYTE},) * 2)
{COMMAND}
"""
"""Memory runs out in our own work: where it does while a library is imported, that may take the process with it."""


def start(directory: Path, *arguments: object, memory: int | None = None, code: str = COMMAND) -> subprocess.Popen[str]:
    """A command in a process of its own that has imported nothing, with so many bytes of address space."""

    def limit() -> None:
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        preexec_fn=limit,
    )


class TestMemory:
    @pytest.mark.parametrize("megabytes", [44, 52, 60, 68, 700])  # it runs out in other places
    def test_too_little_of_it_is_a_sentence(self, space_file: Path, tmp_path: Path, megabytes: int) -> None:
        ended = start(tmp_path, "search", space_file, memory=megabytes * MEGABYTE)
        _, said = ended.communicate(timeout=60)
        assert ended.returncode not in (0, None)
        assert "Traceback" not in said
        assert len(last_words(said).splitlines()) <= 2, said

    def test_the_same_command_with_more_of_it_gives_the_same_bytes(
        self, space_file: Path, tmp_path: Path, finished: SearchResult
    ) -> None:
        narrow = start(tmp_path, "search", space_file, "--quiet", code=NARROW)
        _, said = narrow.communicate(timeout=120)
        assert narrow.returncode == 2, said
        assert "expected enough memory" in said
        wide = Forked(COMMAND, "search", space_file, "--quiet", directory=tmp_path)
        assert wide.communicate(timeout=120) == ("", "")
        assert wide.returncode == 0
        assert same_outcome(tmp_path / "runs" / "micro-seed0", finished.directory)


class TestInterrupt:
    def press(self, directory: Path, arguments: Sequence[object], ready: str) -> tuple[int, str, str]:
        """Ctrl-C once a line begins like this; the exit code, what was still shown, and what was said."""
        with Forked(COMMAND, *arguments, directory=directory) as process:
            for line in process.stderr:
                if line.startswith(ready):
                    break
            process.send_signal(signal.SIGINT)
            shown, said = process.communicate(timeout=60)
            return process.wait(), shown, said

    @pytest.mark.parametrize(
        ("ready", "later"), [("loading", "evolving"), ("evolving", "choosing"), ("tuning rivals", "opening")]
    )
    def test_a_search_ends_before_its_next_stage(
        self, space_file: Path, tmp_path: Path, ready: str, later: str
    ) -> None:
        code, shown, said = self.press(tmp_path, ["search", space_file], ready)
        assert later not in said
        assert (code, shown) == (130, "")
        assert last_words(said).startswith("interrupted")

    def test_while_libraries_are_imported(self, tmp_path: Path) -> None:
        process = start(tmp_path, "search", "nowhere.yaml", code=f"import evoswarm.cli; print('ready'); {COMMAND}")
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert 'Traceback (most recent call last):\n  File "<string>"' not in said or "evoswarm" not in said

    def test_what_does_not_listen_is_ended(self, tmp_path: Path) -> None:
        code = (
            "import hashlib, signal\n"
            "from evoswarm.cli.patience import Patience\n"
            "Patience(seconds=0.3)\n"
            "signal.signal(signal.SIGINT, lambda number, frame: None)\n"
            "print('ready', flush=True)\n"
            "hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)\n"  # no handler written in Python is called before its end
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
        )
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert said == "\ninterrupted: everything written before is kept, and the same command goes on from there\n"


class TestBugs:
    def test_one_of_ours_keeps_its_traceback_and_says_how_to_report_it(self, tmp_path: Path) -> None:
        code = (
            "import evoswarm.cli.running as running\nfrom evoswarm.cli import main\n"
            "import sys\n"
            "def broken(arguments): raise ZeroDivisionError('ours')\n"
            "running.run_command = broken\n"
            "sys.argv = ['evoswarm', '--version']\n"
            "main()\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 1
        *trace, report = done.stderr.splitlines()
        assert trace[0] == "Traceback (most recent call last):"
        assert trace[-1] == "ZeroDivisionError: ours"
        assert "report it" in report
        assert "evoswarm doctor" in report
