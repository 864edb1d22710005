"""Mixes fitted to gold texts: plain recipes, found without decoding anything."""

from evoswarm.gold.fit.fitted import fitted_mixes, gated_mix

__all__ = ["fitted_mixes", "gated_mix"]
