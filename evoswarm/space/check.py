"""Everything that can be checked before a model is loaded: files, data sets, families, recipes to start from."""

from __future__ import annotations

from evoswarm.errors import MemberError, RecipeError, show
from evoswarm.model_files import model_files, taken_for_hub
from evoswarm.policies import load_policy
from evoswarm.policies.route import every_mix
from evoswarm.policies.sampling import said_of_sampling
from evoswarm.space.long_prompts import long_prompts
from evoswarm.space.named_store import named_store
from evoswarm.space.own_answers import check_golds
from evoswarm.space.prompts import MemberPrompts
from evoswarm.space.questions import draw_task_items, make_task
from evoswarm.space.search_space import SearchSpace
from evoswarm.space.tokenizers import difference
from evoswarm.tasks.task import Item, SplitName
from evoswarm.trust import refused_code

ENOUGH_TEST_ITEMS = 1000
"""Procedural tasks have questions without end, so there is no reason for a verdict on few."""


def check_files(space: SearchSpace, *, prompts: bool = False, warm_start: bool = True) -> tuple[str, ...]:
    """Check what a space names: members, recipes, sources of items.

    No model is loaded, torch is not imported, nothing is fetched.

    Args:
        space: whose files are meant.
        prompts: count the prompts that are too long for some member, which may read tokenizers.
        warm_start: look at the recipes to start from, too: only a search does.

    Returns:
        What could not be checked (what is on the hub) and what looks like a mistake, a sentence each.

    Raises:
        MemberError: a model directory is missing or incomplete, names no end token, has no chat template though one
            is asked for, or one that makes no prompt of a question; or a shared tokenizer is asked for and differs; or
            it needs code that the caller does not trust.
        SpaceError: a stop string is a special token, which no answer holds; or the space names a store for MLflow that
            its caller does not trust.
        RecipeError: a recipe under ``warm_start`` cannot be read or used.
        TaskError: a data set is missing, empty, unreadable or too small, a column is missing; a family or its
            settings are unknown; a scorer of the user's cannot be had; no answer to a task could be right.
    """
    named_store(space)
    notes, members = _check_members(space)
    if warm_start:
        _check_warm_start(space)
    drawn: dict[SplitName, list[Item]] = {}
    for index, settings in enumerate(space.tasks):
        task = make_task(space, index)
        if settings.is_remote:
            origin = settings.described_origin
            notes.append(f"tasks.{index}: {origin} is on the hub: its columns and size are not checked")
        else:
            own = draw_task_items(space, index, task)
            notes += check_golds(space, index, task, own)
            for split, items in own.items():
                drawn.setdefault(split, []).extend(items)
            notes += [f"tasks.{index}.{remark}" for remark in task.remarks]
    if prompts:
        questions = {
            split: [space.prompt_format.replace("{prompt}", item.prompt) for item in items]
            for split, items in drawn.items()
        }
        notes += [f"pool: {one.words}" for one in long_prompts(members, questions)]
    return tuple(notes)


def small_test_split(space: SearchSpace) -> str | None:
    """What is to be said of a test split that could be larger; None where nothing is."""
    if not any(task.endless for task in space.tasks) or space.splits.test >= ENOUGH_TEST_ITEMS:
        return None
    return (
        f"splits.test: expected at least {ENOUGH_TEST_ITEMS:,} test items (procedural tasks make as many questions as "
        f"one likes), got {space.splits.test:,}: few items seldom decide a verdict"
    )


def _check_members(space: SearchSpace) -> tuple[list[str], list[MemberPrompts]]:
    notes = []
    members: list[MemberPrompts] = []
    for index, spec in enumerate(space.pool):
        if spec.trust_remote_code and not space.trust.remote_code:
            raise MemberError(refused_code(spec.name, spec.path), space.where("pool", index, "trust_remote_code"))
        files = model_files(spec, space.where("pool", index, "path"))
        if files is None:
            notes.append(f"pool.{index}: {taken_for_hub(spec.path)}")
        else:
            said = files.check(space.where("pool", index, "chat_template") if spec.chat_template else None)
            notes += [f"pool.{index}: {sentence}" for sentence in said]
            prompts = MemberPrompts(space, index, files)
            notes += prompts.check()
            files.check_ends(prompts.extra_ends)
            members.append(prompts)
    if "tokens" in (space.genome.alphabets or (space.alphabet,)):
        _check_one_tokenizer(space, members)
    return notes, members


def _check_one_tokenizer(space: SearchSpace, members: list[MemberPrompts]) -> None:
    found = difference(members)
    if found is not None:
        of_genome = space.genome.alphabets is not None
        said = f"{'genome.alphabets has' if of_genome else 'the alphabet is'} tokens; common and bytes take any mix"
        raise MemberError(
            f"expected the {found.what} of {found.first!r} ({said}), got other {found.what} in {found.other!r}",
            space.where("pool", found.index, "path"),
        )


def _check_warm_start(space: SearchSpace) -> None:
    names = [spec.name for spec in space.pool]
    places = [(spec.path, spec.revision) for spec in space.pool]
    for index, path in enumerate(space.warm_start):
        where = space.where("warm_start", index)
        try:
            policy = load_policy(path)
        except RecipeError as error:
            raise RecipeError(str(error), where) from None
        if policy.kind != space.genome.kind:
            message = f"{path}: expected a {space.genome.kind} (as genome.kind says), got a {policy.kind}"
            raise RecipeError(message, where)
        gates = [recipe.gate for recipe in every_mix(policy) if recipe.gate != "entropy"]
        if gates:
            message = f"{path}: expected the gate 'entropy' (searches know no other), got {gates[0]!r}"
            raise RecipeError(message, where)
        for key, value in (one for recipe in every_mix(policy) for one in said_of_sampling(recipe).items()):
            message = f"{path}: expected a recipe without {key} (searches know no such thing), got {show(value)}"
            raise RecipeError(message, where)
        for spec in policy.specs:
            if spec.name not in names and (spec.path, spec.revision) not in places:
                message = f"{path}: expected members of the pool ({', '.join(names)}), got {spec.name!r}"
                raise RecipeError(message, where)
