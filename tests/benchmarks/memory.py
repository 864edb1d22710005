"""What a small memory changes (costs, never answers), and whether budgets are kept."""

from __future__ import annotations

from evoswarm import Completion, Request, Swarm
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, at_most, exactly
from tests.benchmarks.zoo import PROMPTS, mixed_requests, recipes_by_chance, zoo
from tests.decoding.recipes import SURE, ZOO

TEXT_BYTES = 4 * 257  # the log-probabilities of one text, the least that can be kept of it
BATCHES = 4
MORE_PROMPTS = ("8+5=", "rev river=", "bits 13=", "gcd 12,18=", "asc 30,4,7=", "61-7=", "rev stone=", "sort 9,4=")


def tiny_budget_identical(options: Options) -> Readings:
    """Answers with a tenth of the memory that they need, against answers with all of it; batches come twice."""
    batches = _batches(options)
    roomy = Swarm(zoo())
    wanted = [roomy.decode(batch) for batch in batches]
    tight = Swarm(zoo(), **_budgets(roomy, 10))
    got = [tight.decode(batch) for batch in batches]
    pairs = [pair for want, have in zip(wanted, got, strict=True) for pair in zip(want, have, strict=True)]
    unlike = [pair for pair in pairs if not _alike(*pair)]
    close = sum(min(want.margin, have.margin) < SURE for want, have in unlike)
    again, once = tight.counters.rows_reforwarded, tight.counters.rows_forwarded
    note = (
        f"{len(unlike)} of {len(pairs)} answers or costs differ, {close} of them by a decision within rounding; "
        f"{again} rows forwarded again, {once} once"
    )
    return {"tiny_budget_identical": Reading(len(unlike) == close and again > 0, note)}


def memory_over_budget(options: Options) -> Readings:
    """The most that was held of states and rows, over what was allowed: half of what is needed."""
    batches = _batches(options)
    roomy = Swarm(zoo())
    for batch in batches:
        roomy.decode(batch)
    tight = Swarm(zoo(), **_budgets(roomy, 2))
    for batch in batches:
        tight.decode(batch)
    limits = tight.limits[0]  # the same for every member; the peaks are those of the hungriest
    states = tight.counters.peak_state_bytes / limits.state_bytes
    rows = tight.counters.peak_row_bytes / limits.row_bytes
    return {"memory_over_budget": Reading(max(states, rows), f"states {states:.2f}, rows {rows:.2f} of their budgets")}


def _batches(options: Options) -> list[list[Request]]:
    """Forth and back, so that what was dropped is wanted again."""
    recipes = recipes_by_chance(ZOO, "bytes", options.size(24, 4))
    prompts = (*PROMPTS, *MORE_PROMPTS)
    size = -(-len(prompts) // BATCHES)
    batches = [mixed_requests(recipes, prompts[at : at + size]) for at in range(0, len(prompts), size)]
    return [*batches, *batches[::-1]]


def _budgets(roomy: Swarm, share: int) -> dict[str, int]:
    """One part in so many of the memory that the hungriest member of a swarm without limits came to hold."""
    counters = roomy.counters
    return {
        "state_memory_bytes": counters.peak_state_bytes // share,
        "row_memory_bytes": counters.peak_row_bytes // share,
        "text_memory_bytes": counters.text_found * TEXT_BYTES // (share * len(roomy.members)),
    }


def _alike(want: Completion, have: Completion) -> bool:
    """Same answers, same costs."""
    return (want.samples, want.use) == (have.samples, have.use)


MEASUREMENTS = (
    Measurement({"tiny_budget_identical": exactly(True)}, tiny_budget_identical),
    Measurement({"memory_over_budget": at_most(1.10)}, memory_over_budget),
)
