"""Several seeds of one space, certified together: their champions are frozen, then the test items are opened once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from evoswarm.certificate.detectable import detectable_gain
from evoswarm.certificate.document import Certificate
from evoswarm.certificate.evidence import Evidence, certificate_of
from evoswarm.certificate.power import expected, lowered
from evoswarm.certificate.seeds import JointOpening, SeedsCertificate, seeds_certificate_of
from evoswarm.certificate.seeds_page import seeds_page
from evoswarm.decoding.decoder import Decoder
from evoswarm.durable import write_within
from evoswarm.errors import RunError, Where
from evoswarm.evaluation.mixes import Stopped
from evoswarm.experiment import mirror
from evoswarm.experiment.certification import Prepared, figures_of, play, prepare, write_certificate
from evoswarm.experiment.certified import refusals_written
from evoswarm.experiment.drawn import Drawn, draw
from evoswarm.experiment.files.places import LARGEST_CERTIFICATE, ledger_file, root_of
from evoswarm.experiment.files.run_history import transient_failures
from evoswarm.experiment.files.same_items import require_same_items
from evoswarm.experiment.files.same_space import FinishedSeed, check_place, read_seeds
from evoswarm.experiment.interrupt import Interrupt, SearchInterrupted
from evoswarm.experiment.merging import Merger, merger
from evoswarm.experiment.openings.guard import Guard, book_of, require_yes
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.reporting import report_written
from evoswarm.experiment.result import PAGE
from evoswarm.experiment.tracing import trace
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.policies import Policy
from evoswarm.policies.document import naming
from evoswarm.run_directory import CERTIFICATE, CHAMPION, RunDirectory
from evoswarm.statistics.intervals import discordances, strata
from evoswarm.statistics.seeds import mean_rows
from evoswarm.tasks.task import SPLITS, weights_of
from evoswarm.tracking import Tracker
from evoswarm.trust import NOBODY, Trust
from evoswarm.user_files import read_text

JOINTLY = "certificate over seeds"


@dataclass(frozen=True)
class _Seed:
    """One seed at work."""

    bench: Workbench
    run: RunDirectory
    champion: Policy


def certify_seeds(
    runs: Sequence[str | Path],
    *,
    out: str | Path | None = None,
    force: bool = False,
    root: str | Path | None = None,
    progress: Progress = SILENT,
    swarm: Decoder | None = None,
    trust: Trust = NOBODY,
    ledger: str | Path | None = None,
    ask: Callable[[str], bool] | None = None,
) -> tuple[SeedsCertificate, Path]:
    """Certify the champions of several seeds of one space together, from their run directories alone.

    All champions are frozen and their rivals tuned; then the test items are opened once, for all of them. Each run gets
    the certificate of its champion, and there is one over the seeds. The same runs again are the same opening.

    Args:
        runs: run directories of searches that differ in their seed alone; they were run with ``certify=False``.
        out: where the certificate over seeds is written; None is a directory beside the runs, named by space and seeds.
        force: also where test items were opened for another recipe before.
        root: the directory of the ledger and of MLflow's store; see `evoswarm.certify`.
        progress: told what is being done.
        swarm: the pool, loaded already; None loads it.
        trust: whose code may run where the space asks for it.
        ledger: its file; None is ``EVOSWARM_LEDGER``, or beside the runs.
        ask: asked, before the test items are opened and with what they can show, whether they may be; None opens them.

    Returns:
        The certificate over seeds, and the directory that holds it.

    Raises:
        OpenedBefore: another recipe opened test items, and nothing was forced.
        OpeningDeclined: ``ask`` said no.
        EvoswarmError: the runs are not of one space, or a space, task or member is not what it should be.
        SearchInterrupted: Ctrl-C; everything is kept, and the same call goes on.

    Example:
        >>> seeds = [search(space, seed=seed, certify=False).directory for seed in (1, 2)]
        >>> over_seeds, place = certify_seeds(seeds, force=True)  # seed 0 has opened these items
        >>> place.name, len(over_seeds.seeds)
        ('tokens-seeds-1-2', 2)
    """
    found = read_seeds([Path(run) for run in runs], trust)
    if out is not None:
        check_place(Path(out), found)
    home = root_of(found[0].path) if root is None else Path(root)
    with ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt(home))
        kept = ledger_file(home, ledger)
        drawn = draw(found[0].space, progress)
        seeds = _opened(stack, found, drawn, kept, progress, swarm, interrupt.asked)
        first = seeds[0].bench
        tracker = Tracker.of(found[0].space, home)
        stack.callback(mirror.wait, tracker, progress)
        book = book_of(first.evaluator.ledger, home, *[one.path for one in found])
        guard = Guard(book, drawn, first.asked, tracker)
        merging = stack.enter_context(merger(first, progress.note))
        with _going_on_later(seeds, home):
            try:
                evidence, certificates, opening = _certified(
                    seeds, guard, merging, force=force, progress=progress, ask=ask
                )
                certificate = seeds_certificate_of(evidence, certificates, [one.path.name for one in found], opening)
                place = _place(home, certificate) if out is None else Path(out)
                write_within(place, CERTIFICATE, certificate.to_json())
                write_within(place, PAGE, seeds_page(certificate))
                for one in seeds:
                    trace(one.bench, one.run, one.champion, progress, tracker)
            finally:
                for one in seeds:
                    report_written(one.run, one.bench.asked, progress, tracker)
        return certificate, place


@contextmanager
def _going_on_later(seeds: Sequence[_Seed], home: Path) -> Iterator[None]:
    """Say where everything is kept when Ctrl-C ends the block.

    Raises:
        SearchInterrupted: it did.
    """
    try:
        yield
    except Stopped as error:
        for one in seeds:
            one.run.journal("interrupted")
        raise SearchInterrupted(home) from error


def _opened(
    stack: ExitStack,
    found: Sequence[FinishedSeed],
    drawn: Drawn,
    ledger: Path,
    progress: Progress,
    swarm: Decoder | None,
    stop: Callable[[], bool],
) -> list[_Seed]:
    """Every seed's run, over one pool and one reading of the items."""
    seeds = []
    for one in found:
        run = RunDirectory(one.path)
        stack.callback(run.close)
        bench = stack.enter_context(
            workbench(
                one.space,
                ledger,
                splits=SPLITS,
                transient=transient_failures(run),
                stop=stop,
                progress=progress,
                swarm=swarm,
                lent=True,
                drawn=drawn,
            )
        )
        swarm = bench.swarm
        require_same_items(run, one.space, bench.items)
        with naming(str(one.path / CHAMPION)):
            seeds.append(_Seed(bench, run, bench.bound(one.champion)))
    return seeds


