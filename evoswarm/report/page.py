"""The page: one HTML file with its styles, its scripts and its data, which asks nobody for anything.

Whatever comes from a run reaches the page as data alone, packed so that no text of it is ever read as markup, and the
scripts put it on the screen as text. A policy within the page allows no other script and no request at all.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from evoswarm.report.run_files import RunFiles, plain
from evoswarm.report.sections import COMPARED, SECTIONS
from evoswarm.report.sections.verdict import verdict
from evoswarm.space.differences import varying

PAGE_VERSION = 1
"""Of the data that scripts find in a page."""

_STYLES = (
    "base/frame.css",
    "base/controls.css",
    "base/forest.css",
    "sections/champion.css",
    "sections/charts.css",
    "sections/lineage.css",
    "sections/forks.css",
    "sections/pool.css",
    "sections/compute.css",
    "sections/repeat.css",
    "comparison/comparison.css",
)
_SCRIPTS = (
    "base/elements.js",
    "base/words.js",
    "base/colours.js",
    "base/chart.js",
    "base/packed.js",
    "base/address.js",
    "base/population.js",
    "base/individual.js",
    "base/grouping.js",
    "base/stamps.js",
    "base/points.js",
    "base/pointing.js",
    "base/forest.js",
    "sections/verdict.js",
    "sections/champion.js",
    "sections/cost.js",
    "sections/cost_option.js",
    "sections/generations.js",
    "sections/settling.js",
    "sections/settled.js",
    "sections/settled_numbers.js",
    "lineage/family.js",
    "lineage/changes.js",
    "lineage/layout.js",
    "lineage/marks.js",
    "lineage/pixels.js",
    "lineage/camera.js",
    "lineage/picture.js",
    "lineage/search.js",
    "lineage/panel.js",
    "lineage/view.js",
    "sections/lineage.js",
    "forks/symbols.js",
    "forks/row.js",
    "forks/tip.js",
    "sections/forks.js",
    "sections/weight.js",
    "sections/pool.js",
    "sections/compute.js",
    "sections/repeat.js",
    "comparison/runs.js",
    "comparison/courses.js",
    "comparison/page.js",
    "base/page.js",
)
"""In the order in which they run; all of them are one scope, the library has another."""

_LIBRARY = "library/echarts.js"

_NOTHING_ELSE = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
)
"""What a page may do beside running its own scripts."""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{styles}</style>
</head>
<body>
<noscript><p>{title}: {sentence}</p><p>The pictures need JavaScript; the page asks nobody for anything.</p></noscript>
<script type="application/octet-stream" id="data">{data}</script>
<script>{library}</script>
<script>{scripts}</script>
</body>
</html>
"""


def page_of(runs: Sequence[RunFiles]) -> str:
    """One run as a page; of several, side by side.

    Args:
        runs: at least one; several are of one space.

    Raises:
        EvoswarmError: a file of a run is damaged.
    """
    sections = SECTIONS if len(runs) == 1 else COMPARED
    data = {
        "version": PAGE_VERSION,
        "evoswarm": version("evoswarm"),
        "runs": [_data(run, sections) for run in runs],
        "varying": varying([run.space for run in runs]),
    }
    library = _asset(_LIBRARY)
    scripts = '(() => {\n"use strict";\n' + "\n".join(_asset(name) for name in _SCRIPTS) + "\n})();"
    allowed = " ".join(_hash(script) for script in (library, scripts))
    policy = f"{_NOTHING_ELSE}; script-src {allowed}"
    return _PAGE.format(
        policy=policy,
        title=html.escape(" and ".join(run.path.resolve().name for run in runs)),
        sentence=html.escape(_sentence(runs)),
        styles="\n".join(_asset(name) for name in _STYLES),
        data=packed(data),
        library=library,
        scripts=scripts,
    )


def packed(data: Any) -> str:
    """Data as `browser/base/packed.js` unpacks it: JSON, gzip, base64; the same for the same data."""
    try:
        text = _compact(data)
    except ValueError:  # an infinity, or no number: seldom, and a large page is not gone through twice for it
        text = _compact(plain(data))
    return base64.b64encode(gzip.compress(text, 6, mtime=0)).decode("ascii")


def _compact(data: Any) -> bytes:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")  # half a character has no bytes


def _data(run: RunFiles, sections: Mapping[str, Callable[[RunFiles], Any]]) -> dict[str, Any]:
    """What the page knows of a run, section by section."""
    known = {name: section(run) for name, section in sections.items()}
    space = run.space
    about = {"space": space.name, "description": space.description, "seed": space.seed}
    return {"name": run.path.resolve().name, **about, "sections": known}


def _sentence(runs: Sequence[RunFiles]) -> str:
    return " ".join(str(verdict(run)["sentence"]) for run in runs)


def _asset(name: str) -> str:
    """A file of `browser/`; it never holds what would end its element."""
    return (files("evoswarm.report") / "browser" / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}'"
