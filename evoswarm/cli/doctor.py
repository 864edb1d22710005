"""What this machine has: versions, devices, memory, what is missing and how to get it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from pathlib import Path

PURPOSES = {
    "torch": "runs the members",
    "transformers": "loads the members",
    "tokenizers": "reads their tokenizers",
    "safetensors": "reads their weights",
    "deap": "evolves",
    "datasets": "reads your own questions",
    "reasoning-gym": "makes questions",
    "mlflow": "keeps the history of searches",
    "optuna": "tunes a search",
    "psutil": "knows how much memory there is",
    "pydantic": "checks spaces and recipes",
    "rich": "prints tables",
    "sentencepiece": "reads the tokenizers of some older models",
}
OPTIONAL = frozenset({"optuna", "sentencepiece"})


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what it is.
        value: what was found.
        advice: how to get it, if it is missing; empty when all is well.
        serious: without it a search cannot run.
    """

    name: str
    value: str
    advice: str = ""
    serious: bool = False


def examine(root: Path) -> list[Finding]:
    """Look at everything a search needs.

    Args:
        root: where runs are kept.
    """
    return [*_platform(), *_packages(), *_devices(), *_room(root)]


def _platform() -> list[Finding]:
    from evoswarm import __version__
    from evoswarm.decoding.compiled.arrays import COMPILED

    python = platform.python_version()
    old = tuple(int(part) for part in python.split(".")[:2]) < (3, 11)
    return [
        Finding("evoswarm", __version__),
        Finding(
            "inner loops",
            "compiled" if COMPILED else "not compiled: decoding takes several times as long beside its models",
            "" if COMPILED else "install a C compiler, then evoswarm again",
        ),
        Finding("python", python, "install Python 3.11 or newer" if old else "", serious=old),
        Finding("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
    ]


def _packages() -> list[Finding]:
    findings = []
    for name, purpose in PURPOSES.items():
        try:
            findings.append(Finding(name, f"{importlib.metadata.version(name)} ({purpose})"))
        except PackageNotFoundError:
            optional = name in OPTIONAL
            advice = f"pip install {name}" + (" (only if you need it)" if optional else "")
            findings.append(Finding(name, f"missing ({purpose})", advice, serious=not optional))
    return findings


def _devices() -> list[Finding]:
    try:
        from evoswarm.decoding.forward.devices import describe_devices
    except ImportError:
        return [Finding("devices", "unknown without torch", "pip install torch", serious=True)]
    found = [Finding(name, text) for name, text in describe_devices().items()]
    if len(found) == 1:
        advice = "members above about a billion parameters want a GPU; the built-in pool does not"
        found.append(Finding("gpu", "none found", advice))
    return found


def _room(root: Path) -> list[Finding]:
    place = next(path for path in (root.resolve(), *root.resolve().parents) if path.exists())
    free = shutil.disk_usage(place).free
    writable = os.access(place, os.W_OK)
    full = free < 2**30
    findings = [
        Finding("memory", _memory()),
        Finding(
            "disk",
            f"{free / 2**30:.1f} GiB free at {place}" + ("" if writable else ", not writable"),
            "" if writable and not full else f"make room at {place}, or make it writable",
            serious=not writable,
        ),
    ]
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    shown = re.sub(r"//[^/@]*@", "//...@", uri) if uri else f"{root / 'mlflow.db'} (MLFLOW_TRACKING_URI is not set)"
    token = "set" if os.environ.get("HF_TOKEN") else "not set (only gated hub models need it)"
    return [*findings, Finding("mlflow store", shown), Finding("HF_TOKEN", token)]


def _memory() -> str:
    try:
        import psutil
    except ImportError:
        return "unknown without psutil"
    memory = psutil.virtual_memory()
    return f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB available"
