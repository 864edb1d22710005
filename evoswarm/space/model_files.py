"""What can be said of a member from its files alone: no weights are read, no model library is imported."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.errors import MemberError, Where
from evoswarm.recipe import MemberSpec
from evoswarm.zoo import catalogue

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt")
_WEIGHT_FILES = ("*.safetensors", "pytorch_model*.bin")
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_END_FILES = ("generation_config.json", "config.json", "tokenizer_config.json", "special_tokens_map.json")


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

    def check(self, chat_template: Where | None) -> None:
        """Refuse a directory that no member can be loaded from.

        Args:
            chat_template: the place that asks for one; None where none is asked for.

        Raises:
            MemberError: a file is missing or unreadable, no end token is named, or a chat template that is asked
                for is not there.
        """
        if not self.directory.is_dir():
            got = "a file" if self.directory.exists() else "no such directory"
            raise self._refusal(f"expected a model directory {str(self.directory)!r}, got {got}")
        if not (self.directory / "config.json").is_file():
            raise self._refusal(f"expected config.json in {str(self.directory)!r}, got none")
        self._json("config.json")
        if not any((self.directory / name).is_file() for name in _TOKENIZER_FILES):
            raise self._refusal(f"expected a tokenizer (such as tokenizer.json) in {str(self.directory)!r}, got none")
        self._check_weights()
        if not self.end_tokens():
            raise self._refusal(
                f"expected an end token (eos_token_id in {str(self.directory / 'generation_config.json')!r}, or "
                f"eos_token in tokenizer_config.json), got none: answers would never end"
            )
        if chat_template is not None and not self._has_chat_template():
            raise MemberError(
                f"expected false, or a chat template in {str(self.directory)!r}, got true and none there", chat_template
            )

    def end_tokens(self) -> frozenset[int | str]:
        """Ids or texts of the end tokens that the files name."""
        found: set[int | str] = set()
        for name in _END_FILES:
            content = self._json(name) if (self.directory / name).is_file() else {}
            inner = content.get("text_config")  # of models that also see or hear
            for settings in (content, inner if isinstance(inner, dict) else {}):
                for key in ("eos_token_id", "eos_token"):
                    value = settings.get(key)
                    values = value if isinstance(value, list) else [value]
                    found.update(
                        token["content"] if isinstance(token, dict) else token for token in values if token is not None
                    )
        return frozenset(found)

    def end_ids(self) -> frozenset[int]:
        """Ids of the end tokens, texts looked up in the vocabulary."""
        vocabulary = self.vocabulary() or {}
        named = (vocabulary.get(end) if isinstance(end, str) else end for end in self.end_tokens())
        return frozenset(end for end in named if end is not None)

    def vocabulary(self) -> dict[str, int] | None:
        """The map from tokens to ids; None where there is no tokenizer.json."""
        if not (self.directory / "tokenizer.json").is_file():
            return None
        content = self._json("tokenizer.json")
        vocabulary = content.get("model", {}).get("vocab", {})
        if isinstance(vocabulary, list):  # Unigram: [token, score] by id
            vocabulary = {entry[0]: index for index, entry in enumerate(vocabulary)}
        return {**vocabulary, **{token["content"]: token["id"] for token in content.get("added_tokens", ())}}

    def _check_weights(self) -> None:
        for index in _INDEXES:
            if (self.directory / index).is_file():
                shards = set(self._json(index).get("weight_map", {}).values())
                missing = sorted(shard for shard in shards if not (self.directory / shard).is_file())
                if missing:
                    raise self._refusal(
                        f"expected {missing[0]} in {str(self.directory)!r} ({index} names it), got none"
                    )
                return
        if not any(path.stat().st_size for pattern in _WEIGHT_FILES for path in self.directory.glob(pattern)):
            raise self._refusal(f"expected weights (model.safetensors) in {str(self.directory)!r}, got none")

    def _has_chat_template(self) -> bool:
        if (self.directory / "chat_template.jinja").is_file() or (self.directory / "chat_template.json").is_file():
            return True
        config = self.directory / "tokenizer_config.json"
        return config.is_file() and bool(self._json("tokenizer_config.json").get("chat_template"))

    def _json(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self.directory / name).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            reason = " ".join(str(getattr(error, "strerror", None) or error).split())[:120]
            raise self._refusal(f"expected JSON in {str(self.directory / name)!r}, got: {reason}") from None
        if not isinstance(content, dict):
            raise self._refusal(f"expected an object in {str(self.directory / name)!r}, got {content!r:.40}")
        return content

    def _refusal(self, message: str) -> MemberError:
        return MemberError(message, self.where)


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
    if directory.exists() or spec.path.startswith((".", "/", "~")) or spec.path.endswith("/"):
        return ModelFiles(directory, spec.name, where)
    if not _HUB_ID.fullmatch(spec.path):
        raise MemberError(
            f"expected a directory that is there, zoo:NAME or a hub id (owner/name), got {spec.path!r}",
            where,
        )
    return None


def vocabulary_digest(vocabulary: dict[str, int]) -> str:
    """One text per vocabulary, to compare many."""
    return hashlib.sha256(json.dumps(sorted(vocabulary.items())).encode()).hexdigest()
