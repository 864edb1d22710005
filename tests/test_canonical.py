"""Digests and what is drawn from them are what they were in runs and ledgers that exist."""

from __future__ import annotations

import datetime

import pytest

from evoswarm.canonical import canonical_json, digest_of, sha256
from evoswarm.decoding.step.noise import noise_key
from evoswarm.evolution.randomness import generator
from evoswarm.tasks.task import item_key


def test_data_has_one_text_and_one_digest_whatever_the_order_of_its_keys() -> None:
    data = {"b": 1, "a": ["\u00e9", 0.1]}
    assert canonical_json(data) == canonical_json(dict(reversed(data.items()))) == '{"a": ["\u00e9", 0.1], "b": 1}'
    assert digest_of(data) == "cd03b52852e4b7712028549ae619538efcd1d33d7db86f4e94aebc8b13167405"
    assert sha256("\u00e9") == sha256("\u00e9".encode())
    with pytest.raises(TypeError):
        digest_of({"when": datetime.date(2020, 1, 2)})


def test_keys_noise_and_generators_stay() -> None:
    raw = {"b": [1, 2.5, None, "\u00e9\ud800"], "a": datetime.date(2020, 1, 2)}
    assert item_key({"kind": "x"}, raw) == "c0738dd5ead8d03c2a9ee0a8b0e730c65b13712d524bad19b0d71ffbdec3159b"
    assert noise_key(7, "key \u00e9", 3) == 5034890964514140684
    assert generator(1, 2, 3, "mutate").random() == 0.08749590973988253
