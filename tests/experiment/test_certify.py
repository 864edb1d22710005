"""Certificates of searches that really ran: what they hold, who may open what, and that nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import jsonschema
import pytest

from evoswarm.certificate.document import Certificate
from evoswarm.cli import run as command
from evoswarm.errors import RunError
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.experiment import playing
from evoswarm.experiment.certification import certify
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.files.run_history import history
from evoswarm.experiment.interrupt import SearchInterrupted
from evoswarm.experiment.merging import merger
from evoswarm.experiment.openings.guard import OpeningDeclined
from evoswarm.experiment.progress import Progress, Stage
from evoswarm.experiment.result import PAGE, SearchResult
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, read_policy
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.run_directory import CERTIFICATE, RunDirectory
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item
from tests.cli.conftest import last_words
from tests.conftest import MICRO
from tests.experiment.runs import copied, other_champion

Micro = Callable[..., SearchSpace]


def test_a_search_ends_with_a_certificate(finished: SearchResult) -> None:
    certificate = finished.certificate
    assert certificate is not None
    data = json.loads((finished.directory / CERTIFICATE).read_text())
    jsonschema.Draft202012Validator.check_schema(Certificate.json_schema())
    jsonschema.validate(data, Certificate.json_schema())
    assert Certificate.from_json((finished.directory / CERTIFICATE).read_text()) == certificate
    assert certificate.subject.champion == finished.champion.digest
    assert certificate.subject.seed == 0
    assert certificate.items.test == 6
    assert certificate.gap.selection == pytest.approx(finished.accuracy)
    assert set(certificate.by_task) == {"spell", "sum"}
    assert certificate.score.mean == pytest.approx(sum(s.mean for s in certificate.by_task.values()) / 2)
    assert not certificate.opening.forced
    assert {member.name for member in certificate.members} == {m.spec.name for m in finished.champion.members}  # type: ignore[attr-defined]
    assert any("at least 1,000" in note for note in certificate.notes)
    rows = [json.loads(line) for line in (finished.directory / "individuals.jsonl").read_text().splitlines()]
    assert certificate.recipes_tried >= len({row["key"] for row in rows})


def test_items_that_are_played_some_at_a_time_give_the_same_certificate(
    finished: SearchResult, micro: Micro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[tuple[int, int]] = []
    evaluate, forget = Evaluator.evaluate, Workbench.on_other_items

    def asked(self: Evaluator, policies: Sequence[Policy], items: Sequence[Item]) -> list[list[Evaluation]]:
        before = self.swarm.counters.answers
        found = evaluate(self, policies, items)
        decoded.append((len(items), self.swarm.counters.answers - before))
        return found

    def forgotten(self: Workbench) -> None:
        decoded.append((0, 0))
        forget(self)

    monkeypatch.setattr(playing, "TOGETHER", 4)
    monkeypatch.setattr(Evaluator, "evaluate", asked)
    monkeypatch.setattr(Workbench, "on_other_items", forgotten)
    again = search(micro(), runs=tmp_path)
    assert again.certificate == finished.certificate
    parts = [size for size, _ in decoded]
    begin = parts.index(4)
    assert parts[begin : begin + 4] == [4, 0, 2, 0]
    assert all(answers for _, answers in (decoded[begin], decoded[begin + 2]))
    assert not sum(answers for _, answers in decoded[begin + 4 :]), "all of it was in the ledger"


def test_what_rivals_decoded_stands_there_and_can_be_decoded_again(finished: SearchResult, micro: Micro) -> None:
    certificate = finished.certificate
    assert certificate is not None
    assert [(one.member, one.chat_template, one.sampled) for one in certificate.owners] == [
        (name, False, False) for name in ("llama-a", "llama-b")
    ]
    with workbench(micro(), finished.ledger, splits=("test",)) as bench, merger(bench) as merging:
        for rival in certificate.rivals:
            policy, evaluator = read_policy(json.dumps(rival.policy)), bench.evaluator
            if rival.key == "R6":  # its place says whose mean it is
                names = policy.specs[0].path.removeprefix("mean:").split("+")
                spec, evaluator = merging.merged(names, evaluator)
                assert spec.fingerprint == policy.specs[0].fingerprint
            summary = evaluator.summaries([policy], bench.items["test"])[0]
            assert summary.accuracy == pytest.approx(rival.score.mean, abs=1e-6)
        assert bench.evaluator.decoded == 0, "the ledger knows every one of them"


def test_how_an_owner_samples_stands_in_the_certificate(space_file: Path, pool: Path, tmp_path: Path) -> None:
    shutil.copytree(pool, tmp_path / "models")
    settings = {"eos_token_id": 1, "do_sample": True, "temperature": 0.6, "top_p": 0.9, "repetition_penalty": 1.1}
    (tmp_path / "models" / "llama-b" / "generation_config.json").write_text(json.dumps(settings))
    file = tmp_path / "space.yaml"
    file.write_text(space_file.read_text().replace(str(pool), str(tmp_path / "models")))
    space = SearchSpace.from_yaml(file, ("evolution.generations=1", "splits.search=2"))
    certificate = search(space, runs=tmp_path / "runs").certificate
    assert certificate is not None
    plain, drawn = certificate.owners
    assert not plain.sampled
    assert (drawn.sampled, drawn.temperature, drawn.top_k, drawn.top_p) == (True, 0.6, 50, 0.9)
    assert drawn.left_out == ("repetition_penalty 1.1",)
    assert any("llama-b also say repetition_penalty 1.1; its answers are decoded" in note for note in certificate.notes)


def test_what_was_tried_through_a_template_is_certified_again_without_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second member is a chat model that the space asks without its template."""
    file = tmp_path / "space.yaml"
    file.write_text(
        MICRO.format(pool="zoo:")
        .replace("zoo:/llama-b", "zoo:qwen3-d")
        .replace("zoo:/", "zoo:")
        .replace("spell_backward", "gcd")
    )
    found = search(SearchSpace.from_yaml(file, ("evolution.generations=1", "splits.search=2")), runs=tmp_path / "runs")
    assert found.certificate is not None
    assert [one.chat_template for one in found.certificate.owners] == [False, True]
    assert "own chat template" in found.certificate.rivals[0].description
    before = (found.directory / CERTIFICATE).read_bytes()

    def load(*_: object) -> None:
        raise AssertionError("everything is known")

    monkeypatch.setattr("evoswarm.decoding.pool.load_member", load)
    assert certify(found.directory) == found.certificate
    assert (found.directory / CERTIFICATE).read_bytes() == before


