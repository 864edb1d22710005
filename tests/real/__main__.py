"""All that real trained models are for, part by part, with the time that each takes: ``make real``.

    python -m tests.real      fetches and converts the models, tests them, searches and certifies real-small.yaml

Each part goes on where it ended. About half an hour on two cores the first time, without what fetching takes.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

from evoswarm.experiment.wording import duration

PARTS = {
    "models": ("tools.real_models",),
    "tests": ("pytest", "tests/real", "-rs"),
    "search and certificate": ("tests.real.pool",),
}


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Run the parts until one fails; the exit code is its own."""
    told = []
    code = 0
    for name, command in PARTS.items():
        print(f"=== {name}: python -m {' '.join(command)}", flush=True)
        began, used = time.monotonic(), _cpu_seconds()
        code = subprocess.run([sys.executable, "-m", *command]).returncode
        seconds, cpu = time.monotonic() - began, _cpu_seconds() - used
        told.append(f"{name}: {duration(seconds)} ({cpu:.0f} CPU seconds){f', exit code {code}' if code else ''}")
        if code:
            break
    print("\n" + "\n".join(told))
    return code


if __name__ == "__main__":
    sys.exit(main())
