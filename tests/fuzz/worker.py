"""The process in which commands read spoilt files: it may hang, die, or be killed; see ``runner``.

Reads numbers of cases from standard input, one a line, and answers each with one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

MOST_MEMORY = 12 << 30


def main() -> None:
    """Answer numbers until there are no more; the argument is the folder of the material."""
    material = Path(sys.argv[1])
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    said = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _warm_up()
    print("ready", file=replies, flush=True)
    for line in os.fdopen(int(sys.argv[2]), encoding="utf-8"):
        print(json.dumps(_done(int(line), material, said)), file=replies, flush=True)


def _warm_up() -> None:
    """Import what every case needs, so that no case is charged with it."""
    import torch

    for room in ("evoswarm.cli.running", "evoswarm.decoding.swarm", "evoswarm.experiment.session"):
        importlib.import_module(room)
    torch.set_num_threads(1)


def _done(number: int, material: Path, said: Any) -> dict[str, Any]:
    from evoswarm.cli import run
    from tests.fuzz.kinds import make_case

    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        case = make_case(number, material, folder)
        os.chdir(folder)
        record: dict[str, Any] = {"spoilt": case.spoilt, "codes": [], "said": "", "command": ""}
        for command in case.commands:
            said.seek(0)
            said.truncate()
            record["command"] = command[0]
            try:
                record["codes"].append(run(list(command)))
            except BaseException:
                traceback.print_exc()
                record["codes"].append(None)
            sys.stdout.flush()
            sys.stderr.flush()
            said.seek(0)
            record["said"] = said.read().decode(errors="replace").replace(str(folder), "")[-3000:]
            if record["codes"][-1] not in (0, 2) or "Traceback" in record["said"]:
                break
        os.chdir("/")
        shutil.rmtree(folder / "runs", ignore_errors=True)
    return record


if __name__ == "__main__":
    main()
