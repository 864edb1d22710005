"""A model's directory as its files describe it: nothing is loaded, no model library is imported."""

from evoswarm.checkpoint.adapter import Adapter, adapter_of
from evoswarm.checkpoint.description import Description, Unfit
from evoswarm.checkpoint.generation import Generation, generation_of
from evoswarm.checkpoint.kind import refuse_kind
from evoswarm.checkpoint.vocabulary import Vocabulary
from evoswarm.checkpoint.weights import OLD_WEIGHTS, WEIGHTS, StoredWeights, stored_weights

__all__ = [
    "OLD_WEIGHTS",
    "WEIGHTS",
    "Adapter",
    "Description",
    "Generation",
    "StoredWeights",
    "Unfit",
    "Vocabulary",
    "adapter_of",
    "generation_of",
    "refuse_kind",
    "stored_weights",
]
