"""Verifiers of reasoning_gym that run answers as Python do it in a process of their own, and only if permitted."""

from __future__ import annotations

import ast
from itertools import islice
from pathlib import Path

import pytest
import reasoning_gym
from reasoning_gym.factory import DATASETS

from evoswarm.errors import TaskError
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.verifier import EVALUATING

EVALUATORS = {"eval", "exec", "compile", "parse_expr", "sympify", "parse_latex", "literal_eval", "__import__"}

READ = {  # calls of that kind, by module, that never see an answer: read one by one
    "algorithmic/number_sorting.py": "the entry's own answer, where it is no JSON",
    "arithmetic/basic_arithmetic.py": "makes questions",
    "arithmetic/bitwise_arithmetic.py": "the entry's own problem; the answer goes to int()",
    "arithmetic/gsm_symbolic/generators_00_49.py": "makes questions",
    "arithmetic/gsm_symbolic/generators_50_99.py": "makes questions",
    "code/bf.py": "compiles the question",
    "code/codeio.py": "makes questions",
    "code/contrib/bfit/BF-it.py": "compiles the question",
    "code/contrib/bfit/Compiler/Compiler.py": "compiles the question",
    "logic/propositional_logic.py": "a parser of its own",
}


@pytest.mark.parametrize("family", sorted(EVALUATING))
def test_they_are_refused_unless_the_space_says_so(family: str) -> None:
    with pytest.raises(TaskError, match="'evaluates_answers: true'"):
        ReasoningGymTask.verified(name="t", family=family, form="question")


@pytest.mark.parametrize("family", ["spiral_matrix", "countdown", "n_queens"])
def test_answers_that_do_harm_are_wrong_answers(family: str, tmp_path: Path) -> None:
    task = ReasoningGymTask.verified(name="t", family=family, form="question", evaluates_answers=True)
    item = next(islice(task.items(), 0, None))
    target = tmp_path / "target"
    for answer in (
        "exit()",
        "__import__('os')._exit(0)",
        f"open({str(target)!r}, 'w').close()",
        f"__import__('os').system('touch {target}')",
        "[].append(1) or 1",
    ):
        assert task.score(item, answer) == 0.0
    if family == "countdown":
        assert task.score(item, "9**9**9") == 0.0
    assert not target.exists()
    assert task.score(item, item.gold) == 1.0


def test_an_answer_changes_no_other_answer_s_score() -> None:
    task = ReasoningGymTask.verified(name="t", family="spiral_matrix", form="question", evaluates_answers=True)
    item = next(task.items())
    cheat = "setattr(__import__('reasoning_gym').algorithmic.spiral_matrix.SpiralMatrixDataset, 'score_answer', max)"
    assert task.score(item, cheat) == 0.0
    assert task.score(item, "1 2 3") == 0.0


def test_the_table_of_families_is_that_of_the_installed_package() -> None:
    """Another version of reasoning_gym may run answers elsewhere: then this fails, and the new place is to be read."""
    root = Path(reasoning_gym.__file__).parent
    found = {path.relative_to(root).as_posix() for path in root.rglob("*.py") if _evaluates(path)}
    modules = {
        dataset.__module__.replace(".", "/").removeprefix("reasoning_gym/") + ".py": name
        for name, (dataset, _) in DATASETS.items()
        if name in EVALUATING
    }
    assert found - set(READ) == set(modules) - {"composite.py"}


def _evaluates(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    if not any(f"{name}(" in text for name in EVALUATORS):
        return False
    calls = [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    names = {
        call.id if isinstance(call, ast.Name) else call.attr
        for call in calls
        if isinstance(call, ast.Name)
        or (isinstance(call, ast.Attribute) and not (isinstance(call.value, ast.Name) and call.value.id == "re"))
    }
    return bool(names & EVALUATORS)
