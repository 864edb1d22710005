"""R6 on real models: two branches of one model, each spoilt, whose mean is that model again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from evoswarm.decoding.member.soup import DISK_LEFT, Soup
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.candidate import Candidate, score
from evoswarm.experiment import merging as merged_weights
from evoswarm.experiment.merging import PREFIX, Merger, Pretender, Refused, merger, sweep
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.policies import Policy
from evoswarm.rivals.matched import Singles
from evoswarm.rivals.soups import best_soup
from evoswarm.rivals.tuning import to_beat, tune
from evoswarm.space import SearchSpace
from tests.studies.planted import branches

SPACE = """
name: soups
pool:
{pool}
tasks:
  - {{name: sums, source: reasoning_gym, family: chain_sum, max_bytes: 8}}
alphabet: bytes
splits: {{search: 4, selection: 12, test: 8}}
"""
APART = 0.06
"""How far each number of a branch is from the model between them: far enough that neither says a right sum."""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return branches(tmp_path_factory.mktemp("branches"), APART)


def space_of(pool: dict[str, str]) -> SearchSpace:
    lines = "\n".join(f"  - {{name: {name}, path: '{path}'}}" for name, path in pool.items())
    return SearchSpace.from_text(SPACE.format(pool=lines), "soups")


@pytest.fixture
def bench(places: dict[str, str], tmp_path: Path) -> Iterator[Workbench]:
    """The two, a copy of the first, a model of their shape that was trained apart, and one of another shape."""
    pool = {**places, "copy": places["plus"], "apart": "zoo:llama-b", "other": "zoo:neox-e"}
    with workbench(space_of(pool), tmp_path / "ledger.sqlite", splits=("selection", "test")) as made:
        yield made.as_deployed()


def alone(bench: Workbench, count: int | None = None) -> Singles:
    items = bench.items["selection"][:count]
    recipes = {one.digest: one for one in (single(bench.space, spec) for spec in reversed(bench.pool))}
    found = [Candidate(f"{one.lead}, one greedy answer", one) for one in recipes.values()]
    return Singles(tuple(score(found, bench.evaluator, items)), deployed=((),) * len(recipes))


def accuracy(bench: Workbench, policy: Policy) -> float:
    return bench.evaluator.summaries([policy], bench.items["selection"])[0].accuracy or 0.0


def test_the_mean_of_two_spoilt_branches_is_found(bench: Workbench, tmp_path: Path) -> None:
    items = bench.items["selection"]
    known = alone(bench)
    with merger(bench) as merging:
        assert merging.groups == (("plus", "minus", "apart"),)
        soup = best_soup(bench.evaluator, items, bench.space, known, merging)
        assert soup.rival is not None
        assert set(soup.members) == {"plus", "minus"}
        assert (soup.rival.key, soup.rival.name) == ("R6", "merged weights")
        assert "greedy soup" in soup.rival.description
        with_it = merging.beside(bench, soup)
        assert accuracy(with_it, soup.rival.policy) > 0.9
        assert max(one.accuracy for one in known.greedy) < 0.5
        assert soup.rival.policy.specs[0].path == f"mean:{'+'.join(soup.members)}"
        assert len(list(tmp_path.glob(f"{PREFIX}*/*/*.safetensors"))) <= 1, "one at a time"
        asked = bench.evaluator.asked
        again = best_soup(bench.evaluator, items, bench.space, known, merging)
        assert again == soup
        assert bench.evaluator.asked > asked
    assert not list(tmp_path.glob(f"{PREFIX}*")), "whoever made them removes them"


def test_what_the_ledger_knows_is_not_merged_again(
    places: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    write = Soup.write

    def watched(self: Soup) -> None:
        write(self)
        written.append(self.directory)

    monkeypatch.setattr(Soup, "write", watched)
    found = []
    for _ in range(2):
        with workbench(space_of(places), tmp_path / "ledger.sqlite", splits=("selection", "test")) as made:
            bench = made.as_deployed()
            champion, items = uniform(bench.space, bench.pool), bench.items["selection"]
            with merger(bench) as merging:
                rivals = tune(bench.space, bench.pool, champion, bench.evaluator, items, merging=merging)
                knowing = merging.beside(bench, rivals.soup).evaluator
                found.append([one.scores for one in knowing.summaries([one.policy for one in rivals.matched], items)])
        assert [one.key for one in rivals.matched] == ["R1", "R2", "R3", "R4", "R6"]
        assert len(rivals.matched) == to_beat(bench.space, alike=True)
        assert len({path.name for path in written}) == 1, "the second go needs no weights"
    assert found[0] == found[1]


def test_no_room_is_no_rival_and_says_so(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merged_weights, "free_bytes", lambda device: 10)
    with merger(bench) as merging:
        soup = best_soup(bench.evaluator, bench.items["selection"], bench.space, alone(bench), merging)
    assert soup.rival is None
    assert soup.absent.startswith("Members' weights could not be merged: expected")
    assert soup.absent.endswith("bytes of free memory on cpu to load one more model, got 10.")
    assert DISK_LEFT > 0


def test_room_that_is_gone_before_the_test_is_seen_there(
    places: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the ledger knows is loaded only when it is asked more: then it must fit, or be no rival."""
    said = list[str]()
    with workbench(space_of(places), tmp_path / "ledger.sqlite", splits=("selection",)) as bench:
        items, known = bench.items["selection"], alone(bench)
        with merger(bench, said.append) as merging:
            first = best_soup(bench.evaluator, items, bench.space, known, merging)
            assert merging.loaded(first) == first
        assert len(said) == 1
        assert said[0].startswith("rival R6: of one shape are plus, minus. About 1 merged model of up to")
        assert str(tmp_path / PREFIX) in said[0]
        assert "`certificate: {merged: false}` leaves this rival out" in said[0]
        with merger(bench, said.append) as merging:
            again = best_soup(bench.evaluator, items, bench.space, known, merging)
            assert again == first
            monkeypatch.setattr(merged_weights, "free_bytes", lambda device: 10)
            lost = merging.loaded(again)
    assert len(said) == 1, "nothing was written again"
    assert lost.rival is None
    assert lost.absent.endswith("bytes of free memory on cpu to load one more model, got 10.")


