"""The chosen option in answers as models give them."""

from __future__ import annotations

import pytest

from evoswarm.tasks.scorers import Choice

FOUR = Choice()
TEN = Choice(tuple("ABCDEFGHIJ"))


@pytest.mark.parametrize(
    ("text", "scorer", "expected"),
    [
        ("答案是B", FOUR, "B"),
        ("正确答案：C", FOUR, "C"),
        ("我选B。", FOUR, "B"),
        ("選B", FOUR, "B"),
        ("正解はCです", FOUR, "C"),
        ("정답은 B입니다", FOUR, "B"),
        ("答案是（B）", FOUR, "B"),
        ("答案：Ｂ", FOUR, "B"),
        ("B是正确的，因为A错", FOUR, "B"),
        ("I believe it is B", TEN, "B"),
        ("I believe so", TEN, ""),
        ("I", TEN, "I"),
        ("The answer is I.", TEN, "I"),
        ("I'm sure: C", TEN, "C"),
        ("A, since B and C are wrong", FOUR, "A"),
        ("I think A, since B and C are wrong", FOUR, "A"),
        ("A since B and C are wrong", FOUR, "A"),
        ("Because A is small, it must be B.", FOUR, "B"),
        (r"\boxed{B}", FOUR, "B"),
        (r"\boxed{\text{B}} not A", FOUR, "B"),
        ("(B)", FOUR, "B"),
        ("**B**", FOUR, "B"),
        ("The answer is B.", FOUR, "B"),
        ("The answer is **B**.", FOUR, "B"),
        ("The correct answer is option C.", FOUR, "C"),
        ("The answer is B because option A is wrong", FOUR, "B"),
        ("I pick B, not A", FOUR, "B"),
        ("Not A but B", FOUR, "B"),
        ("A dog", FOUR, ""),
        ("A dog, so B", FOUR, "B"),
        ("The answer is not A but B", FOUR, "B"),
        ("Answer:\nB", FOUR, "B"),
        ("A is correct", FOUR, "A"),
        ("It's D!", FOUR, "D"),
        ("B'", FOUR, "B"),
        ("D'Artagnan", FOUR, ""),
        ("La respuesta es C", FOUR, "C"),
        (r"The answer is: $\boxed{D}$.", FOUR, "D"),
        ("Answer: A dog", FOUR, "A"),
        ("the answer is A. dog", FOUR, "A"),
        ("C. Because the answer A is wrong", FOUR, "C"),
        ("Option A is wrong. Option B is right", FOUR, "B"),
        ("A\n\nBecause...", FOUR, "A"),
        ("A and B are wrong, C is right", FOUR, "C"),
        ("Vitamin C helps; B", FOUR, "B"),
        ("答案是ABC", FOUR, ""),
        ("<answer>B</answer>", FOUR, "B"),
        ("A) 5", FOUR, "A"),
        ("Answer is B) 5, not C", FOUR, "B"),
    ],
)
def test_the_chosen_option(text: str, scorer: Choice, expected: str) -> None:
    assert scorer.extract(text) == expected


def test_options_in_scripts_without_spaces() -> None:
    scorer = Choice(("对", "错"))
    assert scorer.extract("我认为是对的") == "对"
    assert scorer.extract("答案是错") == "错"
