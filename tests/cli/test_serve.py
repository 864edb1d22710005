"""The command: what it refuses before a model is loaded."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from evoswarm.errors import RunError
from evoswarm.serving.limits import ServingLimits
from evoswarm.serving.place import bound_socket, read_keys, require_key, require_packages
from tests.cli.conftest import Command, refused
from tests.export.conftest import mix


@pytest.fixture
def served_file(tmp_path: Path) -> Path:
    """A policy whose members are here."""
    return mix().save(tmp_path / "mix.json")


def test_a_port_in_use(command: Command, served_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(command("serve", served_file, "--port", port), "--port", "free", str(port))
    with bound_socket("localhost", port) as again:
        assert again.getsockname()[:2] == ("127.0.0.1", port)


def test_names_that_meet(command: Command, served_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "mix.json"
    other.parent.mkdir()
    other.write_bytes(served_file.read_bytes())
    refused(command("serve", served_file, other), str(other), "'mix' twice", str(served_file))
    run = tmp_path / "mix"
    run.mkdir()
    (run / "champion.json").write_bytes(served_file.read_bytes())
    refused(command("serve", served_file, run), str(run), "'mix' twice")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.org", "192.0.2.1"])
def test_others_than_this_machine_need_a_key(host: str) -> None:
    with pytest.raises(RunError, match="--api-key-file"):
        require_key(host, [])
    require_key(host, ["key"])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LocalHost"])
def test_this_machine_needs_none(host: str) -> None:
    require_key(host, [])


def test_keys_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("one\n\n  two \n", encoding="utf-8")
    assert read_keys(file) == ["one", "two"]
    for content in ("", " \n\n"):
        file.write_text(content)
        with pytest.raises(RunError, match="at least one key"):
            read_keys(file)
    file.write_text("one\ntwo words\n")
    with pytest.raises(RunError, match=r"keys:2: expected a key of visible ASCII"):
        read_keys(file)
    with pytest.raises(RunError, match="readable"):
        read_keys(tmp_path / "none")


def test_a_host_that_is_not_here() -> None:
    with pytest.raises(RunError, match="--host"):
        bound_socket("192.0.2.1", 0)
    with pytest.raises(RunError, match="--host"):
        bound_socket("no such host", 0)


def test_limits_under_which_a_request_could_never_be_answered() -> None:
    with pytest.raises(RunError, match=r"--max-questions: expected at most 12"):
        ServingLimits(questions=13, streams=4, queue=8)


def test_packages_that_are_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evoswarm.serving.place.PACKAGES", ("fastapi", "no_such_package"))
    with pytest.raises(RunError, match=r"no_such_package .* pip install 'evoswarm\[serve\]'"):
        require_packages()
