"""The ledger on real SQLite files."""

from __future__ import annotations

import json
import math
import multiprocessing
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RunError
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Key, Ledger
from evoswarm.failure import Failure
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.task import Item
from evoswarm.zoo.catalogue import member_path

EVALUATION = Evaluation(
    score=0.1 + 0.2,
    answer="42\x00\u2028é",
    answers=("42\x00\u2028é", "7"),
    cost=Cost((MemberCost("a", 5, 2, 12000.0, 123456789012, 4),)),
    margin=1e-5,
    steps=7,
    open_steps=3,
    lead_tokens=6,
    lead_tokens_touched=2,
    left_out=0.0004,
    entropy=0.7,
)
KEY = Key("r", "i", "c")


def read(ledger: Ledger, *keys: Key) -> list[Evaluation | None]:
    """What is kept, as a recipe of one member named "a" reads it."""
    return [
        None if row is None else row.evaluation(["a"])
        for key in keys
        for row in ledger.read(key.recipe, key.context, [key.item])
    ]


def test_what_is_written_is_read_back_to_the_bit(ledger: Ledger) -> None:
    failed = Evaluation(None, margin=math.inf, failure=Failure("no_mass", "all members abstain"))
    other = Key("r", "j", "c")
    ledger.write({KEY: EVALUATION, other: failed})
    assert read(ledger, KEY, other, KEY) == [EVALUATION, failed, EVALUATION]
    assert read(ledger, other, Key("r", "missing", "c")) == [failed, None]


def test_items_are_read_in_the_order_that_they_are_asked_for(ledger: Ledger) -> None:
    keys = [Key(recipe, item, context) for item in "ijkl" for context in "cd" for recipe in "rs"]
    known = {key: Evaluation(place / 16) for place, key in enumerate(keys)}
    ledger.write(known)
    asked = ["l", "missing", "i", "k", "i"]
    rows = ledger.read("s", "d", asked)
    assert [None if row is None else row.evaluation(["a"]) for row in rows] == [
        known.get(Key("s", item, "d")) for item in asked
    ]


def test_every_part_of_the_key_counts(ledger: Ledger) -> None:
    ledger.write({KEY: EVALUATION})
    others = [Key("x", "i", "c"), Key("r", "x", "c"), Key("r", "i", "x")]
    assert read(ledger, *others) == [None, None, None]


def test_the_first_write_wins(ledger: Ledger) -> None:
    ledger.write({KEY: EVALUATION})
    ledger.write({KEY: Evaluation(0.0)})
    assert read(ledger, KEY) == [EVALUATION]


@pytest.mark.parametrize("kind", ["out_of_memory", "time_out"])
def test_what_is_owed_to_the_moment_never_enters(ledger: Ledger, kind: str) -> None:
    with pytest.raises(ValueError, match=kind):
        ledger.write({KEY: EVALUATION, Key("r", "j", "c"): Evaluation(None, failure=Failure(kind, ""))})  # type: ignore[arg-type]
    assert ledger.count() == 0


def test_many_at_once(ledger: Ledger) -> None:
    keys = [Key("r", str(number), "c") for number in range(5000)]
    ledger.write(dict.fromkeys(keys, EVALUATION))
    assert read(ledger, *keys) == [EVALUATION] * ledger.count() == [EVALUATION] * 5000


