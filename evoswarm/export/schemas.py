"""The formats of our files as JSON Schema (draft 2020-12): editors complete and check files by it, programs read it.

What no schema can say (that a lead is a member, that names differ) is checked when a file is read.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from evoswarm.certificate.document import Certificate
from evoswarm.certificate.seeds import SeedsCertificate
from evoswarm.errors import SpaceError, Where
from evoswarm.export.described import Described
from evoswarm.policies import KINDS, About
from evoswarm.policies.about import ABOUT
from evoswarm.space import SearchSpace
from evoswarm.study.hyperparameters.settings import StudySettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _of(*models: type) -> dict[str, Any]:
    """The schema of what is one of these models."""
    kind: Any = models[0]
    for model in models[1:]:
        kind |= model
    return TypeAdapter(kind).json_schema(by_alias=True, schema_generator=Described)


def _policy() -> dict[str, Any]:
    """A policy of any kind, and what its file says about it: that stands beside the policy alone, not in its parts."""
    parts = _of(*KINDS.values(), About)["$defs"]
    told = {"$ref": f"#/$defs/{About.__name__}", "description": "What is known of the policy; it decides nothing."}
    kinds = []
    for name, model in KINDS.items():
        whole = parts[model.__name__]
        named = ["kind"] if "kind" in whole["properties"] else []  # a mix names none
        properties = {**whole["properties"], ABOUT: told}
        kinds.append(
            {**whole, "title": name, "properties": properties, "required": [*named, *whole.get("required", ())]}
        )
    return {"oneOf": kinds, "$defs": parts}


SCHEMAS: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "space": ("A search space of evoswarm", lambda: _of(SearchSpace)),
    "policy": ("A policy of evoswarm: a mix, a vote or a route", _policy),
    "certificate": (
        "A certificate of evoswarm, of one search or over several seeds",
        lambda: _of(Certificate, SeedsCertificate),
    ),
    "study": ("A study of evoswarm", lambda: _of(StudySettings)),
}
"""By the kind of file: its title, and what makes its schema."""


def schema_of_files(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of file.

    Args:
        kind: a key of `SCHEMAS`.

    Raises:
        SpaceError: there is no such kind.
    """
    if kind not in SCHEMAS:
        meant = difflib.get_close_matches(kind, SCHEMAS, n=1)
        hint = f" (did you mean {meant[0]!r}?)" if meant else ""
        raise SpaceError(f"expected one of {', '.join(SCHEMAS)}, got {kind!r:.80}{hint}", Where("FILE"))
    title, make = SCHEMAS[kind]
    return {"$schema": DIALECT, "$id": f"urn:evoswarm:schema:{kind}:1", **make(), "title": title}


def schema_text(kind: str) -> str:
    """The same as JSON text, the same bytes for the same formats; see `schema_of_files`."""
    return json.dumps(schema_of_files(kind), indent=2, ensure_ascii=False) + "\n"
