"""Decoders of the common shape without their library's frame: the same numbers from a few operations per layer."""

from evoswarm.decoding.forward.lean.decoder import LeanDecoder, Placed
from evoswarm.decoding.forward.lean.families import lean_decoder

__all__ = ["LeanDecoder", "Placed", "lean_decoder"]
