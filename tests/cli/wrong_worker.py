"""The process in which all wrong inputs are typed: a fresh one, so that what was imported when they were refused shows.

Writes one line of JSON for each: exit code, what was said, heavy libraries imported by then, files that were written.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from tests.cli.wrong_inputs import MODE, WRONG, Wrong, good_files

HEAVY = {"torch", "transformers", "mlflow", "datasets"}
GOOD = "good"
"""The name of the one command that is right."""


def main() -> None:
    """Type the good command, then all wrong ones."""
    files = good_files()
    for name, case in {GOOD: Wrong("check space.yaml", ()), **WRONG}.items():
        if os.geteuid() == 0 and not case.as_root:
            continue
        with tempfile.TemporaryDirectory() as directory:
            print(json.dumps({"name": name, **typed(case, files, Path(directory))}), flush=True)


def typed(case: Wrong, files: dict[str, bytes], folder: Path) -> dict[str, Any]:
    """Run one command in a folder of its own."""
    from evoswarm.cli import run

    for name, content in files.items():
        put(folder, name, content)
    for name, change in case.files.items():
        put(folder, name, change(files[name]) if callable(change) else change)
    before, there = set(sys.modules), set(folder.rglob("*"))
    os.chdir(folder)
    out, said = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            code = run(shlex.split(case.command))
    except BaseException:
        code = -1
        said.write(traceback.format_exc())
    os.chdir("/")
    return {
        "code": code,
        "out": out.getvalue(),
        "said": said.getvalue(),
        "heavy": sorted(HEAVY & set(sys.modules) - before),
        "written": sorted(str(path.relative_to(folder)) for path in set(folder.rglob("*")) - there),
    }


def put(folder: Path, name: str, content: bytes | str | None) -> None:
    """Write a file, take it away, make a directory, or change what may be done with either."""
    file, raw = folder / name, content.encode() if isinstance(content, str) else content
    if raw is None:
        file.unlink()
        return
    (file if name.endswith("/") else file.parent).mkdir(parents=True, exist_ok=True)
    if raw.startswith(MODE):
        file.chmod(int(raw.removeprefix(MODE), 8))
    elif not name.endswith("/"):
        file.write_bytes(raw)


if __name__ == "__main__":
    main()
