"""Items from the rows of a table: a local file or a data set of the hub."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import ClassVar, Literal

from pydantic import Field

from evoswarm.errors import TaskError, Where
from evoswarm.settings import Contradiction
from evoswarm.tasks.rows import is_local, read_rows
from evoswarm.tasks.scorers import Choice, Contains, Exact, Regex
from evoswarm.tasks.settings import TaskSettings
from evoswarm.tasks.sourced_task import SourcedTask
from evoswarm.tasks.table import Row, Table
from evoswarm.tasks.task import Item, item_key
from evoswarm.tasks.template import Placeholder, Template
from evoswarm.trust import NOBODY, Trust

_LARGEST = 1 << 30  # characters of all questions: a template may write a column as often as it likes
_GAPS = "tables make such of integers with gaps"
_WHOLE_FLOAT = re.compile(r"-?[0-9]+\.0")


class DatasetSettings(TaskSettings):
    """Items from the rows of a local table, or of a data set on the hub.

    Attributes:
        path: a jsonl, ndjson, json, csv, tsv or parquet file (the first five in gzip too) or a folder that ``datasets``
            saved, from the working directory; or the name on the hub.
        subset: of a data set on the hub (its "configuration").
        split: of a data set on the hub or of a saved folder; a local file has ``train`` only.
        revision: of a data set on the hub.
        prompt: template of the question, with ``{column}`` placeholders; a brace of the text is written twice.
            ``{choices:lettered}`` writes options behind letters, ``{key:letter of choices}`` the letter of the right
            one, ``{key:letter}`` that of an option counted from 0 (``{key:letter from 1}`` from 1), and
            ``{number:integer}`` 1.0 as 1.
        answer: template of the right answer.
    """

    source: Literal["dataset"]
    path: str = Field(min_length=1)
    subset: str | None = None
    split: str = Field(default="train", min_length=1)
    revision: str | None = None
    prompt: str = "{question}"
    answer: str = "{answer}"

    origin: ClassVar[str] = "path"

    @property
    def is_remote(self) -> bool:
        """Whether it is a data set of the hub."""
        return not is_local(self.path)

    def _own_contradictions(self) -> Iterator[Contradiction]:
        texts = {("prompt",): self.prompt, ("answer",): self.answer, ("few_shot", "answer"): self.few_shot.answer}
        for path, text in texts.items():
            if text is None:
                continue
            try:
                columns = Template.parse(text).columns
            except ValueError as error:
                yield Contradiction(path, str(error))
                continue
            if not columns:
                yield Contradiction(path, f"expected a {{column}} in the template, got none in {text[:60]!r}")

    def task(self, trust: Trust = NOBODY) -> DatasetTask:
        """See `TaskSettings.task`."""
        return DatasetTask(scorer=self.scorer.scorer(trust), **self.fields_of(DatasetTask))


@dataclass(frozen=True, eq=False, kw_only=True)
class DatasetTask(SourcedTask):
    """A task whose items are rows; its fields are keys of `DatasetSettings`.

    An item's key covers the data set's name and the columns that the templates use, no others: rows that ask and
    answer the same are one item, and a new column moves none. Items come in the order of their keys, so a part of
    a sorted table is a fair sample of it.
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

    def worked(self, example: Item) -> str:
        """The answer of an example as it is shown, with its reasoning where ``few_shot.answer`` asks for it."""
        if self.few_shot.answer is None:
            return example.gold
        with self._blaming("few_shot.answer"):
            return Template.parse(self.few_shot.answer).render(example.raw)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is valid and yet looks like a mistake: the setting and a sentence each.

        Raises:
            TaskError: see `questions`.
        """
        return tuple(filter(None, (self._remark_on_prompts(), self._remark_on_golds())))

    def _remark_on_prompts(self) -> str | None:
        for part in self._parse("prompt").parts:
            if isinstance(part, Placeholder) and part.filter is None:
                values = [item.raw.get(part.name) for item in self._sorted]
                if all(isinstance(value, float) and value.is_integer() for value in values):
                    return (
                        f"prompt: all of {part.name!r} are whole numbers as floats, such as {values[0]} ({_GAPS}); "
                        f"{{{part.name}:integer}} writes them without a fraction"
                    )
        return None

    def _remark_on_golds(self) -> str | None:
        first, golds = self._sorted[0], (item.gold for item in self._sorted)
        whole = first.gold.partition(".")[0]
        own = isinstance(self.scorer, Exact | Contains | Regex | Choice)  # no foreign code runs for a remark
        if own and all(map(_WHOLE_FLOAT.fullmatch, golds)) and self.scorer.score(first, whole) < 1.0:
            return (
                f"answer: all are whole numbers with a fraction, such as {first.gold!r} ({_GAPS}), which {whole!r} "
                "does not match; {column:integer} writes them without"
            )
        return None

    @cached_property
    def _sorted(self) -> list[Item]:
        table = read_rows(self.path, subset=self.subset, split=self.split, revision=self.revision)
        templates = {setting: self._parse(setting) for setting in ("prompt", "answer")}
        columns = {setting: self._columns(setting, template, table) for setting, template in templates.items()}
        used = sorted({name for names in columns.values() for name in names})
        name = PurePath(self.path).name if is_local(self.path) else self.path
        source = {"source": "dataset", "path": name, "subset": self.subset, "split": self.split}
        items: dict[str, Item] = {}
        size = 0
        for number, row in enumerate(table.rows, start=1):
            texts = {setting: self._render(setting, templates[setting], row, number) for setting in templates}
            try:
                key = item_key(source, {column: row.get(column) for column in used})
            except (RecursionError, TypeError) as error:  # too many levels; keys that are no texts
                raise TaskError(f"row {number}: expected plain data, got: {error}", Where(self.path, "path")) from None
            size += len(texts["prompt"]) + len(texts["answer"])
            if size > _LARGEST:
                message = f"row {number}: expected questions of at most {_LARGEST:,} characters in all, got more"
                raise TaskError(message, Where(self.path, "prompt"))
            asked = {column: row.get(column) for column in columns["prompt"]}
            items.setdefault(key, Item(key, self.name, texts["prompt"], texts["answer"], row, asked))
        return [items[key] for key in sorted(items)]

    def _render(self, setting: str, template: Template, row: Row, number: int) -> str:
        try:
            text = template.render(row)
            if setting == "answer":
                if template.columns and not text.strip():
                    raise ValueError(f"expected an answer, got an empty text ({template.text} gives it)")
                self.scorer.check_gold(text)
        except ValueError as error:
            raise TaskError(f"row {number}: {error}", Where(self.path, setting)) from None
        return text

    def _columns(self, setting: str, template: Template, table: Table) -> tuple[str, ...]:
        """The columns that a template reads."""
        with self._blaming(setting):
            found = template.top_columns((*table.columns, *table.unread))
            for column in found:
                if column in table.unread:
                    got = f"bytes (an image or sound, say) in {column!r}"
                    raise ValueError(f"expected a column of texts or numbers, got {got}")
            return found

    def _parse(self, setting: str) -> Template:
        with self._blaming(setting):
            return Template.parse(getattr(self, setting))

    @contextmanager
    def _blaming(self, setting: str) -> Iterator[None]:
        """What is wrong with a template is said of its setting."""
        try:
            yield
        except ValueError as error:
            raise TaskError(str(error), Where(self.path, setting)) from None
