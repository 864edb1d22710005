"""What a run keeps for those who want to see: whose answers, to which items, and when it is written again."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from evoswarm.evaluation.alone import read_alone
from evoswarm.evaluation.asked import item_digest
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.traces.reading import Traces, read_traces
from evoswarm.experiment import tracing
from evoswarm.experiment.certification import certify
from evoswarm.experiment.drawn import draw
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.interrupt import SearchInterrupted
from evoswarm.experiment.progress import Progress, Stage
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.run_directory import ALONE, TRACES
from evoswarm.space import SearchSpace
from evoswarm.statistics.intervals import mean_of, strata
from tests.experiment.runs import copied, open_for

Micro = Callable[..., SearchSpace]


def test_a_certified_run_tells_of_its_test_items(finished: SearchResult) -> None:
    certificate = finished.certificate
    assert certificate is not None
    traces, alone = read_traces(finished.directory / TRACES), read_alone(finished.directory / ALONE)
    assert (traces.header.split, traces.header.items) == ("test", 6)
    champion, best, uniform = traces.header.policies
    assert (champion.key, champion.digest) == ("champion", finished.champion.digest)
    assert best.name in {one.name for one in finished.comparison}
    assert uniform.parts[0].members == ("llama-a", "llama-b")
    assert len(traces.lines) == 6 * 3
    for known, mean in (
        (alone.splits["selection"], finished.accuracy),
        (alone.splits["test"], certificate.score.mean),
    ):
        tasks = [known.tasks[place] for place in known.task]
        scores = [score or 0.0 for score in known.champion]
        assert mean_of(scores, strata(tasks, known.weight)).mean == pytest.approx(mean)
        assert {*known.scores} == {*alone.members} == {"llama-a", "llama-b"}
    assert scored(traces, "champion") == list(alone.splits["test"].champion)
    assert scored(traces, "uniform") == list(alone.splits["test"].uniform)
    assert scored(traces, "best_member") in [list(one) for one in alone.splits["test"].scores.values()]


def scored(traces: Traces, key: str) -> list[float | None]:
    return [line.score for line in traces.lines if line.policy == key]


def test_the_same_certificate_again_leaves_them_alone(
    finished: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(finished, tmp_path / "runs")
    files = [run / TRACES, run / ALONE]
    before = [(file.read_bytes(), file.stat().st_mtime_ns) for file in files]
    certify(run)
    assert [(file.read_bytes(), file.stat().st_mtime_ns) for file in files] == before
    for spoil in (Path.unlink, lambda file: file.write_text("spoilt")):
        for file in files:
            spoil(file)
            certify(run)
            assert [file.read_bytes() for file in files] == [content for content, _ in before], "by the ledger"
    files[0].unlink()
    monkeypatch.setattr(tracing, "MOST_BYTES", 1)
    certify(run)
    traces, alone = read_traces(files[0]), read_alone(files[1])
    assert traces.header.items == 1, "one in any case"
    assert alone.splits["test"].items == 6, "all are known"


def test_without_a_certificate_no_test_item_is_looked_at(micro: Micro, tmp_path: Path) -> None:
    space = micro("evolution.generations=1")
    result = search(space, runs=tmp_path, certify=False)
    on_selection(result.directory, space)
    with Ledger(tmp_path / LEDGER) as ledger:
        open_for("somebody else's", ledger, space)
    (result.directory / TRACES).unlink()
    refused = search(micro("evolution.generations=2"), runs=tmp_path)
    assert refused.refusal is not None
    on_selection(refused.directory, space)


def on_selection(run: Path, space: SearchSpace) -> None:
    assert read_traces(run / TRACES).header.split == "selection"
    assert [*read_alone(run / ALONE).splits] == ["selection"]
    drawn = draw(space)
    digests = [item_digest(item, drawn.tasks[item.task], "{prompt}") for item in drawn.items["test"]]
    with closing(sqlite3.connect(run.parent / LEDGER)) as database:
        asked = {item for (item,) in database.execute("SELECT item FROM evaluations")}
    assert asked
    assert asked.isdisjoint(digests)


def test_ctrl_c_meanwhile_loses_nothing(micro: Micro, tmp_path: Path) -> None:
    space = micro("evolution.generations=1")

    def press(stage: Stage) -> None:
        if stage.name == "tracing":
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(SearchInterrupted) as caught:
        search(space, runs=tmp_path, progress=Progress(stage=press))
    run = caught.value.directory
    before = (run / "certificate.json").read_bytes()
    assert not (run / TRACES).exists()
    result = search(space, runs=tmp_path)
    assert result.directory == run
    assert (run / "certificate.json").read_bytes() == before
    champion = read_traces(run / TRACES).header.policy("champion")
    assert champion is not None
    assert champion.digest == result.champion.digest
