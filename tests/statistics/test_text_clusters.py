"""Kinds of texts: what they are read from, which one a text is of, and how they are found."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.canonical import digest_of
from evoswarm.statistics.text_clusters import KEPT, LENGTHS, SEEN, Clusters, Texts, clusters_of, form, nearest, ngrams

SUMS = [f"{a} + {b} = ?" for a in range(11, 40, 9) for b in (35, 61, 80)]
WORDS = [f"Spell {word} backwards" for word in ("sun", "moon", "planet", "comet", "orbit", "galaxy", "dust", "light")]
CODE = [f"def {name}(x):\n    return" for name in ("add", "twice", "half", "root", "power", "sign")]
any_text = st.text(st.characters(codec=None), max_size=60)


@given(any_text)
def test_ngrams_are_what_the_form_holds(text: str) -> None:
    plain = form(text)
    assert all(ngram in plain and len(ngram) in LENGTHS for ngram in ngrams(text))
    assert len(ngrams(text)) == len(set(ngrams(text)))
    assert form(f" {text}\n\n") == form(f"{text}\t"), "white space at the ends is one blank"
    assert "  " not in plain
    assert not set("AZ159\n\t") & set(plain)


def test_long_texts_are_read_at_both_ends() -> None:
    assert form("a" * SEEN + "Q" * 70_000 + "b" * SEEN) == f" {'a' * SEEN} {'b' * SEEN} "


@given(
    any_text, st.lists(st.dictionaries(st.sampled_from([" ", "a", "0", "é", "ab", "\U0001f600"]), st.integers(1, 9)))
)
def test_the_nearest_is_the_first_of_the_greatest_sum(text: str, clusters: list[dict[str, int]]) -> None:
    sums = [sum(one[ngram] for ngram in one if ngram in ngrams(text)) for one in clusters]
    found = nearest(clusters, text)
    if found is None:
        assert not any(sums)
    else:
        assert sums[found] == max(sums) > 0
        assert max(sums[:found], default=0) < sums[found]


def test_kinds_that_differ_are_told_apart_and_new_texts_go_to_theirs() -> None:
    clusters = clusters_of([*SUMS, *WORDS, *CODE], 3)
    places = [{nearest(clusters, text) for text in texts} for texts in (SUMS, WORDS, CODE)]
    assert [len(some) for some in places] == [1, 1, 1]
    assert len(set.union(*places)) == 3
    new = ["714 + 2 = ?", "SPELL telescope backwards", "def cube(y):\n  return"]
    assert [{nearest(clusters, text)} for text in new] == places
    assert all(len(one) <= KEPT and min(one.values()) >= 1 for one in clusters)


def test_texts_are_read_once_for_any_number_of_kinds() -> None:
    texts = [*SUMS, *WORDS, *CODE]
    read = Texts(texts)
    assert [read.clusters(count) for count in (2, 3)] == [clusters_of(texts, count) for count in (2, 3)]


def test_kinds_that_are_known_take_new_texts() -> None:
    named = [*["sums"] * len(SUMS), *["words"] * len(WORDS), *["code"] * len(CODE)]
    found = Texts([*SUMS, *WORDS, *CODE]).of_kinds(named)
    new = {"sums": "714 + 2 = ?", "words": "SPELL telescope backwards", "code": "def cube(y):\n  return"}
    kinds = list(found)
    assert kinds == list(new)
    assert [kinds[nearest(list(found.values()), text) or 0] for text in new.values()] == kinds
    assert Texts(["same"] * 4).of_kinds(["a", "a", "b", "b"]) == {}


class Counted(dict[str, int]):
    """Weights that say how often they were gone through."""

    times = 0

    def items(self) -> Any:
        type(self).times += 1
        return super().items()


def test_the_cluster_of_a_text_is_worked_out_once_whoever_asks() -> None:
    def made() -> Clusters:
        return Clusters([Counted({"+": 5, "only here": 1}), Counted({"spell": 5})])

    first, again = made(), made()
    texts = ["12+34=", "spell it", "+" + "x" * SEEN + "in the middle" + "spell" * SEEN, "?"]
    found = [first.nearest(text) for text in texts]
    assert found == [nearest(first.weights, text) for text in texts]
    before = Counted.times
    assert [again.nearest(text) for text in texts] == found
    assert Counted.times == before


@pytest.mark.parametrize("texts", [["", " ", "\n"], ["same"] * 9, ["only one"], ["a" * 5, "b" * 5]])
def test_texts_that_do_not_differ_give_few_clusters(texts: list[str]) -> None:
    clusters = clusters_of(texts, 4)
    assert len(clusters) <= len(set(texts))
    assert all(clusters)


def test_what_is_found_is_the_same_everywhere() -> None:
    """No process of its own, as that takes seconds: the digest is that of another process."""
    assert (
        digest_of(clusters_of([*SUMS, *WORDS, *CODE], 3))
        == "5faab5e92d377678ee65229a3eaac47a73c7626d790373119347e949f5e11af7"
    )
