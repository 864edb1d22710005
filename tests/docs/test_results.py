"""The page of events names every key of the results that it describes, and no other."""

from __future__ import annotations

import ast
import inspect
import re
from textwrap import dedent

import pytest

from evoswarm.experiment.outlook.plan import Plan
from evoswarm.experiment.result import SearchResult
from tests.docs.pages import DOCS


def keys_of(kind: type[Plan] | type[SearchResult]) -> set[str]:
    nodes = ast.walk(ast.parse(dedent(inspect.getsource(kind.as_dict))))
    (returned,) = (node for node in nodes if isinstance(node, ast.Return))
    assert isinstance(returned.value, ast.Dict)
    return {str(key.value) for key in returned.value.keys if isinstance(key, ast.Constant)}


@pytest.mark.parametrize(("kind", "command"), [(Plan, "plan"), (SearchResult, "search")])
def test_the_keys_of_results_are_described(kind: type[Plan] | type[SearchResult], command: str) -> None:
    page = (DOCS / "reference" / "events.md").read_text(encoding="utf-8")
    table = page.partition(f"Those of `evoswarm {command}`:\n\n")[2].partition("\n\n")[0]
    named = [re.findall(r"`(\w+)`", row.split("|")[1]) for row in table.splitlines()[2:]]
    assert sorted(key for row in named for key in row) == sorted(keys_of(kind))
