"""A policy as a model of transformers: a folder that its loaders know, and a way to generate in any model's place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evoswarm.export.target import Options, Target
from evoswarm.run_directory import CHAMPION

if TYPE_CHECKING:
    from evoswarm.export.source import Source

MODELING = "modeling_evoswarm.py"
"""The file in the folder by which transformers finds the model's class."""


def write_transformers(source: Source, out: Path, options: Options) -> list[str]:
    """Write a folder for ``AutoModelForCausalLM`` and ``AutoTokenizer``.

    Args:
        source: with its members.
        out: the folder.
        options: of the caller's.

    Returns:
        What was written and how it is used, a sentence each.

    Raises:
        EvoswarmError: a member's files cannot be had or loaded, or the disk has no room for them.
    """
    from evoswarm.export.transformers.writing import written  # imports transformers

    return written(source, out, options)


TRANSFORMERS = Target(
    name="transformers",
    title="a folder that AutoModelForCausalLM, AutoTokenizer and pipeline load, members of any tokenizers",
    takes="policy",
    command='AutoModelForCausalLM.from_pretrained("OUT", trust_remote_code=True)',
    write=write_transformers,
    signs=(CHAMPION, MODELING),
)
