"""What it takes to repeat a search: the exact space, versions, seeds, members, commands and files."""

from __future__ import annotations

import shlex
from typing import Any

from evoswarm.member_spec import MemberSpec
from evoswarm.report.run_files import RunFiles
from evoswarm.run_directory import BEGAN, CHAMPION, FINISHED, MEANINGS, REPORT, SPACE


def repeat(run: RunFiles) -> dict[str, Any]:
    """All that a stranger needs.

    Returns:
        ``space`` (the text of its file), ``facts`` and ``commands`` (pairs of words and what they are about),
        ``members`` (of the pool: ``name``, ``path``, ``revision``, ``dtype``, ``chat_template`` and ``fingerprint``,
        None where no file has it) and ``files`` (pairs of a name and what it is).
    """
    return {
        "space": run.space_text,
        "facts": [[name, str(value)] for name, value in _facts(run) if value is not None],
        "commands": _commands(run),
        "members": _members(run),
        "files": [
            [name, meaning] for name, meaning in MEANINGS.items() if name != REPORT and (run.path / name).exists()
        ],
    }


def _facts(run: RunFiles) -> list[tuple[str, Any]]:
    """Versions, seeds and digests; None where nobody knows."""
    about = None if run.champion is None else run.champion.about
    known = run.certificate
    began = next((event for event in run.events if event["event"] == BEGAN), {})
    finished = next((event for event in reversed(run.events) if event["event"] == FINISHED), None)
    limit = None if finished is None or finished["limit"] is None else f"{finished['limit']:g}"
    return [
        ("evoswarm", None if about is None else about.evoswarm),
        ("version of the engine", None if known is None else known.subject.decoding),
        ("seed", run.space.seed),
        ("noise seed", run.space.noise_seed),
        ("searched on", began.get("date")),
        ("ended by", None if finished is None else ": ".join(filter(None, (finished["reason"], limit)))),
        ("champion", None if run.champion is None else run.champion.policy.digest),
        ("space", run.space.digest),
    ]


def _commands(run: RunFiles) -> list[list[str]]:
    """From the folder in which the run directory is."""
    name = run.path.resolve().name
    place = shlex.quote(name)
    space, again = shlex.quote(f"{name}/{SPACE}"), shlex.quote(f"{name}-again")
    found = [["search again, into a directory of its own", f"evoswarm search {space} --out {again}"]]
    if (run.path / CHAMPION).is_file():
        found += [
            ["ask the champion", f'evoswarm generate {place} "QUESTION"'],
            ["certify the champion", f"evoswarm certify {place}"],
        ]
    return [*found, ["write this page anew", f"evoswarm report {place}"]]


def _members(run: RunFiles) -> list[dict[str, Any]]:
    """The pool, with the fingerprints that policies of the run name."""
    known = {spec.name: spec for spec in _bound(run)}
    return [
        {
            "name": spec.name,
            "path": spec.path,
            "revision": spec.revision,
            "dtype": spec.dtype,
            "chat_template": spec.chat_template,
            "fingerprint": spec.fingerprint or (known[spec.name].fingerprint if spec.name in known else None),
        }
        for spec in run.space.pool
    ]


def _bound(run: RunFiles) -> list[MemberSpec]:
    """Members as they were loaded, as policies of the run have them."""
    rows = [] if run.front is None else run.front["contenders"]
    documents = [run.champion, *(run.contender(row["recipe"]) for row in rows if row.get("recipe"))]
    return [spec for document in documents if document is not None for spec in document.policy.specs]
