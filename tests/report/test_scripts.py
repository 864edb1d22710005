"""The scripts of the page are one scope: no two of them may call something alike, or the later one quietly wins."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from evoswarm.report import page

BROWSER = Path(page.__file__).parent / "browser"
NAMED = re.compile(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)


def test_names_of_the_scope_are_told_apart() -> None:
    found = defaultdict[str, list[str]](list)
    for name in page._SCRIPTS:
        for named in NAMED.findall((BROWSER / name).read_text(encoding="utf-8")):
            found[named].append(name)
    assert len(found) > 50
    assert {name: files for name, files in found.items() if len(files) > 1} == {}


def test_every_script_and_style_is_in_the_page() -> None:
    """But the library, which has a scope of its own."""
    there = {str(file.relative_to(BROWSER)) for file in BROWSER.rglob("*.[jc]s*") if file.parent.name != "library"}
    assert there == {*page._SCRIPTS, *page._STYLES}
