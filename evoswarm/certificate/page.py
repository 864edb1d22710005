"""The certificate as a page of plain text, at most 80 columns wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from evoswarm.certificate.compared import Compared, DiagnosticResult, Failed
from evoswarm.certificate.document import Certificate, MemberResult
from evoswarm.certificate.lines import WIDTH, accuracy, gain, heading, wrapped
from evoswarm.certificate.power import looking_back, lowered
from evoswarm.certificate.verdict import COUNTS, SPEAKS, rivals_of
from evoswarm.evaluation.failures import FailedItems, in_words
from evoswarm.failure import FailureKind
from evoswarm.policies.shares import percent

_NAME, _MEMBER = 34, 24


def page(certificate: Certificate) -> str:
    """The whole page, ending in a line feed."""
    blocks = [
        _head(certificate),
        _verdict(certificate),
        _asked(certificate),
        _scores(certificate),
        _rivals(certificate),
        _members(certificate),
        _diagnostics(certificate),
        _ceilings(certificate),
        _gap(certificate),
        _notes(certificate),
        _foot(certificate),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def summary(certificate: Certificate) -> list[str]:
    """The verdict in a few lines, for the end of a search; not wrapped."""
    verdict = certificate.verdict
    lines = [
        "Verdict",
        verdict.sentence,
        verdict.searching,
        f"Accuracy on {certificate.items.test:,} test items: {accuracy(certificate.score)}; it was "
        f"{100 * certificate.gap.selection:.1f}% on the selection items, by which the champion was chosen"
        f"{_with_search(certificate)}. In brackets: 95% intervals.",
    ]
    if certificate.power is not None:
        lines.append(f"Before opening: {lowered(certificate.opening.statement)} {looking_back(certificate.power)}")
    if certificate.opening.forced:
        lines.append(_forced(certificate))
    return lines


def _with_search(certificate: Certificate) -> str:
    """What the champion was chosen by beside the selection items."""
    return " together with the search items" if certificate.gap.together else ""


def _head(certificate: Certificate) -> list[str]:
    subject = certificate.subject
    title = f"CERTIFICATE: {subject.space}, seed {subject.seed}"
    return [title[:WIDTH], "=" * min(WIDTH, len(title))]


def headline(certificate: Certificate) -> str:
    """The verdict in a few words, such as ``mixing adds value``."""
    doing = certificate.subject.doing.lower()
    return {
        "adds value": f"{doing} adds value",
        "no value": f"{doing} adds no value",
        "undecided": "undecided",
    }[certificate.verdict.outcome]


def spoilt(certificate: Certificate) -> list[str]:
    """Which answers failed or reached their limit: of the champion, and of its rivals, as both count in differences.

    A sentence for each of whom there is something to say; not wrapped.
    """
    sides: list[tuple[str, Certificate | Compared]] = [("the champion", certificate)]
    sides += [(rival.key, rival) for rival in certificate.rivals]
    return [said for name, one in sides if (said := _spoilt_of(name, one))]


def _verdict(certificate: Certificate) -> list[str]:
    verdict = certificate.verdict
    return [f"VERDICT: {headline(certificate)}", "", *wrapped(verdict.sentence), *wrapped(verdict.searching)]


def _asked(certificate: Certificate) -> list[str]:
    items = certificate.items
    text = (
        f"The search scored {certificate.recipes_tried:,} distinct recipes on {items.search:,} questions and chose its "
        f"champion on {items.selection:,} others{_with_search(certificate)}. Then {items.test:,} questions that "
        "nothing had been chosen by (the test items) were opened and answered by the champion and by all it is "
        f"compared with. Before that it was stated: {lowered(certificate.opening.statement)}"
    )
    if certificate.power is not None:
        text += f" {looking_back(certificate.power)}"
    forced = wrapped(_forced(certificate)) if certificate.opening.forced else []
    words = [line for sentence in certificate.subject.words for line in wrapped(sentence, "  ")]
    return [
        *heading("What was tested"),
        *wrapped(text),
        *forced,
        "The champion, with shares of its steps on the test items:",
        *words,
    ]


def _scores(certificate: Certificate) -> list[str]:
    rows = [("all tasks", certificate.items.test, certificate.score)]
    rows += [(name, score.items, score) for name, score in certificate.by_task.items()]
    lines = [f"{name:<{_NAME}.{_NAME}}{items:>7,}   {accuracy(score)}" for name, items, score in rows]
    text = (
        "Accuracy is the mean score in percent, tasks by their weights. Brackets hold 95% intervals, here and below; "
        "differences are in points, paired by item: the same questions for both."
    )
    return [
        *heading("Score on the test items"),
        *wrapped(text),
        "",
        f"{'task':<{_NAME}}{'items':>7}   accuracy",
        *lines,
        *(line for sentence in spoilt(certificate) for line in wrapped(sentence)),
    ]


def _spoilt_of(name: str, one: Certificate | Compared) -> str:
    """One sentence; "" where there is nothing to say."""
    found = []
    if one.failures:
        found.append(f"{one.failures:,} failed and count as wrong ({_kinds(one.failed)})")
    if one.at_limit:
        unread = f", {one.cut_off:,} of them before anything could be read as an answer" if one.cut_off else ""
        found.append(f"{one.at_limit:,} ended at the limit of bytes{unread}")
    return f"Of the answers of {name}, {', and '.join(found)}." if found else ""


def _kinds(failed: Sequence[Failed]) -> str:
    counts = [FailedItems(cast(FailureKind, one.kind), one.member, one.items) for one in failed]
    return in_words(counts) or "of unknown kind"


def _rivals(certificate: Certificate) -> list[str]:
    explained = [
        line for rival in certificate.rivals for line in wrapped(f"{rival.key}: {rival.description}", "", "    ")
    ]
    count = COUNTS[len(certificate.rivals)]
    text = (
        "Each was tuned on the selection items and may spend at least the champion's FLOPs. To add value, the champion "
        f"must be ahead of all {count} by more than chance (the lower end of each interval above 0: beaten), and two "
        f"members at least must really speak, at {SPEAKS:.0%} of steps or more."
    )
    text += " R6 is one model that answers once." if any(one.key == "R6" for one in certificate.rivals) else ""
    ratios = [f"{f'{rival.key} {rival.name}':<{_NAME}.{_NAME}}{_ratios(rival)}" for rival in certificate.rivals]
    return [
        *heading(f"Against {count} {rivals_of(certificate.subject.doing)}"),
        *wrapped(text),
        "",
        *_comparison(
            certificate.rivals, [" beaten" if rival.beaten else " not beaten" for rival in certificate.rivals]
        ),
        "",
        f"{'champion costs, times the rival':<{_NAME + 2}}{'FLOPs':>8}{'passes':>11}{'weight reads':>15}",
        *ratios,
        *wrapped(certificate.compute_note),
        "",
        *explained,
        *(line for one in certificate.absent for line in wrapped(f"{one.key}: {one.why}", "", "    ")),
    ]


def _members(certificate: Certificate) -> list[str]:
    share = certificate.open_share
    lines = [
        line
        for member in sorted(certificate.members, key=lambda member: member.role != "lead")
        for line in wrapped(
            f"{_named(member):<{_MEMBER}}{percent(member.share_of_steps):>10}   "
            f"{_worth(member, len(certificate.members))}",
            "",
            " " * (_MEMBER + 13),
        )
    ]
    lines = [f"{'member':<{_MEMBER}}{'steps':>10}   what is lost without it (points)", *lines]
    text = "Steps: the share of all steps of the champion's answers to the test items at which the member spoke."
    if len(certificate.members) > 1 and certificate.subject.lead:
        lines += wrapped(
            f"At {percent(share.steps)} of steps some member besides the lead spoke, in {percent(share.lead_tokens)} "
            f"of the lead's tokens. All but the lead took {percent(share.flops)} of the champion's FLOPs, "
            f"{percent(share.passes)} of its passes and {percent(share.weight_reads)} of its weight reads."
        )
    return [*heading("Who really speaks"), *wrapped(text), "", *lines]


def _named(member: MemberResult) -> str:
    mark = " (lead)" if member.role == "lead" else ""
    return f"{member.name[: _MEMBER - len(mark) - 1]}{mark}"


def _worth(member: MemberResult, members: int) -> str:
    quiet = "" if member.really_speaks else "; it hardly speaks"
    if member.without is None:
        return f"{'it is the only member' if members == 1 else 'not known: others would answer instead'}{quiet}"
    led = f"; {member.without.lead} leads then" if member.role == "lead" else ""
    return f"{gain(member.without.difference)}{led}{quiet}"


def _diagnostics(certificate: Certificate) -> list[str]:
    if not certificate.diagnostics:
        return []
    ends = [f" p {_p_value(one)}" for one in certificate.diagnostics]
    text = (
        "Whether mixing adds value does not hang on these: they tell what the champion's parts are good for. p is how "
        "often a difference as large comes of chance alone, adjusted for all of these together (Holm)."
    )
    lines = _comparison(certificate.diagnostics, ends)
    return [*heading("Diagnostics"), *wrapped(text), "", *lines, "", *_explained(certificate.diagnostics)]


def _ceilings(certificate: Certificate) -> list[str]:
    if not certificate.ceilings:
        return []
    text = "Nobody can play these, because they are told the right answers. They are no rivals."
    lines = _comparison(certificate.ceilings, [""] * len(certificate.ceilings))
    return [*heading("Ceilings"), *wrapped(text), "", *lines, "", *_explained(certificate.ceilings)]


def _gap(certificate: Certificate) -> list[str]:
    gap = certificate.gap
    seen = f"{100 * gap.selection:.1f}% on the selection items"
    if gap.search is not None:
        seen = f"{100 * gap.search:.1f}% on the search items and {seen}"
    hoped = "" if gap.expected is None else f", and was expected to score {100 * gap.expected:.1f}% on others"
    text = (
        f"The champion scored {seen}{hoped}. On the test items it has {100 * certificate.score.mean:.1f}%. Selection "
        f"less test, in points: {gain(gap.selection_less_test)}. Scores that a choice was made by tend to be too high; "
        "those on the test items are fair."
    )
    return [*heading("What was promised"), *wrapped(text)]


def _notes(certificate: Certificate) -> list[str]:
    notes = certificate.notes
    return [*heading("Notes"), *(line for note in notes for line in wrapped(note, "- ", "  "))] if notes else []


def _foot(certificate: Certificate) -> list[str]:
    subject = certificate.subject
    return [
        f"champion  {subject.champion}",
        f"space     {subject.space_digest}",
        f"noise seed {subject.noise_seed}, evoswarm {subject.evoswarm}, decoding {subject.decoding}",
    ]


def _explained(rows: Sequence[Compared]) -> list[str]:
    """What each of them is."""
    return [line for one in rows for line in wrapped(f"{_shown(one)}: {one.description}", "", "    ")]


def _shown(one: Compared) -> str:
    """A rival has its key before its name."""
    return f"{one.key} {one.name}" if one.key[:1] == "R" else one.name


def _comparison(rows: Sequence[Compared], ends: Sequence[str]) -> list[str]:
    lines = [f"{'':<{_NAME - 1}}accuracy   champion ahead by (points)"]
    for row, end in zip(rows, ends, strict=True):
        points = f"{gain(row.difference):<24}"
        lines.append(f"{_shown(row):<{_NAME}.{_NAME}}{row.score.mean:>7.1%}   {points}{end}".rstrip())
    return lines


def _ratios(rival: Compared) -> str:
    ratio = rival.champion_ratio
    if ratio is None:
        return f"{'costs nothing':>20}"
    return f"{ratio.flops:>9.2f}x{ratio.passes:>10.2f}x{ratio.weight_reads:>14.2f}x"


def _forced(certificate: Certificate) -> str:
    opening = certificate.opening
    whom = "another recipe" if opening.others == 1 else f"{opening.others:,} other recipes"
    seen, items = opening.opened_before, certificate.items.test
    some = "these test items" if seen in (0, items) else f"{seen:,} of these {items:,} test items"
    return (
        f"FORCED: {some} had been opened for {whom} before. A verdict on items that were looked at again is worth less "
        "than a first one."
    )


def _p_value(one: DiagnosticResult) -> str:
    return "< 0.001" if one.p_holm < 0.001 else f"{one.p_holm:.3f}"
