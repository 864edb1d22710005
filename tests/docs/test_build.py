"""The pages are built as ``make docs`` builds them: every warning, dead links and anchors among them, is an error."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

import evoswarm
from evoswarm.cli import run
from evoswarm.cli.telling.events import AnyEvent
from evoswarm.export.targets import TARGETS
from evoswarm.policies import Recipe, Route, Vote
from evoswarm.space import SearchSpace
from evoswarm.study.hyperparameters.settings import StudySettings
from tests.docs.pages import BESIDE, DOCS, PAGES, ROOT, anchors, blocks, links, name_of
from tests.forked import Forked

SPHINX = "import sys; from sphinx.cmd.build import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    code, said = _build(DOCS, site)
    assert code == 0, said
    return site


def _build(source: Path, site: Path) -> tuple[int, str]:
    """Its exit code, and what it said."""
    built = Forked(SPHINX, "-q", "-W", "--keep-going", "-b", "html", source, site, directory=ROOT)
    _, said = built.communicate()
    return built.wait(), said


def test_every_page_is_built(built: Path) -> None:
    assert {page.relative_to(built).with_suffix("") for page in built.rglob("*.html")} >= {
        page.relative_to(DOCS).with_suffix("") for page in PAGES
    }


def test_a_dead_link_fails(tmp_path: Path) -> None:
    """The build would be worth little if it let these pass."""
    (tmp_path / "conf.py").write_text('extensions = ["myst_parser"]\nmyst_heading_anchors = 4\n')
    mistakes = "[no page](nowhere.md)\n\n[no anchor](trust.md#nowhere)"
    (tmp_path / "index.md").write_text(f"# Start\n\n{mistakes}\n\n```{{toctree}}\ntrust\n```\n")
    (tmp_path / "trust.md").write_text("# Trust\n")
    code, said = _build(tmp_path, tmp_path / "site")
    assert code != 0
    for line in (3, 5):
        assert re.search(rf"index\.md:{line}: WARNING: .*nowhere", said), said


@pytest.mark.parametrize("page", [*PAGES, *BESIDE], ids=name_of)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    """Also where no build looks: in the README, and as code hosts follow them."""
    for line, target in links(page):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), f"{name_of(page)}:{line} leads to {target}"
        assert not anchor or anchor in anchors(goal), f"{name_of(page)}:{line} leads to {target}"


def test_every_public_name_is_in_the_reference(built: Path) -> None:
    text = (built / "reference" / "api.html").read_text(encoding="utf-8")
    assert [name for name in evoswarm.__all__ if f'id="evoswarm.{name}"' not in text] == []


def test_every_command_is_in_the_reference(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (built / "reference" / "commands.html").read_text(encoding="utf-8")
    assert run(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:")[2]
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "]
    assert len(names) > 8
    for name in names:
        assert f'id="evoswarm-{name}' in text, name


def test_every_target_of_an_export_has_a_row_that_leads_to_its_guide(built: Path) -> None:
    text = (built / "guides" / "exports.html").read_text(encoding="utf-8")
    rows = [row for row in text.split("<tr")[1:] if "export-" in row]
    assert len(rows) == len(TARGETS)
    for name, row in zip(TARGETS, rows, strict=True):
        assert row.count("<td") == 5, name
        assert f'href="export-{name}.html"' in row
        assert "RUN" in row.split("<td")[5]  # the command, whole


@pytest.mark.parametrize(
    ("page", "models"),
    [
        ("spaces", (SearchSpace, StudySettings)),
        ("recipes", (Recipe, Vote, Route)),
        ("events", get_args(AnyEvent)),
    ],
)
def test_every_key_of_a_file_is_in_the_reference_and_is_explained(
    page: str, models: tuple[type[BaseModel], ...], built: Path
) -> None:
    text = (built / "reference" / f"{page}.html").read_text(encoding="utf-8")
    body = "".join(part for part in text.split("<tbody>")[1:] if '<span class="pre">' in part)
    rows = {row.split("</span>")[0].split(">")[-1]: row for row in body.split("<tr")[1:]}
    schemas = [model.model_json_schema(by_alias=True) for model in models]
    parts = [part for schema in schemas for part in (schema, *schema.get("$defs", {}).values())]
    assert {name for part in parts for name in part.get("properties", ())} <= {key.split(".")[-1] for key in rows}
    for key, row in rows.items():
        assert len(row.split("<td")[-1].split("</p>")[0]) > 10, f"{key} is not explained"


def test_every_python_block_is_python_and_imports_what_there_is() -> None:
    """Also of the blocks that are not run."""
    for page in PAGES:
        for block in blocks(page):
            if block.language != "python" or ">>>" in block.text:
                continue
            for node in ast.walk(ast.parse(block.text, f"{name_of(page)}:{block.line}")):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("evoswarm"):
                    for one in node.names:
                        assert hasattr(import_module(str(node.module)), one.name), f"{name_of(page)}: {one.name}"


def test_every_whole_space_is_a_valid_one() -> None:
    """Files that a page's reader does not have need not be there; keys and values must be right."""
    whole = [
        (f"{name_of(page)}:{block.line}", block.text)
        for page in PAGES
        for block in blocks(page)
        if block.language == "yaml"
        and all(f"\n{key}:" in f"\n{block.text}" for key in ("name", "pool", "tasks"))
        and "main.py" not in page.read_text(encoding="utf-8")  # where something is registered first
    ]
    assert whole
    for where, text in whole:
        SearchSpace.from_text(text, where)
