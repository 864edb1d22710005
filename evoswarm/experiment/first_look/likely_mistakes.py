"""What a first look at the members says of the space: mistakes that people make, with what speaks for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from evoswarm.certificate.verdict import listed
from evoswarm.experiment.first_look.look import FirstLook
from evoswarm.space import SearchSpace
from evoswarm.tasks.settings import TaskSettings

NEAR_ZERO = 0.05
"""An accuracy below this is as good as none: of 64 items, three."""

ALWAYS, MANY, SOME = 0.9, 0.5, 0.2

_USUALLY = (
    "Usually it is one of these: a prompt that is foreign to the models (prompt_format, the task's own prompt; a model "
    "that was never taught to answer goes on with the text, and needs examples: few_shot), a chat template that is not "
    "used (chat_template: true), no stop string at which an answer ends (stop), or a max_bytes that ends answers "
    "before they come to the point. The answers shown tell which. A search goes on all the same: members may know "
    "together what each lacks alone. But no test item is opened for a champion that scores nothing."
)

_PERHAPS = (
    "The members may be right there only together; or they are asked in a way that they do not know, or their answers "
    "are not read as they are meant: the answers shown tell which."
)


def likely_mistakes(space: SearchSpace, look: FirstLook, unused: Callable[[], Sequence[str]]) -> tuple[str, ...]:
    """What is to be said of a first look, a sentence each; nothing where all is well.

    Args:
        space: that the members were asked for.
        look: what they did.
        unused: gives the members that have a chat template and are asked without; it may have to read tokenizers.
    """
    poor = _tasks_of_nobody(look)
    seen = [
        said
        for index, task in enumerate(space.tasks)
        if task.name in look.tasks
        for said in _of_answers(look, index, task, task.name in poor)
    ]
    found = []
    if len(poor) == len(look.tasks):
        found.append(f"{_poor(look, poor)} {_USUALLY}")
    if poor and (names := unused()):
        found.append(f"{listed(names)} {_have(names)} a chat template that is not used: set chat_template: true.")
    found += seen
    found += [
        f"{one.member} fails on {one.failed:,} of {one.items:,} items of {one.task}: {one.failure}."
        for one in look.alone
        if one.failed > MANY * one.items
    ]
    return tuple(found)


def beyond_each(look: FirstLook) -> tuple[str, ...]:
    """That no member alone can do some of the tasks, which a space may be made for; nothing where it is so of all."""
    poor = _tasks_of_nobody(look)
    return (f"{_poor(look, poor)} {_PERHAPS}",) if poor and len(poor) < len(look.tasks) else ()


def _tasks_of_nobody(look: FirstLook) -> list[str]:
    return [task for task in look.tasks if max(one.accuracy for one in look.of(task)) < NEAR_ZERO]


def _poor(look: FirstLook, tasks: Sequence[str]) -> str:
    """That nobody is right, in one sentence with its numbers."""
    best = max(one.accuracy for task in tasks for one in look.of(task))
    much = f"more than {best:.0%}" if best else "any"
    if len(tasks) == len(look.tasks):
        return f"No member alone answers {much} of the {look.items:,} calibration items rightly."
    counts = [f"{task} ({look.of(task)[0].items:,} items)" for task in tasks]
    return f"No member alone answers {much} of {listed(counts)} rightly."


def _of_answers(look: FirstLook, index: int, task: TaskSettings, poor: bool) -> Iterator[str]:
    """What the answers to one task have in common."""
    rows = look.of(task.name)
    answers = sum(one.items - one.failed for one in rows)
    if not answers:
        return
    place, limit = f"tasks.{index}", f"max_bytes ({task.max_bytes:,} bytes)"
    cut, empty = sum(one.cut_off for one in rows), sum(one.empty for one in rows)
    always = [one.member for one in rows if one.at_limit >= ALWAYS * one.items]
    if cut > SOME * answers:
        yield (
            f"{task.name}: {cut:,} of {answers:,} answers reached {limit} before anything that the scorer could read: "
            f"raise {place}.max_bytes, or ask for the answer alone."
        )
    elif always and (poor or (len(always) == len(rows) and not _is_tight(look, task))):
        whose = "answers of every member" if len(always) == len(rows) else f"answers of {listed(always)}"
        stop = (
            f'{place}.stop is empty: set what follows an answer, such as ["\\n"]'
            if not task.stop
            else (f"none of the stop strings in {place}.stop comes before")
        )
        yield f"{task.name}: {whose} nearly always run to {limit}, and {stop}."
    if empty > MANY * answers:
        why = "members end at once, or a stop string comes first"
        yield f"{task.name}: {empty:,} of {answers:,} answers are empty: {why}."
    holding = sum(one.holding for one in rows)
    if poor and holding > SOME * answers:
        yield (
            f"{task.name}: {holding:,} of {answers:,} answers hold the gold text among other words, and the scorer "
            f"({task.scorer.kind}) does not take that for right: see {place}.stop and {place}.scorer."
        )
    prompts = [one.prompt for one in look.shown if one.task == task.name]
    if poor and any(prompt.endswith(" ") for prompt in prompts):
        yield f"{task.name}: prompts end in a space, which most tokenizers would rather join to the word that follows."


def _is_tight(look: FirstLook, task: TaskSettings) -> bool:
    """Whether the limit is hardly above right answers: that answers run to it is meant so (a letter, say)."""
    return any(2 * len(one.gold.encode()) >= task.max_bytes for one in look.shown if one.task == task.name)


def _have(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"
