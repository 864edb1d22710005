"""What the tokenizer's files say: which tokens there are, which end an answer, whether there is a template."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from evoswarm.checkpoint.description import Description, Unfit

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt", "tekken.json")
_END_FILES = ("generation_config.json", "config.json", "tokenizer_config.json", "special_tokens_map.json")
_TEMPLATE_FILES = ("tokenizer_config.json", "chat_template.json")
_JSON = "tokenizer.json"
RESIZE = (
    "a token that was added to a tokenizer needs model.resize_token_embeddings(len(tokenizer)), and training; or take "
    "the tokenizer that came with the model"
)
"""What to do where a tokenizer has more tokens than its model."""


def has_tokenizer(directory: Path) -> bool:
    """Whether a directory holds the files of one."""
    return any((directory / name).is_file() for name in TOKENIZER_FILES)


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a model directory.

    Attributes:
        description: of the directory.
    """

    description: Description

    def check(self) -> None:
        """Refuse a directory whose files name no tokenizer, or say nonsense about it.

        Raises:
            Unfit: says which file and field.
        """
        directory = str(self.description.directory)
        if not has_tokenizer(self.description.directory):
            raise Unfit(f"expected a tokenizer (such as tokenizer.json) in {directory!r}, got none")
        columns = self.description.columns()
        added = set(self.added.values())
        beyond = () if columns is None else self.pieces.items()
        foreign = [token for token, number in beyond if number >= (columns or 0) and number not in added]
        if foreign:
            raise Unfit(
                f"expected tokens below {columns} (vocab_size in config.json) in {self.description.path(_JSON)}, got"
                f" {foreign[0]!r:.40} as {self.pieces[foreign[0]]}, and {len(foreign)} such in all: it is the tokenizer"
                " of another model"
            )

    def check_ends(self, others: Collection[str] = ()) -> None:
        """Refuse a directory with which answers would never end.

        Args:
            others: end tokens beside those that the files name.

        Raises:
            Unfit: there is none at all, or none that the model knows.
        """
        if not others and not self.end_tokens():
            raise Unfit(
                f"expected an end token (eos_token_id in {self.description.path('generation_config.json')}, or "
                "eos_token in tokenizer_config.json), got none: answers would never end"
            )
        columns, tokens = self.description.columns(), self.tokens() or {}
        known = {*self.end_ids(), *(tokens.get(text, 0) for text in others)}  # where nobody knows better, it will do
        if columns is not None and known and min(known) >= columns:
            raise Unfit(
                f"expected an end token below {columns:,} (vocab_size in {self.description.path('config.json')}), got"
                f" {min(known)}, which the model does not know: answers would never end ({RESIZE})"
            )

    def end_tokens(self) -> frozenset[int | str]:
        """Ids or texts of the end tokens that the files name.

        Raises:
            Unfit: one of them is neither.
        """
        found: set[int | str] = set()
        for name in _END_FILES:
            content = self.description.json(name)
            inner = content.get("text_config")
            for settings in (content, inner if isinstance(inner, dict) else {}):
                found.update(self._ids(name, settings.get("eos_token_id")))
                found.update(self._text(name, settings.get("eos_token")))
        return frozenset(found)

    def _ids(self, name: str, value: Any) -> list[int]:
        ids = value if isinstance(value, list) else [] if value is None else [value]
        for one in ids:
            if not isinstance(one, int) or isinstance(one, bool):
                raise self.description.odd(name, "eos_token_id", "a whole number or a list of them", one)
        return list(ids)

    def _text(self, name: str, value: Any) -> list[str]:
        text = value.get("content") if isinstance(value, dict) else value
        if text is None:
            return []
        if not isinstance(text, str):
            raise self.description.odd(name, "eos_token", "a text or an object with its content", value)
        return [text]

    def end_ids(self) -> frozenset[int]:
        """Ids of the end tokens, texts looked up in the vocabulary."""
        vocabulary = self.tokens() or {}
        named = (vocabulary.get(end) if isinstance(end, str) else end for end in self.end_tokens())
        return frozenset(end for end in named if end is not None)

    def tokens(self) -> dict[str, int] | None:
        """The map from tokens to ids, added ones too; None where there is no tokenizer.json."""
        return {**self.pieces, **self.added} if self.description.has(_JSON) else None

    @cached_property
    def pieces(self) -> dict[str, int]:
        """The map from the model's own tokens to ids; empty where there is no tokenizer.json.

        Raises:
            Unfit: it is none.
        """
        model = self.description.entry(_JSON, "model", dict, "an object", default={})
        vocabulary = model.get("vocab", {})
        if isinstance(vocabulary, list):  # Unigram: [token, score] by id
            for entry in vocabulary:
                if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)):
                    raise self.description.odd(_JSON, "model.vocab", "pairs of a token and a score", entry)
            return {entry[0]: index for index, entry in enumerate(vocabulary)}
        if not isinstance(vocabulary, dict):
            raise self.description.odd(_JSON, "model.vocab", "an object (token: id)", vocabulary)
        for token, number in vocabulary.items():
            if not isinstance(number, int) or isinstance(number, bool) or number < 0:
                raise self.description.odd(_JSON, f"model.vocab.{token:.40}", "a whole number of at least 0", number)
        return vocabulary

    @cached_property
    def added(self) -> dict[str, int]:
        """The map from tokens that were added to the model's own to ids.

        Raises:
            Unfit: it is none.
        """
        return {entry["content"]: entry["id"] for entry in self._added}

    @cached_property
    def _added(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for entry in self.description.entry(_JSON, "added_tokens", list, "a list of tokens", default=[]):
            content, number = (entry.get("content"), entry.get("id")) if isinstance(entry, dict) else (None, None)
            if not isinstance(content, str) or not isinstance(number, int) or isinstance(number, bool) or number < 0:
                raise self.description.odd(_JSON, "added_tokens", "tokens with content and id", entry)
            found.append(entry)
        return found

    @cached_property
    def special(self) -> frozenset[str]:
        """The added tokens that are special: they are never spelled.

        Raises:
            Unfit: the list of added tokens is none.
        """
        return frozenset(entry["content"] for entry in self._added if entry.get("special"))

    def unreadable(self) -> list[str]:
        """Tokens added behind the last one that the model knows, which a prompt may hold: it cannot be read then.

        Special ones are never matched in a question: only a template writes them.

        Raises:
            Unfit: the files cannot be understood.
        """
        columns = self.description.columns()
        if columns is None:
            return []
        beyond = [entry for entry in self._added if entry["id"] >= columns]
        template = self._templates() if beyond else ""
        return [entry["content"] for entry in beyond if not entry.get("special") or entry["content"] in template]

    def beyond(self, text: str) -> tuple[str, int] | None:
        """An added token within a text that the model does not know, and its id; None where there is none.

        Raises:
            Unfit: the files cannot be understood.
        """
        columns = self.description.columns()
        unknown = [] if columns is None else [one for one in self._added if one["id"] >= columns]
        return next(((one["content"], one["id"]) for one in unknown if one["content"] in text), None)

    def _templates(self) -> str:
        """All chat templates, one behind the other; empty where there are none."""
        file = self.description.directory / "chat_template.jinja"
        written = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        named = [self.description.json(name).get("chat_template") for name in _TEMPLATE_FILES]
        return written + json.dumps(named, ensure_ascii=False)
