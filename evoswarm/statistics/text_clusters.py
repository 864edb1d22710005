"""Kinds of texts: clusters by the character n-grams that texts contain.

Spherical k-means over tf-idf rows (Dhillon and Modha 2001, doi:10.1023/A:1007612920971), n-grams counted once a text.
What is kept of a cluster is its direction: a whole number per n-gram. The cluster of a text is the one whose numbers,
added up over the n-grams that the text contains, come to most. Whole numbers add up alike on every machine, and the
length of a text does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

LENGTHS = (1, 2, 3, 4)
"""Of n-grams, in characters."""

SEEN = 1000
"""Characters at either end of a text that are looked at; of a shorter text all are."""

KEPT = 128
"""N-grams of a cluster: those of greatest weight."""

REMEMBERED = 1 << 16
"""Texts whose cluster is remembered: many policies ask for those of the same texts."""

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
    return _SPACE.sub(" ", f" {_ends(text).translate(_PLAIN)} ")


def _ends(text: str) -> str:
    return text if len(text) <= 2 * SEEN else f"{text[:SEEN]} {text[-SEEN:]}"


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


class Clusters:
    """Clusters that many texts are told apart by: the `nearest` one of a text is worked out once, whoever asks for it.

    Args:
        weights: of every cluster.
    """

    def __init__(self, weights: Sequence[Weights]) -> None:
        self.weights = tuple(weights)
        self._content = tuple(tuple(sorted(one.items())) for one in self.weights)
        self._hash = hash(self._content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clusters) and self._hash == other._hash and self._content == other._content

    def __hash__(self) -> int:
        return self._hash

    def nearest(self, text: str) -> int | None:
        """See `nearest`."""
        return _remembered(self, _ends(text))


@lru_cache(maxsize=REMEMBERED)
def _remembered(clusters: Clusters, text: str) -> int | None:
    return nearest(clusters.weights, text)


class Texts:
    """Some texts, read once, whose kinds are found.

    Args:
        texts: at least one.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import CountVectorizer  # takes a second to import, and few need it
        from sklearn.preprocessing import normalize

        reader = CountVectorizer(analyzer=ngrams, max_df=_COMMON, min_df=min(2, len(texts)), max_features=_FEATURES)
        try:
            counts = reader.fit_transform(texts)
        except ValueError:  # no n-gram is left: all texts have the same ones, or none that another has
            self._apart = 0
            return
        self._rarity = np.log(len(texts) / counts.getnnz(axis=0))
        self._rows = normalize(counts.multiply(self._rarity).tocsr())
        self._names = reader.get_feature_names_out()
        self._apart = len({tuple(row.indices) for row in self._rows if row.nnz})

    def clusters(self, count: int) -> list[dict[str, int]]:
        """Find so many kinds.

        Args:
            count: of the kinds that are wanted, at least one; fewer are found where texts do not differ enough.

        Returns:
            The weights of every cluster, those of its heaviest n-grams; heaviest first.
        """
        from sklearn.cluster import KMeans  # likewise

        told_apart = min(count, self._apart)
        if told_apart < 1:
            return []
        means = KMeans(told_apart, n_init=_STARTS, random_state=0).fit(self._rows).cluster_centers_
        return [one for one in self._directions(means) if one]

    def of_kinds(self, kinds: Sequence[str]) -> dict[str, dict[str, int]]:
        """The same for kinds that are known.

        Args:
            kinds: of the texts, by name.

        Returns:
            The weights of every kind, by name; nothing where the texts of some kind have no n-gram of their own.
        """
        names, each = list(dict.fromkeys(kinds)), np.asarray(kinds)
        if self._apart < 1:
            return {}
        means = np.vstack([np.asarray(self._rows[np.flatnonzero(each == name)].mean(axis=0)) for name in names])
        found = dict(zip(names, self._directions(means), strict=True))
        return found if all(found.values()) else {}

    def _directions(self, means: np.ndarray) -> list[dict[str, int]]:
        from sklearn.preprocessing import normalize  # likewise

        directions = normalize(means) * self._rarity
        scale = _SCALE / directions.max()
        return [_heaviest(direction * scale, self._names) for direction in directions]


def clusters_of(texts: Sequence[str], count: int) -> list[dict[str, int]]:
    """Find the kinds of some texts; see `Texts.clusters`."""
    return Texts(texts).clusters(count)


def _heaviest(weights: np.ndarray, names: Sequence[str]) -> dict[str, int]:
    rounded = {str(name): int(weight) for name, weight in zip(names, np.rint(weights), strict=True) if weight >= 0.5}
    order = sorted(rounded, key=lambda name: (-rounded[name], name))
    return {name: rounded[name] for name in order[:KEPT]}
