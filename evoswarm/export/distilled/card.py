"""The card of a student: what it is, what it keeps of its champion, and what that was measured on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from evoswarm.evaluation.evaluation import Summary
from evoswarm.experiment.wording import duration, quantity
from evoswarm.export.distilled.comparing import Standing, StudentComparison
from evoswarm.export.distilled.made import Made
from evoswarm.export.source import Source
from evoswarm.statistics.intervals import AdjustedMean
from evoswarm.statistics.kept import KeptShare

FIGURES = "distilled.json"
"""The file with all figures of a student."""

_PASSES = "passes"


def figures_of(made: Made) -> dict[str, Any]:
    """All figures of a student, as JSON data."""
    compared, taught, kept = made.compared, made.taught, made.compared.kept
    return {
        "version": 1,
        "plan": made.plan.model_dump(mode="json"),
        "parameters": made.parameters,
        "chat_template": made.chat_template,
        "questions": {
            task: {
                "asked": asked,
                "taught": taught.by_task[task],
                "soft": taught.soft[task],
                "wrong": taught.wrong[task],
                "failed": taught.failed[task],
                "unfit": taught.unfit[task],
            }
            for task, asked in taught.asked.items()
        },
        "training": {"steps": made.ended.steps, "loss": made.ended.loss, "seconds": round(made.ended.seconds, 1)},
        "compared": {
            "split": compared.split,
            "items": compared.items,
            "student": _standing(compared.student),
            "champion": _standing(compared.champion),
            "member": _standing(compared.member),
            "behind": _interval(compared.behind),
            "kept": {"share": kept.share, "low": kept.low, "high": kept.high},
        },
    }


def _standing(one: Standing) -> dict[str, Any]:
    cost = one.summary.cost
    return {
        "name": one.name,
        **_interval(one.score),
        "by_task": dict(one.summary.by_task),
        "weight_bytes": one.weight_bytes,
        **{name: getattr(cost, name) for name in ("tokens", _PASSES, "weight_reads", "flops")},
    }


def _interval(mean: AdjustedMean) -> dict[str, float]:
    return {"mean": mean.mean, "low": mean.lower(), "high": mean.upper()}


def kept_in_words(compared: StudentComparison) -> str:
    """What the student keeps, as a sentence."""
    kept, on = compared.kept, _items_in_words(compared)
    member, behind = compared.member.name, f"it is {_points(compared.behind)} behind the champion"
    if kept.share is None:
        return f"On {on} the champion is not ahead of {member}, the best single member: there is no gain to keep."
    if kept.share <= 0:
        return f"On {on} the student keeps none of the champion's gain over {member}, the best single member; {behind}."
    return (
        f"On {on} the student keeps {share_in_words(kept)} of the champion's gain over {member}, the best single "
        f"member; {behind}."
    )


def share_in_words(kept: KeptShare) -> str:
    """A share with its interval; where that is missing, the gain below the line is not clearly one."""
    between = "that gain may be none at all" if kept.low is None else f"{kept.low:.0%} to {kept.high:.0%}"
    return f"{kept.share:.0%} ({between})"


def _items_in_words(compared: StudentComparison) -> str:
    which = "the champion's test items" if compared.split == "test" else "the selection items"
    return f"{compared.items:,} of {which} ({', '.join(compared.tasks)})"


def _points(mean: AdjustedMean) -> str:
    return f"{100 * mean.mean:.1f} points ({100 * mean.lower():.1f} to {100 * mean.upper():.1f})"


def card(made: Made, source: Source, name: str) -> str:
    """The README of a student's folder: a model card as the Hub reads it.

    Args:
        made: the student.
        source: the run.
        name: of the folder.
    """
    return f"---\n{_front(made, name).to_yaml()}\n---\n\n" + "\n".join(_lines(made, source, name)) + "\n"


def _front(made: Made, name: str) -> ModelCardData:
    compared = made.compared
    results = [
        EvalResult(
            task_type="text-generation",
            dataset_type=f"evoswarm-{compared.split}-{task}",
            dataset_name=f"{task} ({compared.split} items)",
            metric_type="accuracy",
            metric_value=round(value, 4),
        )
        for task, value in compared.student.summary.by_task.items()
    ]
    begun = made.plan.model
    is_hub = begun is not None and not os.path.isdir(begun) and not begun.startswith("zoo:")
    return ModelCardData(
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["evoswarm", "distilled"],
        base_model=begun if is_hub else None,
        model_name=name,
        eval_results=results or None,
    )


def _lines(made: Made, source: Source, name: str) -> Iterator[str]:
    compared = made.compared
    yield f"# {name}\n"
    yield (
        f"One model of {made.parameters:,} parameters, trained to answer as the champion of the evoswarm search "
        f"`{_space_of(source)}` does ({len(source.policy.specs)} members; policy {source.policy.digest[:12]}). It is "
        "an ordinary folder of transformers: evoswarm is not needed, and a token takes one pass.\n"
    )
    if source.changed:
        yield f"The files of {' and '.join(source.changed)} are not those that the search scored.\n"
    yield from _use(made, name)
    yield "## What it keeps\n"
    yield kept_in_words(compared) + "\n"
    yield from _scores(compared)
    yield from _caveats(compared)
    yield from _costs(compared)
    yield from _teaching(made)
    yield from _terms(made, source)


def _space_of(source: Source) -> str:
    return source.about.space if source.about is not None else source.path.name


def _use(made: Made, name: str) -> Iterator[str]:
    ask = (
        'ids = tokenizer.apply_chat_template([{"role": "user", "content": question}], add_generation_prompt=True, '
        'return_tensors="pt", return_dict=True)'
        if made.chat_template
        else 'ids = tokenizer(question, return_tensors="pt")'
    )
    yield "```python"
    yield "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
    yield f'model, tokenizer = AutoModelForCausalLM.from_pretrained("{name}"), AutoTokenizer.from_pretrained("{name}")'
    yield f"question = {made.example!r}  # worded as the tasks of the search word it"
    yield ask
    yield 'said = model.generate(**ids)[0, ids["input_ids"].shape[1]:]'
    yield "print(tokenizer.decode(said, skip_special_tokens=True))"
    yield "```\n"
    template = ", chat_template: true" if made.chat_template else ""
    yield f"It can be a member of a pool too: `- {{name: {name}, path: ./{name}{template}}}`.\n"


def _scores(compared: StudentComparison) -> Iterator[str]:
    everybody = (compared.student, compared.champion, compared.member)
    yield f"| task | student | champion | {compared.member.name} |"
    yield "| --- | --- | --- | --- |"
    for task in compared.tasks:
        yield f"| {task} | " + " | ".join(_percent(one.summary, task) for one in everybody) + " |"
    whole = (f"{one.score.mean:.1%} ({one.score.lower():.1%} to {one.score.upper():.1%})" for one in everybody)
    yield "| all | " + " | ".join(whole) + " |\n"


def _percent(summary: Summary, task: str) -> str:
    return f"{summary.by_task[task]:.1%}" if task in summary.by_task else "failed"


def _caveats(compared: StudentComparison) -> Iterator[str]:
    if compared.split == "test":
        yield (
            "These test items were opened for the champion before; that the student answered them is on record too. "
            "Nothing was chosen or trained by them, but they prove nothing about the student: this describes it, "
            "beside the champion, on the same items. Brackets hold 95% intervals.\n"
        )
    else:
        yield (
            "The champion's test items are closed, and stay so. The champion was chosen by these selection items, and "
            "the student may have been taught some of them: both look better on them than on new ones. Brackets hold "
            "95% intervals.\n"
        )


def _costs(compared: StudentComparison) -> Iterator[str]:
    student, champion = compared.student, compared.champion
    yield "| per question, deployed alone | student | champion |"
    yield "| --- | --- | --- |"
    for name, words in (
        ("tokens", "tokens read"),
        (_PASSES, "passes of a model"),
        ("flops", "FLOPs"),
        ("weight_reads", "bytes of weights read"),
    ):
        one, other = getattr(student.summary.cost, name), getattr(champion.summary.cost, name)
        yield f"| {words} | {quantity(one)} | {quantity(other)} |"
    yield f"| bytes of weights loaded | {quantity(student.weight_bytes)} | {quantity(champion.weight_bytes)} |\n"


def _teaching(made: Made) -> Iterator[str]:
    taught, plan = made.taught, made.plan
    yield "## How it was taught\n"
    wrong = "were dropped" if plan.wrong == "drop" else "were taught as they were"
    yield (
        f"The champion answered fresh questions from outside the test split; its answers that score 0 {wrong}. "
        f"{sum(taught.soft.values()):,} of {len(taught.lessons):,} lessons follow its distributions too (weight "
        f"{plan.soft:g}), where its symbols are this model's tokens. {made.ended.steps:,} steps of "
        f"{plan.training.batch} answers took {duration(made.ended.seconds)}.\n"
    )
    yield "| task | asked | wrong | failed | do not fit | lessons |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for task, asked in taught.asked.items():
        row = (asked, taught.wrong[task], taught.failed[task], taught.unfit[task], taught.by_task[task])
        yield f"| {task} | " + " | ".join(f"{value:,}" for value in row) + " |"


def _terms(made: Made, source: Source) -> Iterator[str]:
    """Whose terms hold: of the model that it began with, and of the members whose answers it was taught."""
    begun = f"Where its weights began, in `{made.plan.model}`, terms hold for it too. " if made.plan.model else ""
    members = ", ".join(spec.name for spec in source.policy.specs)
    yield "\n## Terms\n"
    yield (
        f"{begun}It learned from answers of {members}: read what their licences say of models that are trained on what "
        "they answer before you pass it on."
    )
