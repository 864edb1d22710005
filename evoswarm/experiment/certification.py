"""From a champion to its certificate: tune the rivals, state what can be proven, open the test items, play, write.

The order is what makes the verdict worth something. Everything that is chosen is chosen on the selection items; what
could be proven is written down; then the opening is recorded in the ledger; only then a test item is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from evoswarm.certificate.detectable import detectable_gain
from evoswarm.certificate.document import Certificate, Opening
from evoswarm.certificate.evidence import Evidence, certificate_of
from evoswarm.certificate.page import page
from evoswarm.certificate.power import expected
from evoswarm.decoding.decoder import Decoder
from evoswarm.evaluation.mixes import Stopped
from evoswarm.evaluation.openings.book import Seen
from evoswarm.experiment import mirror
from evoswarm.experiment.certified import refusals_written, write_certified
from evoswarm.experiment.drawn import draw
from evoswarm.experiment.files.finished_run import read_run
from evoswarm.experiment.files.places import ledger_file, root_of
from evoswarm.experiment.files.run_history import note_once, retire, transient_failures
from evoswarm.experiment.files.same_items import require_same_items
from evoswarm.experiment.first_look.looking import show_again
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.fitting import refuse_again
from evoswarm.experiment.hearing import hear_again
from evoswarm.experiment.interrupt import Interrupt, SearchInterrupted
from evoswarm.experiment.merging import Merger, as_noted, merger, note_refusal
from evoswarm.experiment.openings.guard import Guard, book_of, require_yes
from evoswarm.experiment.openings.nothing_scored import require_score
from evoswarm.experiment.openings.permission import permitted, standing
from evoswarm.experiment.playing import evidence_of, play_in_parts
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.reporting import report_written
from evoswarm.experiment.result import PAGE
from evoswarm.experiment.tracing import trace
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.policies import Policy
from evoswarm.policies.document import naming
from evoswarm.rivals.tuning import Rivals, tune
from evoswarm.run_directory import CERTIFICATE, CHAMPION, RunDirectory
from evoswarm.statistics.intervals import discordances, strata
from evoswarm.tasks.task import SPLITS, weights_of
from evoswarm.tracking import Tracker
from evoswarm.trust import NOBODY, Trust


def certify(
    run: str | Path,
    *,
    force: bool = False,
    runs: str | Path | None = None,
    progress: Progress = SILENT,
    swarm: Decoder | None = None,
    trust: Trust = NOBODY,
    ledger: str | Path | None = None,
    ask: Callable[[str], bool] | None = None,
) -> Certificate:
    """Give the champion of a finished search its certificate, from the run directory alone.

    The same champion again is the same opening: nothing is decoded, and the files come out the same to the byte.

    Args:
        run: the run directory.
        force: also where test items were opened for another recipe before.
        runs: the directory of the ledger and of MLflow's store; None is the one that the run lies in, or ``runs``
            where that has neither a ledger nor openings.
        progress: told what is being done.
        swarm: the pool, loaded already; None loads it.
        trust: whose code may run where the space asks for it.
        ledger: its file; None is ``EVOSWARM_LEDGER``, or beside the runs.
        ask: asked, before the test items are opened and with what they can show, whether they may be; None opens them.

    Raises:
        OpenedBefore: they were, and nothing was forced.
        OpeningDeclined: ``ask`` said no.
        NothingScored: the champion scored nothing on the selection split; forced or not, nothing is opened.
        EvoswarmError: the directory holds no finished search, or its space, tasks or members are not what they were.
        SearchInterrupted: Ctrl-C; everything is kept, and the same call goes on.

    Example:
        >>> certificate = certify(result.directory)
        >>> certificate == result.certificate
        True
    """
    path = Path(run)
    space, champion = read_run(path, trust)
    root = root_of(path) if runs is None else Path(runs)
    with ExitStack() as stack:
        directory = RunDirectory(path)
        stack.callback(directory.close)
        interrupt = stack.enter_context(Interrupt(path))
        drawn = draw(space, progress)
        bench = stack.enter_context(
            workbench(
                space,
                ledger_file(root, ledger),
                splits=SPLITS,
                transient=transient_failures(directory),
                stop=interrupt.asked,
                progress=progress,
                swarm=swarm,
                lent=swarm is not None,
                drawn=drawn,
            )
        )
        require_same_items(directory, space, bench.items)
        show_again(directory, progress)
        with naming(str(path / CHAMPION)):
            bound = bench.bound(champion)
        tracker = Tracker.of(space, root)
        stack.callback(mirror.wait, tracker, progress)
        guard = Guard(book_of(bench.evaluator.ledger, root, path), drawn, bench.asked, tracker)
        try:
            certificate = certify_champion(bench, directory, bound, guard, force=force, progress=progress, ask=ask)
            trace(bench, directory, bound, progress, tracker)
            return certificate
        except Stopped as error:
            directory.journal("interrupted")
            raise SearchInterrupted(path) from error
        finally:
            report_written(directory, space, progress, tracker)


@dataclass(frozen=True)
class Prepared:
    """A champion whose rivals are tuned, before a test item is opened.

    Attributes:
        bench: with members as their owners run them.
        run: where everything is written.
        champion: frozen; bound to the pool as loaded.
        rivals: tuned on the selection items.
        seen: what was known of the test items.
        detectable_gain: what could be proven; None where no gain could.
        merging: makes the merged model again, where a rival is one.
        tracker: tells MLflow.
    """

    bench: Workbench
    run: RunDirectory
    champion: Policy
    rivals: Rivals
    seen: Seen
    detectable_gain: float | None
    merging: Merger
    tracker: Tracker | None = None

    @property
    def statement(self) -> str:
        """What could be proven, in words."""
        return expected(self.detectable_gain, len(self.bench.items["test"]), len(self.rivals.matched))


def certify_champion(
    bench: Workbench,
    run: RunDirectory,
    champion: Policy,
    guard: Guard,
    *,
    force: bool,
    progress: Progress,
    ask: Callable[[str], bool] | None = None,
) -> Certificate:
    """Certify the champion of a run that is at hand.

    Args:
        bench: the space made ready, with the items of all splits.
        run: with ``space.yaml``, ``front.json`` and ``individuals.jsonl`` in it; the certificate is written there.
        champion: frozen; bound to the pool as loaded.
        guard: of the test items.
        force: open the items also where another recipe opened them.
        progress: told what is being done.
        ask: asked at the moment whether the items may be opened; None opens them.

    Raises:
        OpenedBefore: another recipe did, and nothing was forced; nothing was opened.
        OpeningDeclined: ``ask`` said no; nothing was opened.
        NothingScored: the champion scored nothing on the selection split; nothing was opened.
        RunError: a file cannot be written.
        Stopped: Ctrl-C.
    """
    guard.hear([champion], progress)
    known = standing(run, champion, guard.seen(champion), force)
    if known is not None:
        progress.note(
            "the certificate stands as it is: it is now known that others had opened some test items before it"
        )
        return known
    with merger(bench, progress.note) as merging:
        return _certified(bench, run, champion, guard, merging, force=force, progress=progress, ask=ask)


def _certified(
    bench: Workbench,
    run: RunDirectory,
    champion: Policy,
    guard: Guard,
    merging: Merger,
    *,
    force: bool,
    progress: Progress,
    ask: Callable[[str], bool] | None,
) -> Certificate:
    """See `certify_champion`."""
    prepared = prepare(bench, run, champion, guard, merging, force=force, progress=progress)
    with refusals_written(bench, run, champion, guard.tracker):
        if ask is not None and not prepared.seen.again:
            require_yes(ask, f"{prepared.statement}. Open them?")
        progress.note(f"before opening: {prepared.statement}")
        progress.enter("test", "opening the test items")
        forced, seeds = prepared.seen.opened > 0, [bench.space.seed]
        opened = guard.open([champion], "certificate", runs=[run.path], seeds=seeds, force=forced)
    certificate = certificate_of(play(prepared))
    write_certificate(prepared, certificate)
    guard.tell(opened, champion, prepared.seen.others, figures_of(certificate), run)
    return certificate


def prepare(
    bench: Workbench,
    run: RunDirectory,
    champion: Policy,
    guard: Guard,
    merging: Merger,
    *,
    force: bool,
    progress: Progress,
) -> Prepared:
    """All that comes before the test items: whether they may be opened, the rivals, what could be proven.

    Raises:
        OpenedBefore: another recipe opened some of the items, and nothing was forced.
        NothingScored: the champion scored nothing on the selection split, and has not opened them yet.
        Stopped: Ctrl-C.
    """
    retire(run, champion)
    seen = guard.seen(champion)
    with refusals_written(bench, run, champion, guard.tracker):
        if not seen.again:
            require_score(bench, run, champion)
        permitted(run, champion, seen, force)
    selection = bench.items["selection"]
    progress.enter("rivals", f"tuning rivals on {len(selection)} selection items")
    refuse_again(bench, run)
    hear_again(bench, run)
    fits = fits_of(bench)
    bench = bench.as_deployed()
    rivals = tune(
        bench.space,
        bench.pool,
        champion,
        bench.evaluator,
        selection,
        merging=as_noted(merging, run),
        fits=fits,
        tell=progress.at,
    )
    if not seen.again:  # once the items are opened, nobody may be missing any more
        rivals = rivals.with_soup(merging.loaded(rivals.soup))
    note_refusal(merging, rivals.soup, run)
    knowing = merging.beside(bench, rivals.soup)
    gain = _detectable(knowing, champion, rivals)
    prepared = Prepared(bench, run, champion, rivals, seen, gain, merging, guard.tracker)
    gain, statement = prepared.detectable_gain, prepared.statement
    note_once(run, "opening", champion=champion.digest, detectable_gain=gain, statement=statement)
    return prepared


def play(prepared: Prepared) -> Evidence:
    """Everything is played on the test items, which are on record as opened."""
    bench, seen, statement = prepared.bench, prepared.seen, prepared.statement
    opening = Opening(
        forced=seen.opened > 0,
        others_of_this_space=seen.of_space(bench.asked.continuation_digest),
        others=seen.others,
        opened_before=seen.opened,
        detectable_gain=prepared.detectable_gain,
        statement=f"{statement[0].upper()}{statement[1:]}.",
    )
    bench.on_other_items()
    bench = prepared.merging.beside(bench, prepared.rivals.soup)
    if prepared.rivals.soup.rival is not None:  # while the pool keeps nothing yet, there is most room for one more
        bench.evaluator.evaluate([prepared.rivals.soup.rival.policy], bench.items["test"])
    play_in_parts(bench, prepared.champion, prepared.rivals)
    return evidence_of(bench, prepared.run, bench.asked, prepared.champion, prepared.rivals, opening)


def write_certificate(prepared: Prepared, certificate: Certificate) -> None:
    """As data, as a page, and in the champion's own file.

    Raises:
        RunError: it cannot be written.
    """
    run = prepared.run
    run.write(CERTIFICATE, certificate.to_json())
    run.write(PAGE, page(certificate))
    write_certified(prepared.bench, run, prepared.champion, certificate, prepared.tracker)


def figures_of(certificate: Certificate) -> dict[str, float]:
    """What MLflow is told of an opening."""
    return {
        "test_accuracy": certificate.score.mean,
        "items": float(certificate.items.test),
        "flops": certificate.compute.flops,
        "open_share": certificate.open_share.steps,
    }


def _detectable(bench: Workbench, champion: Policy, rivals: Rivals) -> float | None:
    """What could be proven against all rivals, by how often champion and rival differ on the selection items."""
    evaluator, items = bench.evaluator, bench.items["selection"]
    parts = strata([item.task for item in items], weights_of(bench.tasks))
    own, *others = evaluator.summaries([champion, *(rival.policy for rival in rivals.matched)], items)
    named = zip(rivals.matched, others, strict=True)
    squares = {rival.key: discordances(own.scores, one.scores, parts) for rival, one in named}
    gain = detectable_gain(squares, parts, len(bench.items["test"]) / len(items))
    return None if gain is None else round(gain, 6)
