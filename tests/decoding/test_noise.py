"""Counter-based noise: known answers, the right distribution, and no dependence on company."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
import torch

from evoswarm.decoding.compiled.philox import draw
from evoswarm.decoding.step.noise import (
    SPEAKERS,
    SYMBOLS,
    gumbel,
    noise_key,
    philox,
    uniform,
    uniform_on_device,
    uniform_on_host,
)
from tests import oracle

ONES = 0xFFFFFFFF
KNOWN = [  # the test vectors that come with Random123
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([ONES] * 4, [ONES] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_philox_known_answers(counter: Any, key: Any, words: str) -> None:
    got = philox([np.array([c], np.uint64) for c in counter], tuple(np.array([k], np.uint64) for k in key))  # type: ignore[arg-type]
    assert [int(word[0]) for word in got] == words


def test_the_key_is_the_head_of_a_hash() -> None:
    digest = hashlib.sha256(b"5:item-17:2").digest()
    assert noise_key(5, "item-17", 2) == int.from_bytes(digest[:8], "big")
    assert len({noise_key(seed, item, n) for seed in range(3) for item in "abc" for n in range(3)}) == 27


def test_noise_is_that_of_the_oracle() -> None:
    key = noise_key(1, "x", 0)
    got = gumbel([key], [9], 5)[0].tolist()
    drawn = [(oracle.philox(9, symbol, key) + 0.5) / 2**32 for symbol in range(5)]
    assert got == pytest.approx([-np.log(-np.log(u)) for u in drawn])


def test_a_draw_does_not_depend_on_the_rest_of_the_batch() -> None:
    keys = [noise_key(0, str(n), 0) for n in range(6)]
    positions = [0, 7, 300, 1, 1, 2]
    together = gumbel(keys, positions, 257)
    for index in (0, 2, 5):
        assert (gumbel([keys[index]], [positions[index]], 257)[0] == together[index]).all()
        assert (gumbel([keys[index]], [positions[index]], 40)[0] == together[index, :40]).all()
    assert (together[3] != together[4]).all(), "another item, other noise"


def test_streams_that_share_key_and_position_share_the_draw() -> None:
    keys = [noise_key(0, str(n % 3), 0) for n in range(300)]
    positions = [n % 2 for n in range(300)]
    together = gumbel(keys, positions, 257)
    alone = {pair: gumbel([pair[0]], [pair[1]], 257)[0] for pair in set(zip(keys, positions, strict=True))}
    assert len(alone) == 6
    for pair, row in zip(zip(keys, positions, strict=True), together, strict=True):
        assert (row == alone[pair]).all()


def test_noise_is_finite_and_gumbel() -> None:
    keys = [noise_key(0, "one", n) for n in range(400)]
    drawn = gumbel(keys, list(range(400)), 257).numpy()
    assert np.isfinite(drawn).all()
    assert drawn.mean() == pytest.approx(0.57722, abs=0.02)
    assert drawn.var() == pytest.approx(np.pi**2 / 6, abs=0.05)
    for level in (-1.0, 0.0, 1.0, 3.0):
        assert (drawn < level).mean() == pytest.approx(np.exp(-np.exp(-level)), abs=0.01)


def test_the_greatest_perturbed_log_probability_is_a_draw() -> None:
    probabilities = np.array([0.5, 0.3, 0.15, 0.05])
    keys = [noise_key(3, "item", n) for n in range(20_000)]
    chosen = (np.log(probabilities) + gumbel(keys, [4] * len(keys), 4).numpy()).argmax(1)
    assert np.bincount(chosen) / len(keys) == pytest.approx(probabilities, abs=0.012)


def test_gates_draw_from_the_reserved_symbol() -> None:
    keys = np.array([noise_key(2, str(n), 0) for n in range(5000)], np.uint64)
    positions = np.arange(5000) % 40
    drawn = uniform(keys, positions)
    wanted = [oracle.philox(int(at), ONES, int(key)) / 2**32 for key, at in zip(keys[:20], positions[:20], strict=True)]
    assert drawn[:20].tolist() == wanted
    assert (drawn >= 0).all()
    assert (drawn < 1).all()
    assert np.histogram(drawn, 10, (0, 1))[0] / 5000 == pytest.approx([0.1] * 10, abs=0.02)
    assert (uniform(keys[7:9], positions[7:9]) == drawn[7:9]).all()


@pytest.mark.parametrize("drawn", [SYMBOLS, SPEAKERS])
def test_a_device_draws_what_the_host_draws(drawn: int) -> None:
    keys = np.array([noise_key(2, str(n), 0) for n in range(4)] + [2**64 - 1], np.uint64)
    pairs = np.stack([keys, np.array([0, 1, 2**32 - 1, 77, 5], np.uint64)], axis=1)
    for symbols in (torch.arange(300)[None], torch.arange(5 * 9).reshape(5, 9) * 4001):
        made, plainly = np.empty((5, symbols.shape[1])), np.empty((5, symbols.shape[1]))
        uniform_on_host(pairs, symbols.numpy().view(np.uint64), drawn, made)
        draw(
            np.ascontiguousarray(pairs[:, 0]),
            np.ascontiguousarray(pairs[:, 1]),
            symbols.numpy().view(np.uint64),
            drawn,
            plainly,
        )
        assert (made == plainly).all()
        assert (uniform_on_device(pairs, symbols, drawn).numpy() == made).all()
