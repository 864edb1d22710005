"""Several seeds of one space: one opening for all their champions, a certificate each and one over the seeds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from evoswarm.certificate.seeds import SeedsCertificate
from evoswarm.cli import run as command
from evoswarm.errors import RunError
from evoswarm.evaluation.openings.book import OpenedBefore
from evoswarm.evaluation.openings.places import OPENINGS
from evoswarm.experiment.certification import certify
from evoswarm.experiment.result import PAGE
from evoswarm.experiment.seeds_certification import JOINTLY, certify_seeds
from evoswarm.experiment.session import search
from evoswarm.run_directory import CERTIFICATE
from evoswarm.space import SearchSpace

Micro = Callable[..., SearchSpace]
SEEDS = range(5)
BRIEF = ("evolution.generations=1", "evolution.islands=1", "certificate.samples=3")


@pytest.fixture(scope="module")
def searched(micro: Micro, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seeds, none of them certified; nobody may change the directory."""
    root = tmp_path_factory.mktemp("seeds") / "runs"
    for seed in SEEDS:
        search(micro(*BRIEF), seed=seed, runs=root, certify=False)
    for seed, name in {1: "llama-a", 3: "llama-b"}.items():  # so short a search finds the same whatever its seed
        run = root / f"micro-seed{seed}"
        shutil.copy(run / "recipes" / f"member-{name}.json", run / "champion.json")
    return root


@pytest.fixture(scope="module")
def certified(searched: Path) -> tuple[Path, SeedsCertificate, Path]:
    """The directory of runs, the certificate over seeds, and where it lies."""
    root = searched.parent / "certified"
    shutil.copytree(searched, root)
    return root, *certify_seeds(runs_in(root))


def runs_in(root: Path) -> list[Path]:
    return [root / f"micro-seed{seed}" for seed in SEEDS]


def openings(root: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (root / OPENINGS).read_text().splitlines()]


def test_the_items_are_opened_once_for_all(certified: tuple[Path, SeedsCertificate, Path]) -> None:
    root, certificate, place = certified
    (opening,) = openings(root)
    assert (opening["how"], opening["seeds"]) == (JOINTLY, list(SEEDS))
    assert opening["champions"] == sorted({one.champion for one in certificate.seeds})
    assert len({one.champion for one in certificate.seeds}) == 3
    assert not certificate.opening.forced
    assert place == root / "micro-seeds-0-1-2-3-4"
    for run in runs_in(root):
        assert openings(run) == [opening]  # every run keeps a copy
    again, where = certify_seeds(runs_in(root))
    assert (again, where, openings(root)) == (certificate, place, [opening])  # the same opening
    assert certify(runs_in(root)[2]).opening.forced is False  # each of them alone, too


def test_what_the_certificate_over_seeds_says(certified: tuple[Path, SeedsCertificate, Path]) -> None:
    root, certificate, place = certified
    data = json.loads((place / CERTIFICATE).read_text())
    jsonschema.validate(data, SeedsCertificate.json_schema())
    own = [json.loads((run / CERTIFICATE).read_text()) for run in runs_in(root)]
    assert [one.score.mean for one in certificate.seeds] == [one["score"]["mean"] for one in own]
    assert certificate.score.mean == pytest.approx(sum(one["score"]["mean"] for one in own) / len(own), abs=1e-6)
    for place_of, rival in enumerate(certificate.rivals):
        by_seed = [one["rivals"][place_of]["difference"]["mean"] for one in own]
        assert rival.by_seed == pytest.approx(by_seed, abs=1e-6)
        assert rival.difference.mean == pytest.approx(sum(by_seed) / len(own), abs=1e-5)
    assert certificate.found_value == sum(one["verdict"]["outcome"] == "adds value" for one in own)
    text = (place / PAGE).read_text()
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("CERTIFICATE OVER SEEDS: micro, seeds 0, 1, 2, 3, 4\n")
    assert "seeds fewer than two members really speak, so nothing is mixed there." in text.replace("\n", " ")


def test_what_stands_where_it_would_be_written_stays(
    certified: tuple[Path, SeedsCertificate, Path], tmp_path: Path
) -> None:
    """Another certificate, that of a run above all; its own is written again."""
    root, certificate, place = certified
    own = (runs_in(root)[0] / CERTIFICATE).read_bytes()
    with pytest.raises(RunError, match="got that of a run"):
        certify_seeds(runs_in(root), out=runs_in(root)[0])
    assert (runs_in(root)[0] / CERTIFICATE).read_bytes() == own
    for name, content in {CERTIFICATE: own, PAGE: b"mine"}.items():
        other = tmp_path / name.replace(".", "-")
        other.mkdir()
        (other / name).write_bytes(content)
        with pytest.raises(RunError, match=f"{name}: expected a place for the certificate over these seeds"):
            certify_seeds(runs_in(root), out=other)
        assert (other / name).read_bytes() == content
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="expected a directory, got a file"):
        certify_seeds(runs_in(root), out=tmp_path / "file")
    before = (place / CERTIFICATE).read_bytes()
    assert certify_seeds(runs_in(root), out=place) == (certificate, place)
    assert (place / CERTIFICATE).read_bytes() == before


def test_a_seed_that_was_certified_alone_spoils_the_others(searched: Path, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    shutil.copytree(searched, root)
    certify(runs_in(root)[0])
    with pytest.raises(OpenedBefore, match=r"opened for another recipe before .* of micro, seed 0"):
        certify_seeds(runs_in(root)[:2])


def test_only_runs_that_differ_in_their_seed_go_together(
    searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = runs_in(searched)[:2]
    with pytest.raises(RunError, match="expected runs of different seeds, got seed 0 twice"):
        certify_seeds([one, one])
    other = tmp_path / "other"
    shutil.copytree(two, other)
    space = (other / "space.yaml").read_text()
    (other / "space.yaml").write_text(space.replace("max_bytes: 8", "max_bytes: 9"))
    assert command(["certify", str(one), str(other)]) == 2
    assert "expected runs of one space that differ in their seed alone, got another tasks" in capsys.readouterr().err
    assert not openings(searched)
