"""Whether two spaces can be compared: they may differ in their pools alone. Nothing is loaded."""

from __future__ import annotations

from evoswarm.errors import SpaceError
from evoswarm.space import SearchSpace

_MAY_DIFFER = frozenset({"name", "description", "seed", "pool", "tracking", "decoding"})


def check_spaces(same: SearchSpace, cross: SearchSpace) -> None:
    """Refuse spaces that differ in more than their pools: what is compared would be something else.

    Raises:
        SpaceError: names the first key that differs, or what makes the comparison impossible.
    """
    if same.name == cross.name:
        raise SpaceError(f"expected a name of its own, got {cross.name!r} twice", cross.where("name"))
    if same.genome.kind != "mix":
        message = f"expected mix (votes are searched for beside it), got {same.genome.kind!r}"
        raise SpaceError(message, same.where("genome", "kind"))
    for key, field in type(same).model_fields.items():
        if key not in _MAY_DIFFER and getattr(same, key) != getattr(cross, key):
            message = (
                f"expected the same {field.alias or key} as in {same.name} (only the pools may differ), got another"
            )
            raise SpaceError(message, cross.where(key))
