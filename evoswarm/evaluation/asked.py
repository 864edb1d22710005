"""What decides an evaluation on the item's side."""

from __future__ import annotations

from evoswarm.canonical import digest_of
from evoswarm.tasks.task import Item, Task


def item_digest(item: Item, task: Task, prompt_format: str) -> str:
    """SHA-256 (hex) of the prompt, the noise key, the gold, the scorer, stop strings and the limit.

    The prompt is the one that every member of the recipe is handed. What each makes of it (template, system prompt,
    options, date, tokenizer) is in its fingerprint, so this digest and the context decide the rendered prompts, and a
    replay need neither render nor load.
    """
    prompt = prompt_format.replace("{prompt}", item.prompt)
    turns = [[turn.role, turn.content] for turn in item.before]
    decisive = [prompt, item.key, item.gold, task.scorer_id, list(task.stop), task.max_bytes]
    return digest_of([*decisive, turns] if turns else decisive)
