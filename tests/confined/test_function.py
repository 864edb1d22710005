from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evoswarm.confined import CallFailed, ConfinedFunction, ResourceLimits, StartFailed

EVALUATOR = "tests.confined.subjects:evaluator"
TIGHT = {"cpu_seconds": 1.0, "wall_seconds": 30.0}


@pytest.fixture(scope="module", params=[False, True], ids=["one process", "a process a call"])
def evaluate(request: pytest.FixtureRequest) -> Iterator[ConfinedFunction]:
    function = ConfinedFunction(EVALUATOR, limits=ResourceLimits(**TIGHT, memory_bytes=1 << 30, fresh=request.param))  # type: ignore[arg-type]
    yield function
    function.close()


def test_it_answers_like_the_function() -> None:
    add = ConfinedFunction("tests.confined.subjects:adder", (40,))
    assert [add(number) for number in (2, 3)] == [42, 43]
    assert pickle.loads(pickle.dumps(add))(2) == 42
    add.close()
    assert add(4) == 44  # in another process


def test_values_are_json(evaluate: ConfinedFunction) -> None:
    assert evaluate("[1, 0.5, '\\ud800', None, {'a': True}]") == [1, 0.5, "\ud800", None, {"a": True}]
    with pytest.raises(CallFailed, match="TypeError: Object of type"):
        evaluate("object()")
    with pytest.raises(CallFailed, match="an answer of"):
        evaluate("'a' * (1 << 21)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exit()", "SystemExit|NameError"),
        ("sys.exit(3)", "SystemExit: 3"),
        ("1/0", "ZeroDivisionError"),
        ("'a' * 10**12", "MemoryError"),
        ("os._exit(0)", "ended with status 0"),
        ("ctypes.string_at(0)", "SIGSEGV"),
        ("9**9**9", "processor time"),
        ("(lambda f: f(f))(lambda f: f(f))", "RecursionError"),
    ],
)
def test_what_a_text_does_to_its_process_is_a_failure_of_the_call(
    evaluate: ConfinedFunction, text: str, said: str
) -> None:
    with pytest.raises(CallFailed, match=said):
        evaluate(text)
    assert evaluate("6 * 7") == 42


def test_waiting_ends_too() -> None:
    sleeper = ConfinedFunction(EVALUATOR, limits=ResourceLimits(wall_seconds=0.5))
    with pytest.raises(CallFailed, match=r"more than 0\.5 s") as caught:
        sleeper("time.sleep(60)")
    assert caught.value.killed
    assert sleeper("1") == 1
    sleeper.close()


@pytest.mark.parametrize(
    "text",
    [
        "Path('{}').write_text('x')",
        "Path('{}').touch()",
        "os.open('{}', os.O_CREAT)",
        "os.mkdir('{}')",
        "os.remove('{}/../kept')",
        "os.rename('{}/../kept', '{}')",
        "os.system('touch {}')",
        "subprocess.run(['touch', '{}'])",
        "os.fork()",
        "os.kill(os.getppid(), 0)",
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.getaddrinfo('localhost', 80)",
    ],
)
def test_nothing_is_touched(evaluate: ConfinedFunction, tmp_path: Path, text: str) -> None:
    kept, target = tmp_path / "kept", tmp_path / "target"
    kept.write_text("x")
    with pytest.raises(CallFailed):
        evaluate(text.replace("{}/..", str(tmp_path)).replace("{}", str(target)))
    assert sorted(tmp_path.iterdir()) == [kept]


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is of Linux")
def test_native_code_writes_nothing_either(evaluate: ConfinedFunction, tmp_path: Path) -> None:
    if not _landlock():
        pytest.skip("this kernel has no Landlock")
    target, kept = tmp_path / "target", tmp_path / "kept"
    kept.write_text("x")
    assert evaluate(f"ctypes.CDLL(None).creat({str(target).encode()!r}, 0o644)") == -1
    assert evaluate(f"ctypes.CDLL(None).unlink({str(kept).encode()!r})") == -1
    assert list(tmp_path.iterdir()) == [kept]


def _landlock() -> bool:
    import ctypes

    return bool(ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) >= 1)


def test_a_process_a_call_shares_nothing() -> None:
    function = ConfinedFunction(EVALUATOR, limits=ResourceLimits(fresh=True))
    assert function("sys.modules.__setitem__('mark', 1)") is None
    assert function("'mark' in sys.modules") is False
    assert function("os.getpid()") != function("os.getpid()")
    function.close()


def test_tokens_are_not_handed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    for limits, seen in ((ResourceLimits(), None), (ResourceLimits(processes=True), "secret")):
        function = ConfinedFunction(EVALUATOR, limits=limits)
        assert function("os.environ.get('HF_TOKEN')") == seen
        function.close()


def test_what_is_granted_works(tmp_path: Path) -> None:
    function = ConfinedFunction(EVALUATOR, limits=ResourceLimits(files=True, processes=True))
    assert function(f"Path({str(tmp_path / 'a')!r}).write_text('x')") == 1
    assert function("subprocess.run(['true']).returncode") == 0
    with pytest.raises(CallFailed):
        function("socket.create_connection(('127.0.0.1', 9))")
    function.close()


def test_a_child_that_cannot_start_says_why() -> None:
    with pytest.raises(StartFailed, match="ValueError: no such thing"):
        ConfinedFunction("tests.confined.subjects:refuses", ("no such thing",))(1)
    with pytest.raises(StartFailed, match="ModuleNotFoundError"):
        ConfinedFunction("tests.confined.nowhere:name")(1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_that_was_killed_between_calls_costs_no_call() -> None:
    function = ConfinedFunction(EVALUATOR)
    first = function("os.getpid()")
    os.kill(first, signal.SIGKILL)
    while Path(f"/proc/{first}/stat").exists() and ") Z " not in Path(f"/proc/{first}/stat").read_text():
        time.sleep(0.01)
    assert function("os.getpid()") != first
    function.close()


def test_no_process_stays_behind() -> None:
    function = ConfinedFunction(EVALUATOR)
    process = function("os.getpid()")
    del function
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
