"""Whether a search split is large enough to tell recipes apart."""

from __future__ import annotations

import numpy as np
import pytest

from evoswarm.experiment.outlook.resolution import CERTAIN, Resolution


def drawn(accuracies: np.ndarray, items: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((len(accuracies), items)) < accuracies[:, None]).astype(float)


def share_apart(scores: np.ndarray) -> float:
    """Of all pairs, those whose paired difference is more than so many standard errors, counted."""
    first, second = np.triu_indices(len(scores), 1)
    differences = scores[first] - scores[second]
    error = differences.std(axis=1, ddof=1) / np.sqrt(scores.shape[1])
    return float((np.abs(differences.mean(axis=1)) > CERTAIN * error).mean())


@pytest.mark.parametrize("spread", [0.03, 0.1, 0.2])
def test_what_few_items_foretell_is_what_many_show(spread: float) -> None:
    """Recipes of known accuracy: the share told apart by 200 items, foretold by many samples of 20."""
    accuracies = np.clip(np.random.default_rng(0).normal(0.5, spread, 30), 0, 1)
    foretold = np.mean([Resolution.of(drawn(accuracies, 20, seed).tolist()).share(200) for seed in range(40)])
    seen = np.mean([share_apart(drawn(accuracies, 200, seed)) for seed in range(20)])
    assert foretold == pytest.approx(seen, abs=0.1)


def test_the_items_that_it_takes_tell_half_of_the_pairs_apart() -> None:
    resolution = Resolution(38, spread=0.01, noise=0.3)
    assert resolution.items is not None
    assert resolution.share(resolution.items) == pytest.approx(0.5, abs=0.01)
    assert resolution.share(resolution.items // 4) < 0.4 < 0.6 < resolution.share(resolution.items * 4)


def test_a_split_that_is_too_small_is_warned_of_with_how_many_it_takes() -> None:
    resolution = Resolution(38, spread=0.01, noise=0.3)
    warning = resolution.warning(48)
    assert warning is not None
    assert warning.startswith("48 search items would tell a recipe from about 8 of the 37 others of the sample")
    assert warning.endswith(f"for half of them it would take about {resolution.items} (splits.search)")
    assert resolution.warning(1000) is None


def test_where_nothing_differs_but_noise_nobody_knows_how_many_it_takes() -> None:
    same = Resolution.of([[1.0, 0.0, 1.0]] * 4)
    assert (same.spread, same.noise, same.share(100), same.items) == (0.0, 0.0, 0.0, None)
    assert "no difference between them that is more than noise" in (same.warning(100) or "")
    assert Resolution.of([[1.0, 0.0]]).warning(100) is None, "a single recipe need not be told from any"
