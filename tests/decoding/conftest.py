"""Loaded once for all tests of decoding: the zoo, its oracles, and random models around every kind of tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from evoswarm.decoding.member import Member, load_member
from evoswarm.decoding.request import Completion, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.member_spec import MemberSpec
from evoswarm.zoo.catalogue import member_path
from tests.decoding import tiny
from tests.decoding.integrity import check_integrity
from tests.decoding.recipes import ZOO, spec
from tests.oracle_member import OracleMember

BATCH_TOKENS = 4096


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tiny models are fastest on one."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _every_decoding_leaves_a_sound_memory() -> Iterator[None]:
    """However it ends: answers, stopped, out of memory, or an error."""
    decode = Swarm.decode

    def checked(swarm: Swarm, requests: Sequence[Request], **options: Any) -> list[Completion]:
        try:
            return decode(swarm, requests, **options)
        finally:
            check_integrity(swarm)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Swarm, "decode", checked)
        yield


@pytest.fixture(scope="session")
def zoo() -> Swarm:
    """All members of the zoo in one swarm, whose memory tests share (it must not change anything)."""
    return Swarm.load([spec(name) for name in ZOO], batch_tokens=BATCH_TOKENS)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the members whose weights have really been read."""
    names: list[str] = []

    def noting(one: MemberSpec, batch_tokens: int, device: str, digest: str | None) -> Member:
        names.append(one.name)
        return load_member(one, batch_tokens, device, digest)

    monkeypatch.setattr("evoswarm.decoding.pool.load_member", noting)
    return names


@pytest.fixture(scope="session")
def member(zoo: Swarm) -> Callable[[str], Member]:
    """A loaded member of the zoo by name."""
    return {one.spec.name: one for one in zoo.members}.__getitem__


@pytest.fixture(scope="session")
def oracle() -> Callable[[str], OracleMember]:
    """The oracle's member of the zoo by name."""
    return cache(lambda name: OracleMember(member_path(name), chat_template=spec(name).chat_template))


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The directory of a random model around a kind of tokenizer."""
    return cache(lambda kind: tiny.build(tmp_path_factory.mktemp("tiny") / kind.replace(" ", "-"), kind))


@pytest.fixture(scope="session")
def any_member(member: Callable[[str], Member], tiny_path: Callable[[str], Path]) -> Callable[[str], Member]:
    """A loaded member by the name of a zoo member or of a kind of tokenizer."""

    def load(name: str) -> Member:
        if name in ZOO:
            return member(name)
        return load_member(MemberSpec(name="tiny", path=str(tiny_path(name)), device="cpu"), BATCH_TOKENS)

    return cache(load)


@pytest.fixture(scope="session")
def any_oracle(
    oracle: Callable[[str], OracleMember], tiny_path: Callable[[str], Path]
) -> Callable[[str], OracleMember]:
    """The oracle's member by the name of a zoo member or of a kind of tokenizer."""
    return cache(lambda name: oracle(name) if name in ZOO else OracleMember(tiny_path(name)))
