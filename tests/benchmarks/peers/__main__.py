"""Installs the peers into an environment of their own in the cache; torch and transformers are those that run this."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv

from tests.benchmarks.peers import interpreter

PACKAGES = (
    "genlm-bytes==0.2.0",
    "byte-sampling @ git+https://github.com/SewoongLab/byte-sampler@f27de98",
)


def main() -> None:
    """Make the environment where it is missing, then install one by one: a peer that cannot be had stops no other."""
    python = interpreter()
    folder = python.parents[1]
    if not python.is_file():
        venv.create(folder, with_pip=True)
    shared = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})["purelib"]
    with open(f"{shared}/shared.pth", "w", encoding="utf-8") as file:
        file.write(sysconfig.get_paths()["purelib"] + "\n")
    failed = [one for one in PACKAGES if subprocess.run([python, "-m", "pip", "install", "--quiet", one]).returncode]
    sys.exit(f"expected all peers to be installed, got none of: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
