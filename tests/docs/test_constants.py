"""Numbers that the design pages name are those of the code."""

from __future__ import annotations

import re
from pkgutil import resolve_name

import pytest

from evoswarm.space import SearchSpace
from tests.docs.pages import DOCS, ROOT

NAMED = [
    ("decoding", r"at least \$\log 10^{-12}\$", 1e-12, "decoding.text.alphabet:FLOOR"),
    ("decoding", r"below \$\lvert\alpha\rvert = 10^{-3}\$ it is the product", 1e-3, "fusion.power:NEARLY_PRODUCT"),
    ("decoding", r"ties (within \$10^{-6}\$)", 1e-6, "fusion.most_confident:ENTROPY_TIE"),
    ("decoding", r"sums within \$10^{-6}\$ of the greatest tie", 1e-6, "fusion.vote:WEIGHT_TIE"),
    ("decoding", r"p_\ell(s) \ge 0.1 \max p_\ell", 0.1, "fusion.contrast:PLAUSIBLE"),
    ("decoding", "Philox-4x32-10", 10, "decoding.step.noise:ROUNDS"),
    ("decoding", r"sums within \$10^{-6}\$ of all votes tie", 1e-6, "evaluation.judge:TIE"),
    ("decoding", r"What lies below \$10^{-4}\$ nats is *close*", 1e-4, "evaluation.evaluation:CLOSE_MARGIN"),
    ("byte-view", "added up by blocks of 32", 32, "decoding.memory.symbol_sums:BLOCK"),
    ("byte-view", r"sums up to less than \$10^{-25}\$ is added up anew", 1e-25, "decoding.memory.symbol_sums:TINY"),
    ("memory", "(40%, 10% and 5%)", 0.4, "decoding.memory.limits:STATE_SHARE"),
    ("memory", "(40%, 10% and 5%)", 0.1, "decoding.memory.limits:ROW_SHARE"),
    ("memory", "(40%, 10% and 5%)", 0.05, "decoding.memory.limits:TEXT_SHARE"),
    ("memory", "long (more than 64 tokens to read)", 64, "decoding.memory.parts:SHORT"),
    ("memory", "a turn reads 2,048 tokens of each member (on a CPU 512)", 2048, "decoding.memory.parts:ON_DEVICE"),
    ("memory", "a turn reads 2,048 tokens of each member (on a CPU 512)", 512, "decoding.memory.parts:ON_CPU"),
    ("gold-paths", "says of 4 items of the task", 4, "gold.forms:TRIED"),
    ("gold-paths", "may take 1 GiB, a constant", 1 << 30, "gold.rows:BUDGET_BYTES"),
    ("evolution", "up to 64 items of the search split", 64, "experiment.calibrating:CALIBRATION_ITEMS"),
    ("evolution", "gated at an open share of 0.2", 0.2, "genomes.mix.founders:GATED_SHARE"),
    ("evolution", "mutated again, up to five times", 5, "evolution.genetic:ATTEMPTS"),
    ("evolution", "an upper bound (1.28 standard errors", 1.28, "evaluation.racing.race:DROP_ERRORS"),
    ("evolution", "the 20 distinct policies best on the search split", 20, "experiment.finalists:FINALISTS"),
    ("evolution", "no more than half a point in all", 0.005, "experiment.selection:DROP_TOLERANCE"),
    ("gold-fit", "a normal prior that is worth two of the $n$ items", 2.0, "gold.fit.gradient:PRIOR"),
    ("gold-fit", "at most 120 steps", 120, "gold.fit.gradient:STEPS"),
    ("gold-fit", "less than 2% of the say", 0.02, "gold.fit.mixes:NEGLIGIBLE"),
    ("gold-fit", "three significant digits", 3, "gold.fit.recipes:DIGITS"),
    ("gold-fit", "likeliest (12 in all)", 12, "gold.fit.outcomes:KEPT"),
    ("gold-fit", "three folds", 3, "gold.fit.validation:FOLDS"),
    ("gold-fit", "take five steps of the optimiser", 5, "gold.fit.refine:STEPS"),
    ("gold-fit", "at least half of the search items", 0.5, "experiment.fitting:LEAST_KNOWN"),
    ("certificate", "majority votes over 3, 5, 9, ... answers", 3, "rivals.sampling:FEWEST"),
    ("certificate", "at temperatures 0.4, 0.7 and 1.0", (0.4, 0.7, 1.0), "rivals.sampling:TEMPERATURES"),
    ("certificate", "In pools of more than 6 members", 6, "rivals.matched:SMALL_POOL"),
    ("certificate", "(at 2% of the champion's steps or more)", 0.02, "certificate.verdict:SPEAKS"),
    ("certificate", "with a probability of 80%", 0.8, "certificate.detectable:POWER"),
    ("certificate", "one-sided at 97.5%", 0.025, "statistics.intervals:ONE_SIDED"),
]


@pytest.mark.parametrize(("page", "words", "value", "name"), NAMED, ids=[one[3] for one in NAMED])
def test_the_design_names_the_numbers_of_the_code(page: str, words: str, value: object, name: str) -> None:
    text = re.sub(r"\s+", " ", (DOCS / "design" / f"{page}.md").read_text(encoding="utf-8"))
    assert words.replace(r"\$", "$") in text
    assert resolve_name(f"evoswarm.{name}") == value


def test_the_design_names_defaults_of_spaces() -> None:
    space = SearchSpace.from_yaml(ROOT / "search_spaces" / "quickstart.yaml")
    assert (space.epsilon, space.certificate.margin, space.certificate.samples) == (1e-3, 0.03, 17)
    design = DOCS / "design"
    assert "The default of `epsilon` is $10^{-3}$." in (design / "byte-view.md").read_text(encoding="utf-8")
    page = (design / "certificate.md").read_text(encoding="utf-8")
    assert "3 points unless the space says otherwise" in page
    assert "`certificate.samples` (17 unless the space says otherwise)" in page
