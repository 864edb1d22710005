"""How a command stands, as lines for a terminal: as many as it has rows for, the most important first.

What is at work and for how long, a bar, the time left; the best so far, and the front; speeds; the islands, side by
side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from evoswarm.cli.telling.live.course import Course
from evoswarm.cli.telling.live.glyphs import Glyphs
from evoswarm.cli.telling.live.islands import island_lines
from evoswarm.cli.telling.live.line import Line, dim, plain, width_of, wrapped
from evoswarm.cli.telling.status import Status
from evoswarm.experiment.progress import GenerationStep
from evoswarm.experiment.wording import front_words, how_far, quantity

if TYPE_CHECKING:
    from evoswarm.experiment.figures import GenerationFigures

_BAR = (10, 40)  # columns of a bar, at least and at most
_MARGIN = "  "
_SURE = 1.0  # seconds of a decoding behind which its speed says something


class Size(NamedTuple):
    """Of a terminal: what may be drawn on.

    Attributes:
        columns: that a line may take.
        rows: that all lines may take.
    """

    columns: int
    rows: int


def view(status: Status, course: Course, size: Size, glyphs: Glyphs, turn: int) -> list[Line]:
    """The lines.

    Args:
        status: how the command stands.
        course: of the search that is at work, if one is.
        size: of the terminal.
        glyphs: to draw with.
        turn: how often it was drawn before.
    """
    mark = glyphs.turning[turn % len(glyphs.turning)]
    head = [*_at(status, mark, size.columns), *_times(status, glyphs, size.columns)]
    figures = course.figures
    best = [] if figures is None else [plain(_MARGIN + line) for line in _best(figures, size.columns)]
    speeds = [dim(_MARGIN + line) for line in _speeds(status, figures, size.columns)]
    islands = [] if figures is None else _islands(figures, course, size.columns, glyphs)
    blocks, room = [head[: size.rows]], size.rows
    room -= len(blocks[0])
    for block in (best, speeds):
        blocks.append(block if len(block) <= room else [])
        room -= len(blocks[-1])
    blocks.insert(2, islands if len(islands) <= room else [])
    return [line for block in blocks for line in block]


def _islands(figures: GenerationFigures, course: Course, width: int, glyphs: Glyphs) -> list[Line]:
    return island_lines(figures.islands, figures.objectives[0], course.bests, width, glyphs)


def _at(status: Status, mark: str, width: int) -> Iterator[Line]:
    """What is at work, and how far that is."""
    place = status.stage.words if status.step is None else str(status.step)
    far = [] if status.advance is None else how_far(status.advance)
    first, *more = wrapped([place, *far], width - len(mark) - 1, hanging=_MARGIN)
    yield ((f"{mark} ", "bold"), (first, ""))
    yield from map(plain, more)


def _times(status: Status, glyphs: Glyphs, width: int) -> Iterator[Line]:
    """A bar, and the time that has passed and may still pass."""
    share, times = _share(status), ", ".join(status.times)
    if share is None:
        yield from (plain(_MARGIN + line) for line in wrapped(status.times, width - len(_MARGIN)))
        return
    least, most = _BAR
    beside = width - width_of(plain(f"{_MARGIN} 100%  {times}"))
    bar = glyphs.bar(share, min(most, max(least, beside)) if beside >= least else min(most, width - 7))
    head: Line = ((_MARGIN, ""), *bar, (f" {int(100 * share):>3}%", ""))
    if beside >= least:
        yield (*head, (f"  {times}", ""))
    else:
        yield head
        yield from (plain(_MARGIN + line) for line in wrapped(status.times, width - len(_MARGIN)))


def _share(status: Status) -> float | None:
    """How much of the stage is done; None where nobody knows."""
    step, advance = status.step, status.advance
    within = advance.done / advance.wanted if advance is not None and advance.wanted else 0.0
    if status.parts is not None:
        return status.parts.done / status.parts.count
    if isinstance(step, GenerationStep) or (step is not None and step.count > 1):
        return (step.number - 1 + within) / step.count
    return within if advance is not None else None


def _best(figures: GenerationFigures, width: int) -> list[str]:
    """The best accuracy so far, and the front."""
    known = "nothing is right yet" if figures.best is None else f"best accuracy {figures.best:.3f}"
    front = [] if figures.front is None else front_words(figures.front)
    return wrapped([known, *front], width - len(_MARGIN))


def _speeds(status: Status, figures: GenerationFigures | None, width: int) -> Iterator[str]:
    """Of the decoding that is at work, and of the last generation."""
    advance = status.advance
    if advance is not None and advance.seconds >= _SURE:
        now = [f"now {quantity(advance.done / advance.seconds)} answers/s"]
        now += [f"{quantity(advance.tokens / advance.seconds)} tokens/s"] if advance.tokens else []
        now += [] if advance.reuse is None else [f"prefix reuse {advance.reuse:.1%}"]
        yield from wrapped(now, width - len(_MARGIN))
    if figures is not None:
        yield from wrapped(_of_generation(figures), width - len(_MARGIN))


def _of_generation(figures: GenerationFigures) -> Sequence[str]:
    name = f"generation {figures.generation + 1}"
    if figures.replayed:
        return [f"{name} was replayed"]
    reuse = [] if figures.prefix_reuse is None else [f"prefix reuse {figures.prefix_reuse:.1%}"]
    evaluations = f"{name}: {quantity(figures.evaluations_per_second)} evaluations/s"
    return [evaluations, f"{quantity(figures.tokens_per_second)} tokens/s", *reuse]
