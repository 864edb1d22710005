"""Real trained models, where the cache has them: ``make real`` fetches and converts them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from transformers import AutoTokenizer

from evoswarm.decoding.member import Member, load_member
from evoswarm.member_spec import MemberSpec
from tests.real.tokenizers import Standing
from tools.cache import model_path

SMOLLM2, GEMMA3 = "smollm2-135m-instruct", "gemma3-270m"
BATCH_TOKENS = 2048


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one real tokenizer follow each other, whatever their modules: it is read once for all of them."""
    asked = {item: item.callspec.params.get("standing") for item in items if hasattr(item, "callspec")}
    places = [place for place, item in enumerate(items) if asked.get(item) is not None]
    for place, item in zip(
        places, sorted((items[one] for one in places), key=lambda one: str(asked[one])), strict=True
    ):
        items[place] = item


@pytest.fixture(autouse=True)
def _collector_rests() -> Iterator[None]:
    """Vocabularies are millions of small objects that stay: the collector would go through them again and again."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="session")
def standing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Standing:
    """A real tokenizer by its name; several seconds of CPU each, kept while the next test asks about the same one."""
    return Standing(request.param, tmp_path_factory.mktemp(request.param))


def real_spec(name: str, **fields: object) -> MemberSpec:
    """A real model on the CPU in float32; skips the test where the cache lacks it."""
    path = model_path(name)
    if not path.is_dir():
        pytest.skip(f"{name} is not in {path.parent}: `make real` fetches and converts it (about 1.5 GB for all)")
    return MemberSpec.model_validate({"name": name, "path": str(path), "device": "cpu", "dtype": "float32", **fields})


@pytest.fixture(scope="session")
def real_member() -> Callable[..., Member]:
    """Loads a real model, once for all tests."""

    @cache
    def load(name: str, **fields: object) -> Member:
        return load_member(real_spec(name, **fields), BATCH_TOKENS)

    return load


@pytest.fixture(scope="session")
def real_tokenizer() -> Callable[[str], Any]:
    """The tokenizer of a real model as transformers has it, loaded apart from the member's."""

    @cache
    def load(name: str) -> Any:
        return AutoTokenizer.from_pretrained(real_spec(name).path)

    return load
