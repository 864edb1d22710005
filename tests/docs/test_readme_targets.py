"""The README's table of exports is what the package has: the same targets, words and commands."""

from __future__ import annotations

from evoswarm.export.targets import TARGETS
from tests.docs.pages import ROOT


def test_the_readme_names_every_target() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Out into other tools")[2].partition("\n## ")[0]
    shown = [line for line in section.splitlines() if line.startswith("| [")]
    commands = {name: target.made_by.replace("|", "\\|") for name, target in TARGETS.items()}
    assert shown == [
        f"| [{name}](docs/guides/export-{name}.md) | {target.title} | `{commands[name]}` |"
        for name, target in TARGETS.items()
    ]
