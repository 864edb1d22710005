"""Reads a member's tokenizer, and takes from it what a training script may have left there."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from evoswarm.decoding.member.border import reading
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec

log = logging.getLogger(__name__)

TRIED_TEXTS = ("the quick brown fox", "12 + 30 = 42", "two  spaces", "naïve\n東京")
NO_LENGTH = int(1e30)  # what transformers itself writes where there is none


def read_tokenizer(spec: MemberSpec, directory: Path) -> Any:
    """The tokenizer in a directory; one of pieces alone (``tokenizer.model``) is converted.

    Truncation and padding saved beside the tokens are how somebody once made batches: they are not obeyed.

    Raises:
        MemberError: it cannot be read; names the file to blame as far as that can be told.
    """
    from transformers import AutoTokenizer

    pieces = directory / "tokenizer.model"
    if not (directory / "tokenizer.json").is_file() and pieces.is_file() and not _is_sentencepiece(pieces):
        raise MemberError(
            f"member {spec.name!r}: expected a SentencePiece model in {str(pieces)!r}, got another format (tiktoken's,"
            " perhaps, which says nothing of special tokens): put the tokenizer.json of the model beside it"
        )
    try:
        with reading(spec.name, f"expected a tokenizer in {str(directory)!r}, got one that transformers cannot read"):
            tokenizer = AutoTokenizer.from_pretrained(directory, trust_remote_code=spec.trust_remote_code)
    except MemberError:
        _blame(spec, directory)
        raise
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise MemberError(
            f"member {spec.name!r}: expected a tokenizer that has, or can be converted to, a tokenizer.json in"
            f" {str(directory)!r}, got {type(tokenizer).__name__}: look for one among the model's own files, or for"
            " another copy of the model that has it"
        )
    with reading(spec.name, f"expected a tokenizer in {str(directory)!r}, got one that cannot encode"):
        backend.no_truncation()
        backend.no_padding()
        tokenizer.model_max_length = NO_LENGTH
        tokenizer("a b", add_special_tokens=False)
    _check_steps(spec, directory, backend)
    _check_conversion(spec, directory, tokenizer)
    return tokenizer


def check_vocabulary(spec: MemberSpec, directory: Path, tokenizer: Any, known: int) -> None:
    """Refuse a tokenizer whose own pieces the model does not know: it belongs to another one.

    Tokens added behind them are another matter: trainers add some without resizing the embeddings, and only prompts
    that hold them cannot be read.

    Raises:
        MemberError: names a piece that is beyond the ``known`` tokens, for which the model has embeddings.
    """
    backend = tokenizer.backend_tokenizer
    added = backend.get_added_tokens_decoder()
    pieces = backend.get_vocab(with_added_tokens=False)
    beyond = sorted((token, piece) for piece, token in pieces.items() if token >= known and token not in added)
    if beyond:
        token, piece = beyond[0]
        raise MemberError(
            f"member {spec.name!r}: expected tokens below {known} (the model's embeddings) in {str(directory)!r}, got"
            f" {piece!r:.40} as {token}, and {len(beyond)} such in all: it is the tokenizer of another model"
        )


def _check_conversion(spec: MemberSpec, directory: Path, tokenizer: Any) -> None:
    """Say so where pieces alone (``tokenizer.model``) were converted and read some texts otherwise than before.

    Some were trained with rules that change a text before it is read (no runs of spaces, say), which their converters
    leave out; transformers reads it so too.
    """
    pieces = directory / "tokenizer.model"
    if (directory / "tokenizer.json").is_file() or not pieces.is_file():
        return
    with reading(spec.name, f"expected a SentencePiece model in {str(pieces)!r}, got"):
        from sentencepiece import SentencePieceProcessor

        processor = SentencePieceProcessor(model_file=str(pieces))
        for text in TRIED_TEXTS:
            if list(processor.encode(text)) != list(tokenizer(text, add_special_tokens=False)["input_ids"]):
                log.warning(
                    "member %s: its tokenizer.model reads %r otherwise than what it was converted to (transformers does"
                    " the same): a tokenizer.json of its authors would be safer",
                    spec.name,
                    text,
                )
                return


def _check_steps(spec: MemberSpec, directory: Path, backend: Any) -> None:
    """Refuse a tokenizer whose decoder undoes what nothing does."""
    makes_bytes = [_says("ByteLevel", step) for step in (backend.normalizer, backend.pre_tokenizer)]
    if _says("ByteLevel", backend.decoder) and not any(makes_bytes):
        raise MemberError(
            f"member {spec.name!r}: expected a pre_tokenizer that makes bytes (ByteLevel) in"
            f" {str(directory / 'tokenizer.json')!r}, as its decoder undoes that, got none"
        )


def _is_sentencepiece(file: Path) -> bool:
    """By the first field of its format: a list of pieces."""
    with file.open("rb") as stream:
        return stream.read(1) == b"\n"


def _says(kind: str, step: Any) -> bool:
    """Whether a step of a tokenizer (None: there is no such step) is of a kind or holds one that is."""
    return step is not None and f'"{kind}"'.encode() in bytes(step.__getstate__())


def _blame(spec: MemberSpec, directory: Path) -> None:
    """Say so where it is tokenizer.json itself that cannot be read, and not what stands beside it."""
    from tokenizers import Tokenizer

    file = directory / "tokenizer.json"
    if file.is_file():
        with reading(spec.name, f"expected a tokenizer in {str(file)!r}, got"):
            Tokenizer.from_file(str(file))
