"""Writes the model that R6 of a certificate is: the mean of several models' weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evoswarm.checkpoint import Description, Unfit
from evoswarm.checkpoint.likeness import shape_digest
from evoswarm.decoding.member import locate
from evoswarm.decoding.member.soup import Soup
from evoswarm.errors import MemberError
from evoswarm.evaluation.ledger import Ledger
from evoswarm.member_spec import MemberSpec


def merge(models: Sequence[str | Path], out: str | Path) -> Path:
    """Write one model whose weights are the mean of others' (Wortsman et al. 2022): R6 of a certificate, to be kept.

    The same models in the order in which the certificate names them give the same files, to the byte. Nothing is
    loaded: the models may be larger than the memory.

    Args:
        models: at least two of one shape: directories, ``zoo:NAME``, or hub ids. The first one's tokenizer, template
            and settings are taken.
        out: a directory that is not there yet, or is empty.

    Returns:
        the directory, which is a member like any other.

    Raises:
        MemberError: a model cannot be found or averaged, two are not of one shape, there is no room, or something
            stands in the way.

    Example:
        >>> merge(["zoo:llama-a", "zoo:llama-b"], "merged").name
        'merged'
    """
    if len(models) < 2:
        raise MemberError(f"expected at least two models to merge, got {len(models)}")
    target = Path(out)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise MemberError(f"expected a directory that is new or empty for the merged model, got {str(target)!r}")
    places = [locate(MemberSpec(name=f"model-{number}", path=str(one))) for number, one in enumerate(models, start=1)]
    shapes = [_shape(one, place) for one, place in zip(models, places, strict=True)]
    for one, shape in zip(models, shapes, strict=True):
        if shape != shapes[0]:
            raise MemberError(
                f"expected models of one architecture, one size and one vocabulary, got {str(models[0])!r} and"
                f" {str(one)!r}, which have no mean"
            )
    with Ledger(":memory:") as nothing_known:
        Soup(places, target, [str(place) for place in places], nothing_known).write()
    return target


def _shape(model: str | Path, place: Path) -> str:
    try:
        return shape_digest(Description(place))
    except Unfit as error:
        raise MemberError(f"{str(model)!r} cannot be merged: {error}") from None