def test_what_is_certainly_far_behind_is_not_played(tmp_path: Path) -> None:
    """Models that were trained apart have a mean that says nothing; a few items do not show that for certain."""
    space = space_of({"adder": "zoo:llama-a", "speller": "zoo:llama-b"})
    with workbench(space, tmp_path / "ledger.sqlite", splits=("selection",)) as bench, merger(bench) as merging:
        items, known = bench.items["selection"], alone(bench)
        soup = best_soup(bench.evaluator, items, bench.space, known, merging)
        assert soup.rival is None
        assert set(soup.members) == {"adder", "speller"}
        assert soup.absent.startswith("Not played on the test items, as it is at least ")
        assert "points behind R1 (a bound of 99.9% confidence on the selection items)" in soup.absent
        assert soup.absent.endswith(": 0.0% on selection.")
        assert merging.loaded(soup) == soup
        assert merging.beside(bench, soup) is bench
        assert best_soup(bench.evaluator, items[:2], bench.space, alone(bench, 2), merging).rival is not None


def test_a_space_may_leave_them_out(places: dict[str, str]) -> None:
    space = space_of(places)
    spared = space.model_copy(update={"certificate": space.certificate.model_copy(update={"merged": False})})
    with workbench(spared, ":memory:", splits=("selection",)) as bench, merger(bench) as merging:
        assert merging.groups == ()
        assert "certificate.merged is false" in best_soup(bench.evaluator, [], spared, Singles(()), merging).absent
        assert Pretender(bench).seconds == 0


def test_a_pool_of_nobody_alike_says_so(bench: Workbench, places: dict[str, str]) -> None:
    def told(pool: dict[str, str]) -> tuple[Sequence[Sequence[str]], str]:
        with workbench(space_of(pool), ":memory:", splits=("selection",)) as other, merger(other) as merging:
            return merging.groups, merging.absent

    assert told({"plus": places["plus"], "copy": places["plus"], "other": "zoo:neox-e"}) == (
        (),
        merged_weights.NOBODY_ALIKE,
    )
    refused = Refused("There was no room.")
    assert best_soup(bench.evaluator, [], bench.space, Singles(()), refused).absent == "There was no room."


def test_a_rehearsal_asks_as_many_and_merges_nothing(bench: Workbench, tmp_path: Path) -> None:
    items = bench.items["selection"][:3]
    known = alone(bench, 3)
    before, read = bench.evaluator.asked, bench.evaluator.swarm.counters.rows_forwarded
    pretended = best_soup(bench.evaluator, items, bench.space, known, Pretender(bench))
    assert pretended.rival is not None
    assert bench.evaluator.asked - before in (2 * 2 * len(items), 3 * 2 * len(items)), "soups, ways of each, items"
    assert bench.evaluator.swarm.counters.rows_forwarded > read, "whoever stands in is asked anew"
    assert Pretender(bench).seconds > 0
    assert isinstance(bench.swarm, Swarm)


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"0" * 10)
    sweep(tmp_path)
    assert left.is_dir(), "somebody may just have made it"
    os.utime(left, (0, 0))
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(outside)
    sweep(tmp_path)
    assert not left.exists()
    assert outside.is_dir()


def test_what_is_in_use_stays(bench: Workbench, tmp_path: Path) -> None:
    with merger(bench) as merging:
        assert isinstance(merging, Merger)
        place = merging._place
        os.utime(place, (0, 0))
        sweep(tmp_path)
        assert place.is_dir()
    assert not place.exists()
