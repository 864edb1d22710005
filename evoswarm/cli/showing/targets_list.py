"""What ``evoswarm export --list`` prints."""

from __future__ import annotations

from pathlib import Path

from evoswarm.cli.showing.output import show
from evoswarm.export.source import Source, read_source
from evoswarm.export.target import Target
from evoswarm.export.targets import TARGETS


def print_targets(path: Path | None = None) -> None:
    """The targets, a paragraph each; of a source, whether it exports there.

    Args:
        path: of the source; None asks of none.

    Raises:
        EvoswarmError: it holds no policy.
    """
    source = None if path is None else read_source(path)
    width = max(map(len, TARGETS)) + 2
    for name, target in TARGETS.items():
        show(f"{name:<{width}}{target.title}", " " * width)
        for line in explained(target):
            show(f"{'':<{width}}{line}", " " * (width + 2))
        if source is not None:
            show(f"{'':<{width}}{source.path}: {_standing(source, target)}", " " * (width + 2))


def explained(target: Target) -> list[str]:
    """What it takes, what it needs, and the command, a line each."""
    takes = "a run directory" if target.takes == "run" else f"a policy ({', '.join(target.kinds)}) or a run"
    needs = f"pip install 'evoswarm[{target.extra}]'" if target.extra else "nothing more"
    missing = f" (not here: {', '.join(target.missing)})" if target.missing else ""
    used = "" if target.write is None else f", then {target.command}"
    return [f"takes {takes}; needs {needs}{missing}", target.made_by + used]


def _standing(source: Source, target: Target) -> str:
    if target.takes == "run" and source.run is None:
        return "no, as it is no run directory"
    refused = target.refusal(source.policy)
    return "yes" if refused is None else f"no: {refused}"
