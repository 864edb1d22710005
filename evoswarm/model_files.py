"""What can be said of a member from its files alone: no weights are read, no model library is imported."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from evoswarm.canonical import sha256
from evoswarm.checkpoint import (
    Adapter,
    Description,
    Unfit,
    Vocabulary,
    adapter_of,
    generation_of,
    refuse_kind,
    stored_weights,
)
from evoswarm.checkpoint.vocabulary import RESIZE, has_tokenizer
from evoswarm.errors import MemberError, Where
from evoswarm.member_spec import MemberSpec
from evoswarm.user_files import nearby
from evoswarm.zoo import catalogue

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class ModelFiles:
    """A local model directory.

    Attributes:
        directory: where it is.
        name: of the member.
        where: the line of the space that names it.
    """

    directory: Path
    name: str
    where: Where

    def check(self, chat_template: Where | None) -> tuple[str, ...]:
        """Refuse a directory that no member can be loaded from.

        Args:
            chat_template: the place that asks for one; None where none is asked for.

        Returns:
            what is odd and yet no reason to refuse it, or could not be checked; a sentence each.

        Raises:
            MemberError: a file is missing, unreadable or holds what no model has; it is no causal language model;
                or a chat template that is asked for is not there.
        """
        if not os.path.isdir(self.directory):  # unlike pathlib's, no error for a name that is too long
            got = "a file" if os.path.exists(self.directory) else "no such directory"
            got += " (GGUF: expected the model's directory of safetensors)" if self.directory.suffix == ".gguf" else ""
            got += "" if os.path.exists(self.directory) else nearby(self.directory)
            raise MemberError(f"expected a model directory {str(self.directory)!r:.300}, got {got}", self.where)
        with self._located():
            adapter = adapter_of(self._description)
            notes = self._check_model() if adapter is None else self._check_adapter(adapter)
            generation_of(self.directory)
            if chat_template is not None and not self.speaks_as_hub and not self._has_chat_template():
                raise MemberError(
                    f"expected false, or a chat template in {str(self.directory)!r}, got true and none there",
                    chat_template,
                )
        return tuple(notes)

    def check_ends(self, others: Collection[str] = ()) -> None:
        """Refuse a directory with which answers would never end.

        Args:
            others: end tokens beside those that the files name.

        Raises:
            MemberError: there is none at all.
        """
        with self._located():
            adapter = adapter_of(self._description)
            base = None if adapter is None else adapter.local_base
            if adapter is None or (base is not None and not self._vocabulary.end_tokens()):
                (self._vocabulary if base is None else Vocabulary(Description(base))).check_ends(others)

    def end_ids(self) -> frozenset[int]:
        """Ids of the end tokens, texts looked up in the vocabulary."""
        with self._located():
            return self._vocabulary.end_ids()

    def added_tokens(self) -> dict[str, int]:
        """The tokens that were added to the tokenizer's own, and their ids."""
        with self._located():
            return self._vocabulary.added

    def special_tokens(self) -> frozenset[str]:
        """Those of the added tokens that are special."""
        with self._located():
            return self._vocabulary.special

    def vocabulary(self) -> dict[str, int] | None:
        """The map from tokens to ids; None where there is no tokenizer.json."""
        with self._located():
            return self._vocabulary.tokens()

    def context(self) -> int | None:
        """Tokens that the model can read at most; None where its config.json does not say."""
        with self._located():
            if not self._description.has("config.json"):
                return None
            limit = self._description.text_config().get("max_position_embeddings")
            return limit if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0 else None

    @cached_property
    def _description(self) -> Description:
        return Description(self.directory)

    @cached_property
    def tokenizer_directory(self) -> Path:
        """The directory that holds the tokenizer and its template: an adapter may leave them to its base.

        Raises:
            MemberError: its files cannot be understood.
        """
        with self._located():
            adapter = adapter_of(self._description)
            base = None if adapter is None or has_tokenizer(self.directory) else adapter.local_base
            return base or self.directory

    @cached_property
    def speaks_as_hub(self) -> bool:
        """Whether tokenizer and chat template are those of an adapter's base that is on the hub: nothing is known.

        Raises:
            MemberError: its files cannot be understood.
        """
        with self._located():
            adapter = adapter_of(self._description)
            return adapter is not None and adapter.local_base is None and not has_tokenizer(self.directory)

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(Description(self.tokenizer_directory))

    def _check_model(self, speaks: bool = True) -> list[str]:
        """Refuse what is no model; the base of an adapter with a tokenizer of its own need not have one."""
        if not self._description.has("config.json"):
            raise Unfit(f"expected config.json in {str(self.directory)!r}, got none{_models_within(self.directory)}")
        refuse_kind(self._description)
        if speaks:
            self._vocabulary.check()
        stored = stored_weights(self._description)
        if not stored.files or not any(file.stat().st_size for file in stored.files):
            raise Unfit(f"expected weights (model.safetensors) in {str(self.directory)!r}, got none")
        self._description.check_layers(stored.tensors)
        self._check_embedding(stored.known_tokens)
        beyond = self._vocabulary.unreadable()
        if not beyond:
            return []
        return [
            f"{str(self.directory)!r} has tokens that its model does not know (vocab_size in config.json is"
            f" {self._description.columns()}): prompts that hold {' or '.join(map(repr, beyond[:3]))} cannot be read"
        ]

    def _check_embedding(self, rows: int | None) -> None:
        """A config that promises more tokens than the weights have rows is of another model.

        More rows than tokens are no mistake: models round their number up.
        """
        columns = self._description.columns()
        if rows is not None and columns is not None and rows < columns:
            if self._description.json("config.json").get("quantization_config") is not None:
                return  # rows may be packed
            raise Unfit(
                f"expected {columns:,} rows (vocab_size in config.json) in the embedding of {str(self.directory)!r},"
                f" got {rows:,}: config and weights are of different models, or tokens were added to one of them only"
            )

    def check_prompt(self, prompt: str) -> None:
        """Refuse a tokenizer whose chat template writes what the model does not know, whatever is asked.

        Args:
            prompt: of some question.

        Raises:
            MemberError: names the token.
        """
        with self._located():
            found = self._vocabulary.beyond(prompt)
            if found is not None:
                raise Unfit(
                    f"expected tokens below {self._description.columns():,} (vocab_size in config.json) in every prompt"
                    f" of {str(self.directory)!r}, got {found[0]!r:.40} as {found[1]} from its chat template: {RESIZE}"
                )

    def _check_adapter(self, adapter: Adapter) -> list[str]:
        """An adapter is as good as its base, and merged into it by a package that may not be there."""
        if find_spec("peft") is None:
            raise Unfit(
                f"expected a whole model in {str(self.directory)!r}, got an adapter ({adapter.kind}) of"
                f" {adapter.base!r}: install evoswarm[adapters], which merges it when it is loaded, or merge it once"
                " (peft: merge_and_unload, then save_pretrained)"
            )
        if adapter.local_base is None:
            alike = "; nor are its tokenizer and chat template" if self.speaks_as_hub else ""
            return [
                f"{str(self.directory)!r} is an adapter of {adapter.base!r}, which is on the hub and not checked{alike}"
            ]
        base = ModelFiles(adapter.local_base, self.name, self.where)
        if not has_tokenizer(self.directory):
            return base._check_model()
        self._vocabulary.check()
        return base._check_model(speaks=has_tokenizer(base.directory))

    def _has_chat_template(self) -> bool:
        files = Description(self.tokenizer_directory)
        if files.has("chat_template.jinja") or files.has("chat_template.json"):
            return True
        return bool(files.json("tokenizer_config.json").get("chat_template"))

    @contextmanager
    def _located(self) -> Iterator[None]:
        """What is wrong with the files is said at the line of the space that names them."""
        try:
            yield
        except Unfit as error:
            raise MemberError(str(error), self.where) from None


