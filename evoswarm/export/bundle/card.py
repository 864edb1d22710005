"""The model card of a bundle, as the hub reads it: which models, what it scored, what the certificate says, how to run.

Results stand in the card's ``model-index``. The hub's newer files of results, ``.eval_results/``, are of its own
benchmarks; a space's test items are its user's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from evoswarm import __version__
from evoswarm.certificate.document import Certificate
from evoswarm.errors import EvoswarmError
from evoswarm.experiment.asking import Asking
from evoswarm.export.bundle.copying import Copied
from evoswarm.export.bundle.origin import hub_ids, licence_of
from evoswarm.export.source import Source
from evoswarm.policies import PolicyDocument
from evoswarm.policies.about import Accuracy
from evoswarm.policies.places import BUILT_IN
from evoswarm.run_directory import CERTIFICATE, CHAMPION

TASK = "text-generation"
_PLACE = "path/to/this/folder"


def model_card(source: Source, document: PolicyDocument, copied: Sequence[Copied]) -> ModelCard:
    """The card of a bundle.

    Args:
        source: that is exported.
        document: the policy as the bundle has it.
        copied: the members as the bundle has them.
    """
    original = {spec.name: spec.path for spec in source.policy.specs}
    ids = {one.spec.name: hub_ids(original[one.spec.name], one.here) for one in copied}
    licences = {one.spec.name: licence_of(original[one.spec.name], one.here) for one in copied}
    about = document.about
    name = document.policy.digest[:12] if about is None else about.run
    known = set(licences.values())
    data = ModelCardData(
        base_model=list(dict.fromkeys(one for some in ids.values() for one in some)) or None,
        library_name="evoswarm",
        license=known.pop() if len(known) == 1 else None,
        model_name=name,
        pipeline_tag=TASK,
        tags=["evoswarm", "ensemble", document.policy.kind],
        eval_results=eval_results(source) or None,
    )
    if data.eval_results is None:
        data.pop("model_name")  # the hub knows it as the name of results alone
    blocks = [
        [f"# {_plain(name)}"],
        _what(source, document),
        _members(copied, original, ids, licences),
        _scores(source, document),
        _running(document),
        _origin(document),
    ]
    text = "\n\n".join("\n".join(block) for block in blocks if block)
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}\n")


def eval_results(source: Source) -> list[EvalResult]:
    """What the certificate says of the policy, over all test items and by task; nothing where there is none of it."""
    certificate = source.certificate
    if certificate is None or source.changed:
        return []
    subject = certificate.subject
    shared: dict[str, Any] = {
        "task_type": TASK,
        "task_name": "answering questions",
        "dataset_type": subject.space,
        "dataset_split": "test",
        "metric_type": "accuracy",
    }
    overall = EvalResult(
        dataset_name=f"{subject.space}: {certificate.items.test} held-out items",
        dataset_args={"space_digest": subject.space_digest, "seed": subject.seed, "items": certificate.items.test},
        metric_value=certificate.score.mean,
        metric_name=f"accuracy (95% interval {certificate.score.low:.1%} to {certificate.score.high:.1%})",
        **shared,
    )
    return [
        overall,
        *(
            EvalResult(
                dataset_name=f"{subject.space}, task {task}: {one.items} held-out items",
                dataset_config=task,
                metric_value=one.mean,
                metric_name=f"accuracy (95% interval {one.low:.1%} to {one.high:.1%})",
                **shared,
            )
            for task, one in certificate.by_task.items()
        ),
    ]


def _what(source: Source, document: PolicyDocument) -> list[str]:
    policy = document.policy
    count = len(policy.specs)
    who = f"{count} language models that answer together" if count > 1 else "One language model that answers"
    lines = [f"{who}, by a policy of the kind `{policy.kind}`, with evoswarm.", "", f"**{_verdict(source)}**", ""]
    return [*lines, *(f"- {_plain(line)}" for line in policy.words())]


def _verdict(source: Source) -> str:
    """The certificate in a line."""
    about = source.about
    if source.changed:
        names = " and ".join(source.changed)
        said = "" if source.certificate is None else f" What {CERTIFICATE} says was measured with the others."
        return f"Nothing is certified: the files of {names} are not those that were scored.{said}"
    if source.certificate is not None:
        verdict = source.certificate.verdict
        return f"Certificate: {verdict.outcome}. {_plain(verdict.sentence)}"
    if about is not None and about.verdict is not None:
        return f"Certificate: {about.verdict.outcome}. {_plain(about.verdict.sentence)}"
    why = f": {_plain(about.refusal)}" if about is not None and about.refusal else ""
    return f"Not certified{why}. Nobody knows what it does on questions that it was not chosen on."


def _members(
    copied: Sequence[Copied], original: dict[str, str], ids: dict[str, list[str]], licences: dict[str, str | None]
) -> list[str]:
    rows = []
    for one in copied:
        spec, name = one.spec, one.spec.name
        terms = [licences[name] or "not said", *(f"[{path.rpartition('/')[2]}]({path})" for path in one.licences)]
        prompts = "through its chat template" if spec.chat_template else "as text"
        model = ", ".join(f"[{one}](https://huggingface.co/{one})" for one in ids[name]) or (
            "built into evoswarm" if original[name].startswith(BUILT_IN) else "a local model"
        )
        rows.append((name, model, prompts, "; ".join(terms), str(spec.fingerprint)[:12]))
    return [
        "## Members",
        "",
        *_table(("member", "model", "asked", "licence", "fingerprint"), rows),
        "",
        "The terms of every member hold for its files here.",
    ]


def _scores(source: Source, document: PolicyDocument) -> list[str]:
    """What it reached, and what its rivals did on the same items."""
    about, certificate = document.about, source.certificate
    if certificate is not None and not source.changed:
        return [*_certified(certificate)]
    if about is None or (about.test is None and about.selection is None):
        return []
    if about.test is not None:
        head, score = "test items, which nothing was chosen by", about.test
    else:
        assert about.selection is not None
        head, score = "selection items, which it was chosen on: on others expect less", about.selection
    rows = [("all", _accuracy(score)), *((task, _accuracy(one)) for task, one in score.by_task.items())]
    return ["## What it scored", "", f"On {head}.", "", *_table(("task", "accuracy (95% interval), items"), rows)]


def _certified(certificate: Certificate) -> Iterator[str]:
    items = f"{certificate.items.test:,} test items, which nothing was chosen by, with 95% intervals"
    yield from ("## What it scored", "", f"On {items}.", "")
    rows = [("all", f"{_percent(certificate.score)}", f"{certificate.items.test:,}")]
    rows += [(task, _percent(one), f"{one.items:,}") for task, one in certificate.by_task.items()]
    yield from _table(("task", "accuracy", "items"), rows)
    yield from ("", "What others reached on the same items, with at least its compute allowed:", "")
    yield from _table(
        ("rival", "what it is", "accuracy", "champion less it, in points", "beaten"),
        [
            (
                f"{rival.key} {rival.name}",
                rival.description,
                _percent(rival.score),
                f"{100 * rival.difference.mean:+.1f} ({100 * rival.difference.low:+.1f} to"
                f" {100 * rival.difference.high:+.1f})",
                "yes" if rival.beaten else "no",
            )
            for rival in certificate.rivals
        ],
    )
    yield from ("", _plain(certificate.verdict.searching))
    if certificate.opening.forced:
        yield ""
        yield "Some of the test items had been opened for another policy before: that makes the verdict weaker."


def _running(document: PolicyDocument) -> list[str]:
    tasks = {} if document.about is None else document.about.tasks
    option = f" --task {next(iter(tasks))}" if _must_name_a_task(document) else ""
    given = f', task="{next(iter(tasks))}"' if option else ""
    asked = [
        f"| {_cell(name)} | {one.max_bytes} | {_code(one.prompt or '{question}')} |" for name, one in tasks.items()
    ]
    lines = [
        "## How to run it",
        "",
        "With evoswarm installed, offline and from any directory:",
        "",
        "```sh",
        f'evoswarm generate {_PLACE} "your question"{option}',
        "```",
        "",
        "```python",
        "import evoswarm",
        "",
        f'answers = evoswarm.answer("{_PLACE}", ["your question"]{given})',
        "print(answers[0].text)",
        "```",
    ]
    if document.policy.prompt_format != "{prompt}":
        lines += ["", f"Every question is put into {_code(document.policy.prompt_format)} first: evoswarm does that."]
    if asked:
        head = "It was scored on questions that were asked so; answers end after so many bytes:"
        lines += ["", head, "", "| task | bytes | question |", "| --- | --- | --- |", *asked]
    return lines


def _must_name_a_task(document: PolicyDocument) -> bool:
    try:
        Asking.of(document)
    except EvoswarmError:
        return True
    return False


def _origin(document: PolicyDocument) -> list[str]:
    about = document.about
    lines = ["## Where it comes from", "", f"Policy {document.policy.digest}, written by evoswarm {__version__}."]
    if about is not None:
        day = "" if about.date is None else f", begun on {about.date}"
        lines += [
            f"Found by the run {_plain(about.run)} of the search space {_plain(about.space)}"
            f" (digest {about.space_digest[:12]}), seed {about.seed}, evoswarm {about.evoswarm}{day}.",
        ]
    return [*lines, f"`{CHAMPION}` holds every number that decides an answer."]


def _accuracy(score: Accuracy) -> str:
    return score.words()


def _percent(interval: Any) -> str:
    return f"{interval.mean:.1%} ({interval.low:.1%} to {interval.high:.1%})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{' --- |' * len(head)}",
        *(f"| {' | '.join(map(_cell, row))} |" for row in rows),
    ]


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """A text in one line."""
    return re.sub(r"\s+", " ", text).strip()


def _code(text: str) -> str:
    """A text as code within a table: line ends as they are escaped in JSON."""
    shown = text.replace("\\", "\\\\").replace("\n", "\\n").replace("|", "\\|").replace("`", "'")
    return f"`{shown}`"
