"""Kinds of texts: clusters by the character n-grams that texts contain.

Spherical k-means over tf-idf rows (Dhillon and Modha 2001, doi:10.1023/A:1007612920971), n-grams counted once a text.
What is kept of a cluster is its direction: a whole number per n-gram. The cluster of a text is the one whose numbers,
added up over the n-grams that the text contains, come to most. Whole numbers add up alike on every machine, and the
length of a text does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

LENGTHS = (1, 2, 3, 4)
"""Of n-grams, in characters."""

SEEN = 1000
"""Characters at either end of a text that are looked at; of a shorter text all are."""

KEPT = 128
"""N-grams of a cluster: those of greatest weight."""

_FEATURES = 1024  # n-grams that are told apart when clusters are found
_COMMON = 0.95  # n-grams in more than this share of all texts say nothing of their kind
_STARTS = 4  # of k-means
_SCALE = 1000  # weight of the heaviest n-gram

_SPACE = re.compile(r"[ \t\n\r\f\v]+")
_PLAIN = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789", "abcdefghijklmnopqrstuvwxyz000000000")

Weights = Mapping[str, int]
"""The direction of a cluster: how much each n-gram speaks for it."""


def form(text: str) -> str:
    """What n-grams are read from: the two ends of a text, small letters, every digit 0, white space one blank.

    Only ASCII is changed, so that no version of Unicode matters.
    """
    ends = text if len(text) <= 2 * SEEN else f"{text[:SEEN]} {text[-SEEN:]}"
    return _SPACE.sub(" ", f" {ends.translate(_PLAIN)} ")


def ngrams(text: str) -> list[str]:
    """The distinct n-grams of a text, sorted."""
    plain = form(text)
    return sorted({plain[at : at + length] for length in LENGTHS for at in range(len(plain) - length + 1)})


def nearest(clusters: Sequence[Weights], text: str) -> int | None:
    """The position of the cluster of a text, of equals the first; None where it has no n-gram of any of them."""
    plain = form(text)
    sums = [sum(weight for ngram, weight in one.items() if ngram in plain) for one in clusters]
    most = max(sums, default=0)
    return sums.index(most) if most > 0 else None


def clusters_of(texts: Sequence[str], count: int) -> list[dict[str, int]]:
    """Find the kinds of some texts.

    Args:
        texts: at least one.
        count: of the kinds that are wanted, at least one; fewer are found where texts do not differ enough.

    Returns:
        The weights of every cluster, those of its heaviest n-grams; heaviest first.
    """
    from sklearn.cluster import KMeans  # takes a second to import, and few need it
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.preprocessing import normalize

    reader = CountVectorizer(analyzer=ngrams, max_df=_COMMON, min_df=min(2, len(texts)), max_features=_FEATURES)
    try:
        counts = reader.fit_transform(texts)
    except ValueError:  # no n-gram is left: all texts have the same ones, or none that another has
        return []
    rarity = np.log(len(texts) / counts.getnnz(axis=0))
    rows = normalize(counts.multiply(rarity).tocsr())
    told_apart = min(count, len({tuple(row.indices) for row in rows if row.nnz}))
    if told_apart < 1:
        return []
    means = KMeans(told_apart, n_init=_STARTS, random_state=0).fit(rows).cluster_centers_
    directions = normalize(means) * rarity
    scale = _SCALE / directions.max()
    found = (_heaviest(direction * scale, reader.get_feature_names_out()) for direction in directions)
    return [one for one in found if one]


def _heaviest(weights: np.ndarray, names: Sequence[str]) -> dict[str, int]:
    rounded = {str(name): int(weight) for name, weight in zip(names, np.rint(weights), strict=True) if weight >= 0.5}
    order = sorted(rounded, key=lambda name: (-rounded[name], name))
    return {name: rounded[name] for name in order[:KEPT]}
