"""The search space: what one search is about, read from strict YAML and validated."""

from evoswarm.space.check import check_files, small_test_split
from evoswarm.space.gold_use import unused_gold
from evoswarm.space.named_store import named_store
from evoswarm.space.questions import draw_items, make_tasks
from evoswarm.space.search_space import SearchSpace
from evoswarm.space.settings import (
    Budget,
    Evolution,
    IslandOverrides,
    Tracking,
)
from evoswarm.space.tokenizers import told_alphabet

__all__ = [
    "Budget",
    "Evolution",
    "IslandOverrides",
    "SearchSpace",
    "Tracking",
    "check_files",
    "draw_items",
    "make_tasks",
    "named_store",
    "small_test_split",
    "told_alphabet",
    "unused_gold",
]
