"""What ``--json`` prints: one event per line, each a JSON object that says in ``event`` what it is.

Generations are counted as people count them, from 1. Seconds are seconds; what is not known is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from evoswarm import __version__
from evoswarm.cli.telling.start import Start
from evoswarm.cli.telling.status import Status
from evoswarm.experiment.progress import StageName

if TYPE_CHECKING:
    from evoswarm.experiment.figures import GenerationFigures
    from evoswarm.experiment.first_look.look import FirstLook


class Event(BaseModel):
    """What all events have in common: keys that are not documented do not come."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Changed(Event):
    """One place where the space differs from that of the run before.

    Attributes:
        path: dotted, as ``--set`` names it.
        old: JSON; empty where nothing stood there.
        new: likewise.
    """

    path: str
    old: str
    new: str


class StartEvent(Event):
    """What the command is about; it comes before anything slow is imported.

    It comes again where a search turns out to be another run than could be foreseen.

    Attributes:
        event: says what this is.
        version: of evoswarm.
        command: its name.
        about: what it works on, in words.
        space: name of the space; null where there is none.
        seed: of a search; null elsewhere.
        directory: of the run; null where the command writes none.
        continues: whether the run goes on; null where the command writes none.
        generations_done: of that run.
        recipes_scored: of that run.
        before: the run that a changed space, or an ended search, does not go on with.
        changed: what the space says otherwise than that run's.
    """

    event: Literal["start"] = "start"
    version: str = __version__
    command: str
    about: str
    space: str | None = None
    seed: int | None = None
    directory: str | None = None
    continues: bool | None = None
    generations_done: int = 0
    recipes_scored: int = 0
    before: str | None = None
    changed: tuple[Changed, ...] = ()

    @classmethod
    def of(cls, start: Start) -> StartEvent:
        """The event of a start."""
        about = {"command": start.command, "about": start.about, "space": start.space}
        run = start.run
        if run is None:
            return cls.model_validate(about)
        return cls(
            **about,
            seed=run.seed,
            directory=str(run.directory),
            continues=run.continues,
            generations_done=run.generations,
            recipes_scored=run.individuals,
            before=None if run.before is None else str(run.before),
            changed=tuple(Changed(path=one.path, old=one.old, new=one.new) for one in run.changes),
        )


class PhaseEvent(Event):
    """A phase of the command begins or ends; one ends where the next begins.

    Attributes:
        event: says what this is.
        phase: its name.
        state: ``begin`` or ``end``.
        words: what is done in it, for people.
        seconds: that it took; null when it begins.
    """

    event: Literal["phase"] = "phase"
    phase: StageName
    state: Literal["begin", "end"]
    words: str
    seconds: float | None = None


class ProgressEvent(Event):
    """How the command stands; it comes now and then while nothing else does.

    Attributes:
        event: says what this is.
        phase: that it is at.
        seconds: that the phase has taken.
        step: within the phase, in words; null where there is none.
        done: answers decoded within the step; null where it decodes none.
        wanted: of so many; likewise.
        symbols: written so far, of answers that are there and of those at work; likewise.
        tokens: that members have read for it; likewise.
        prefix_reuse: share of distributions asked for in it that were in memory; null too where none was asked for.
        seconds_left: of the decoding; null before the first answer is there.
        phase_seconds_left: of the phase; null where no estimate is known.
        command_seconds_left: of the whole command; likewise.
        silent_seconds: since there were news of any of these.
    """

    event: Literal["progress"] = "progress"
    phase: StageName
    seconds: float
    step: str | None
    done: int | None
    wanted: int | None
    symbols: int | None
    tokens: int | None
    prefix_reuse: float | None
    seconds_left: float | None
    phase_seconds_left: float | None
    command_seconds_left: float | None
    silent_seconds: float

    @classmethod
    def of(cls, status: Status) -> ProgressEvent:
        """The event of a status."""
        advance = status.advance
        return cls(
            phase=status.stage.name,
            seconds=status.seconds,
            step=None if status.step is None else str(status.step),
            done=None if advance is None else advance.done,
            wanted=None if advance is None else advance.wanted,
            symbols=None if advance is None else advance.symbols,
            tokens=None if advance is None else advance.tokens,
            prefix_reuse=None if advance is None else advance.reuse,
            seconds_left=None if advance is None else advance.seconds_left,
            phase_seconds_left=status.left,
            command_seconds_left=status.left_in_all,
            silent_seconds=status.silent,
        )


