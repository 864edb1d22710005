"""The certificate as a page of plain text, at most 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import cast

from evoswarm.certificate.compared import Compared, DiagnosticResult, Failed, Interval
from evoswarm.certificate.document import Certificate, MemberResult
from evoswarm.certificate.verdict import COUNTS, DOING, signed
from evoswarm.evaluation.failures import FailedItems, in_words
from evoswarm.failure import FailureKind

WIDTH = 80
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
        f"Accuracy on {certificate.items.test:,} test items: {_percent(certificate.score)}, "
        f"selection had promised {100 * certificate.gap.selection:.1f}%. {certificate.opening.statement}",
    ]
    if certificate.opening.forced:
        lines.append(_forced(certificate))
    return lines


def _head(certificate: Certificate) -> list[str]:
    subject = certificate.subject
    title = f"CERTIFICATE: {subject.space}, seed {subject.seed}"
    return [title[:WIDTH], "=" * min(WIDTH, len(title))]


def _verdict(certificate: Certificate) -> list[str]:
    verdict = certificate.verdict
    return [f"VERDICT: {_outcome(certificate)}", "", *_wrapped(verdict.sentence), *_wrapped(verdict.searching)]


def _asked(certificate: Certificate) -> list[str]:
    items = certificate.items
    text = (
        f"The search scored {certificate.recipes_tried:,} distinct recipes on {items.search:,} questions and chose its "
        f"champion on {items.selection:,} others. Then {items.test:,} questions that nothing had been chosen by (the "
        "test items) were opened and answered by the champion and by all it is compared with. Before that it was "
        f"stated: {certificate.opening.statement[0].lower()}{certificate.opening.statement[1:]}"
    )
    forced = _wrapped(_forced(certificate)) if certificate.opening.forced else []
    words = [line for sentence in certificate.subject.words for line in _wrapped(sentence, "  ")]
    return [*_title("What was tested"), *_wrapped(text), *forced, "The champion:", *words]


def _scores(certificate: Certificate) -> list[str]:
    rows = [("all tasks", certificate.items.test, certificate.score)]
    rows += [(name, score.items, score) for name, score in certificate.by_task.items()]
    lines = [f"{name:<{_NAME}.{_NAME}}{items:>7,}   {_percent(score)}" for name, items, score in rows]
    return [
        *_title("Score on the test items"),
        f"{'task':<{_NAME}}{'items':>7}   {'right (95% interval)'}",
        *lines,
        *_spoilt(certificate),
    ]


def _spoilt(certificate: Certificate) -> list[str]:
    """Which answers failed or reached their limit: of the champion, and of its rivals, as both count in differences."""
    sides: list[tuple[str, Certificate | Compared]] = [("the champion", certificate)]
    sides += [(rival.key, rival) for rival in certificate.rivals]
    return [line for name, one in sides for line in _wrapped(_spoilt_of(name, one))]


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
        line for rival in certificate.rivals for line in _wrapped(f"{rival.key}: {rival.description}", "", "    ")
    ]
    count, doing = COUNTS[len(certificate.rivals)], DOING[certificate.subject.kind].lower()
    text = (
        "Each was tuned on the selection items and may spend at least the champion's FLOPs. To add value, the champion "
        f"must be ahead of all {count} by more than chance (the lower end of each interval above 0)."
    )
    ratios = [f"{f'{rival.key} {rival.name}':<{_NAME}.{_NAME}}{_ratios(rival)}" for rival in certificate.rivals]
    return [
        *_title(f"Against {count} rivals that spend compute without {doing}"),
        *_wrapped(text),
        "",
        *_comparison(
            certificate.rivals, [" beaten" if rival.beaten else " not beaten" for rival in certificate.rivals]
        ),
        "",
        f"{'champion costs, times the rival':<{_NAME + 2}}{'FLOPs':>8}{'passes':>11}{'weight reads':>15}",
        *ratios,
        *_wrapped(certificate.compute_note),
        "",
        *explained,
    ]


def _members(certificate: Certificate) -> list[str]:
    share = certificate.open_share
    lines = [
        line
        for member in sorted(certificate.members, key=lambda member: member.role != "lead")
        for line in _wrapped(
            f"{_named(member):<{_MEMBER}}{member.share_of_steps:>7.0%}   {_worth(member, len(certificate.members))}",
            "",
            " " * (_MEMBER + 10),
        )
    ]
    lines = [f"{'member':<{_MEMBER}}{'steps':>7}   {'what is lost without it (points)'}", *lines]
    if len(certificate.members) > 1 and certificate.subject.lead:
        lines += _wrapped(
            f"Members other than the lead spoke at {share.steps:.0%} of steps, in {share.lead_tokens:.0%} of the "
            f"lead's tokens. That took {share.flops:.0%} of the champion's FLOPs, {share.passes:.0%} of its passes and "
            f"{share.weight_reads:.0%} of its weight reads."
        )
    return [*_title("Who really speaks"), *lines]


def _named(member: MemberResult) -> str:
    mark = " (lead)" if member.role == "lead" else ""
    return f"{member.name[: _MEMBER - len(mark) - 1]}{mark}"


def _worth(member: MemberResult, members: int) -> str:
    quiet = "" if member.really_speaks else "; it hardly speaks"
    if member.without is None:
        return f"{'it is the only member' if members == 1 else 'not known: others would answer instead'}{quiet}"
    led = f"; {member.without.lead} leads then" if member.role == "lead" else ""
    return f"{_points(member.without.difference)}{led}{quiet}"


def _diagnostics(certificate: Certificate) -> list[str]:
    if not certificate.diagnostics:
        return []
    ends = [f" p {_p_value(one)}" for one in certificate.diagnostics]
    text = "No verdict hangs on these: they tell what the champion's parts are good for. p is Holm's, for all together."
    return [*_title("Diagnostics"), *_wrapped(text), "", *_comparison(certificate.diagnostics, ends)]


def _ceilings(certificate: Certificate) -> list[str]:
    if not certificate.ceilings:
        return []
    text = "Nobody can play these, because they are told the right answers. They are no rivals."
    return [
        *_title("Ceilings"),
        *_wrapped(text),
        "",
        *_comparison(certificate.ceilings, [""] * len(certificate.ceilings)),
    ]


def _gap(certificate: Certificate) -> list[str]:
    gap = certificate.gap
    seen = f"{100 * gap.selection:.1f}% on the selection items"
    if gap.search is not None:
        seen = f"{100 * gap.search:.1f}% on the search items and {seen}"
    text = (
        f"The champion scored {seen}, and {100 * certificate.score.mean:.1f}% on the test items. Selection less test, "
        f"in points: {_points(gap.selection_less_test)}. The best of many looks better than it is; only the test "
        "items are fair."
    )
    return [*_title("What was promised"), *_wrapped(text)]


def _notes(certificate: Certificate) -> list[str]:
    notes = certificate.notes
    return [*_title("Notes"), *(line for note in notes for line in _wrapped(note, "- ", "  "))] if notes else []


def _foot(certificate: Certificate) -> list[str]:
    subject = certificate.subject
    return [
        f"champion  {subject.champion}",
        f"space     {subject.space_digest}",
        f"noise seed {subject.noise_seed}, evoswarm {subject.evoswarm}, decoding {subject.decoding}",
    ]


def _comparison(rows: Sequence[Compared], ends: Sequence[str]) -> list[str]:
    lines = [f"{'':<{_NAME}}{'right':>7}   {'champion ahead by (points)'}"]
    for row, end in zip(rows, ends, strict=True):
        name = f"{row.key} {row.name}" if row.key[:1] == "R" else row.name
        lines.append(f"{name:<{_NAME}.{_NAME}}{row.score.mean:>7.1%}   {_points(row.difference):<24}{end}".rstrip())
    return lines


def _ratios(rival: Compared) -> str:
    ratio = rival.champion_ratio
    if ratio is None:
        return f"{'costs nothing':>20}"
    return f"{ratio.flops:>9.2f}x{ratio.passes:>10.2f}x{ratio.weight_reads:>14.2f}x"


def _outcome(certificate: Certificate) -> str:
    doing = DOING[certificate.subject.kind].lower()
    return {
        "adds value": f"{doing} adds value",
        "no value": f"{doing} adds no value",
        "undecided": "undecided",
    }[certificate.verdict.outcome]


def _forced(certificate: Certificate) -> str:
    opening = certificate.opening
    whom = "another recipe" if opening.others == 1 else f"{opening.others:,} other recipes"
    seen, items = opening.opened_before, certificate.items.test
    some = "these test items" if seen in (0, items) else f"{seen:,} of these {items:,} test items"
    return (
        f"FORCED: {some} had been opened for {whom} before. A verdict on items that were looked at again is worth less "
        "than a first one."
    )


def _percent(score: Interval) -> str:
    return f"{100 * score.mean:.1f}% ({100 * score.low:.1f} to {100 * score.high:.1f})"


def _points(difference: Interval) -> str:
    low, high = (signed(value).removesuffix(" points") for value in (difference.low, difference.high))
    return f"{signed(difference.mean).removesuffix(' points')} ({low} to {high})"


def _p_value(one: DiagnosticResult) -> str:
    return "< 0.001" if one.p_holm < 0.001 else f"{one.p_holm:.3f}"


def _title(text: str) -> list[str]:
    return [text, "-" * len(text)]


def _wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=first if rest is None else rest, break_on_hyphens=False
    )
