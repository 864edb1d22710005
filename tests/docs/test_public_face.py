"""The examples in the docstrings of the public names are run, in an order in which each finds what it needs."""

from __future__ import annotations

import doctest
import os
import sys
from pathlib import Path

import pytest

import evoswarm
from tests.docs.pages import ROOT

ORDER = (
    *(
        "MemberSpec",
        "Recipe",
        "Vote",
        "Route",
        "Policy",
        "load_policy",
        "answer",
        "Turn",
        "Question",
        "Engine",
        "as_custom_generate",
        "Request",
        "Swarm",
        "Completion",
        "SearchSpace",
        "search",
        "Progress",
        "SearchResult",
        "FirstLook",
        "write_report",
        "certify",
    ),
    *("Certificate", "evaluate", "certify_seeds", "merge", "Summary", "Trust", "EvoswarmError"),
)


def test_every_public_name_has_an_example_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.symlink(ROOT / "search_spaces", "search_spaces")
    assert sorted(ORDER) == evoswarm.__all__
    names = {name: getattr(evoswarm, name) for name in evoswarm.__all__}
    runner = doctest.DocTestRunner()
    for name in ORDER:
        home = sys.modules[names[name].__module__]
        example = doctest.DocTestParser().get_doctest(names[name].__doc__ or "", names, name, home.__file__, None)
        assert example.examples, f"{name} has no example"
        told: list[str] = []
        example.globs = names
        runner.run(example, out=told.append, clear_globs=False)
        assert not runner.failures, "".join(told)
