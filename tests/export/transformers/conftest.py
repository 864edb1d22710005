"""Exported folders, loaded by transformers' own loaders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from evoswarm.cli import run

Loaded = tuple[Any, Any]
"""A model and its tokenizer."""


@pytest.fixture(scope="session", autouse=True)
def _nothing_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No network, and what transformers copies of a folder's code goes to a temporary one."""
    cached = str(tmp_path_factory.mktemp("modules"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", cached)
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(scope="session")
def exported(
    _nothing_elsewhere: None, _one_thread: None, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], Path]:
    """The folder of a policy's file, moved since it was written."""
    root = tmp_path_factory.mktemp("exported")

    @cache
    def write(file: Path) -> Path:
        assert run(["export", str(file), "--to", "transformers", str(root / file.stem), "--quiet"]) == 0
        moved = root / "moved" / file.stem
        moved.parent.mkdir(exist_ok=True)
        os.rename(root / file.stem, moved)
        return moved

    return write


@pytest.fixture(scope="session")
def loaded(exported: Callable[[Path], Path]) -> Callable[[Path], Loaded]:
    """What transformers loads from the folder of a policy's file."""

    @cache
    def load(file: Path) -> Loaded:
        folder = exported(file)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        return AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True), tokenizer

    return load