def test_the_schema_refuses_what_is_no_certificate(finished: SearchResult) -> None:
    data = json.loads((finished.directory / CERTIFICATE).read_text())
    for spoilt in ({**data, "clock": 1}, {**data, "score": {"mean": 1.0}}, {**data, "rivals": []}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(spoilt, Certificate.json_schema())


def test_the_page_is_narrow_and_says_what_counts(finished: SearchResult) -> None:
    text = (finished.directory / PAGE).read_text()
    assert max(len(line) for line in text.splitlines()) <= 80
    for words in ("VERDICT:", "the test\nitems", "Who really speaks", "What was promised", finished.champion.digest):
        assert words in text or words.replace("\n", " ") in text


def test_what_can_be_proven_is_written_before_the_items_are_opened(
    micro: Micro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening, decoding and announcing are seen as they happen, by the ledger file and the journal themselves."""
    seen: list[tuple[str, int, int]] = []
    real = Evaluator.evaluate

    def watch(self: Evaluator, recipes: list[Recipe], items: list[object]) -> list[list[object]]:
        with sqlite3.connect(tmp_path / LEDGER) as database:
            opened = database.execute("SELECT COUNT(*) FROM opened").fetchone()[0]
        journal = (tmp_path / "micro-seed0" / "journal.jsonl").read_text()
        split = "test" if items[0] in test else "other"
        seen.append((split, opened, journal.count('"event": "opening"')))
        return real(self, recipes, items)  # type: ignore[arg-type, return-value]

    space = micro("evolution.generations=1")
    with workbench(space, ":memory:", splits=["test"]) as bench:
        test = list(bench.items["test"])
    monkeypatch.setattr(Evaluator, "evaluate", watch)
    search(space, runs=tmp_path)
    assert {entry for entry in seen if entry[0] == "other" and entry[1] == 0} == {("other", 0, 0)}
    assert {entry[1:] for entry in seen if entry[0] == "test"} == {(1, 1)}
    events = [json.loads(line) for line in (tmp_path / "micro-seed0" / "journal.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == [
        "began",
        "items",
        "fitted",
        "generation",
        "opening",
        "close_decisions",
        "finished",
    ]
    assert (
        events[4]["statement"]
        == "6 items are too few to find even the greatest gain over all five rivals 80% of the time"
    )


def test_again_is_the_same_opening_and_decodes_nothing(
    finished: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(finished, tmp_path / "runs")
    before = {name: (run / name).read_bytes() for name in (CERTIFICATE, PAGE, "journal.jsonl")}
    for name in (CERTIFICATE, PAGE):
        (run / name).unlink()
    monkeypatch.setattr("evoswarm.decoding.swarm.Swarm.decode", lambda *_, **__: pytest.fail("something was decoded"))
    certificate = certify(run)
    assert certificate == finished.certificate
    assert {name: (run / name).read_bytes() for name in before} == before


def test_a_merged_model_that_fits_no_more_is_left_out_before_the_items_are_opened(
    micro: Micro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answers to the selection items are known, so nobody had to load it until then."""
    run = search(micro("evolution.generations=1", "certificate.samples=3"), runs=tmp_path, certify=False).directory
    with pytest.raises(OpeningDeclined):
        certify(run, ask=lambda question: False)
    with monkeypatch.context() as crowded:
        crowded.setattr("evoswarm.experiment.merging.free_bytes", lambda device: 10)
        certificate = certify(run)
    assert [one.key for one in certificate.rivals] == ["R1", "R2", "R3", "R4"]
    assert "to load one more model, got 10." in {one.key: one.why for one in certificate.absent}["R6"]
    assert '"event": "not_merged"' in (run / "journal.jsonl").read_text()
    before = (run / CERTIFICATE).read_bytes()
    assert certify(run) == certificate
    assert (run / CERTIFICATE).read_bytes() == before


def test_the_ledger_alone_tells_everything_again(
    micro: Micro, finished: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the run directory too: no member is loaded, and the certificate is the same."""
    run = copied(finished, tmp_path / "runs")
    before = {name: (run / name).read_bytes() for name in (CERTIFICATE, PAGE)}
    shutil.rmtree(run)
    monkeypatch.setattr("evoswarm.decoding.pool.load_member", lambda *_: pytest.fail("a member was loaded"))
    again = search(micro(), runs=tmp_path / "runs")
    assert again.directory == run
    assert {name: (run / name).read_bytes() for name in before} == before


def test_without_certificate_the_test_items_stay_closed(micro: Micro, tmp_path: Path) -> None:
    result = search(micro("evolution.generations=1"), runs=tmp_path, certify=False)
    assert (result.certificate, result.refusal) == (None, None)
    with sqlite3.connect(tmp_path / LEDGER) as database:
        assert database.execute("SELECT COUNT(*) FROM opened").fetchone()[0] == 0
    assert certify(result.directory).subject.champion == result.champion.digest


@pytest.mark.parametrize("batches", [0, 1])
def test_ctrl_c_while_certifying_and_the_same_call_goes_on(
    micro: Micro, finished: SearchResult, tmp_path: Path, batches: int
) -> None:
    """The search goes on to the same bytes, wherever within the certification it was stopped."""
    left = [batches]

    def press(stage: Stage) -> None:
        if stage.name == "test":
            os.kill(os.getpid(), signal.SIGINT)
        if stage.name == "rivals" and not left[0]:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(SearchInterrupted):
        search(micro(), runs=tmp_path, progress=Progress(stage=press))
    run = tmp_path / "micro-seed0"
    assert (run / "champion.json").exists()
    assert not (run / CERTIFICATE).exists()
    result = search(micro(), runs=tmp_path)
    assert result.directory == run
    for name in (CERTIFICATE, PAGE):
        assert (run / name).read_bytes() == (finished.directory / name).read_bytes()


def test_the_heaviest_of_the_others_is_the_heir_and_of_equals_the_first() -> None:
    def heir(*weights: float) -> str:
        """Of a recipe whose second member leads."""
        members = [
            RecipeMember(spec=MemberSpec(name=name, path=f"zoo:{name}"), weight=weight)
            for name, weight in zip(("llama-a", "llama-b", "neox-e", "opt-g"), weights, strict=True)
        ]
        recipe = Recipe(members=tuple(members), lead="llama-b")
        fewer = recipe.without("llama-b")
        assert fewer is not None
        return fewer.lead

    assert heir(0.2, 0.4, 0.3, 0.1) == "neox-e"
    assert heir(0.1, 0.2, 0.2, 0.5) == "opt-g"
    assert heir(0.2, 0.4, 0.2, 0.2) == "llama-a"


def test_ablations_name_an_heir(finished: SearchResult, micro: Micro) -> None:
    mix = Recipe.load(finished.directory / "recipes" / "uniform-mix.json")
    headless, fewer = mix.without(mix.lead), mix.without(mix.removable[0])
    assert headless is not None
    assert headless.members[0].spec.name == headless.lead != mix.lead
    assert fewer is not None
    assert fewer.lead == mix.lead


def test_the_command_prints_the_page_and_the_data(
    finished: SearchResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied(finished, tmp_path / "runs")
    assert command(["certify", str(run)]) == 0
    assert (run / PAGE).read_text() in capsys.readouterr().out
    assert command(["certify", str(run), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["certificate"] == json.loads((run / CERTIFICATE).read_text())
    assert command(["certify", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out) == Certificate.json_schema()


def test_the_end_of_a_search_prints_the_verdict(
    space_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    short = ["search", str(space_file), "--set", "evolution.generations=1"]
    assert command(short) == 0
    printed, told = capsys.readouterr()
    assert "before opening: 6 items are too few to find even the greatest gain" in told
    assert "\nVerdict\n" in printed
    assert "certificate.txt" in printed
    assert command([*short, "--seed", "1", "--no-certify"]) == 0
    printed, told = capsys.readouterr()
    assert "Verdict" not in printed
    assert "opening" not in told


def test_the_command_refuses_in_one_line(
    finished: SearchResult, micro: Micro, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied(finished, tmp_path / "runs")
    other_champion(run)
    for arguments, words in (
        ([str(run)], "opened for another recipe"),
        ([str(tmp_path)], "expected a run directory with a space.yaml in it"),
        ([str(tmp_path / "nowhere")], "expected a run directory"),
        ([], "expected RUN"),
    ):
        assert command(["certify", *arguments]) == 2
        error = last_words(capsys.readouterr().err)
        assert words in error
        assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        (CERTIFICATE, "no JSON", "certificate.json: expected JSON"),
        (CERTIFICATE, "{}", "certificate.json: expected a certificate, got something else (move the file away"),
        ("front.json", "[1]", "front.json: expected a JSON object, got '[1]'"),
        ("front.json", '{"contenders": "zoo"}', "front.json: contenders: expected contenders as a search writes them"),
        ("front.json", '{"contenders": [{"digest": {}}]}', "each with its digest, got {'digest': {}}"),
        ("individuals.jsonl", '{"key": "a"}\n', "individuals.jsonl:1: expected an individual"),
        ("individuals.jsonl", '{"key": ["a"], "accuracy": 1}\n', "individuals.jsonl:1: expected an individual"),
        ("champion.json", "{}", "champion.json: members: expected a value"),
        ("space.yaml", "name: micro\n", "space.yaml"),
    ],
)
def test_spoilt_files_are_named(
    finished: SearchResult, tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, words: str
) -> None:
    run = copied(finished, tmp_path / "runs")
    (run / file).write_text(text)
    assert command(["certify", str(run)]) == 2
    error = capsys.readouterr().err
    assert words in error.splitlines()[-1]
    assert "Traceback" not in error


def test_ctrl_c_while_the_command_certifies(micro: Micro, finished: SearchResult, tmp_path: Path) -> None:
    run = search(micro(), runs=tmp_path, certify=False).directory

    def press(stage: Stage) -> None:
        if stage.name == "test":
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(SearchInterrupted, match="everything is kept"):
        certify(run, progress=Progress(stage=press))
    assert not (run / CERTIFICATE).exists()
    certify(run)
    assert (run / CERTIFICATE).read_bytes() == (finished.directory / CERTIFICATE).read_bytes()


def test_a_score_on_some_search_items_is_not_the_champion_s(finished: SearchResult, tmp_path: Path) -> None:
    """In a race a recipe may have run on a part of the items first; other recipes count as tried all the same."""
    digest = finished.champion.digest
    rows = [{"key": "other", "accuracy": 0.2}, {"key": digest, "accuracy": 1.0, "items": 3}]
    run = RunDirectory(tmp_path)
    run.record([json.dumps(row) for row in rows])
    assert history(run, finished.champion, 6) == (2, None)
    run.record([json.dumps({"key": digest, "accuracy": 0.5, "items": 6})])
    assert history(run, finished.champion, 6) == (2, 0.5)
    run.close()


def test_a_search_that_has_not_ended_has_no_champion_to_certify(micro: Micro, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(micro().to_yaml())
    with pytest.raises(RunError, match=r"expected a run directory with a champion\.json in it"):
        certify(tmp_path)
