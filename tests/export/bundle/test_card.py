"""The card of a bundle is one that the hub reads: its types give back what was put in."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import ModelCard, metadata_load
from huggingface_hub.repocard_data import model_index_to_eval_results

from evoswarm.experiment.result import SearchResult
from evoswarm.export.bundle.card import eval_results
from evoswarm.export.source import read_source
from tests.export.bundle.test_bundle import bundle


@pytest.fixture(scope="module")
def certified(finished: SearchResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle(finished.directory, tmp_path_factory.mktemp("cards") / "out")


def test_results_are_read_back_as_the_hub_reads_them(certified: Path, finished: SearchResult) -> None:
    certificate = finished.certificate
    assert certificate is not None
    wanted = eval_results(read_source(finished.directory))
    metadata = metadata_load(certified / "README.md")
    assert metadata is not None
    name, found = model_index_to_eval_results(metadata["model-index"])
    assert (name, found) == (finished.directory.name, wanted)
    card = ModelCard.load(certified / "README.md")
    assert card.data.eval_results == wanted
    assert ModelCard(str(card)).data.to_dict() == card.data.to_dict()
    assert [one.metric_value for one in found] == [
        certificate.score.mean,
        *(one.mean for one in certificate.by_task.values()),
    ]
    assert f"{certificate.score.low:.1%} to {certificate.score.high:.1%}" in str(found[0].metric_name)


def test_it_says_the_verdict_the_rivals_and_how_to_run_it(certified: Path, finished: SearchResult) -> None:
    certificate = finished.certificate
    assert certificate is not None
    card = ModelCard.load(certified / "README.md")
    assert f"**Certificate: {certificate.verdict.outcome}. {certificate.verdict.sentence}**" in card.text
    for rival in certificate.rivals:
        assert f"| {rival.key} {rival.name} |" in card.text
        assert f"{rival.score.mean:.1%}" in card.text
    assert "evoswarm generate" in card.text
    assert finished.champion.digest in card.text
    assert all(line in card.text for line in finished.champion.words())
    data = card.data.to_dict()
    assert (data["library_name"], data["pipeline_tag"]) == ("evoswarm", "text-generation")
    assert set(data["tags"]) == {"evoswarm", "ensemble", finished.champion.kind}
    assert "base_model" not in data  # folders that no hub knows


def test_without_a_certificate_no_result_is_claimed(policy_file: Path, tmp_path: Path) -> None:
    out = bundle(policy_file, tmp_path / "out")
    card = ModelCard.load(out / "README.md")
    assert card.data.eval_results is None
    assert "Not certified" in card.text
    assert "90.0% (82.0% to 95.0%) on 100" in card.text
    assert "which it was chosen on" in card.text
    assert card.data.license == "apache-2.0"
