"""Sums over a member's rows, against the plain sums of float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.compiled.nodes import ROOT, Nodes
from evoswarm.decoding.compiled.text_states import ROOT_BRANCH
from evoswarm.decoding.member import Member
from evoswarm.decoding.memory.device_sums import DeviceSums, segment_sums
from evoswarm.decoding.memory.host_sums import HostSums
from evoswarm.decoding.memory.member_rows import MemberRows
from evoswarm.decoding.memory.symbol_sums import HeadArrays, SymbolSums
from evoswarm.decoding.text.alphabet import ByteAlphabet
from evoswarm.decoding.text.decomposition import Decomposition
from evoswarm.decoding.text.token_trie import TokenTrie

ROWS = 6


class Standing(NamedTuple):
    """One member's rows of logits drawn at random, and who adds them up."""

    member: Member
    rows: MemberRows
    tokens: TokenTrie
    made: Decomposition
    sums: SymbolSums

    def branch(self, text: bytes) -> int:
        """Of tokens that strictly extend a text."""
        found = ROOT_BRANCH
        for symbol in text:
            found = self.tokens.child(found, symbol)
        return found

    def plainly(self, row: int, text: bytes) -> NDArray[np.float64]:
        """``[257]`` of what may come behind a text that tokens extend; END behind the empty one."""
        found, log_probs = np.zeros(257), self.rows.log_probs[row].double()
        for token, spelled in enumerate(self.member.codec.token_bytes):
            if spelled is not None and spelled.startswith(text) and len(spelled) > len(text):
                found[spelled[len(text)]] += float(log_probs[token].exp())
        if not text:
            found[-1] = float(log_probs[-1].exp())
        return found


def put(rows: MemberRows, logits: Tensor) -> NDArray[np.int64]:
    """Keep logits; returns their rows."""
    nodes = np.array([rows._nodes.child(ROOT, token) for token in range(len(logits))])
    rows.put(nodes, logits)
    return np.asarray(rows._nodes.row)[nodes]


@pytest.fixture(params=[HostSums, DeviceSums], ids=["host", "device"])  # either on the host
def standing(any_member: Callable[[str], Member], request: pytest.FixtureRequest) -> Standing:
    member = any_member("llama3")
    rows = MemberRows(member.codec, Nodes(), 1 << 26, "cpu")
    made = ByteAlphabet().decomposition(member.codec)
    tokens = TokenTrie(made)
    return Standing(member, rows, tokens, made, request.param(rows, tokens, made.order, 257))


def drawn(standing: Standing, spread: float) -> Tensor:
    return spread * torch.randn((ROWS, standing.member.reader.columns), generator=torch.Generator().manual_seed(0))


def texts_of(standing: Standing) -> Sequence[bytes]:
    """The empty one, and some that many tokens extend, or few."""
    spelled = [text for text in standing.member.codec.token_bytes if text is not None and len(text) > 2]
    found = [b"", *sorted({text[:1] for text in spelled})[:4], *sorted({text[:2] for text in spelled})[:4]]
    assert len(found) == 9
    return found


@pytest.mark.parametrize("spread", [0.1, 3.0, 30.0])
def test_two_heads_are_added_up_as_plain_sums(standing: Standing, spread: float) -> None:
    rows = put(standing.rows, drawn(standing, spread))
    for text in texts_of(standing)[1:]:
        heads = HeadArrays(
            np.repeat(rows, 2),
            np.tile([ROOT_BRANCH, standing.branch(text)], ROWS),
            np.tile([0.3, 0.7], ROWS),
            np.repeat(np.arange(ROWS), 2),
        )
        found, totals = standing.sums.by_symbol(heads, torch.ones((ROWS, 257), dtype=torch.bool))
        for owner, row in enumerate(rows.tolist()):
            plain = 0.3 * standing.plainly(row, b"") + 0.7 * standing.plainly(row, text)
            assert totals[owner] == pytest.approx(plain.sum(), rel=1e-6)
            np.testing.assert_allclose(found[owner].numpy(), plain / plain.sum(), rtol=2e-6, atol=1e-37)


@pytest.mark.parametrize("spread", [0.1, 3.0, 30.0])
def test_totals_are_those_of_the_tokens_that_go_on(standing: Standing, spread: float) -> None:
    rows = put(standing.rows, drawn(standing, spread))
    for text in texts_of(standing):
        found = standing.sums.totals(rows, np.full(ROWS, standing.branch(text)))
        plain = [standing.plainly(row, text).sum() for row in rows.tolist()]
        np.testing.assert_allclose(found, plain, rtol=1e-6)


def test_what_float32_does_not_know_is_added_up_in_float64(standing: Standing) -> None:
    """All tokens that begin with one byte are less likely than e^-200: alone, they are a distribution all the same."""
    logits = drawn(standing, 1.0)
    first = texts_of(standing)[1]
    ids = [token for token, text in enumerate(standing.member.codec.token_bytes) if text and text.startswith(first)]
    logits[:, ids] -= 200.0
    rows = put(standing.rows, logits)
    branch = standing.branch(first)
    assert (standing.sums.totals(rows, np.full(ROWS, branch)) > 0).all()
    heads = HeadArrays(rows, np.full(ROWS, branch), np.ones(ROWS), np.arange(ROWS))
    found, totals = standing.sums.by_symbol(heads, torch.ones((ROWS, 257), dtype=torch.bool))
    for owner, row in enumerate(rows.tolist()):
        plain = standing.plainly(row, first)
        assert 0 < plain.sum() < 1e-80
        assert totals[owner] == pytest.approx(plain.sum(), rel=1e-9)
        np.testing.assert_allclose(found[owner].numpy(), plain / plain.sum(), rtol=1e-6, atol=1e-37)


def test_what_may_not_follow_has_no_mass(standing: Standing) -> None:
    rows = put(standing.rows, drawn(standing, 3.0))
    allowed = torch.zeros((ROWS, 257), dtype=torch.bool)
    allowed[1:, 97:123] = True
    heads = HeadArrays(rows, np.full(ROWS, ROOT_BRANCH), np.ones(ROWS), np.arange(ROWS))
    found, totals = standing.sums.by_symbol(heads, allowed)
    assert totals[0] == 0
    assert not found[~allowed].any()
    np.testing.assert_allclose(found[1:].sum(1).numpy(), 1.0, rtol=1e-6)


def test_rows_that_are_written_again_are_added_up_again(standing: Standing) -> None:
    rows = put(standing.rows, drawn(standing, 3.0))
    before = standing.sums.totals(rows, np.full(ROWS, standing.branch(texts_of(standing)[1])))
    standing.rows.slots.give(rows.tolist())
    again = put(standing.rows, drawn(standing, 3.0).flip(0))
    after = standing.sums.totals(again, np.full(ROWS, standing.branch(texts_of(standing)[1])))
    np.testing.assert_allclose(after, before[::-1], rtol=1e-6)


def test_a_device_adds_up_as_the_host_does() -> None:
    numbers = torch.rand((5, 100), generator=torch.Generator().manual_seed(1))
    starts = np.array([0, 1, 7, 8, 60, 99])
    np.testing.assert_allclose(
        segment_sums(numbers, starts), np.add.reduceat(numbers.numpy(), starts, axis=1), rtol=1e-6
    )
