"""What a search says of its test items when it begins."""

from __future__ import annotations

import re
from collections.abc import Callable

from evoswarm.evaluation.openings.book import Seen
from evoswarm.evaluation.openings.opening import OpeningRecord
from evoswarm.experiment.drawn import draw
from evoswarm.experiment.openings.words import first_words
from evoswarm.space import SearchSpace

Micro = Callable[..., SearchSpace]


def test_unseen_items_say_what_they_can_find(micro: Micro) -> None:
    few, many = micro(), micro("splits.test=400")
    assert "too few to find even the greatest gain" in first_words(few, draw(few), Seen(6))[0]
    (sentence,) = first_words(many, draw(many), Seen(400))
    assert sentence.startswith(
        "The 400 test items are unseen as far as the ledger and the run directories know; a true "
    )
    assert "where champion and rivals differ on 10% of them, of " in sentence
    assert "where they differ on 50%; --no-certify leaves them closed" in sentence
    assert sentence.endswith("several seeds that are to be certified together (evoswarm certify RUN RUN ...).")


def test_only_rivals_that_can_play_are_counted(micro: Micro) -> None:
    """A vote has no vote of its members to beat; nothing is merged that is to be left out."""
    alone, vote = "certificate={merged: false}", "genome.kind=vote"
    said, gains = dict[str, str](), dict[str, float]()
    spaces = {"five": (), "four": (alone,), "up to four": (vote,), "three": (vote, alone)}
    for name, overrides in spaces.items():
        space = micro("splits.test=400", *overrides)
        (said[name],) = first_words(space, draw(space), Seen(400))
        found = re.search(r"a true gain of about ([\d.]+) points over", said[name])
        assert found is not None
        gains[name] = float(found[1])
    assert [re.findall(r"over (\S+ .*?rivals) is found", one)[0] for one in said.values()] == [
        "up to five rivals",
        "all four rivals",
        "up to four rivals",
        "all three rivals",
    ]
    assert gains["five"] > gains["four"] == gains["up to four"] > gains["three"]


def test_seen_items_say_by_whom_and_how_several_seeds_are_done_right(micro: Micro) -> None:
    def opened(*seeds: int) -> OpeningRecord:
        return OpeningRecord(at=0, how="certificate", space="micro", search="x", seeds=seeds, champions=("c" * 64,))

    space = micro()
    own = first_words(space, draw(space), Seen(6, 6, (opened(0),)))
    assert own[:2] == [
        "Of the 6 test items, 6 have been opened before:",
        "  for cccccccccccc of micro, seed 0, by certificate, 1970-01-01 00:00 UTC",
    ]
    assert not any("Several seeds" in sentence for sentence in own)
    others = first_words(space, draw(space), Seen(6, 6, (opened(1), *[opened(2)] * 4)))
    assert "  and 2 times more" in others
    assert "these items are open already: here it takes --force, and the certificate says so" in others[-1]
    assert "--no-certify" not in " ".join(others)