def _certified(
    seeds: Sequence[_Seed],
    guard: Guard,
    merging: Merger,
    *,
    force: bool,
    progress: Progress,
    ask: Callable[[str], bool] | None,
) -> tuple[list[Evidence], list[Certificate], JointOpening]:
    """Everything is chosen for all seeds, then the items are opened, then everything is played."""
    guard.hear([one.champion for one in seeds], progress)
    prepared = []
    for one in seeds:
        within = progress.within(words=f"seed {one.bench.asked.seed}")
        progress.enter("rivals", f"seed {one.bench.asked.seed}: tuning the rivals of its champion")
        prepared.append(prepare(one.bench, one.run, one.champion, guard, merging, force=force, progress=within))
    opening = _joint(prepared)
    with ExitStack() as stack:
        for one in seeds:
            stack.enter_context(refusals_written(one.bench, one.run, one.champion, guard.tracker))
        if ask is not None and not all(one.seen.again for one in prepared):
            require_yes(ask, f"{opening.statement} Open them?")
        progress.note(f"before opening: {lowered(opening.statement[:-1])}")
        progress.enter("test", f"opening the test items for {len(seeds)} champions at once")
        record = guard.open(
            [one.champion for one in seeds],
            JOINTLY,
            runs=[one.run.path for one in seeds],
            seeds=[one.bench.asked.seed for one in seeds],
            force=opening.forced,
        )
    evidence, certificates = [], []
    for ready in prepared:
        progress.enter("test", f"seed {ready.bench.asked.seed}: playing the test items")
        evidence.append(play(ready))
        certificates.append(certificate_of(evidence[-1]))
        write_certificate(ready, certificates[-1])
        guard.tell(record, ready.champion, ready.seen.others, figures_of(certificates[-1]), ready.run)
    return evidence, certificates, opening


def _joint(prepared: Sequence[Prepared]) -> JointOpening:
    """What is known of the items, and what the mean over seeds could prove."""
    gain, bench = _detectable(prepared), prepared[0].bench
    statement = expected(gain, len(bench.items["test"]), len(_common(prepared)))
    most = max(prepared, key=lambda one: one.seen.opened).seen
    return JointOpening(
        forced=most.opened > 0,
        others=len({champion for one in prepared for record in one.seen.by for champion in record.champions}),
        opened_before=most.opened,
        detectable_gain=gain,
        statement=f"{statement[0].upper()}{statement[1:]} by the mean over {len(prepared)} seeds.",
    )


def _common(prepared: Sequence[Prepared]) -> set[str]:
    """Keys of the rivals that every seed's champion has."""
    return set.intersection(*({rival.key for rival in one.rivals.matched} for one in prepared))


def _detectable(prepared: Sequence[Prepared]) -> float | None:
    """As for one champion, of the seeds' mean scores; how far seeds differ is not known before."""
    bench = prepared[0].bench
    items = bench.items["selection"]
    parts = strata([item.task for item in items], weights_of(bench.tasks))
    scores: dict[str, list[Sequence[float]]] = {}
    for one in prepared:
        common = _common(prepared)
        keyed = {"": one.champion, **{rival.key: rival.policy for rival in one.rivals.matched if rival.key in common}}
        evaluator = one.merging.beside(one.bench, one.rivals.soup).evaluator
        for key, summary in zip(keyed, evaluator.summaries(list(keyed.values()), items), strict=True):
            scores.setdefault(key, []).append(summary.scores)
    means = {key: mean_rows(rows) for key, rows in scores.items()}
    squares: Mapping[str, Sequence[float]] = {
        key: discordances(means[""], own, parts) for key, own in means.items() if key
    }
    gain = detectable_gain(squares, parts, len(bench.items["test"]) / len(items))
    return None if gain is None else round(gain, 6)


def _place(root: Path, certificate: SeedsCertificate) -> Path:
    """A directory beside the runs: of these champions, or the next that is free.

    Raises:
        RunError: what stands there is no certificate.
    """
    seeds = "-".join(str(one.seed) for one in certificate.seeds)
    own = [one.champion for one in certificate.seeds]
    number = 1
    while True:
        place = root / f"{certificate.space}-seeds-{seeds}{'' if number == 1 else f'-{number}'}"
        file = place / CERTIFICATE
        if not file.exists():
            return place
        try:
            known = [one["champion"] for one in json.loads(read_text(file, limit=LARGEST_CERTIFICATE))["seeds"]]
        except (ValueError, TypeError, KeyError):
            raise RunError("expected a certificate over seeds, got something else", Where(str(file))) from None
        if known == own:
            return place
        number += 1
