"""What MLflow's overview says of a search and of its policies, in Markdown; the first lines are seen at once.

A text of a space or a certificate stands there as it is: what Markdown or HTML would make of it is escaped.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from evoswarm.certificate.compared import Compared, Compute, RivalResult
from evoswarm.certificate.document import Certificate
from evoswarm.certificate.lines import accuracy, gain
from evoswarm.evaluation.candidate import Scored
from evoswarm.experiment.result import RECIPES, SearchResult, slug
from evoswarm.experiment.wording import quantity
from evoswarm.policies import PolicyDocument
from evoswarm.policies.about import About
from evoswarm.run_directory import SPACE

_MOST_WORDS = 24  # lines of a policy
_LONGEST = 300  # characters of such a line
_GAP = "&emsp;"
_AIR = "&nbsp;\n\n"  # above a title: there is none below a table


def headline(about: About) -> str:
    """The verdict."""
    verdict = about.verdict
    if verdict is None:
        unknown = "Nothing is known of how it does on questions that it was not chosen by."
        return f"**Not certified.** {plain(about.refusal) if about.refusal else unknown}"
    weaker = " (Some test items had been opened for another policy before: that makes it weaker.)"
    return f"**{plain(verdict.sentence)}**{weaker if verdict.forced else ''}"


def of_search(run: Path, document: PolicyDocument, certificate: Certificate | None, others: Sequence[Compared]) -> str:
    """The champion in words, whom it was compared with, and what can be done with it.

    Args:
        run: the run directory.
        document: of the champion.
        certificate: of it, where it has one.
        others: with whom it is compared, beside its rivals.
    """
    about = document.about
    assert about is not None
    blocks = [
        [plain(certificate.verdict.searching)] if certificate is not None else [],
        ["### Champion", "", *_words(document.policy.words() if certificate is None else certificate.subject.words)],
        _scores(about),
        [] if certificate is None else _rivals(certificate, others),
        _commands(run, about),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def of_policy(result: SearchResult, standing: Scored) -> str:
    """A policy in words, and how to use it.

    Args:
        result: of its search.
        standing: what it did on the selection items.
    """
    summary = standing.summary
    file = result.directory / RECIPES / f"{slug(standing.name)}.json"
    scored = f"**{100 * standing.accuracy:.1f}%** of {summary.items:,} selection items at "
    blocks = [
        [f"{scored}{quantity(summary.cost.flops)} FLOPs and {summary.cost.passes:.1f} passes an answer."],
        _words(standing.policy.words(summary.spoken)),
        _code([f"evoswarm generate {shlex.quote(str(file))} YOUR-QUESTION"]),
        [f"Policy {standing.policy.digest}"],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def plain(text: str) -> str:
    """A text in one line that Markdown shows as it is."""
    text = re.sub(r"\s+", " ", text).strip()
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;")):
        text = text.replace(sign, entity)
    return re.sub(r"([\\`*_\[\]~])", r"\\\1", text)


def _words(lines: Sequence[str]) -> list[str]:
    shown = [plain(line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}...") for line in lines[:_MOST_WORDS]]
    more = [f"({len(lines) - _MOST_WORDS} lines more)"] if len(lines) > _MOST_WORDS else []
    return [f"- {line}" for line in (*shown, *more)]


def _scores(about: About) -> list[str]:
    """By task, on the test items where they were opened, else on those that the champion was chosen by."""
    split = about.test or about.selection
    if split is None:
        return []
    which = "test items, which nothing was chosen by" if about.test else "selection items, which it was chosen by"
    rows = [("**all**", split.words()), *((plain(task), one.words()) for task, one in split.by_task.items())]
    return [*_table((f"on {which}", "accuracy (95% interval)"), rows)]


def _rivals(certificate: Certificate, others: Sequence[Compared]) -> list[str]:
    """The champion beside everyone it was compared with on the test items."""
    rows = [("**champion**", f"**{accuracy(certificate.score)}**", "", *_cost(certificate.compute), "")]
    for one in (*certificate.rivals, *others):
        end = ("beaten" if one.beaten else "not beaten") if isinstance(one, RivalResult) else "no rival"
        name = f"{one.key} {one.name}" if one.key[:1] == "R" else one.name
        rows.append((plain(name), accuracy(one.score), gain(one.difference), *_cost(one.compute), end))
    head = (
        f"on {certificate.items.test:,} test items",
        "accuracy",
        "champion ahead by (points)",
        "FLOPs",
        "passes",
        "",
    )
    return [f"{_AIR}### Beside its rivals", "", *_table(head, rows)]


def _cost(compute: Compute) -> tuple[str, str]:
    return quantity(compute.flops), f"{compute.passes:.1f}"


def _commands(run: Path, about: About) -> list[str]:
    place = shlex.quote(str(run))
    certify = [] if about.verdict is not None else [f"evoswarm certify {place}"]
    again = f"evoswarm search {shlex.quote(str(run / SPACE))} --seed {about.seed} --out ANOTHER-DIRECTORY"
    use = [f"evoswarm generate {place} YOUR-QUESTION", f"evoswarm report {place} --open", *certify]
    return [f"{_AIR}### Use it, look at it, repeat it", "", *_code([*use, again])]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table whose columns keep apart: MLflow's pages have no room between them."""
    first, *rest = (f"| {f'{_GAP} | '.join(row)} |" for row in (head, *rows))
    yield first
    yield f"|{' --- |' * len(head)}"
    yield from rest


def _code(lines: Sequence[str]) -> list[str]:
    return ["```", *(line.replace("```", "'''") for line in lines), "```"]
