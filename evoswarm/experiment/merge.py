"""Writes the model that R6 of a certificate is: the mean of several models' weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evoswarm.checkpoint import Description, Unfit
from evoswarm.checkpoint.likeness import shape_digest
from evoswarm.decoding.member import identified, locate
from evoswarm.decoding.member.soup import Soup
from evoswarm.errors import MemberError
from evoswarm.evaluation.ledger import Ledger
from evoswarm.member_spec import MemberSpec


def merge(models: Sequence[str | Path | MemberSpec], out: str | Path) -> Path:
    """Write one model whose weights are the mean of others' (Wortsman et al. 2022): R6 of a certificate, to be kept.

    The same models in the order in which the certificate names them give the same files, to the byte. Nothing is
    loaded: the models may be larger than the memory.

    Args:
        models: at least two of one shape: directories, ``zoo:NAME``, or hub ids; or members of a space or a policy,
            whose revisions count, and whose fingerprints are checked where they are known. The first one's tokenizer,
            template and settings are taken.
        out: a directory that is not there yet, or is empty.

    Returns:
        the directory, which is a member like any other.

    Raises:
        MemberError: a model cannot be found or averaged, one is not what its fingerprint says, two are not of one
            shape, there is no room, or something stands in the way.

    Example:
        >>> merge(["zoo:llama-a", "zoo:llama-b"], "merged").name
        'merged'
    """
    if len(models) < 2:
        raise MemberError(f"expected at least two models to merge, got {len(models)}")
    target = Path(out)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise MemberError(f"expected a directory that is new or empty for the merged model, got {str(target)!r}")
    specs = [_spec(one, number) for number, one in enumerate(models, start=1)]
    places = [_found(spec) for spec in specs]
    shapes = [_shape(spec.path, place) for spec, place in zip(specs, places, strict=True)]
    for spec, shape in zip(specs, shapes, strict=True):
        if shape != shapes[0]:
            raise MemberError(
                f"expected models of one architecture, one size and one vocabulary, got {specs[0].path!r} and"
                f" {spec.path!r}, which have no mean"
            )
    with Ledger(":memory:") as nothing_known:
        Soup(places, target, [str(place) for place in places], nothing_known).write()
    return target


def _spec(model: str | Path | MemberSpec, number: int) -> MemberSpec:
    """The model as a member."""
    return model if isinstance(model, MemberSpec) else MemberSpec(name=f"model-{number}", path=str(model))


def _found(spec: MemberSpec) -> Path:
    """The directory of a model, if it is the one that is meant.

    Raises:
        MemberError: it cannot be found, or is another one.
    """
    place = locate(spec)
    if spec.fingerprint is not None:
        found = identified(spec, place).fingerprint
        if found != spec.fingerprint:
            raise MemberError(
                f"member {spec.name!r}: expected the model of the fingerprint {spec.fingerprint} in {spec.path!r}, got"
                f" {found}: other weights, tokenizer or template"
            )
    return place


def _shape(model: str, place: Path) -> str:
    try:
        return shape_digest(Description(place))
    except Unfit as error:
        raise MemberError(f"{model!r} cannot be merged: {error}") from None