def test_two_processes_share_it(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as one, Ledger(tmp_path / "l.sqlite") as other:
        one.write({KEY: EVALUATION})
        assert read(other, KEY) == [EVALUATION]


def test_a_ledger_of_the_version_before_goes_on(tmp_path: Path) -> None:
    """What it did not keep is unknown, what it kept stays as it was."""
    spoilt = Evaluation(None, failure=Failure("prompt_too_long", "prompt and answer have more than 8 tokens"))
    with Ledger(tmp_path / "l.sqlite") as now:
        now.write({KEY: EVALUATION, Key("r", "j", "c"): spoilt})
    database = sqlite3.connect(tmp_path / "l.sqlite")
    for column in ("failure_member", "ending"):
        database.execute(f"ALTER TABLE evaluations DROP COLUMN {column}")
    database.execute("UPDATE version SET version = 2")
    database.commit()
    database.close()
    blamed = Failure("prompt_too_long", "", EVALUATION.cost.names[0])
    placed = replace(spoilt, cost=EVALUATION.cost, failure=blamed)
    for _ in range(2):
        with Ledger(tmp_path / "l.sqlite") as then:
            assert read(then, KEY, Key("r", "j", "c")) == [EVALUATION, spoilt]
            then.write({Key("r", "k", "c"): placed, KEY: Evaluation(0.0)})
            assert read(then, Key("r", "k", "c")) == [placed]


def test_write_ahead_and_a_version(tmp_path: Path) -> None:
    Ledger(tmp_path / "l.sqlite").close()
    database = sqlite3.connect(tmp_path / "l.sqlite")
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute("SELECT version FROM version").fetchall() == [(3,)]
    database.execute("UPDATE version SET version = 1")
    database.commit()
    database.close()
    with pytest.raises(RunError, match=r"l\.sqlite.*version 3.*got version 1"):
        Ledger(tmp_path / "l.sqlite")


def test_a_locked_file_is_a_clear_error_and_loses_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite", patience=0.1) as ledger:
        ledger.write({KEY: EVALUATION})
        other = sqlite3.connect(tmp_path / "l.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RunError, match=r"l\.sqlite.*another process keeps locked.*is kept"):
            ledger.write({Key("r", "j", "c"): EVALUATION})
        other.execute("ROLLBACK")
        other.close()
        ledger.write({Key("r", "j", "c"): EVALUATION})
        assert ledger.count() == 2


def test_a_full_disk_is_a_clear_error_and_loses_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        ledger.write({KEY: EVALUATION})
        pages = ledger._database.execute("PRAGMA page_count").fetchone()[0]
        ledger._database.execute(f"PRAGMA max_page_count = {pages + 2}")
        many = {Key("r", str(number), "c"): EVALUATION for number in range(1000)}
        with pytest.raises(RunError, match=r"room on the disk.*run the same command to go on.*is kept"):
            ledger.write(many)
        assert ledger.count() == 1
        ledger._database.execute("PRAGMA max_page_count = 100000")
        ledger.write(many)
        assert ledger.count() == 1001


def test_a_file_that_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "l.sqlite").write_text("this is not a database, it is a letter to a friend" * 40)
    with pytest.raises(RunError, match="expected a ledger, got a file that is none"):
        Ledger(tmp_path / "l.sqlite")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file"):
        Ledger(tmp_path / "file" / "ledger.sqlite")


def held(path: str, seconds: float, ready: Event, released: Event) -> None:
    """In a process of its own: keep the ledger locked for a while."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ready.set()
    time.sleep(seconds)
    released.set()
    other.execute("ROLLBACK")
    other.close()


def test_who_finds_it_locked_waits(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with Ledger(tmp_path / "l.sqlite") as ledger:
        ready, released = context.Event(), context.Event()
        process = context.Process(target=held, args=(ledger.path, 0.5, ready, released))
        process.start()
        assert ready.wait(60)
        ledger.write({KEY: EVALUATION})
        assert released.is_set()
        process.join()
        assert ledger.count() == 1


LIMITED = """
import resource, sys
from evoswarm.errors import RunError
from tests.evaluation.test_ledger import EVALUATION, Key, Ledger
with Ledger(sys.argv[1]) as ledger:
    ledger.write({Key("r", str(number), "c"): EVALUATION for number in range(50)})
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    try:
        ledger.write({Key("r", str(number), "c"): EVALUATION for number in range(5000)})
    except RunError as error:
        assert "l.sqlite" in str(error) and "everything written before is kept" in str(error), error
    else:
        raise SystemExit("expected no room")
    assert ledger.count() == 50
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    ledger.write({Key("r", str(number), "c"): EVALUATION for number in range(60)})
"""


def test_a_file_that_may_not_grow_is_a_clear_error_and_loses_nothing(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path / "l.sqlite")], check=True, timeout=120, cwd=root)
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert ledger.count() == 60


def test_facts_are_kept_once(ledger: Ledger) -> None:
    assert ledger.facts(["d", "e"]) == {}
    assert ledger.keep({"d": "one"}) == {"d": "one"}
    assert ledger.keep({"d": "two", "e": "three"}) == ledger.facts(["d", "e", "f"]) == {"d": "one", "e": "three"}


def copied(directory: Path) -> Path:
    """A member of the built-in pool as a user's own directory."""
    return Path(shutil.copytree(member_path("llama-a"), directory))


def other_weights(member: Path) -> None:
    tensors = load_file(member / "model.safetensors")
    name = min(tensors)
    tensors[name] = tensors[name] * 2
    save_file(tensors, member / "model.safetensors", {"format": "pt"})


def other_tokenizer(member: Path) -> None:
    data = json.loads((member / "tokenizer.json").read_text())
    data["model"]["merges"] = data["model"]["merges"][:-1]
    (member / "tokenizer.json").write_text(json.dumps(data))


def other_template(member: Path) -> None:
    (member / "chat_template.jinja").write_text("{{ messages[0].content }}\n")


@pytest.mark.parametrize(
    ("change", "settings", "noise_seed", "again"),
    [
        (None, {}, 0, False),  # the same files elsewhere are the same member: the others could fail
        (other_weights, {}, 0, True),
        (other_tokenizer, {}, 0, True),
        (other_template, {}, 0, True),
        (None, {"dtype": "bfloat16"}, 0, True),
        (None, {}, 1, True),
    ],
    ids=["the same", "weights", "tokenizer", "template", "dtype", "noise seed"],
)
def test_never_a_stale_hit(
    ledger: Ledger,
    task: ReasoningGymTask,
    items: list[Item],
    tmp_path: Path,
    change: Callable[[Path], None] | None,
    settings: dict[str, Any],
    noise_seed: int,
    again: bool,
) -> None:
    def decoded(member: Path, noise: int, **more: Any) -> int:
        swarm = Swarm.load([MemberSpec(name="m", path=str(member), **more)])
        recipe = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="m", noise_seed=noise)
        evaluator = Evaluator(swarm, {task.name: task}, ledger)
        assert all(one.failure is None for one in evaluator.evaluate([recipe], items)[0])
        return evaluator.decoded

    first, second = copied(tmp_path / "first"), copied(tmp_path / "second")
    assert decoded(first, 0) == len(items)
    assert decoded(first, 0) == 0
    if change is not None:
        change(second)
    assert decoded(second, noise_seed, **settings) == (len(items) if again else 0)


@pytest.mark.parametrize(("patience", "opens"), [(5.0, True), (0.0, False)])
def test_two_who_open_a_new_file_at_once_wait_for_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: float, opens: bool
) -> None:
    """SQLite refuses to change the mode of a file that another one is changing, and may not wait."""
    refusals, connect = iter(["database is locked"] * 2), sqlite3.connect

    class Busy(sqlite3.Connection):
        def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
            if "journal_mode" in statement and (refusal := next(refusals, None)) is not None:
                raise sqlite3.OperationalError(refusal)
            return super().execute(statement, *parameters)

    monkeypatch.setattr(sqlite3, "connect", lambda *where, **how: connect(*where, **how, factory=Busy))
    with nullcontext() if opens else pytest.raises(RunError), Ledger(tmp_path / "ledger.sqlite", patience) as ledger:
        assert ledger.count() == 0