def model_files(spec: MemberSpec, where: Where) -> ModelFiles | None:
    """The files of a member; None for a hub id, whose files are elsewhere.

    Raises:
        MemberError: the path is neither a directory, nor a built-in member, nor a possible hub id.
    """
    if spec.path.startswith("zoo:"):
        try:
            return ModelFiles(catalogue.member_path(spec.path.removeprefix("zoo:")), spec.name, where)
        except ValueError as error:
            raise MemberError(str(error), where) from None
    directory = Path(spec.path)
    if os.path.exists(directory) or spec.path.startswith((".", "/", "~")) or spec.path.endswith("/"):
        return ModelFiles(directory, spec.name, where)
    if not _HUB_ID.fullmatch(spec.path):
        raise MemberError(
            f"expected a directory that is there, zoo:NAME or a hub id (owner/name), got {spec.path!r}",
            where,
        )
    return None


def taken_for_hub(path: str) -> str:
    """What is said of a path that is taken for a hub id; it may be a local one, misspelt."""
    return f"{path} is on the hub: whether it can be had shows when it is loaded{nearby(path)}"


def _models_within(directory: Path) -> str:
    """The model that lies deeper, as checkpoints of a training and the hub's cache do; "" where none does."""
    found: list[Path] = []
    for pattern in ("*/config.json", "snapshots/*/config.json"):
        found += sorted(path.parent for path in directory.glob(pattern))
    return f" (did you mean {str(found[-1])!r}?)" if found else ""


def vocabulary_digest(vocabulary: dict[str, int]) -> str:
    """One text per vocabulary, to compare many."""
    return sha256(json.dumps(sorted(vocabulary.items())))
