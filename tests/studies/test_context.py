"""The planted pool of the study of context is what it is said to be, and its figures say what the records do."""

from __future__ import annotations

from tests.studies import context

WORDS = context.halves(0, context.LETTERS, lambda rng: str(rng.random()))
FIGURES = context.halves(0, context.NUMBERS, lambda rng: str(rng.random()))


def right(told: dict[str, str], truth: dict[str, str]) -> float:
    return sum(told[key] == value for key, value in truth.items()) / len(truth)


def test_one_knows_the_first_half_one_the_second_and_one_most_of_both() -> None:
    taught = context.taught(0, WORDS, FIGURES)
    shares = {name: (right(one, WORDS), right(two, FIGURES)) for name, (one, two) in taught.items()}
    assert shares["words"] == (1.0, 0.0)
    assert shares["numbers"] == (0.0, 1.0)
    assert all(0.55 < share < 0.95 for share in shares["both"])


def test_pools_differ_and_are_made_alike_every_time() -> None:
    again = context.halves(0, context.LETTERS, lambda rng: str(rng.random()))
    other = context.halves(1, context.LETTERS, lambda rng: str(rng.random()))
    assert again == WORDS
    assert not set(other.values()) & set(WORDS.values())


def test_figures_count_the_seeds_that_are_ahead() -> None:
    records = {f"planted-{seed}": {"points": {"context": gain}} for seed, gain in enumerate((5.0, 2.9, 3.0))}
    records["tokens-0"] = {"points": {"context": -0.1, "credibility": 0.2}}
    figures = context.figures(records)
    assert figures["planted_ahead_by_three"].value == 2 / 3
    assert figures["tokens_credibility_points"].value == 0.2
    assert figures["quickstart_context_points"].value is None
