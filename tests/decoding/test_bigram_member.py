"""A member whose next token depends on the last one only: its exact byte marginal is had by dynamic programming."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from evoswarm.decoding.compiled.text_states import ROOT_BRANCH
from evoswarm.decoding.member import load_member
from evoswarm.decoding.views.text_view import TextView
from evoswarm.member_spec import MemberSpec
from tests.decoding import tiny
from tests.decoding.lone_view import LoneView
from tests.oracle_symbols import allowed

SMOOTHING = 1e-3  # a model gives a little to everything
WORDS = ("the", "a", "tiger", "river", "runs", "slowly", "under", "old", "stones,", "and", "every", "naïve", "garden")
WORDS += ("sleeps;", "café", "señor", "it's", "we'll")  # type: ignore[assignment]
SENTENCES = 400


def rare(chance: Any) -> Any:
    """A word that the tokenizer has no single token for."""
    return "".join(chance.choice("bcdfghjklmnprstvwz") + chance.choice("aeiou") for _ in range(chance.randint(2, 4)))


@pytest.fixture(scope="module")
def text() -> Any:
    """Words by chance, rare ones too, with numbers, double spaces and new lines among them."""
    chance = random.Random(11)
    pieces = []
    for _ in range(SENTENCES):
        words = [chance.choice(WORDS) if chance.random() < 0.8 else rare(chance) for _ in range(chance.randint(3, 8))]
        words.insert(2, str(chance.randint(1, 99_999)))
        pieces.append(chance.choice([" ", " ", "  "]).join(words) + chance.choice([".", "!\n", "?\n\n\t"]))
    return pieces


@pytest.fixture(scope="module")
def bigram(tmp_path_factory: pytest.TempPathFactory, text: str) -> Any:
    """A Llama with nothing between its embedding (one-hot) and its head (the table), saved and loaded."""
    tokenizer = tiny.byte_level(tiny.GPT2_PATTERN, 640, text)
    columns = tokenizer.get_vocab_size()
    counts = np.full((columns, columns), 0.0)
    for sentence in text:
        ids = [*tokenizer.encode(sentence).ids, 1]
        np.add.at(counts, (ids[:-1], ids[1:]), 1.0)
    unseen = counts.sum(1) == 0
    counts[unseen] = 1.0
    table = (1 - SMOOTHING) * counts / counts.sum(1, keepdims=True) + SMOOTHING / columns
    width = columns + columns % 2
    config = {"hidden_size": width, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    model = tiny.random_model("llama", columns, head_dim=8, rms_norm_eps=1e-12, tie_word_embeddings=False, **config)
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.norm.weight.fill_(1.0)
        model.model.embed_tokens.weight.copy_(torch.eye(columns, width))
        head = torch.from_numpy(np.log(table)).T / np.sqrt(width)
        model.lm_head.weight.copy_(torch.nn.functional.pad(head, (0, width - columns)))
    path = tiny.save(tmp_path_factory.mktemp("bigram"), model, tokenizer)
    member = load_member(MemberSpec(name="bigram", path=str(path), device="cpu"), 4096)
    with torch.inference_mode():
        rows = torch.softmax(member.reader.model(torch.arange(columns)[:, None]).logits[:, 0].double(), 1).numpy()  # type: ignore[attr-defined]
    assert np.abs(rows - table).max() < 1e-5, "the model is the table"
    return member, rows


class Marginal:
    """The exact next-byte distribution behind a text, over all tokenizations that spell it."""

    def __init__(self, member: Any, rows: Any) -> None:
        self.spelling = {t: s for t, s in enumerate(member.codec.token_bytes) if s}
        self.longest = max(map(len, self.spelling.values()))
        said = [*self.spelling, *member.codec.end_ids]
        self.rows = rows / rows[:, said].sum(1, keepdims=True)
        self.by_text = {s: t for t, s in self.spelling.items()}
        self.end = member.codec.end_ids[0]

    def masses(self, first: Any, text: Any) -> Any:
        """Per position of the text: ``{last token: probability of all paths that end there with it}``."""
        alpha = [{first: 1.0}]
        for stop in range(1, len(text) + 1):
            here = {}
            for start in range(max(0, stop - self.longest), stop):
                token = self.by_text.get(text[start:stop])
                if token is not None:
                    here[token] = sum(p * self.rows[last, token] for last, p in alpha[start].items())
            alpha.append(here)
        return alpha

    def next_byte(self, alpha: Any, text: Any) -> Any:
        symbols = np.zeros(257)
        for start in range(max(0, len(text) - self.longest + 1), len(text) + 1):
            rest = text[start:]
            before = sum((p * self.rows[last] for last, p in alpha[start].items()), np.zeros(len(self.rows)))
            for token, spelled in self.spelling.items():
                if spelled.startswith(rest) and len(spelled) > len(rest):
                    symbols[spelled[len(rest)]] += before[token]
            if not rest:
                symbols[256] = before[self.end]
        symbols[~np.array(allowed(text))] = 0.0
        return symbols / symbols.sum()


def distances(bigram: Any, prompt: Any, sentence: Any, epsilon: float = 1e-3) -> Any:
    """Total variation between our view and the exact marginal at every position; and whether a digit run is near."""
    member, rows = bigram
    exact, reader = Marginal(member, rows), LoneView(member, epsilon)
    raw = sentence.encode()
    beginnings = [raw[:length] for length in range(len(raw) + 1)]
    alpha = exact.masses(member.render(prompt)[-1], raw)
    found = []
    for text, node in zip(beginnings, reader.read(prompt, beginnings), strict=True):
        ours = reader.probs(node).numpy()
        found.append((0.5 * np.abs(ours - exact.next_byte(alpha, text)).sum(), text[-1:].isdigit()))
    return found


def test_the_view_is_the_exact_marginal_outside_digit_runs(bigram: Any, text: str) -> None:
    every = [pair for sentence in text[:12] for pair in distances(bigram, "the old river", f" {sentence}")]
    outside = [distance for distance, in_digits in every if not in_digits]
    assert len(outside) > 300
    assert np.mean(outside) <= 0.02
    assert np.median(outside) < 2e-3


def test_it_also_is_where_words_were_never_seen_together(bigram: Any) -> None:
    every = [
        pair for s in (" stones the a a garden", " under; river tiger", " runs\n") for pair in distances(bigram, "a", s)
    ]
    assert np.mean([distance for distance, _ in every]) <= 0.02


def test_a_view_that_covers_too_little_would_be_seen(bigram: Any, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the heads that end before the text does, the same measure is far off."""
    finish = TextView._finish

    def last_head(self: TextView, asked: Any, places: Any) -> None:
        masses, branches = np.asarray(self._heads.mass), np.asarray(self._heads.branch)
        masses[branches != ROOT_BRANCH] = 0.0
        finish(self, asked, places)

    monkeypatch.setattr(TextView, "_finish", last_head)
    every = [pair for sentence in text[:3] for pair in distances(bigram, "the old river", f" {sentence}")]
    assert np.mean([distance for distance, in_digits in every if not in_digits]) > 0.2
