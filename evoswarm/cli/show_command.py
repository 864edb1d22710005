"""What ``evoswarm show`` prints: a run as its search told of it in the end, or a policy in words."""

from __future__ import annotations

import json
import os
import shlex
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evoswarm.certificate.seeds import SeedsCertificate
from evoswarm.certificate.seeds_page import seeds_page
from evoswarm.cli.showing.console import print_ending
from evoswarm.cli.showing.output import say
from evoswarm.cli.showing.policy import print_policy
from evoswarm.cli.showing.screen import make_console, prose
from evoswarm.cli.showing.unfinished import best_so_far, print_unfinished
from evoswarm.cli.telling.narrator import Narrator
from evoswarm.errors import EvoswarmError, RunError, Where
from evoswarm.experiment.ending import Ending, ending_of
from evoswarm.experiment.files.places import LARGEST_CERTIFICATE, ledger_file, root_of
from evoswarm.experiment.files.run_state import state_of
from evoswarm.policies import load_document
from evoswarm.policies.places import whereabouts
from evoswarm.report.run_files import RunFiles
from evoswarm.run_directory import BEGAN, CERTIFICATE, CHAMPION, JOURNAL, SPACE, TRACKED
from evoswarm.tracking import tracking_uri
from evoswarm.user_files import read_text


def run_show(path: Path, narrator: Narrator) -> None:
    """Show a run, a policy, or a certificate over several seeds.

    Raises:
        EvoswarmError: it is none of these, or a file of it is damaged.
    """
    if os.path.isdir(path):
        if any(os.path.lexists(path / name) for name in (SPACE, JOURNAL)):
            _show_run(RunFiles(path), narrator)
            return
        if os.path.isfile(path / CERTIFICATE) and not os.path.lexists(path / CHAMPION):
            _show_seeds(path / CERTIFICATE, narrator)
            return
        _refuse_many(path)
    _show_policy(path, narrator)


def _refuse_many(path: Path) -> None:
    """Of a directory of runs, which is no policy, say how it is listed.

    Raises:
        RunError: it is one.
    """
    if not os.path.lexists(path / CHAMPION) and any(path.glob(f"*/{JOURNAL}")):
        message = (
            f"expected a run or a policy, got a directory of runs (evoswarm runs {shlex.quote(str(path))} lists them)"
        )
        raise RunError(message, Where(str(path)))


def _show_run(run: RunFiles, narrator: Narrator) -> None:
    ending = ending_of(run)
    state = state_of(run.path, run.events) if ending is None else ending.state
    told = {"kind": "run", "directory": str(run.path), **_began(run), "state": asdict(state)}
    if ending is None:
        narrator.result({**told, "best": best_so_far(run), "figures": run.generations[-1] if run.generations else None})
    else:
        narrator.result({**told, **_ending_dict(run, ending)})
    if not narrator.to_people:
        return
    console = make_console()
    known = _began(run)
    prose(console, f"{run.path}: a search of space {known['space']}, seed {known['seed']}")
    if ending is None:
        print_unfinished(console, run, state)
    else:
        print_ending(console, ending, ledger_file(_root(run.path)), _tracking(run))


def _began(run: RunFiles) -> dict[str, Any]:
    """The name of the space, and the seed.

    Raises:
        RunError: the journal does not say.
    """
    identity: dict[str, Any] = next((event["identity"] for event in run.events if event["event"] == BEGAN), {})
    if not isinstance(identity.get("name"), str) or not isinstance(identity.get("seed"), int):
        message = "expected a journal that says which search began, got another"
        raise RunError(message, Where(str(run.path / JOURNAL)))
    return {"space": identity["name"], "seed": identity["seed"]}


def _root(run: Path) -> Path:
    """Where the ledger of a run is, as its user names the directory."""
    found = root_of(run)
    return run.parent if run.resolve().parent == found else found


def _tracking(run: RunFiles) -> str | None:
    """MLflow's store, if it has heard of the search."""
    if all(event["event"] != TRACKED for event in run.events):
        return None
    with suppress(EvoswarmError):  # a space that cannot be read any more; all else can
        return tracking_uri(run.space.tracking, root_of(run.path))
    return None


def _ending_dict(run: RunFiles, ending: Ending) -> dict[str, Any]:
    """What a search came to, as JSON data."""
    certificate, champion = ending.certificate, ending.selection.champion
    return {
        "digest": ending.champion.digest,
        "words": ending.champion.words(champion.summary.spoken),
        "warnings": list(ending.warnings),
        "verdict": None if certificate is None else certificate.verdict.model_dump(mode="json"),
        "refusal": ending.refusal,
        "choice": run.front,
    }


def _show_policy(path: Path, narrator: Narrator) -> None:
    document = load_document(path)
    policy, about = document.policy, document.about
    members = [{**spec.model_dump(mode="json"), "whereabouts": whereabouts(spec.path)} for spec in policy.specs]
    narrator.result(
        {
            "kind": policy.kind,
            "digest": policy.digest,
            "words": policy.words({} if about is None else about.spoken),
            "members": members,
            "about": None if about is None else about.model_dump(mode="json"),
        }
    )
    if narrator.to_people:
        print_policy(make_console(), document, shlex.quote(str(path)))


def _show_seeds(file: Path, narrator: Narrator) -> None:
    try:
        certificate = SeedsCertificate.model_validate_json(read_text(file, limit=LARGEST_CERTIFICATE))
    except ValueError as error:
        got = str(error).splitlines()[0]
        message = f"expected a run, a policy or a certificate over several seeds, got another text: {got:.200}"
        raise RunError(message, Where(str(file))) from None
    narrator.result({"kind": "seeds", "certificate": json.loads(certificate.to_json())})
    if narrator.to_people:
        say("\n" + seeds_page(certificate))
