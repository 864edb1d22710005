"""The frame of all exports: what is refused before anything is written, and that an export is whole or not there."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from evoswarm.cli import run
from evoswarm.errors import EvoswarmError, MemberError
from evoswarm.experiment.result import SearchResult
from evoswarm.export.exporting import checked_source, export
from evoswarm.export.source import Source, read_source
from evoswarm.export.target import ExportError, Options, Target
from evoswarm.export.targets import TARGETS
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import KINDS, load_policy
from tests.policies.test_kinds import EXAMPLES


def write_note(source: Source, out: Path, options: Options) -> list[str]:
    (out / "note").write_text(source.policy.digest)
    return ["written"]


NOTE = Target("note", "a note", "policy", "cat", write_note, signs=("note",), needs_members=False)


def exported(path: Path, target: Target, out: Path, overwrite: bool = False) -> list[str]:
    options = Options(out, overwrite=overwrite)
    return export(checked_source(path, target, options), target, options)


def test_an_export_is_written_and_nothing_is_left_beside_it(policy_file: Path, tmp_path: Path) -> None:
    assert exported(policy_file, NOTE, tmp_path / "deep" / "out") == ["written"]
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == [
        "deep",
        "deep/out",
        "deep/out/note",
    ]
    assert (tmp_path / "deep/out/note").read_text() == load_policy(policy_file).digest


def test_what_ends_early_leaves_nothing_and_keeps_what_was_there(policy_file: Path, tmp_path: Path) -> None:
    def breaks(source: Source, out: Path, options: Options) -> list[str]:
        (out / "note").write_text("half")
        raise KeyboardInterrupt

    out = tmp_path / "out"
    exported(policy_file, NOTE, out)
    with pytest.raises(KeyboardInterrupt):
        exported(policy_file, replace(NOTE, write=breaks), out, overwrite=True)
    assert (out / "note").read_text() == load_policy(policy_file).digest
    assert list(tmp_path.iterdir()) == [out]


def test_an_export_is_replaced_as_a_whole_and_nothing_else_is(policy_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    exported(policy_file, NOTE, out)  # nothing was in it
    (out / "old").touch()
    with pytest.raises(ExportError, match="not there yet, got one that is \\(--overwrite replaces it"):
        exported(policy_file, NOTE, out)
    exported(policy_file, NOTE, out, overwrite=True)
    assert [path.name for path in out.iterdir()] == ["note"]
    (out / "note").rename(out / "diary")
    with pytest.raises(ExportError, match="not there yet, got a place where something else is"):
        exported(policy_file, NOTE, out)  # it does not offer what it would refuse
    with pytest.raises(ExportError, match="to replace, got something else"):
        exported(policy_file, NOTE, out, overwrite=True)
    assert (out / "diary").exists()


def test_what_somebody_else_wrote_meanwhile_stays(policy_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def slowly(source: Source, part: Path, options: Options) -> list[str]:
        out.mkdir()
        (out / "theirs").touch()
        return write_note(source, part, options)

    with pytest.raises(ExportError, match="stays free meanwhile"):
        exported(policy_file, replace(NOTE, write=slowly), out)
    assert [path.name for path in out.iterdir()] == ["theirs"]
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_that_somebody_else_wrote_to_meanwhile_stays(policy_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("before")

    def slowly(source: Source, part: Path, options: Options) -> list[str]:
        part.write_text(out.read_text() + " and mine")
        out.write_text("before and theirs")
        return []

    joining = replace(NOTE, write=slowly, makes="file", joins=True)
    with pytest.raises(ExportError, match="stays as it is meanwhile, got one that somebody wrote to"):
        exported(policy_file, joining, out)
    assert out.read_text() == "before and theirs"


def test_a_place_is_known_by_any_name(policy_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "out")
    exported(policy_file, NOTE, Path("../else/../new"))
    assert (tmp_path / "new" / "note").exists()
    (tmp_path / "out" / "note").touch()
    monkeypatch.chdir(tmp_path / "out" / "inner")
    exported(policy_file, NOTE, Path(".."), overwrite=True)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["note"]


def test_no_place_is_one_that_is_read(finished: SearchResult, tmp_path: Path) -> None:
    champion = replace(NOTE, signs=("champion.json",))
    for out in (finished.directory, finished.directory.parent):
        with pytest.raises(ExportError, match=r"nothing lies that is read"):
            exported(finished.directory, champion, out, overwrite=True)
    link = tmp_path / "link"
    link.symlink_to(finished.directory)
    with pytest.raises(ExportError, match=r"nothing lies that is read"):
        exported(finished.directory, champion, link, overwrite=True)


def test_a_run_is_read_with_all_that_it_says(finished: SearchResult) -> None:
    source = read_source(finished.directory)
    assert source.run == finished.directory
    assert source.certificate == finished.certificate is not None
    assert source.space().name == "micro"
    assert source.front()["champion"] == source.policy.digest
    recipe = read_source(next((finished.directory / "recipes").iterdir()))
    assert (recipe.run, recipe.certificate) == (None, None)
    with pytest.raises(EvoswarmError, match="expected a run directory"):
        recipe.front()


def test_a_target_of_runs_takes_no_policy_alone(policy_file: Path, tmp_path: Path) -> None:
    with pytest.raises(EvoswarmError, match="made of a whole search"):
        exported(policy_file, replace(NOTE, takes="run"), tmp_path / "out")


def test_an_option_is_refused_where_it_means_nothing(policy_file: Path, tmp_path: Path) -> None:
    for given in ({"register": "mine"}, {"student": "a/b"}):
        options = Options(tmp_path / "out", **given)  # type: ignore[arg-type]
        with pytest.raises(ExportError, match=f"--{next(iter(given))}: .*note does not take it"):
            checked_source(policy_file, NOTE, options)
        assert checked_source(policy_file, replace(NOTE, options=tuple(given)), options)


def test_what_is_missing_is_named_with_its_extra(policy_file: Path, tmp_path: Path) -> None:
    lacking = replace(NOTE, extra="serve", packages=("json", "no_such_package"))
    with pytest.raises(EvoswarmError, match=r"no_such_package to be installed .*pip install 'evoswarm\[serve\]'"):
        exported(policy_file, lacking, tmp_path / "out")


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_says_which_policies_it_takes(target: Target) -> None:
    """The kinds that are listed are those of which some export, and a refusal is one sentence."""
    assert set(target.kinds) <= set(KINDS)
    for kind, examples in EXAMPLES.items():
        refusals = [target.refusal(policy) for policy in examples]
        assert (None in refusals) == (kind in target.kinds)
        assert all(one is None or "\n" not in one for one in refusals)
    assert target.name in TARGETS
    assert (target.extra == "") == (target.packages == ())


def test_the_list_explains_every_target(policy_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "--list"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for name, target in TARGETS.items():
        assert f"{name} {target.title}" in said
        assert target.command in said
    assert run(["export", "--list", str(policy_file)]) == 0
    assert capsys.readouterr().out.count(f"{policy_file}: ") == len(TARGETS)
    assert "--to distilled OUT --student STUDENT" in said
    for more in (["--to", "bundle"], ["out"]):
        assert run(["export", "--list", str(policy_file), *more]) == 2
        assert "--list: expected --list alone or with RUN|POLICY" in capsys.readouterr().err


def test_members_that_changed_or_moved_are_refused(policy_file: Path, tmp_path: Path) -> None:
    policy = load_policy(policy_file)
    other = {spec.name: spec.model_copy(update={"fingerprint": "f" * 64}) for spec in policy.specs}
    file = policy.bound(other).save(tmp_path / "other.json")
    read = partial(replace, NOTE, needs_members=True)
    with pytest.raises(MemberError, match=r"members\.0\.spec\.path: .*--allow-changed"):
        exported(file, read(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    options = Options(tmp_path / "out", allow_changed=True)
    export(checked_source(file, read(), options), read(), options)
    assert (tmp_path / "out/note").read_text() == policy.digest  # of what is there now
    gone = {spec.name: MemberSpec(name=spec.name, path="./gone") for spec in policy.specs}
    with pytest.raises(EvoswarmError, match=r"expected a model directory"):
        exported(policy.bound(gone).save(tmp_path / "gone.json"), read(), tmp_path / "else")
