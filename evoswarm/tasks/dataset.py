"""Items from the rows of a table: a local file or a data set of the hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

from evoswarm.errors import TaskError, Where
from evoswarm.tasks.rows import is_local, read_rows
from evoswarm.tasks.sourced_task import SourcedTask
from evoswarm.tasks.task import Item, item_key
from evoswarm.tasks.template import Template


@dataclass(frozen=True, eq=False, kw_only=True)
class DatasetTask(SourcedTask):
    """A task whose items are rows.

    An item's key covers the data set's name and the columns that the templates use, no others: rows that ask and
    answer the same are one item, and a new column moves none. Items come in the order of their keys, so a part of
    a sorted table is a fair sample of it.

    Attributes:
        path: a local jsonl, json, csv or parquet file, or the name of a data set on the hub.
        subset: of a data set on the hub.
        split: of a data set on the hub.
        revision: of a data set on the hub.
        prompt: template of the question: text with ``{column}`` placeholders.
        answer: template of the right answer.
    """

    path: str
    subset: str | None = None
    split: str = "train"
    revision: str | None = None
    prompt: str = "{question}"
    answer: str = "{answer}"

    def questions(self) -> Iterator[Item]:
        """The items in the order of their keys.

        Raises:
            TaskError: the data set cannot be read, or a row does not fit the templates or the scorer.
        """
        return iter(self._sorted)

    @cached_property
    def _sorted(self) -> list[Item]:
        rows = read_rows(self.path, subset=self.subset, split=self.split, revision=self.revision)
        columns = list(dict.fromkeys(name for row in rows for name in row))
        templates = {"prompt": self._parse("prompt"), "answer": self._parse("answer")}
        used: dict[str, None] = {}
        for setting, template in templates.items():
            try:
                used.update(dict.fromkeys(template.top_columns(columns)))
            except ValueError as error:
                raise TaskError(str(error), Where(self.path, setting)) from None
        name = PurePath(self.path).name if is_local(self.path) else self.path
        source = {"source": "dataset", "path": name, "subset": self.subset, "split": self.split}
        items: dict[str, Item] = {}
        for number, row in enumerate(rows, start=1):
            texts: dict[str, str] = {}
            for setting, template in templates.items():
                try:
                    texts[setting] = template.render(row)
                    if setting == "answer":
                        self.scorer.check_gold(texts[setting])
                except ValueError as error:
                    raise TaskError(f"row {number}: {error}", Where(self.path, setting)) from None
            key = item_key(source, {column: row.get(column) for column in sorted(used)})
            items.setdefault(key, Item(key, self.name, texts["prompt"], texts["answer"], row))
        return [items[key] for key in sorted(items)]

    def _parse(self, setting: str) -> Template:
        try:
            return Template.parse(getattr(self, setting))
        except ValueError as error:
            raise TaskError(str(error), Where(self.path, setting)) from None