class GenerationEvent(Event):
    """A generation has ended.

    Attributes:
        event: says what this is.
        generation: which one, from 1.
        generations: how many there are to be.
        best_accuracy: the greatest on the search split so far; null without any success.
        evaluations: (recipe, item) pairs asked for so far.
        new_evaluations: of these, asked for the first time now.
        decoded: how many had to be decoded now; the rest was known.
        close_decisions: evaluations with a decision too close to call across machines.
        failed_items: evaluations that failed.
        failed: these by kind and member, the commonest first.
        at_limit: evaluations whose answer was ended by its limit of bytes.
        cut_off: of these, those that ended before anything that could be read as an answer.
        seconds: that the generation took.
        seconds_left: an estimate for the rest of the command; null before there is anything to go by.
        left_by_part: of these, by part.
        replayed: the generation repeats what the run had written before.
        evaluations_per_second: of this generation.
        prefix_reuse: share of distributions asked for that were in memory; null when none was asked for.
        rows_forwarded: tokens that members read for it.
        engine: what else the engine counted.
        tokens_per_second: tokens that members read per second.
        front: of all that was scored on all search items so far: its objectives (accuracy and FLOPs where the search
            has one), its size, the share of the box that it dominates, and its ends, the point that is best in each
            objective; null without any success.
        islands: a report of each: best, mean, median, quartiles and worst of every objective over its population,
            arrivals, whether the next generation starts it anew, and so on.
    """

    event: Literal["generation"] = "generation"
    generation: Annotated[int, Field(ge=1)]
    generations: int
    best_accuracy: float | None
    evaluations: int
    new_evaluations: int
    decoded: int
    close_decisions: int
    failed_items: int
    failed: tuple[dict[str, Any], ...]
    at_limit: int
    cut_off: int
    seconds: float
    seconds_left: float | None
    left_by_part: dict[str, float]
    replayed: bool
    evaluations_per_second: float
    prefix_reuse: float | None
    rows_forwarded: int
    engine: dict[str, Any]
    tokens_per_second: float
    front: dict[str, Any] | None
    islands: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, figures: GenerationFigures) -> GenerationEvent:
        """The event of a generation."""
        return cls.model_validate({**figures.as_dict(), "generation": figures.generation + 1})


class FirstLookEvent(Event):
    """What each member does alone on the calibration items; it comes once, before the first generation.

    Attributes:
        event: says what this is.
        items: of the search split that members were asked.
        alone: by member and task: how many items, accuracy, answers at their limit, empty ones, failures.
        shown: a few answers to each task: question, prompt as the member read it, gold, answer, score.
        notes: what may well be meant so, a sentence each.
        warnings: what is likely a mistake, a sentence each.
    """

    event: Literal["first_look"] = "first_look"
    items: int
    alone: tuple[dict[str, Any], ...]
    shown: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, look: FirstLook) -> FirstLookEvent:
        """The event of a first look."""
        return cls.model_validate(look.as_dict())


class NoteEvent(Event):
    """Sentences, or a table, that people are shown when it is known.

    Attributes:
        event: says what this is.
        text: may have several lines.
    """

    event: Literal["note"] = "note"
    text: str


class PartEvent(Event):
    """A part of a study or a comparison has ended.

    Attributes:
        event: ``trial`` of a study, ``search`` of a comparison.
        number: which one; trials count from 0, which is the default.
        figures: of the part.
    """

    event: Literal["trial", "search"]
    number: int
    figures: dict[str, Any]


class VerdictEvent(Event):
    """What held-out items say of the champion.

    Attributes:
        event: says what this is.
        verdict: as in the certificate.
    """

    event: Literal["verdict"] = "verdict"
    verdict: dict[str, Any]


class RefusalEvent(Event):
    """Held-out items were not opened; the command goes on.

    Attributes:
        event: says what this is.
        message: why.
    """

    event: Literal["refusal"] = "refusal"
    message: str


class ResultEvent(Event):
    """What came of the command; its last event, unless what came of it is a refusal: then an error says so behind it.

    Attributes:
        event: says what this is; the other keys are the command's own.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    event: Literal["result"] = "result"


class ErrorEvent(Event):
    """The command ends in failure, mostly without a result; the same sentence is on standard error.

    A plan that refuses its space has told its result before, with all that is refused.

    Attributes:
        event: says what this is.
        message: what was expected and what was there.
        code: the exit code: 2 for a mistake or too little memory, 130 for Ctrl-C, 1 for a bug of evoswarm.
    """

    event: Literal["error"] = "error"
    message: str
    code: int


AnyEvent = (
    StartEvent
    | PhaseEvent
    | ProgressEvent
    | GenerationEvent
    | FirstLookEvent
    | NoteEvent
    | PartEvent
    | VerdictEvent
    | RefusalEvent
    | ResultEvent
    | ErrorEvent
)
EVENTS: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="event")])
"""Reads any event, and has their JSON Schema."""
