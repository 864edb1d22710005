"""The certificate over seeds as a page of plain text, at most 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterator

from evoswarm.certificate.lines import WIDTH, accuracy, gain, heading, wrapped
from evoswarm.certificate.power import looking_back, lowered
from evoswarm.certificate.seeds import SeedsCertificate
from evoswarm.certificate.verdict import rivals_of, signed

_NAME = 34


def seeds_page(certificate: SeedsCertificate) -> str:
    """The whole page, ending in a line feed."""
    seeds = ", ".join(str(one.seed) for one in certificate.seeds)
    title = f"CERTIFICATE OVER SEEDS: {certificate.space}, seeds {seeds}"
    blocks = [
        [title, "=" * min(WIDTH, len(title))],
        list(_verdict(certificate)),
        list(_asked(certificate)),
        list(_scores(certificate)),
        list(_rivals(certificate)),
        list(_seeds(certificate)),
        list(_notes(certificate)),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _verdict(certificate: SeedsCertificate) -> Iterator[str]:
    verdict, seeds = certificate.verdict, len(certificate.seeds)
    yield f"VERDICT: {verdict.outcome}"
    yield ""
    yield from wrapped(verdict.sentence)
    yield from wrapped(verdict.searching)
    yield from wrapped(
        f"Of the {seeds} seeds, {certificate.found_value} found value on their own, each by its own certificate."
    )


def _asked(certificate: SeedsCertificate) -> Iterator[str]:
    opening, items = certificate.opening, certificate.items
    power = "" if certificate.power is None else f" {looking_back(certificate.power)}"
    yield from heading("What was tested")
    yield from wrapped(
        f"{len(certificate.seeds)} searches of one space that differ in their seed alone. Their champions were frozen; "
        f"then {items.test:,} test items were opened once, for all of them together. Before that it was stated: "
        f"{lowered(opening.statement)}{power} Every interval counts other items and other seeds; nothing was chosen "
        "among the seeds."
    )
    if opening.forced:
        whom = "another recipe" if opening.others == 1 else f"{opening.others:,} other recipes"
        yield from wrapped(
            f"FORCED: {opening.opened_before:,} of these items had been opened for {whom} before. A verdict on items "
            "that were looked at again is worth less than a first one."
        )


def _scores(certificate: SeedsCertificate) -> Iterator[str]:
    yield from heading("Score on the test items, mean over seeds")
    yield from wrapped(
        "Accuracy is the mean score in percent, tasks by their weights. Brackets hold 95% intervals, here and below; "
        "differences are in points, paired by item and seed."
    )
    yield ""
    yield f"{'task':<{_NAME}}{'accuracy':>24}"
    for name, score in {"all tasks": certificate.score, **certificate.by_task}.items():
        yield f"{name:<{_NAME}.{_NAME}}{accuracy(score):>24}"


def _rivals(certificate: SeedsCertificate) -> Iterator[str]:
    yield from heading(f"Against {rivals_of(certificate.doing)}, mean over seeds")
    yield f"{'':<{_NAME - 1}}accuracy   champion ahead by (points)"
    for rival in certificate.rivals:
        end = "beaten" if rival.beaten else "not beaten"
        name = f"{rival.key} {rival.name}"
        yield f"{name:<{_NAME}.{_NAME}}{rival.score.mean:>7.1%}   {gain(rival.difference):<24} {end}"
    for rival in certificate.rivals:
        yield from wrapped(f"{rival.key} by seed: {', '.join(map(signed, rival.by_seed))}")


def _seeds(certificate: SeedsCertificate) -> Iterator[str]:
    yield from heading("What each seed found")
    yield f"{'seed':>6}   {'accuracy':<24}{'verdict':<14}members"
    for one in certificate.seeds:
        yield f"{one.seed:>6}   {accuracy(one.score):<24}{one.outcome:<14}{', '.join(one.members)}"[:WIDTH]


def _notes(certificate: SeedsCertificate) -> Iterator[str]:
    if certificate.notes:
        yield from heading("Notes")
    for note in certificate.notes:
        yield from wrapped(note, "- ", "  ")
