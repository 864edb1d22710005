"""A policy of evoswarm as a model of transformers: it answers where ``evoswarm`` is installed (pip install evoswarm).

This file goes into exported folders, where it is all the code that there is; the models themselves lie beside it.
"""

from evoswarm.export.transformers.config import PolicyConfig
from evoswarm.export.transformers.model import PolicyForCausalLM


class EvoswarmConfig(PolicyConfig):
    """Transformers copies the file of a class that it saves: this one."""


class EvoswarmForCausalLM(PolicyForCausalLM):
    """Likewise."""

    config_class = EvoswarmConfig
